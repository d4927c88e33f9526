package admin

import (
	"crypto/rand"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// confirmRotation asks whether a client is to get a new secret. The form names
// the secret that is replaced, so that sending it twice replaces one.
func (p *Pages) confirmRotation(c echo.Context, v visitor) error {
	r, _, err := p.theClient(c)
	if err != nil {
		return err
	}
	if len(r.SecretHashes) == 0 {
		return errNoSecret
	}
	return p.render(c, "client_rotate", templates.RotateSecret{Console: p.console(c, v, "clients"), ClientName: clientName(r), Secrets: secretsOf(r)})
}

var errNoSecret = &Refused{Status: http.StatusConflict, Title: "This application has no secret",
	Message: "It proves who it is by a key, or cannot keep a secret at all, and there is nothing to replace."}

// rotateSecret gives a client a new secret, which stands on the page that
// answers, and is kept nowhere.
func (p *Pages) rotateSecret(c echo.Context, v visitor) error {
	id, secret := parameter(c, "id"), rand.Text()+rand.Text()
	var r vault.Client
	done := false
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		old, _, err := readClient(tx, id)
		switch {
		case err != nil:
			return err
		case len(old.SecretHashes) == 0:
			return errNoSecret
		case fingerprint(old.SecretHashes[0]) != c.FormValue("current"):
			done = true
			return nil
		}
		done, r = false, old
		if err := r.RotateSecret(vault.Hash(secret), c.FormValue("keep_previous") != "", tx.Now()); err != nil {
			return err
		}
		if err := tx.Clients.Put(r); err != nil {
			return err
		}
		return p.changed(tx, v, "application "+id, old, r)
	})
	switch {
	case err != nil:
		return err
	case done:
		return c.Redirect(http.StatusSeeOther, clientName(vault.Client{ID: id}).URL()+"?notice=secret-there")
	}
	return p.render(c, "client_secret", templates.ShownSecret{
		Console: p.console(c, v, "clients"), ClientName: clientName(r), Secret: secret, Rotated: true, Kept: len(r.SecretHashes) > 1,
	})
}

// endSecret ends the secret before the newest.
func (p *Pages) endSecret(c echo.Context, v visitor) error {
	id := parameter(c, "id")
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		old, _, err := readClient(tx, id)
		if err != nil {
			return err
		}
		r := old
		r.EndPreviousSecret()
		if err := tx.Clients.Put(r); err != nil {
			return err
		}
		return p.changed(tx, v, "application "+id, old, r)
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, clientName(vault.Client{ID: id}).URL()+"?notice=secret-ended")
}
