package api

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

var errNoClient = &Problem{Status: http.StatusNotFound, Code: "inexistent_client", Message: "The client does not exist"}

func (a *API) listClients(c echo.Context, _ Caller) error {
	var list []Client
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		list = nil
		for r, err := range tx.Clients.All("") {
			if err != nil {
				return err
			}
			list = append(list, ClientOf(r))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return page(c, "clients", list)
}

func (a *API) getClient(c echo.Context, _ Caller) error {
	var r vault.Client
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		r, err = tx.Clients.Get(parameter(c, "id"))
		return err
	})
	if errors.Is(err, vault.ErrNotFound) {
		return errNoClient
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ClientOf(r))
}

// changeClient changes what the body mentions, and nothing else. What a client
// authenticates with takes a scope of its own, as at Auth0.
func (a *API) changeClient(c echo.Context, caller Caller) error {
	var change Client
	if err := read(c, &change); err != nil {
		return err
	}
	if change.authenticates() {
		if err := caller.needs("update:client_keys"); err != nil {
			return err
		}
	}
	id := parameter(c, "id")
	if change.ClientID != "" && change.ClientID != id {
		return invalid("client_id: cannot be changed: make another client")
	}
	r, err := a.updateClient(c, id, change.Record)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ClientOf(r))
}

// rotateSecret gives a client a new secret, which is shown this once. The one
// before is good until a PATCH of client_secret_previous to "" if keep_previous
// is set; without, it is not good any more.
func (a *API) rotateSecret(c echo.Context, _ Caller) error {
	var asked struct {
		KeepPrevious bool `json:"keep_previous"`
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	secret := rand.Text() + rand.Text()
	r, err := a.updateClient(c, parameter(c, "id"), func(r vault.Client) (vault.Client, error) {
		return r, r.RotateSecret(vault.Hash(secret), asked.KeepPrevious, a.Vault.Now())
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Client
		Secret string `json:"client_secret"`
	}{ClientOf(r), secret})
}

// updateClient keeps what change makes of a client.
func (a *API) updateClient(c echo.Context, id string, change func(vault.Client) (vault.Client, error)) (r vault.Client, err error) {
	err = a.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		old, err := tx.Clients.Get(id)
		if errors.Is(err, vault.ErrNotFound) {
			return errNoClient
		}
		if err != nil {
			return err
		}
		if r, err = change(old); err != nil {
			return err
		}
		return errors.Join(tx.Clients.Put(r), tx.Record(a.Event(c, done, vault.Say("client_id", r.ID))))
	})
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return r, invalid(fault.Error())
	}
	return r, err
}
