package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

var errNoAdmin = &Refused{Status: http.StatusNotFound, Title: "Not found", Message: "There is no such administrator. Somebody may have taken them away meanwhile."}

// administrators is the list of those who may use the console.
func (p *Pages) administrators(c echo.Context, v visitor) error {
	page := templates.Administrators{Console: p.console(c, v, "administrators"), Roles: roleNames()}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Admins = nil
		for a, err := range tx.Admins.All("") {
			if err != nil {
				return err
			}
			page.Admins = append(page.Admins, templates.AdminLine{
				ID: a.ID, Name: a.Name, Role: string(a.Role), Self: a.ID == v.ID, Means: means(a), Created: a.Created, LastSeen: a.LastSeen,
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.render(c, "administrators", page)
}

// means is how an administrator signs in.
func means(a vault.Admin) string {
	var all []string
	switch n := len(a.Passkeys); {
	case n == 1:
		all = append(all, "a passkey")
	case n > 1:
		all = append(all, "passkeys")
	}
	if !a.Password.IsZero() {
		all = append(all, "a password and one-time passwords")
	}
	for _, i := range a.Identities {
		all = append(all, "an identity at "+i.Connection)
	}
	return strings.Join(all, ", or ")
}

func roleNames() (names []string) {
	for _, r := range vault.Roles {
		names = append(names, string(r))
	}
	return names
}

// invite makes a link, which is shown this once.
func (p *Pages) invite(c echo.Context, v visitor) error {
	role, name := vault.Role(c.FormValue("role")), strings.TrimSpace(c.FormValue("name"))
	if !slices.Contains(vault.Roles, role) || len(name) > 200 {
		return &Refused{Status: http.StatusBadRequest, Title: "Invite", Message: "Choose one of the roles, and a name of at most 200 characters."}
	}
	link, err := Invite(c.Request().Context(), p.Vault, p.Issuer, vault.AdminInvite{Name: name, Role: role, By: v.Name}, v.event)
	if err != nil {
		return err
	}
	return p.render(c, "invited", templates.Invited{Console: p.console(c, v, "administrators"), Name: name, Invited: string(role), Link: link})
}

// changeRole gives an administrator another role.
func (p *Pages) changeRole(c echo.Context, v visitor) error {
	return p.changeAdmin(c, v, func(tx *vault.Tx, a vault.Admin) error {
		before := a
		a.Role = vault.Role(c.FormValue("role"))
		if err := p.keepsOwner(tx, before, a.Role); err != nil {
			return err
		}
		if err := p.changed(tx, v, "administrator "+a.Name, before, a); err != nil {
			return err
		}
		return tx.Admins.Put(a)
	})
}

// removeAdmin takes an administrator away, with their sessions.
func (p *Pages) removeAdmin(c echo.Context, v visitor) error {
	return p.changeAdmin(c, v, func(tx *vault.Tx, a vault.Admin) error {
		if err := p.keepsOwner(tx, a, ""); err != nil {
			return err
		}
		if err := p.changed(tx, v, "administrator "+a.Name, a, nil); err != nil {
			return err
		}
		if err := endOthers(tx, a.ID, ""); err != nil {
			return err
		}
		return tx.Admins.Delete(a.ID)
	})
}

func (p *Pages) changeAdmin(c echo.Context, v visitor, change func(*vault.Tx, vault.Admin) error) error {
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		a, err := tx.Admins.Get(c.Param("id"))
		if found, err := vault.Exists(err); err != nil {
			return err
		} else if !found {
			return errNoAdmin
		}
		return change(tx, a)
	})
	if err != nil {
		return asRefused(err)
	}
	return c.Redirect(http.StatusSeeOther, Path+"/administrators?notice=saved")
}

// keepsOwner finds fault with a change after which nobody would be an owner.
func (p *Pages) keepsOwner(tx *vault.Tx, a vault.Admin, role vault.Role) error {
	if a.Role != vault.Owner || role == vault.Owner {
		return nil
	}
	for other, err := range tx.Admins.All("") {
		if err != nil {
			return err
		}
		if other.ID == a.ID || other.Role != vault.Owner {
			continue
		}
		if in, err := canEnter(tx, other); in || err != nil {
			return err
		}
	}
	return &Refused{Status: http.StatusConflict, Title: "One owner has to stay",
		Message: a.Name + " is the only owner who can sign in. Make somebody else an owner first: without one nobody could change keys, settings or administrators."}
}

// confirmRemoval asks before an administrator is taken away.
func (p *Pages) confirmRemoval(c echo.Context, v visitor) error {
	var a vault.Admin
	found, err := vault.Exists(p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) { a, err = tx.Admins.Get(c.Param("id")); return err }))
	if err != nil {
		return err
	}
	if !found {
		return errNoAdmin
	}
	return p.render(c, "sure", templates.Sure{Console: p.console(c, v, "administrators"), Title: "Take this administrator away?", Object: a.Name, Effects: []string{
		"They are signed out of the console at once.",
		"They cannot come back without a new link.",
		"What they did stays in the log of events.",
	}, Action: Path + "/administrators/" + a.ID + "/remove", Verb: "Take away", Back: Path + "/administrators"})
}
