package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// API are the management API, of Auth0's version 2, and the My Account API,
// over HTTP.
type API struct {
	Vault *vault.Vault
	// Guard lets requests pass that show an access token with a scope of an
	// API of the gateway's own.
	Guard func(audience, scope string, next Handler) echo.HandlerFunc
	// RotateKeys makes the next signing keys, which sign after lead.
	// Each is recorded as the event that rotated makes of it.
	RotateKeys func(ctx context.Context, lead time.Duration, rotated func(vault.SigningKey) vault.Event) ([]vault.SigningKey, error)
	// Event is the event of a request, for whoever does what it asks to record.
	Event func(c echo.Context, kind vault.EventType, details ...vault.Detail) vault.Event
	// Explain says whether an exchange would be granted.
	Explain func(context.Context, ExplainRequest) (Explanation, error)

	// What follows records an event of what it did.

	// Disconnect takes the token set out of use that find finds, and says how
	// far it has come to revoke it: revoked, ended, pending or failed.
	Disconnect func(ctx context.Context, e vault.Event, find func(*vault.Tx) (vault.TokenSet, error)) (result string, err error)
	// DisconnectAll does so with all of a connection, in the background.
	DisconnectAll func(ctx context.Context, e vault.Event, connection string) (Disconnection, error)
	// DeleteUser deletes a user, if there is one, with all that is theirs.
	DeleteUser func(ctx context.Context, e vault.Event, id string) error

	backingUp sync.Mutex
}

// Caller is whom an access token stands for.
type Caller struct {
	Client string
	User   string // "" if a client asks for itself
	Scopes []string
}

// needs finds fault with a caller without a scope that the endpoint wants for
// what is asked of it.
func (c Caller) needs(scope string) error {
	if slices.Contains(c.Scopes, scope) {
		return nil
	}
	return &Problem{Status: http.StatusForbidden, Code: "insufficient_scope", Message: "Insufficient scope, expected any of: " + scope}
}

// Handler is an endpoint behind [API.Guard].
type Handler func(echo.Context, Caller) error

// Problem is why a request was refused, for its sender: Code for programs, and
// Message for people, without a secret.
type Problem struct {
	Status  int
	Code    string
	Message string
	Err     error // for the log
}

func (p *Problem) Error() string { return p.Message }
func (p *Problem) Unwrap() error { return p.Err }

// NotFound is the error of a request for what is not there, if err is that.
func NotFound(err error, code, message string) error {
	if errors.Is(err, vault.ErrNotFound) {
		return &Problem{Status: http.StatusNotFound, Code: code, Message: message}
	}
	return err
}

// Mount adds the endpoints.
func (a *API) Mount(manage, me *echo.Group) {
	for _, e := range []struct {
		group               *echo.Group
		method, path, scope string
		handler             Handler
	}{
		{manage, http.MethodGet, "/clients", "read:clients", a.listClients},
		{manage, http.MethodGet, "/clients/:id", "read:clients", a.getClient},
		{manage, http.MethodPatch, "/clients/:id", "update:clients", a.changeClient},
		{manage, http.MethodPost, "/clients/:id/rotate-secret", "update:client_keys", a.rotateSecret},
		{manage, http.MethodGet, "/connections/:id/explain", "read:connections", a.explain},
		{manage, http.MethodPost, "/connections/:id/disconnect", "update:connections", a.disconnectAll},
		{manage, http.MethodGet, "/connections/:id/disconnect", "read:connections", a.showDisconnection},
		{manage, http.MethodGet, "/users", "read:users", a.listUsers},
		{manage, http.MethodGet, "/users/:id", "read:users", a.getUser},
		{manage, http.MethodDelete, "/users/:id", "delete:users", a.deleteUser},
		{manage, http.MethodGet, "/users/:id/connected-accounts", "read:users", a.listAccountsOf},
		{manage, http.MethodGet, "/users/:id/federated-connections-tokensets", "read:federated_connections_tokens", a.listTokenSets},
		{manage, http.MethodDelete, "/users/:id/federated-connections-tokensets/:tokenset", "delete:federated_connections_tokens", a.deleteTokenSet},
		{manage, http.MethodGet, "/grants", "read:grants", a.listGrants},
		{manage, http.MethodDelete, "/grants", "delete:grants", a.deleteGrantsOf},
		{manage, http.MethodDelete, "/grants/:id", "delete:grants", a.deleteGrant},
		{manage, http.MethodGet, "/keys/signing", "read:signing_keys", a.listKeys},
		{manage, http.MethodPost, "/keys/signing/rotate", "create:signing_keys", a.rotateKeys},
		{manage, http.MethodGet, "/keys/vault", "read:vault_keys", a.showVaultKeys},
		{manage, http.MethodPost, "/keys/vault/rekey", "update:vault_keys", a.rekeyVault},
		{manage, http.MethodGet, "/backup", "read:backups", a.backup},
		{manage, http.MethodPost, "/moves", "update:store", a.beginMove},
		{manage, http.MethodPatch, "/moves/:id", "update:store", a.carryMoveOn},
		{manage, http.MethodGet, "/moves/:id/contents", "update:store", a.moveContents},
		{manage, http.MethodDelete, "/moves", "update:store", a.releaseMove},
		{manage, http.MethodGet, "/webhooks", "read:webhooks", a.listWebhooks},
		{manage, http.MethodPost, "/webhooks", "update:webhooks", a.makeWebhook},
		{manage, http.MethodGet, "/webhooks/:name", "read:webhooks", a.getWebhook},
		{manage, http.MethodPatch, "/webhooks/:name", "update:webhooks", a.changeWebhook},
		{manage, http.MethodDelete, "/webhooks/:name", "update:webhooks", a.deleteWebhook},
		{manage, http.MethodPost, "/webhooks/:name/rotate-secret", "update:webhooks", a.rotateWebhookSecret},
		{manage, http.MethodPost, "/webhooks/:name/test", "update:webhooks", a.testWebhook},
		{manage, http.MethodGet, "/webhooks/:name/deliveries", "read:webhooks", a.listDeliveries},
		{manage, http.MethodPost, "/webhooks/:name/replay", "update:webhooks", a.replay},
		{manage, http.MethodGet, "/logs", "read:logs", a.listLogs},
		{manage, http.MethodGet, "/logs/export", "read:logs", a.exportLogs},
		{manage, http.MethodGet, "/logs/key", "read:logs", a.logKey},
		{manage, http.MethodGet, "/logs/:id", "read:logs", a.getLog},
		{me, http.MethodGet, "/connected-accounts/accounts", "read:me:connected_accounts", a.listMyAccounts},
		{me, http.MethodDelete, "/connected-accounts/accounts/:id", "delete:me:connected_accounts", a.deleteMyAccount},
		{me, http.MethodGet, "/connected-accounts/connections", "read:me:connected_accounts", a.listMyConnections},
		{me, http.MethodGet, "/grants", "read:me:grants", a.listMyGrants},
		{me, http.MethodDelete, "/grants/:id", "delete:me:grants", a.deleteMyGrant},
	} {
		audience := Management
		if e.group == me {
			audience = MyAccount
		}
		e.group.Add(e.method, e.path, a.Guard(audience, e.scope, e.handler))
	}
}

// parameter is a part of a path. Clients escape what they put there, and Echo
// leaves it so if there was need to.
func parameter(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath != "" {
		if plain, err := url.PathUnescape(value); err == nil {
			return plain
		}
	}
	return value
}

// read decodes a JSON object into v, strictly. An empty body is an empty object.
func read(c echo.Context, v any) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return &Problem{http.StatusBadRequest, "invalid_body", "The body could not be read, or is too long.", err}
	}
	if len(b) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err = d.Decode(v); err == nil && d.More() {
		err = errors.New("there is more after the JSON object")
	}
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind) && kind.Field != "":
		return invalid(fmt.Sprintf("%s: is a %s, which it cannot be", kind.Field, kind.Value))
	}
	return invalid(err.Error())
}

func invalid(problem string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: "invalid_body", Message: "Payload validation error: " + problem}
}

// page answers with a part of a list: an array, or with include_totals an
// object in which it stands under its name, as Auth0's do. Pages have 50 unless
// the request says otherwise, and 100 at most.
func page[T any](c echo.Context, name string, list []T) error {
	start, size, err := pageOf(c)
	if err != nil {
		return err
	}
	total := len(list)
	list = list[min(start, total):min(start+size, total)]
	if c.QueryParam("include_totals") != "true" {
		return c.JSON(http.StatusOK, append([]T{}, list...))
	}
	return c.JSON(http.StatusOK, map[string]any{"total": total, "start": start, "limit": size, name: append([]T{}, list...)})
}

// pageOf is where the page begins that a request asks for, and how long it is.
func pageOf(c echo.Context) (start, size int, err error) {
	start, size = 0, 50
	for param, to := range map[string]*int{"page": &start, "per_page": &size} {
		text := c.QueryParam(param)
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 24)
		if err != nil || param == "per_page" && (n < 1 || n > 100) {
			return 0, 0, badQuery("page is a number from 0, and per_page one from 1 to 100.")
		}
		*to = int(n)
	}
	return start * size, size, nil
}
