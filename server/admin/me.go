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
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
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

// removePasskey forgets one of several, or the only one of somebody with a
// password.
func (p *Pages) removePasskey(c echo.Context, v visitor) error {
	return p.changeMe(c, v, func(a *vault.Admin) error {
		if len(a.Passkeys) == 1 && a.Password.IsZero() {
			return &Refused{Status: http.StatusConflict, Title: "One way in has to stay", Message: "This passkey is all that you sign in with. Make another first."}
		}
		a.Passkeys = slices.DeleteFunc(slices.Clone(a.Passkeys), func(k vault.Passkey) bool { return vault.Hash(string(k.ID)) == c.FormValue("passkey") })
		return nil
	})
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
	return p.changeMe(c, v, func(a *vault.Admin) error { a.Password = hash; return nil })
}

// signOutElsewhere ends the administrator's other sessions.
func (p *Pages) signOutElsewhere(c echo.Context, v visitor) error {
	return p.changeMe(c, v, func(*vault.Admin) error { return nil })
}

// changeMe changes how the administrator signs in, and ends their other sessions:
// one of them may be the reason.
func (p *Pages) changeMe(c echo.Context, v visitor, change func(*vault.Admin) error) error {
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		a, err := tx.Admins.Get(v.ID)
		if err != nil {
			return err
		}
		before := a
		if err := change(&a); err != nil {
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
