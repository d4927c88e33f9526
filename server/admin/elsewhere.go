package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// entrances are those connections with which administrators sign in that are
// wanted.
func (p *Pages) entrances(ctx context.Context, wanted func(vault.Connection) bool) (list []templates.Entrance, err error) {
	err = p.Vault.View(ctx, func(tx *vault.Tx) error {
		list = nil
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			if conn.AdmitsAdmins() && wanted(conn) {
				list = append(list, templates.Entrance{Name: conn.Name, Title: conn.Title()})
			}
		}
		return nil
	})
	return list, err
}

func anyConnection(vault.Connection) bool { return true }

// signInElsewhere has a stranger sign in with a connection.
func (p *Pages) signInElsewhere(c echo.Context) error {
	return p.sendAway(c, vault.Login{Purpose: vault.ToConsole, Return: back(c.FormValue("return"))})
}

// takeUpElsewhere has whoever is invited sign in with a connection, so that they
// become an administrator with that identity.
func (p *Pages) takeUpElsewhere(c echo.Context) error {
	_, invite, err := p.invited(c)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(c.FormValue("name"))
	err = p.checkName(c.Request().Context(), name)
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return p.welcomePage(c, http.StatusBadRequest, templates.AdminWelcome{Name: name, Role: string(invite.Role), Field: "identity-" + fault.Field, Problem: fault.Problem})
	}
	if err != nil {
		return err
	}
	return p.sendAway(c, vault.Login{Purpose: vault.ToTakeUp, Invite: invite.Hash, Name: name})
}

// proveElsewhere has an administrator sign in once more.
func (p *Pages) proveElsewhere(c echo.Context, v visitor) error {
	return p.sendAway(c, vault.Login{Purpose: vault.ToProve, Admin: v.ID, Return: back(c.FormValue("return"))})
}

// addIdentity has an administrator sign in with the identity that is to be theirs.
func (p *Pages) addIdentity(c echo.Context, v visitor) error {
	return p.sendAway(c, vault.Login{Purpose: vault.ToAddIdentity, Admin: v.ID, Return: Path + "/me"})
}

// removeIdentity forgets one, unless there is no other way in.
func (p *Pages) removeIdentity(c echo.Context, v visitor) error {
	return p.changeMe(c, v, func(tx *vault.Tx, a *vault.Admin) error {
		a.Identities = slices.DeleteFunc(slices.Clone(a.Identities), func(i vault.AdminIdentity) bool { return vault.Hash(i.String()) == c.FormValue("identity") })
		return staysIn(tx, *a)
	})
}

var errNoEntrance = &Refused{Status: http.StatusForbidden, Title: "Sign in",
	Message: "Administrators do not sign in with this connection: it is not published, switched off, or not allowed for them. Sign in in another way."}

// sendAway sends the browser to the identity provider of the connection that the
// form names. But to sign in they log in there anew, as far as the provider knows
// how to ask for that.
//
// The answer is a page that goes on by itself, and not a redirect: browsers hold
// one that answers a form to the policy of the form's page, which lets forms be
// sent to the gateway alone.
func (p *Pages) sendAway(c echo.Context, login vault.Login) error {
	var conn vault.Connection
	found, err := vault.Exists(p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		conn, err = tx.Connections.Get(c.FormValue("connection"))
		return err
	}))
	if err != nil {
		return err
	}
	if !found || !conn.AdmitsAdmins() {
		return p.cameToNothing(c, login, errNoEntrance)
	}
	if login.Purpose != vault.ToConsole {
		login.Request.Prompt, login.Request.MaxAge = []string{"login"}, new(int)
	}
	there, err := p.LoginURL(c, conn, login)
	var refused *Refused
	if errors.As(err, &refused) {
		return p.cameToNothing(c, login, refused)
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("Refresh", "0; url="+there)
	return p.render(c, "away", templates.Away{Title: conn.Title(), URL: there, Theme: theme(c)})
}

// cameToNothing says why somebody is not signed in, on the page that they began
// at.
func (p *Pages) cameToNothing(c echo.Context, login vault.Login, refused *Refused) error {
	var page func() error
	v, signedIn, err := p.visitor(c)
	if err != nil {
		return err
	}
	switch {
	case login.Purpose == vault.ToTakeUp:
		_, invite, err := p.invited(c)
		if err != nil {
			return err
		}
		page = func() error {
			return p.welcomePage(c, refused.Status, templates.AdminWelcome{Name: login.Name, Role: string(invite.Role), Problem: refused.Message})
		}
	case login.Purpose == vault.ToProve && signedIn:
		page = func() error { return p.provePage(c, v, refused.Status, login.Return, refused.Message) }
	case login.Purpose == vault.ToAddIdentity && signedIn:
		page = func() error {
			return p.mePage(c, v, refused.Status, templates.Fault{Field: "identity", Problem: refused.Message})
		}
	case signedIn:
		return refused
	default:
		page = func() error {
			return p.signInPage(c, refused.Status, templates.AdminSignIn{Return: back(login.Return), Problem: refused.Message})
		}
	}
	if err := p.RecordRefusal(c, refused); err != nil {
		return err
	}
	return page()
}
