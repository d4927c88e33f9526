package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// newConnection is the form for a connection, to Salesforce unless the query says
// otherwise.
func (p *Pages) newConnection(c echo.Context, v visitor) error {
	strategy := cmp.Or(c.QueryParam("strategy"), "salesforce")
	if _, ok := strategyOf(strategy); !ok {
		return &Refused{Status: http.StatusNotFound, Title: "There is no such identity provider", Message: "This version knows no strategy of that name. Those there are stand under " + Path + "/connections/new."}
	}
	e := enteredOf(vault.Connection{Strategy: strategy, TokenVault: true})
	e.isNew = true
	var apps []vault.Client
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if apps, _, err = applications(tx); err != nil {
			return err
		}
		_, err = tx.Connections.Get("salesforce")
		taken, err := vault.Exists(err)
		if !taken && isSalesforce(strategy) {
			e.connection.Name = "salesforce"
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.renderForm(c, v, http.StatusOK, e, apps)
}

func (p *Pages) renderForm(c echo.Context, v visitor, status int, e entered, apps []vault.Client) error {
	page := p.form(p.console(c, v, "connections"), e, apps)
	if e.isNew {
		for _, s := range connections.Strategies {
			if s.Name != e.connection.Strategy && (s.Name == "salesforce" || !isSalesforce(s.Name)) {
				page.Others = append(page.Others, templates.Choice{Title: s.Title, URL: Path + "/connections/new?" + url.Values{"strategy": {s.Name}}.Encode()})
			}
		}
	}
	return render(c, status, "connection_form", page)
}

// createDraft keeps what was entered for a new connection.
func (p *Pages) createDraft(c echo.Context, v visitor) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	if _, ok := strategyOf(form.Get("strategy")); !ok {
		return &Refused{Status: http.StatusBadRequest, Title: "There is no such identity provider", Message: "The form names a strategy that this version does not know. Begin again at " + Path + "/connections/new."}
	}
	return p.draft(c, v, form, vault.Connection{ID: "con_" + rand.Text()[:16], Active: true}, true)
}

// editConnection is the form for a connection that is there.
func (p *Pages) editConnection(c echo.Context, v visitor) error {
	f, err := p.found(c)
	if err != nil {
		return err
	}
	if _, ok := strategyOf(f.latest().Strategy); !ok {
		return &Refused{Status: http.StatusConflict, Title: "This version does not know its strategy", Message: "The connection is of the strategy " + f.latest().Strategy + ". Change it by a tenant file."}
	}
	e := enteredOf(f.latest())
	e.trial = f.trial
	return p.renderForm(c, v, http.StatusOK, e, f.applications)
}

// updateDraft keeps what was entered for a connection that is there.
func (p *Pages) updateDraft(c echo.Context, v visitor) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	f, err := p.found(c)
	if err != nil {
		return err
	}
	return p.draft(c, v, form, f.latest(), false)
}

// draft keeps what was entered as a draft, or shows what is wrong with it.
func (p *Pages) draft(c echo.Context, v visitor, form url.Values, before vault.Connection, isNew bool) error {
	var e entered
	var apps []vault.Client
	now := p.Now()
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if apps, _, err = applications(tx); err != nil {
			return err
		}
		e = enter(form, before, isNew, v.Role, apps, now)
		if e.fault != nil {
			return e.fault
		}
		if isNew {
			switch _, err := find(tx, e.connection.Name); {
			case err == nil:
				e.blame(&vault.Invalid{Field: "name", Problem: "is taken: " + Path + "/connections/" + e.connection.Name + " is there already"})
				return e.fault
			case !errors.Is(err, errNoConnection):
				return err
			}
		}
		saved := vault.Draft{Connection: e.connection, By: v.Name, Saved: now}
		if err := tx.Drafts.Put(saved); err != nil {
			return err
		}
		return p.changed(tx, v, "draft of connection "+e.connection.Name, audited(before), audited(e.connection))
	})
	if e.fault != nil {
		return p.renderForm(c, v, http.StatusBadRequest, e, apps)
	}
	if err != nil {
		return err
	}
	return toConnection(c, e.connection.Name, "drafted")
}

// found is the connection that the path names.
func (p *Pages) found(c echo.Context) (f found, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		f, err = find(tx, c.Param("name"))
		return err
	})
	return f, err
}

// proposal is what a change of a connection would change, to be looked at before
// it is made.
func (p *Pages) proposal(before, after vault.Connection, by string, at time.Time, nameOf map[string]string) templates.ConnectionDraft {
	d := templates.ConnectionDraft{Change: templates.Change{By: by, At: clockTime(at)}, Differences: changes(before, after, nameOf), Effects: p.effects(before, after, nameOf)}
	if err := connections.Check(after); err != nil {
		d.Problem = "It cannot be used as it is: " + err.Error() + "."
	}
	d.Seen = vault.Hash(fmt.Sprint(d.Differences, at.UnixNano()))
	return d
}

// errUnseen is why something is not published that is not what was looked at.
var errUnseen = &Refused{Status: http.StatusConflict, Title: "It has changed meanwhile",
	Message: "Somebody changed the connection or its draft since you looked at what would change. Nothing was done: go back, load the page again, and look once more."}

// publish makes the draft the connection.
func (p *Pages) publish(c echo.Context, v visitor) error {
	name := c.Param("name")
	err := p.replace(c.Request().Context(), v, name, func(tx *vault.Tx, f found) (vault.Connection, error) {
		if !f.drafted {
			return f.live, errUnseen
		}
		proposal := p.proposal(f.live, f.draft, f.saved.By, f.saved.Saved, f.nameOf)
		switch {
		case proposal.Seen != c.FormValue("seen"):
			return f.live, errUnseen
		case proposal.Problem != "":
			return f.live, &Refused{Status: http.StatusConflict, Title: "It cannot be published", Message: proposal.Problem}
		}
		return f.draft, tx.Drafts.Delete(name)
	})
	if err != nil {
		return err
	}
	return toConnection(c, name, "published")
}

// discard forgets the draft.
func (p *Pages) discard(c echo.Context, v visitor) error {
	var f found
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if f, err = find(tx, c.Param("name")); err != nil || !f.drafted {
			return err
		}
		if err := tx.Drafts.Delete(f.draft.Name); err != nil {
			return err
		}
		return p.changed(tx, v, "draft of connection "+f.draft.Name, audited(f.draft), nil)
	})
	switch {
	case err != nil:
		return err
	case !f.published:
		return c.Redirect(http.StatusSeeOther, Path+"/connections?notice=discarded")
	}
	return toConnection(c, f.live.Name, "discarded")
}

// replace puts another connection in the place of the one that is published, if
// one is, and keeps that one so that the change can be undone.
func (p *Pages) replace(ctx context.Context, v visitor, name string, next func(*vault.Tx, found) (vault.Connection, error)) error {
	return p.Vault.Update(ctx, func(tx *vault.Tx) error {
		f, err := find(tx, name)
		if err != nil {
			return err
		}
		after, err := next(tx, f)
		if err != nil {
			return err
		}
		if err := p.mayReplace(v, f.live, after); err != nil {
			return err
		}
		if !f.published {
			return errors.Join(tx.Connections.Put(after), p.changed(tx, v, "connection "+name, nil, audited(after)))
		}
		if err := errors.Join(
			tx.Former.Put(vault.Former{Connection: f.live, By: v.Name, Changed: tx.Now()}),
			tx.Connections.Put(after),
			p.changed(tx, v, "connection "+name, audited(f.live), audited(after)),
		); err != nil || !f.live.AdmitsAdmins() || after.AdmitsAdmins() {
			return err
		}
		return ownerStaysIn(tx)
	})
}

// clockTime is a time for people, to the minute.
func clockTime(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }
