package server

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// ticketLifetime is how long the link of a refused exchange is good for.
const ticketLifetime = 10 * time.Minute

// reconnectURI makes the link by which a user can connect an account again
// whose tokens no longer do, or a further one: one-time, and of this user and
// client alone.
func (s *Server) reconnectURI(ctx context.Context, ticket vault.Ticket) (string, error) {
	secret := rand.Text()
	ticket.Hash = vault.Hash(secret)
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		ticket.Expires = tx.Now().Add(ticketLifetime)
		return tx.Tickets.Put(ticket)
	})
	return s.Issuer + "login/reconnect?ticket=" + secret, err
}

var (
	errTicket      = told("problem.link", oidc.InvalidRequest, http.StatusBadRequest)
	errSignInFirst = told("problem.sign-in-first", oidc.AccessDenied, http.StatusForbidden)
	errTaken       = told("problem.taken", oidc.AccessDenied, http.StatusConflict)
	errOtherUser   = told("problem.other-user", oidc.AccessDenied, http.StatusForbidden)
)

// reconnect sends the user of a ticket to the identity provider, to sign in there
// anew: whoever is signed in there may be another account of the user's. A
// browser in which somebody else is signed in is refused before that. A further
// account is connected only where its user is signed in: whoever else opened
// the link would give the user an account of theirs.
func (s *Server) reconnect(c echo.Context) error {
	session, signedIn, err := s.session(c)
	if err != nil {
		return err
	}
	n := noteOf(c.Request().Context())
	n.byUser(session.User)
	var ticket vault.Ticket
	var client vault.Client
	var conn vault.Connection
	err = s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		hash := vault.Hash(c.QueryParam("ticket"))
		if ticket, err = tx.Tickets.Get(hash); err != nil {
			return err
		}
		if conn, err = tx.Connections.Get(ticket.Connection); err != nil {
			return err
		}
		if client, err = tx.Clients.Get(ticket.Client); err != nil {
			return err
		}
		if ticket.Further && !signedIn {
			return nil // it stays good for when the user is
		}
		return tx.Tickets.Delete(hash)
	})
	n.ofClient(ticket.Client)
	n.event.Connection = vault.Said(ticket.Connection)
	switch {
	case errors.Is(err, vault.ErrNotFound), err == nil && !(conn.Active && conn.Allows(ticket.Client)):
		return errTicket
	case err != nil:
		return err
	}
	showAs(c, client, nil)
	switch {
	case signedIn && session.User != ticket.User:
		return errOtherUser
	case ticket.Further && !signedIn:
		return errSignInFirst
	}
	purpose := vault.ToReconnect
	if ticket.Further {
		purpose = vault.ToConnect
	}
	return s.beginLogin(c, conn, vault.Login{Purpose: purpose, User: ticket.User, Request: vault.AuthorizationRequest{
		ClientID: ticket.Client, Connection: conn.Name, ConnScopes: ticket.Scopes, Prompt: []string{"login"}, LoginHint: ticket.LoginHint,
	}}, "")
}

// reconnected keeps the tokens of an account that its user connected again, or
// for the first time. The tokens of anybody else are not kept, whoever opened
// the link.
func (s *Server) reconnected(c echo.Context, login vault.Login, client vault.Client, conn vault.Connection, identity vault.Identity, tokens vault.TokenSet) error {
	account := newAccountID()
	n := noteOf(c.Request().Context())
	var kept vault.TokenSet
	other, further := false, login.Purpose == vault.ToConnect
	err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		user, err := tx.Users.Get(login.User)
		if err != nil {
			return err
		}
		if other = user.Blocked || !further && !slices.Contains(user.Identities, identity.Key()); other {
			return discard(tx, identity.Key(), account, tokens)
		}
		if further {
			if err := tx.Link(user, identity); err != nil {
				return err
			}
		}
		if kept, err = connect(tx, conn, identity.Key(), account, tokens); err != nil {
			return err
		}
		e := n.as("connected_accounts_connection_succeeded", append(withRequest(c), vault.Say("connected_account.id", kept.ID))...)
		e.Scope = vault.Said(oidc.FormatScopes(connections.Granted(conn, kept.Scopes)))
		return tx.Record(e)
	})
	switch {
	case errors.Is(err, vault.ErrConflict):
		return errTaken
	case err != nil:
		return err
	case other:
		return errOtherUser
	}
	page := templates.Connected{Client: client.Name, Connection: conn.Title(), Further: further, Warning: s.warnOf(c.Request().Context(), languageOf(c), conn, kept.ID, kept.Approved)}
	if i := slices.IndexFunc(client.RedirectURIs, func(uri string) bool { return originOf(uri) != "" }); i >= 0 {
		page.Back = originOf(client.RedirectURIs[i]) + "/"
	}
	return s.page(c, http.StatusOK, "connected", page)
}
