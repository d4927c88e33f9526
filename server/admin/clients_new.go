package admin

import (
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// newClientID is an ID as the form of a new application brings it.
var newClientID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// newClient asks what kind of application is to be added. The form brings the ID
// that the application gets, so that sending it twice adds one.
func (p *Pages) newClient(c echo.Context, v visitor) error {
	connections, err := p.allConnections(c)
	if err != nil {
		return err
	}
	page := templates.NewClient{Console: p.console(c, v, "clients"), ID: rand.Text(), Kind: "regular_web", Connections: connectionOptions(connections, nil)}
	if len(page.Connections) == 1 {
		page.Connections[0].Chosen = true
	}
	return p.render(c, "client_new", page)
}

func (p *Pages) allConnections(c echo.Context) (connections []vault.Connection, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) { connections, err = all(tx.Connections); return err })
	return connections, err
}

// addClient adds an application. Its secret stands on the page that answers, and
// is kept nowhere.
func (p *Pages) addClient(c echo.Context, v visitor) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	made := NewClient{ID: form.Get("client_id"), Name: strings.TrimSpace(form.Get("name")), AppType: form.Get("app_type"), RedirectURIs: words(form.Get("callbacks"))}
	if !newClientID.MatchString(made.ID) {
		made.ID = rand.Text()
	}
	if made.AppType == "regular_web" || made.AppType == "non_interactive" {
		made.Secret = rand.Text() + rand.Text()
	}
	var r vault.Client
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		if there, err := vault.Exists(second(tx.Clients.Get(made.ID))); there || err != nil {
			return errors.Join(err, vault.ErrConflict)
		}
		connections, err := all(tx.Connections)
		if err != nil {
			return err
		}
		if r, err = p.addedClient(made); err != nil {
			return err
		}
		if err := tx.Clients.Put(r); err != nil {
			return err
		}
		if err := p.changed(tx, v, "application "+r.ID, nil, r); err != nil {
			return err
		}
		return p.enable(tx, v, connections, r.ID, form["connections"])
	})
	var fault *vault.Invalid
	switch {
	case errors.Is(err, vault.ErrConflict): // the form was sent again, and its secret is not to be had any more
		return c.Redirect(http.StatusSeeOther, clientName(vault.Client{ID: made.ID}).URL()+"?notice=application-there")
	case errors.As(err, &fault):
		connections, err := p.allConnections(c)
		if err != nil {
			return err
		}
		page := templates.NewClient{
			Console: p.console(c, v, "clients"), ID: made.ID, Name: form.Get("name"), Kind: made.AppType, RedirectURIs: form.Get("callbacks"),
			Connections: connectionOptions(connections, form["connections"]), Field: fieldOf(fault.Field), Fault: fault.Problem,
		}
		switch {
		case fault.Field == "app_type":
			page.Field = fault.Field
		case page.Field == "":
			page.Fault = fault.Error()
		}
		return render(c, http.StatusBadRequest, "client_new", page)
	case err != nil:
		return err
	case made.Secret == "":
		return c.Redirect(http.StatusSeeOther, clientName(r).URL()+"?notice=application-added")
	}
	return p.render(c, "client_secret", templates.ShownSecret{Console: p.console(c, v, "clients"), ClientName: clientName(r), Secret: made.Secret})
}

// addedClient is the client to add: one with a secret may exchange tokens, too,
// which is what a gateway such as this one is for.
func (p *Pages) addedClient(made NewClient) (vault.Client, error) {
	r, err := p.NewClient(made)
	if err == nil && made.Secret != "" {
		r.GrantTypes = append(slices.Clone(r.GrantTypes), grantFederated)
		r.SecretsSince = map[string]time.Time{vault.Hash(made.Secret): p.Now()}
	}
	return r, err
}

func second[T any](_ T, err error) error { return err }
