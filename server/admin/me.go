package admin

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// me is how the administrator who looks at it signs in, and where they are signed
// in.
func (p *Pages) me(c echo.Context, v visitor) error {
	return p.mePage(c, v, http.StatusOK, templates.Fault{})
}

func (p *Pages) mePage(c echo.Context, v visitor, status int, fault templates.Fault) error {
	page := templates.Me{Console: p.console(c, v, ""), Password: !v.Password.IsZero(), Fault: fault}
	for _, k := range v.Passkeys {
		page.Passkeys = append(page.Passkeys, templates.PasskeyLine{ID: vault.Hash(string(k.ID)), Name: k.Name, Created: k.Created, Used: k.Used})
	}
	page.Path = Path + "/me"
	for _, i := range v.Identities {
		page.Identities = append(page.Identities, templates.IdentityLine{ID: vault.Hash(i.String()), Connection: i.Connection, Title: i.Title, Created: i.Created, Used: i.Used})
	}
	var err error
	if page.Entrances, err = p.entrances(c.Request().Context(), anyConnection); err != nil {
		return err
	}
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Sessions = 0
		for s, err := range tx.AdminSessions.All("") {
			if err != nil {
				return err
			}
			if s.Admin == v.ID {
				page.Sessions++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return render(c, status, "me", page)
}

// newPasskey is the page by which a further passkey is made.
func (p *Pages) newPasskey(c echo.Context, v visitor) error {
	return p.render(c, "passkey", templates.NewPasskey{Console: p.console(c, v, "")})
}

// removePasskey forgets one, unless there is no other way in.
func (p *Pages) removePasskey(c echo.Context, v visitor) error {
	return p.changeMe(c, v, func(tx *vault.Tx, a *vault.Admin) error {
		a.Passkeys = slices.DeleteFunc(slices.Clone(a.Passkeys), func(k vault.Passkey) bool { return vault.Hash(string(k.ID)) == c.FormValue("passkey") })
		return staysIn(tx, *a)
	})
}

// staysIn finds fault with an administrator who could not sign in any more.
func staysIn(tx *vault.Tx, a vault.Admin) error {
	in, err := canEnter(tx, a)
	if err == nil && !in {
		err = &Refused{Status: http.StatusConflict, Title: "One way in has to stay", Message: "This is all that you can sign in with at present. Add a passkey or another identity first."}
	}
	return err
}

// changePassword gives the administrator another one. Their other sessions end.
func (p *Pages) changePassword(c echo.Context, v visitor) error {
	password := c.FormValue("password")
	err := checkPassword(password, v.Name)
	if err == nil && password != c.FormValue("again") {
		err = &vault.Invalid{Field: "again", Problem: "is not the same as the password"}
	}
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return p.mePage(c, v, http.StatusBadRequest, templates.Fault(*fault))
	}
	if v.Password.IsZero() {
		return &Refused{Status: http.StatusConflict, Title: "No password", Message: "You sign in with passkeys, which are safer than a password. There is none to change."}
	}
	hash, err := hashPassword(c.Request().Context(), password)
	if err != nil {
		return err
	}
	return p.changeMe(c, v, func(_ *vault.Tx, a *vault.Admin) error { a.Password = hash; return nil })
}

// signOutElsewhere ends the administrator's other sessions.
func (p *Pages) signOutElsewhere(c echo.Context, v visitor) error {
	return p.changeMe(c, v, func(*vault.Tx, *vault.Admin) error { return nil })
}

// changeMe changes how the administrator signs in, and ends their other sessions:
// one of them may be the reason.
func (p *Pages) changeMe(c echo.Context, v visitor, change func(*vault.Tx, *vault.Admin) error) error {
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		a, err := tx.Admins.Get(v.ID)
		if err != nil {
			return err
		}
		before := a
		if err := change(tx, &a); err != nil {
			return err
		}
		if err := p.changed(tx, v, "administrator "+a.Name, before, a); err != nil {
			return err
		}
		return errors.Join(tx.Admins.Put(a), endOthers(tx, a.ID, v.session.Hash))
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, Path+"/me?notice=saved")
}
