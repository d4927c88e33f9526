package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// errCredentials does not say what was wrong: a name, a password or a one-time
// password.
var errCredentials = &Refused{Status: http.StatusForbidden, Title: "Sign in",
	Message: "That is not right. Check the name, the password, and that the one-time password is the present one: each is good once. After several wrong ones, wait ten minutes."}

// errSecondFactor tells a stranger the same, and the log that somebody knows the
// password.
var errSecondFactor = &Refused{Status: errCredentials.Status, Title: errCredentials.Title, Message: errCredentials.Message,
	Err: errors.New("the password is right, and the one-time password is not, or too many were wrong of late")}

// signIn is the page that asks who it is.
func (p *Pages) signIn(c echo.Context) error {
	if _, ok, err := p.visitor(c); ok || err != nil {
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, back(c.QueryParam("return")))
	}
	return p.signInPage(c, http.StatusOK, templates.AdminSignIn{Return: back(c.QueryParam("return"))})
}

func (p *Pages) signInPage(c echo.Context, status int, page templates.AdminSignIn) error {
	ctx := c.Request().Context()
	some, err := Any(ctx, p.Vault)
	if err != nil {
		return err
	}
	page.Nobody, page.Theme = !some, theme(c)
	if page.Entrances, err = p.entrances(ctx, anyConnection); err != nil {
		return err
	}
	return render(c, status, "signin", page)
}

// enter signs an administrator in by password and one-time password.
func (p *Pages) enter(c echo.Context) error {
	name := strings.TrimSpace(c.FormValue("name"))
	admin, err := p.authenticate(c, name)
	var refused *Refused
	if errors.As(err, &refused) {
		if err := p.RecordRefusal(c, err); err != nil {
			return err
		}
		return p.signInPage(c, refused.Status, templates.AdminSignIn{Name: name, Return: back(c.FormValue("return")), Problem: refused.Message})
	}
	if err != nil {
		return err
	}
	if err := p.begin(c, admin, "a password and a one-time password", p.Now()); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, back(c.FormValue("return")))
}

// authenticate is the administrator of a name, whose password and one-time
// password the request has.
func (p *Pages) authenticate(c echo.Context, name string) (admin vault.Admin, err error) {
	err = p.Limited(c, "administrator "+strings.ToLower(name), func() error {
		ctx := c.Request().Context()
		if err := p.Vault.View(ctx, func(tx *vault.Tx) (err error) { admin, err = adminNamed(tx, name); return err }); err != nil {
			return err
		}
		if admin.ID != "" {
			p.name(c, admin, false)
		}
		good, err := matches(ctx, admin, c.FormValue("password"))
		if err != nil {
			return err
		}
		if !good {
			return errCredentials
		}
		var used int64
		if !p.SecondFactor(admin.ID, func() (once bool) {
			used, once = step(admin.TOTP, c.FormValue("code"), admin.TOTPStep, p.Now())
			return once
		}) {
			return errSecondFactor
		}
		return p.Vault.Update(ctx, func(tx *vault.Tx) error {
			if admin, err = tx.Admins.Get(admin.ID); err != nil {
				return err
			}
			if admin.TOTPStep >= used {
				return errCredentials // another request was quicker
			}
			admin.TOTPStep = used
			return tx.Admins.Put(admin)
		})
	})
	return admin, err
}

// adminNamed is the administrator of a name, or one without any.
func adminNamed(tx *vault.Tx, name string) (vault.Admin, error) {
	for a, err := range tx.Admins.All("") {
		if err != nil {
			return a, err
		}
		if strings.EqualFold(a.Name, name) {
			return a, nil
		}
	}
	return vault.Admin{}, nil
}

// Any reports whether a vault has an administrator.
func Any(ctx context.Context, v *vault.Vault) (some bool, err error) {
	err = v.View(ctx, func(tx *vault.Tx) error {
		for _, err := range tx.Admins.All("") {
			some = err == nil
			return err
		}
		return nil
	})
	return some, err
}

// prove asks an administrator who is signed in to show once more who they are.
func (p *Pages) prove(c echo.Context, v visitor) error {
	return p.provePage(c, v, http.StatusOK, back(c.QueryParam("return")), "")
}

func (p *Pages) provePage(c echo.Context, v visitor, status int, to, problem string) error {
	page := templates.AdminProve{Console: p.console(c, v, ""), Return: to, Problem: problem, Passkey: len(v.Passkeys) > 0, Password: !v.Password.IsZero()}
	page.Path = Path + "/prove" + returning(to)
	theirs := func(conn vault.Connection) bool {
		return slices.ContainsFunc(v.Identities, func(i vault.AdminIdentity) bool { return i.At(conn) })
	}
	var err error
	if page.Entrances, err = p.entrances(c.Request().Context(), theirs); err != nil {
		return err
	}
	return render(c, status, "prove", page)
}

func (p *Pages) proved(c echo.Context, v visitor) error {
	admin, err := p.authenticate(c, v.Name)
	if err == nil && admin.ID != v.ID {
		err = errCredentials
	}
	var refused *Refused
	if errors.As(err, &refused) {
		if err := p.RecordRefusal(c, err); err != nil {
			return err
		}
		return p.provePage(c, v, refused.Status, back(c.FormValue("return")), refused.Message)
	}
	if err != nil {
		return err
	}
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error { return p.showed(tx, v, p.Now()) })
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, back(c.FormValue("return")))
}

// showed keeps when an administrator last showed who they are.
func (p *Pages) showed(tx *vault.Tx, v visitor, at time.Time) error {
	s, err := tx.AdminSessions.Get(v.session.Hash)
	if err != nil {
		return err
	}
	s.Proved = at
	return errors.Join(tx.AdminSessions.Put(s), tx.Record(v.did("sallyport_console_proved", "showed once more who they are")))
}
