package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// codeLifetime is how long a client has to redeem a code.
const codeLifetime = time.Minute

// retryLater is what a client is told to wait where nobody knows better.
const retryLater = 5 * time.Second

// authorize is the authorization endpoint (OpenID Connect Core 1.0, section
// 3.1.2). Until the redirect URI has passed its check, what is wrong is told on
// a page; from then on, to the client.
func (s *Server) authorize(c echo.Context) error {
	ctx := c.Request().Context()
	sent, err := parameters(c)
	if err != nil {
		return err
	}
	ref, malformed := oidc.ParseReference(sent)
	if malformed != nil && ref.ClientID == "" {
		return malformed
	}
	n := noteOf(ctx)
	n.ofClient(ref.ClientID)
	client, err := s.requestingClient(ctx, ref.ClientID)
	if err != nil {
		return err
	}
	n.forClient(client)
	req, err := s.authorizationRequest(ctx, client, ref, sent)
	if malformed != nil {
		err = malformed
	}
	n.event.Connection = vault.Said(req.Connection)
	if slices.Contains(req.Prompt, "none") {
		n.refused = "fsa"
	}
	if unregistered := oidc.CheckRedirectURI(client, req.RedirectURI); unregistered != nil {
		return errors.Join(err, unregistered)
	}
	showAs(c, client, req.UILocales)
	if err == nil {
		err = s.authorized(c, client, req.AuthorizationRequest, ref, sent)
	}
	if err != nil {
		return &toClient{req.AuthorizationRequest, err}
	}
	return nil
}

// authorizationRequest reads the request that a reference leads to, and checks
// all but its redirect URI. With an error comes what says where to tell it: the
// request as far as it could be read, or what was sent beside the reference.
func (s *Server) authorizationRequest(ctx context.Context, client vault.Client, ref oidc.Reference, sent url.Values) (oidc.AuthorizationRequest, error) {
	beside, _ := oidc.ParseAuthorizationRequest(sent)
	if err := oidc.CheckReference(client, ref); err != nil {
		return beside, err
	}
	params, key, err := s.resolve(ctx, client, ref, sent)
	if err != nil {
		return beside, err
	}
	req, err := oidc.ParseAuthorizationRequest(params)
	if err == nil {
		err = oidc.CheckAuthorizationRequest(client, req)
	}
	if err == nil {
		req.HintedUser, err = s.ring.Load().keys.HintedUser(req, s.Issuer)
	}
	if key != "" {
		req.DPoPKey = key
	}
	if req.Connection == "" {
		req.Connection = beside.Connection // chosen on our page, for a request that is kept elsewhere
	}
	return req, err
}

// parameters are the parameters of a request of a browser: of the form if it
// posted one (OpenID Connect Core 1.0, section 3.1.2.1), else of the query.
func parameters(c echo.Context) (url.Values, error) {
	if c.Request().Method != http.MethodPost {
		return c.QueryParams(), nil
	}
	if err := c.Request().ParseForm(); err != nil {
		return nil, badBody(err)
	}
	return c.Request().PostForm, nil
}

// requestingClient is the client of an authorization request.
func (s *Server) requestingClient(ctx context.Context, id string) (client vault.Client, err error) {
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		client, err = tx.Clients.Get(id)
		return err
	})
	if errors.Is(err, vault.ErrNotFound) {
		return client, &oidc.Error{Code: oidc.InvalidRequest, HTTPStatus: http.StatusBadRequest, Err: err,
			Description: "No application with this client_id is registered here. Check the application's settings, or register it in the tenant file."}
	}
	return client, err
}

// authorized answers a request that passed its checks: with a code if the
// browser is signed in already, else on the way to an identity provider.
func (s *Server) authorized(c echo.Context, client vault.Client, req vault.AuthorizationRequest, ref oidc.Reference, sent url.Values) error {
	ctx := c.Request().Context()
	req, candidates, err := s.options(ctx, client, req)
	if err != nil {
		return err
	}
	session, ok, err := s.session(c)
	if err != nil {
		return err
	}
	if ok && oidc.CheckUser(req, session.User) == nil {
		identity, err := s.suffices(ctx, session, req, candidates)
		if err != nil {
			return err
		}
		if identity != "" {
			return s.proceed(c, client, req, ref, session, identity)
		}
	}
	switch {
	case slices.Contains(req.Prompt, "none"):
		return &oidc.Error{Code: oidc.LoginRequired, Description: "Login required"}
	case len(candidates) == 1:
		if ok && s.answersFor(ctx, session.Connection, candidates[0]) {
			req.Prompt = append(slices.Clip(req.Prompt), "select_account")
		}
		return s.beginLogin(c, candidates[0], vault.Login{Purpose: vault.ToSignIn, Request: req}, ref.RequestURI)
	}
	return s.choose(c, client, candidates, sent)
}

// options are the connections that a request may be answered with, and the
// request with the scopes that can be granted of those it asks for.
func (s *Server) options(ctx context.Context, client vault.Client, req vault.AuthorizationRequest) (vault.AuthorizationRequest, []vault.Connection, error) {
	var candidates []vault.Connection
	var api *vault.ResourceServer
	err := s.Vault.View(ctx, func(tx *vault.Tx) (err error) {
		candidates = nil
		if api, err = userAPI(tx, s.Issuer, req.Audience); err != nil {
			return err
		}
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			if conn.Active && conn.Allows(client.ID) && !connections.OfClients(conn) && (req.Connection == "" || req.Connection == conn.Name) {
				candidates = append(candidates, conn)
			}
		}
		return nil
	})
	if err != nil {
		return req, nil, err
	}
	if len(candidates) == 0 {
		return req, nil, noConnection(req.Connection)
	}
	req.Scopes = oidc.GrantedScopes(client, api, req.Scopes)
	return req, candidates, nil
}

func noConnection(asked string) error {
	if asked != "" {
		return &oidc.Error{Code: oidc.InvalidRequest,
			Description: "The connection asked for does not exist, is not active, or is not enabled for this application, or no user can sign in with it. Check its name, authentication.active and enabled_clients."}
	}
	return &oidc.Error{Code: oidc.UnauthorizedClient,
		Description: "No connection is enabled for this application. Add its client_id to the enabled_clients of a connection."}
}

// suffices is the identity by which a session answers a request, or "" if the
// user must sign in: because the client wants it so, the session is of another
// connection, or there are no tokens in the vault that would do.
func (s *Server) suffices(ctx context.Context, session vault.Session, req vault.AuthorizationRequest, candidates []vault.Connection) (string, error) {
	i := slices.IndexFunc(candidates, func(c vault.Connection) bool { return c.Name == session.Connection })
	silent := slices.Contains(req.Prompt, "none")
	switch {
	case i < 0, slices.Contains(req.Prompt, "login"), slices.Contains(req.Prompt, "select_account"):
		return "", nil
	case req.MaxAge != nil && s.Now().Sub(session.AuthTime) > time.Duration(*req.MaxAge)*time.Second:
		return "", nil
	}
	conn, identity := candidates[i], ""
	err := s.Vault.View(ctx, func(tx *vault.Tx) error {
		identity = ""
		user, err := tx.Users.Get(session.User)
		if err != nil || user.Blocked {
			return err
		}
		ids, err := identitiesAt(tx, user, conn)
		if session.Identity != "" { // else the session is older than this field
			ids = slices.DeleteFunc(ids, func(i vault.Identity) bool { return i.Key() != session.Identity })
		}
		if err != nil || len(ids) != 1 {
			return err
		}
		if conn.TokenVault && !silent {
			ts, err := tx.TokenSets.Get(ids[0].Key())
			switch {
			case errors.Is(err, vault.ErrNotFound):
				return nil
			case err != nil:
				return err
			case ts.Refusal != nil || !ts.Connected(conn) || !subset(req.ConnScopes, connections.Granted(conn, ts.Scopes)):
				return nil
			}
		}
		identity = ids[0].Key()
		return nil
	})
	if ok, err := vault.Exists(err); !ok {
		return "", err
	}
	return identity, nil
}

// identitiesAt are a user's identities at a connection, of those that it is for.
func identitiesAt(tx *vault.Tx, user vault.User, conn vault.Connection) (list []vault.Identity, err error) {
	for _, key := range user.Identities {
		if !strings.HasPrefix(key, vault.IdentityKey(conn.Name, "")) {
			continue
		}
		i, err := tx.Identities.Get(key)
		if err != nil {
			return nil, err
		}
		if connections.Admits(conn, i) {
			list = append(list, i)
		}
	}
	return list, nil
}

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// proceed answers a request of a user who is signed in already.
func (s *Server) proceed(c echo.Context, client vault.Client, req vault.AuthorizationRequest, ref oidc.Reference, session vault.Session, identity string) error {
	d := s.newDecision(client, req)
	n := noteOf(c.Request().Context())
	n.byUser(session.User)
	n.event.Connection = vault.Said(session.Connection)
	kind := vault.EventType("s")
	if slices.Contains(req.Prompt, "none") {
		kind = "ssa"
	}
	err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		if err := spendPushed(tx, ref.RequestURI); err != nil {
			return err
		}
		if err := remember(tx, session, req.ClientID); err != nil {
			return err
		}
		if err := d.conclude(tx, session, identity); err != nil || d.refused != nil || d.ask {
			return err
		}
		return tx.Record(d.event(n, kind))
	})
	if err != nil {
		return err
	}
	return s.deliver(c, d)
}

// choose lets the user choose a connection: each choice is the same request
// with a connection named.
func (s *Server) choose(c echo.Context, client vault.Client, candidates []vault.Connection, params url.Values) error {
	page := templates.Choose{Client: client.Name}
	for _, conn := range candidates {
		again := url.Values{}
		for name, values := range params {
			again[name] = values
		}
		again.Set("connection", conn.Name)
		page.Connections = append(page.Connections, templates.Choice{Title: conn.Title(), URL: "/authorize?" + again.Encode(), Strategy: conn.Strategy})
	}
	return s.page(c, http.StatusOK, "choose", page)
}
