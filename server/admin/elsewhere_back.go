package admin

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Elsewhere is what came of somebody whom the console had sent to an identity
// provider.
type Elsewhere struct {
	Login      vault.Login // without a purpose if it is none of this browser's
	Connection vault.Connection
	Identity   vault.Identity
	AuthTime   time.Time // when they last showed who they are there, if the provider says
	Refused    *Refused  // why nobody was found out, if nobody was
}

// identity is the identity as one of an administrator's.
func (a Elsewhere) identity(now time.Time) vault.AdminIdentity {
	profile := a.Identity.Profile
	title := cmp.Or(profile.Username, profile.Email, profile.Name, a.Identity.UserID, a.Identity.Subject)
	return vault.AdminIdentity{Connection: a.Connection.Name, ConnectionID: a.Connection.ID, Subject: a.Identity.Subject,
		Title: vault.Said(title).String(), Created: now, Used: now}
}

// shown is when they showed who they are: as the provider says, or else now if they
// were sent to log in anew. It is zero where neither is known.
func (a Elsewhere) shown(now time.Time) time.Time {
	switch {
	case a.AuthTime.After(now):
		return now
	case a.AuthTime.IsZero() && a.Login.Purpose != vault.ToConsole:
		return now
	}
	return a.AuthTime
}

// Expects finds fault with whoever brings the answer to a login, before it is
// looked at, if they are not who began it.
func (p *Pages) Expects(c echo.Context, login vault.Login) error {
	switch login.Purpose {
	case vault.ToTakeUp:
		q, _, err := p.invited(c)
		if err == nil && q.Invite != login.Invite {
			err = errInvite
		}
		return err
	case vault.ToProve, vault.ToAddIdentity:
		v, ok, err := p.visitor(c)
		if err == nil && (!ok || v.ID != login.Admin) {
			err = errOthersLogin
		}
		return err
	}
	return nil
}

var errOthersLogin = &Refused{Status: http.StatusForbidden, Title: "Sign in",
	Message: "Whoever began this is not signed in to the console any more. Nothing was done. Sign in, and begin again."}

// CameBack takes up what somebody was sent to an identity provider for.
func (p *Pages) CameBack(c echo.Context, a Elsewhere) error {
	if a.Refused != nil {
		return p.cameToNothing(c, a.Login, a.Refused)
	}
	take, to := p.signInBy, back(a.Login.Return)
	switch a.Login.Purpose {
	case vault.ToTakeUp:
		take = p.takeUpBy
	case vault.ToProve:
		take = p.proveBy
	case vault.ToAddIdentity:
		take, to = p.keepIdentity, Path+"/me?notice=saved"
	}
	err := take(c, a)
	if refused, ok := err.(*Refused); ok { // and none that lies within the answer to too many
		return p.cameToNothing(c, a.Login, refused)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// signInBy signs in the administrator whose identity it is.
func (p *Pages) signInBy(c echo.Context, a Elsewhere) error {
	var admin vault.Admin
	err := p.Counted(c, "identity at "+a.Connection.Name, func() error {
		return p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
			admin, err = p.whose(tx, a)
			return err
		})
	})
	if err != nil {
		return err
	}
	return p.begin(c, admin, "an identity at connection "+a.Connection.Name, a.shown(p.Now()))
}

// whose is the administrator whose identity it is, by whom it was used. An e-mail
// address is nobody's identity.
func (p *Pages) whose(tx *vault.Tx, a Elsewhere) (admin vault.Admin, err error) {
	if err := p.stillAdmits(tx, a); err != nil {
		return admin, err
	}
	now := p.Now()
	used := a.identity(now)
	admin, i, err := adminWith(tx, used)
	if err != nil {
		return admin, err
	}
	if i < 0 {
		return admin, &Refused{Status: http.StatusForbidden, Title: "Sign in", Message: fmt.Sprintf(
			"You are %s at %s, and no administrator has that identity. If you are an administrator, sign in in another way and add it under “How you sign in”; if not, ask an owner to invite you.", used.Title, a.Connection.Title())}
	}
	admin.Identities = slices.Clone(admin.Identities)
	admin.Identities[i].Title, admin.Identities[i].Used = used.Title, now
	return admin, tx.Admins.Put(admin)
}

// stillAdmits finds fault with a connection that was taken from administrators
// while one was away.
func (p *Pages) stillAdmits(tx *vault.Tx, a Elsewhere) error {
	conn, err := tx.Connections.Get(a.Connection.Name)
	if found, err := vault.Exists(err); err != nil {
		return err
	} else if !found || !conn.AdmitsAdmins() || conn.ID != a.Connection.ID {
		return errNoEntrance
	}
	return nil
}

// adminWith is the administrator who has an identity, and which of theirs it is:
// -1 if nobody has it.
func adminWith(tx *vault.Tx, identity vault.AdminIdentity) (vault.Admin, int, error) {
	for a, err := range tx.Admins.All("") {
		if err != nil {
			return a, -1, err
		}
		i := slices.IndexFunc(a.Identities, func(i vault.AdminIdentity) bool {
			return i.Connection == identity.Connection && i.ConnectionID == identity.ConnectionID && i.Subject == identity.Subject
		})
		if i >= 0 {
			return a, i, nil
		}
	}
	return vault.Admin{}, -1, nil
}

// nobodys finds fault with an identity that an administrator has.
func (p *Pages) nobodys(tx *vault.Tx, identity vault.AdminIdentity) error {
	_, i, err := adminWith(tx, identity)
	if err == nil && i >= 0 {
		err = &Refused{Status: http.StatusConflict, Title: "This identity is an administrator's",
			Message: identity.Title + " is the identity of an administrator already, and can be of one alone. Log in with another account there, or have it taken away from them first."}
	}
	return err
}

// returned is the administrator who began a login, if they are still signed in and
// have shown it anew who they are.
func (p *Pages) returned(c echo.Context, a Elsewhere) (v visitor, err error) {
	if v, _, err = p.visitor(c); err != nil {
		return v, err
	}
	if v.ID == "" || v.ID != a.Login.Admin {
		return v, errOthersLogin
	}
	p.name(c, v.Admin, true)
	v.event = p.Event(c)
	if now := p.Now(); now.Sub(a.shown(now)) >= proofLife {
		return v, &Refused{Status: http.StatusForbidden, Title: "Is it you?", Message: fmt.Sprintf(
			"%s did not ask you again who you are: it says that you last showed it at %s. Sign out there, and begin again.", a.Connection.Title(), clockTime(a.AuthTime))}
	}
	return v, nil
}

// proveBy takes it for shown that it is still the administrator.
func (p *Pages) proveBy(c echo.Context, a Elsewhere) error {
	v, err := p.returned(c, a)
	if err != nil {
		return err
	}
	return p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		admin, err := p.whose(tx, a)
		if err != nil {
			return err
		}
		if admin.ID != v.ID {
			return &Refused{Status: http.StatusForbidden, Title: "Is it you?", Message: "That is the identity of another administrator. Log in with yours."}
		}
		return p.showed(tx, v, a.shown(p.Now()))
	})
}

// keepIdentity adds the identity to those of the administrator.
func (p *Pages) keepIdentity(c echo.Context, a Elsewhere) error {
	v, err := p.returned(c, a)
	if err != nil {
		return err
	}
	return p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		added := a.identity(p.Now())
		if err := p.stillAdmits(tx, a); err != nil {
			return err
		}
		if err := p.nobodys(tx, added); err != nil {
			return err
		}
		admin, err := tx.Admins.Get(v.ID)
		if err != nil {
			return err
		}
		before := admin
		admin.Identities = append(slices.Clip(admin.Identities), added)
		return errors.Join(p.changed(tx, v, "administrator "+admin.Name, before, admin), tx.Admins.Put(admin))
	})
}

// takeUpBy makes the administrator who was invited, with the identity.
func (p *Pages) takeUpBy(c echo.Context, a Elsewhere) error {
	q, _, err := p.invited(c)
	if err != nil {
		return err
	}
	if err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error { return p.stillAdmits(tx, a) }); err != nil {
		return err
	}
	now := p.Now()
	admin := vault.Admin{ID: "adm_" + rand.Text()[:16], Name: a.Login.Name, Identities: []vault.AdminIdentity{a.identity(now)}, Created: now}
	if err := p.admit(c, q, &admin); err != nil {
		return err
	}
	if err := p.begin(c, admin, "a new identity at connection "+a.Connection.Name, a.shown(now)); err != nil {
		return err
	}
	return p.SetCookie(c, challengeCookie, "")
}
