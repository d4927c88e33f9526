package server

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// ticketLifetime is how long the link of a refused exchange is good for.
const ticketLifetime = 10 * time.Minute

// reconnectURI makes the link by which a user can connect an account again
// whose tokens no longer do: one-time, and of this user and client alone.
func (s *Server) reconnectURI(ctx context.Context, client, user, connection string, scopes []string) (string, error) {
	secret := rand.Text()
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		return tx.Tickets.Put(vault.Ticket{
			Hash: vault.Hash(secret), Client: client, User: user, Connection: connection, Scopes: scopes, Expires: tx.Now().Add(ticketLifetime),
		})
	})
	return s.Issuer + "login/reconnect?ticket=" + secret, err
}

var errTicket = &oidc.Error{Code: oidc.InvalidRequest, HTTPStatus: http.StatusBadRequest,
	Description: "This link has expired or was used already. Go back to the application and try again: it gets a new one."}

// reconnect sends the user of a ticket to the identity provider. A browser in
// which somebody else is signed in is refused before anybody signs in there.
func (s *Server) reconnect(c echo.Context) error {
	session, signedIn, err := s.session(c)
	if err != nil {
		return err
	}
	var ticket vault.Ticket
	var conn vault.Connection
	err = s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if ticket, err = tx.Tickets.Take(vault.Hash(c.QueryParam("ticket"))); err != nil {
			return err
		}
		conn, err = tx.Connections.Get(ticket.Connection)
		return err
	})
	switch {
	case errors.Is(err, vault.ErrNotFound), err == nil && !(conn.Active && conn.Allows(ticket.Client)):
		return errTicket
	case err != nil:
		return err
	case signedIn && session.User != ticket.User:
		return errOtherUser
	}
	return s.beginLogin(c, conn, vault.Login{Purpose: vault.ToReconnect, User: ticket.User, Request: vault.AuthorizationRequest{
		ClientID: ticket.Client, Connection: conn.Name, ConnScopes: ticket.Scopes, Prompt: []string{"login"},
	}}, "")
}

var errOtherUser = &oidc.Error{Code: oidc.AccessDenied, HTTPStatus: http.StatusForbidden,
	Description: "This link is for somebody else's account. Nothing was changed. Sign in to the application as the user whose account is to be connected, and try again."}

// reconnected keeps the tokens of an account that its user connected again. The
// tokens of anybody else are not kept, whoever opened the link.
func (s *Server) reconnected(c echo.Context, login vault.Login, client vault.Client, conn vault.Connection, identity vault.Identity, tokens vault.TokenSet) error {
	account := newAccountID()
	other := false
	err := s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		user, err := tx.Users.Get(login.User)
		if err != nil {
			return err
		}
		if other = user.Blocked || !slices.Contains(user.Identities, identity.Key()); other {
			return nil
		}
		return connect(tx, identity.Key(), account, tokens)
	})
	switch {
	case err != nil:
		return err
	case other:
		return errOtherUser
	}
	page := templates.Connected{Client: client.Name, Connection: conn.Title()}
	if i := slices.IndexFunc(client.RedirectURIs, func(uri string) bool { return originOf(uri) != "" }); i >= 0 {
		page.Back = originOf(client.RedirectURIs[i]) + "/"
	}
	return s.page(c, http.StatusOK, "connected", page)
}
