package server

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// loginLifetime is how long a user has to sign in at the identity provider.
const loginLifetime = 15 * time.Minute

// beginLogin sends the user to the identity provider of a connection. The
// login is of this browser alone, and good for one answer; so is the pushed
// request that it comes from, if it does.
func (s *Server) beginLogin(c echo.Context, conn vault.Connection, login vault.Login, pushed string) error {
	there, err := s.prepareLogin(c, conn, login, pushed)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, there)
}

// prepareLogin keeps a login, and returns where its user is to go.
func (s *Server) prepareLogin(c echo.Context, conn vault.Connection, login vault.Login, pushed string) (there string, err error) {
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return "", err
	}
	browser, err := s.browser(c)
	if err != nil {
		return "", err
	}
	state := rand.Text()
	if login.Purpose.Console() {
		state = consoleState + state
	}
	login.StateHash, login.BrowserHash = vault.Hash(state), vault.Hash(browser)
	login.Nonce, login.Verifier = rand.Text(), vault.NewSecret(rand.Text()+rand.Text()) // RFC 7636, section 4.1: 43 characters or more
	login.Connection, login.Expires = conn.Name, s.Now().Add(loginLifetime)
	if there, err = provider.AuthCodeURL(c.Request().Context(), login, state); err != nil {
		return "", err
	}
	err = s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		if err := spendPushed(tx, pushed); err != nil {
			return err
		}
		return tx.Logins.Put(login)
	})
	if err == nil && login.Purpose != vault.ToTry {
		s.Metrics.begin(conn.Name)
	}
	return there, err
}

// callback is where identity providers send users back to, whatever they were
// sent there for.
func (s *Server) callback(c echo.Context) error {
	if strings.HasPrefix(c.QueryParam("state"), consoleState) {
		return s.backAtConsole(c)
	}
	ctx := c.Request().Context()
	login, client, conn, err := s.takeLogin(c)
	if err != nil {
		return err
	}
	if login.Purpose == vault.ToTry {
		return s.pages.Tried(c, login, conn)
	}
	showAs(c, client, login.Request.UILocales)
	n := noteOf(ctx)
	n.forClient(client)
	n.at(conn)
	if login.Purpose != vault.ToSignIn {
		n.event.User, n.refused = vault.Said(login.User), "connected_accounts_connection_failed"
	}
	fail := func(err error) error { return &toClient{login.Request, err} }
	if login.Purpose != vault.ToSignIn || login.Request.Device != "" {
		fail = func(err error) error { return err } // nobody but the user is there to be told
	}
	identity, tokens, err := s.redeem(c, login, conn, func() error {
		if login.Purpose != vault.ToConnect {
			return nil
		}
		if session, ok, err := s.session(c); err != nil || !ok || session.User != login.User {
			return errors.Join(err, errOtherUser)
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	n.event.Account, n.event.UserName, n.known = vault.Said(identity.UserID), vault.Said(identity.Profile.Username), true
	switch login.Purpose {
	case vault.ToOwnPage:
		return s.ownSignedIn(c, conn, identity, tokens)
	case vault.ToReconnect, vault.ToConnect:
		return s.reconnected(c, login, client, conn, identity, tokens)
	}
	if err := s.signedIn(c, login, client, conn, identity, tokens); err != nil {
		return fail(err)
	}
	return nil
}

// redeem reads the answer of an identity provider to a login, and redeems its
// code. Whoever began the login must be there to end it before a code is shown,
// which there finds fault with.
func (s *Server) redeem(c echo.Context, login vault.Login, conn vault.Connection, there func() error) (identity vault.Identity, tokens vault.TokenSet, err error) {
	ctx := c.Request().Context()
	provider, err := s.connections.Provider(conn)
	if err != nil {
		return identity, tokens, err
	}
	if checker, ok := provider.(connections.AnswerChecker); ok {
		if err := checker.CheckAnswer(ctx, c.QueryParam("iss")); err != nil {
			s.cameBack(conn.Name, err)
			return identity, tokens, err
		}
	}
	if code := c.QueryParam("error"); code != "" {
		denied := provider.Denied(code, c.QueryParam("error_description"))
		s.cameBack(conn.Name, denied)
		return identity, tokens, denied
	}
	if err := there(); err != nil {
		return identity, tokens, err
	}
	code := c.QueryParam("code")
	if code == "" {
		return identity, tokens, &connections.Error{Connection: conn.Name, Kind: connections.Untrusted, Description: conn.Title() + " sent neither a code nor an error. Start again."}
	}
	identity, tokens, err = provider.Exchange(ctx, login, code)
	s.cameBack(conn.Name, err)
	return identity, tokens, err
}

// errExpiredLogin is the answer to a callback that belongs to no login of this
// browser. It does not say why, which is no business of whoever sent it.
var errExpiredLogin = told("problem.expired", oidc.InvalidRequest, http.StatusBadRequest)

// takeLogin takes the login that a callback belongs to: once, in the browser
// that began it, and at the connection's own URL where it has one. Whatever
// does not fit spends the login, and nothing is sent to the identity provider.
// A trial is of no client, and its connection may not be in use yet.
func (s *Server) takeLogin(c echo.Context) (login vault.Login, client vault.Client, conn vault.Connection, err error) {
	query := c.QueryParams()
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(query[name]) > 1 {
			return login, client, conn, errExpiredLogin
		}
	}
	state, browser := query.Get("state"), s.cookie(c, browserCookie)
	if state == "" || browser == "" {
		return login, client, conn, errExpiredLogin
	}
	fits := false
	err = s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		fits = false
		var err error
		if login, err = tx.Logins.Take(vault.Hash(state)); err != nil {
			return err
		}
		own, trial, console := login.Purpose == vault.ToOwnPage, login.Purpose == vault.ToTry, login.Purpose.Console()
		if trial {
			conn, err = s.pages.ConnectionToTry(tx, login.Connection)
		} else if conn, err = tx.Connections.Get(login.Connection); err == nil && !own && !console {
			client, err = tx.Clients.Get(login.Request.ClientID)
		}
		if errors.Is(err, vault.ErrNotFound) {
			return nil // deleted since
		}
		allowed := conn.Active && (own || conn.Allows(client.ID))
		switch {
		case trial:
			allowed = true
		case console:
			allowed = conn.AdmitsAdmins()
		}
		fits = subtle.ConstantTimeCompare([]byte(login.BrowserHash), []byte(vault.Hash(browser))) == 1 &&
			connections.CallbackURL(s.Issuer, conn) == s.Issuer+c.Request().URL.Path[1:] &&
			allowed
		return err
	})
	if errors.Is(err, vault.ErrNotFound) || err == nil && !fits {
		return login, client, conn, errExpiredLogin
	}
	return login, client, conn, err
}

// signedIn keeps who signed in and what was issued, and answers the client: all
// of it in one transaction, or none.
func (s *Server) signedIn(c echo.Context, login vault.Login, client vault.Client, conn vault.Connection, identity vault.Identity, tokens vault.TokenSet) error {
	id, fresh := s.newSession(identity)
	d := s.newDecision(client, login.Request)
	n := noteOf(c.Request().Context())
	account := newAccountID()
	before := s.cookie(c, sessionCookie)
	var kept vault.TokenSet
	blocked := false
	err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		user, err := tx.SignIn(identity)
		if err != nil {
			return err
		}
		n.byUser(user.ID)
		if blocked = user.Blocked; blocked {
			return discard(tx, identity.Key(), account, tokens)
		}
		if err := oidc.CheckUser(login.Request, user.ID); err != nil {
			return err // and nothing of the sign-in is kept
		}
		if conn.TokenVault {
			if kept, err = connect(tx, conn, identity.Key(), account, tokens); err != nil {
				return err
			}
		}
		session := fresh
		session.User = user.ID
		if err := begin(tx, before, &session, login.Request.ClientID); err != nil {
			return err
		}
		if err := d.conclude(tx, session, identity.Key()); err != nil || d.refused != nil {
			return err
		}
		return tx.Record(d.event(n, "s"))
	})
	if err != nil {
		return err
	}
	if blocked {
		return &oidc.Error{Code: oidc.AccessDenied, Description: "user is blocked", Words: "problem.blocked"} // Auth0's description, which its SDKs know
	}
	s.warnOf(c.Request().Context(), languageOf(c), conn, kept.ID, kept.Approved)
	if err := s.setCookie(c, sessionCookie, id); err != nil {
		return err
	}
	return s.deliver(c, d)
}

// discard has tokens revoked that were issued to somebody who may not have them.
func discard(tx *vault.Tx, identity, id string, tokens vault.TokenSet) error {
	tokens.Identity, tokens.ID = identity, id
	return tx.Discard("not kept "+id, tokens, false)
}

// newAccountID is the name by which applications know a connected account.
func newAccountID() string { return "cac_" + rand.Text()[:16] }

// connect keeps the tokens that an identity provider issued at a sign-in. A
// refresh token that came earlier stays if none came now, and the connection
// needs any: the provider gives one to the first sign-in only, or the scopes
// lacked it this time. One that gives way to a newer is revoked there, later.
// Webhooks are told if the account could not be used before.
func connect(tx *vault.Tx, conn vault.Connection, identity, id string, tokens vault.TokenSet) (kept vault.TokenSet, err error) {
	tokens.Identity, tokens.ID, tokens.Created = identity, id, tx.Now()
	if conn, err = tx.Connections.Get(conn.Name); err != nil {
		return kept, err
	}
	tokens.Generation = conn.Generation // now, and not when the sign-in began
	old, err := tx.TokenSets.Get(identity)
	switch {
	case err == nil && !old.Connected(conn):
		if _, err := tx.Disconnect(old); err != nil {
			return kept, err
		}
	case err == nil:
		tokens.ID, tokens.Created, tokens.Rotation = old.ID, old.Created, old.Rotation
		tokens.Approved = recent(old.Approved, tx.Now())
		switch {
		case connections.Asserts(conn): // and to revoke one of before could take the approval with it
		case !tokens.RefreshToken.IsZero() && tokens.RefreshToken != old.RefreshToken:
			if err := tx.Discard("superseded "+id, old, true); err != nil {
				return kept, err
			}
		case tokens.RefreshToken.IsZero() && old.Refusal == nil:
			tokens.RefreshToken, tokens.Attempt = old.RefreshToken, old.Attempt
		}
	case !errors.Is(err, vault.ErrNotFound):
		return kept, err
	}
	if !tokens.RefreshToken.IsZero() {
		tokens.Approved = append(tokens.Approved, tx.Now())
	}
	if old.ID == "" || old.Refusal != nil || !old.Connected(conn) {
		message := "msg_" + strings.TrimPrefix(id, "cac_") // as random as the ID that it is made of
		if err := tx.NotifyAccount(message, vault.AccountConnected, tokens); err != nil {
			return kept, err
		}
	}
	return tokens, tx.TokenSets.Put(tokens)
}
