package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"sallyport/templates"
	"sallyport/vault"
)

// inviteLife is how long a link that makes an administrator is good.
const inviteLife = 24 * time.Hour

// Invite makes a link to the console of a gateway that makes whoever opens it an
// administrator, once, within a day. Of the invitation, it takes the name, the role
// and who invites; of the event, what is known of the request.
func Invite(ctx context.Context, v *vault.Vault, issuer string, invite vault.AdminInvite, e vault.Event) (link string, err error) {
	secret := rand.Text() + rand.Text()
	invite.Hash = vault.Hash(secret)
	e.Type, e.Description = "sallyport_administrator_invited", vault.Said("a link was made that makes an administrator")
	e.Details = append(slices.Clip(e.Details), vault.Say("invitation.name", invite.Name), vault.Say("invitation.role", string(invite.Role)), vault.Say("invitation.by", invite.By))
	if e.Correlation == (vault.Text{}) {
		e.Correlation = vault.Said(rand.Text()[:16])
	}
	err = v.Update(ctx, func(tx *vault.Tx) error {
		invite.Expires = tx.Now().Add(inviteLife)
		return errors.Join(tx.AdminInvites.Put(invite), tx.Record(e))
	})
	return strings.TrimSuffix(issuer, "/") + Path + "?" + url.Values{"invite": {secret}}.Encode(), err
}

var errInvite = &Refused{Status: http.StatusForbidden, Title: "This link no longer works",
	Message: "It was used already, or is older than a day. Whoever runs the gateway can make another, with 'sallyport admin invite', or under Administrators."}

// takeUp takes an invitation out of the URL, where it would stay in the
// browser's history, and into a cookie.
func (p *Pages) takeUp(c echo.Context, secret string) error {
	var invite vault.AdminInvite
	ok, err := vault.Exists(p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		invite, err = tx.AdminInvites.Get(vault.Hash(secret))
		return err
	}))
	if err != nil {
		return err
	}
	if !ok {
		return errInvite
	}
	if err := p.ask(c, vault.AdminChallenge{Invite: invite.Hash}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, Path+"/welcome")
}

// invited is the invitation that the browser is taking up.
func (p *Pages) invited(c echo.Context) (q vault.AdminChallenge, invite vault.AdminInvite, err error) {
	ctx := c.Request().Context()
	q, ok, err := p.asked(ctx, c)
	if err != nil {
		return q, invite, err
	}
	if ok {
		ok, err = vault.Exists(p.Vault.View(ctx, func(tx *vault.Tx) (err error) { invite, err = tx.AdminInvites.Get(q.Invite); return err }))
	}
	if err == nil && !ok {
		err = errInvite
	}
	return q, invite, err
}

// welcome asks a new administrator for a name and a password.
func (p *Pages) welcome(c echo.Context) error {
	_, invite, err := p.invited(c)
	if err != nil {
		return err
	}
	return p.welcomePage(c, http.StatusOK, templates.AdminWelcome{Name: invite.Name, Role: string(invite.Role)})
}

func (p *Pages) welcomePage(c echo.Context, status int, page templates.AdminWelcome) (err error) {
	page.Theme = theme(c)
	if page.Entrances, err = p.entrances(c.Request().Context(), anyConnection); err != nil {
		return err
	}
	return render(c, status, "welcome", page)
}

// choose takes the name and the password, and asks for a first one-time password.
func (p *Pages) choose(c echo.Context) error {
	_, invite, err := p.invited(c)
	if err != nil {
		return err
	}
	name, password := strings.TrimSpace(c.FormValue("name")), c.FormValue("password")
	err = p.checkName(c.Request().Context(), name)
	if err == nil {
		err = checkPassword(password, name)
	}
	if err == nil && password != c.FormValue("again") {
		err = &vault.Invalid{Field: "again", Problem: "is not the same as the password"}
	}
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return p.welcomePage(c, http.StatusBadRequest, templates.AdminWelcome{Name: name, Role: string(invite.Role), Field: fault.Field, Problem: fault.Problem})
	}
	if err != nil {
		return err
	}
	hash, err := hashPassword(c.Request().Context(), password)
	if err != nil {
		return err
	}
	u, err := url.Parse(p.Issuer)
	if err != nil {
		return err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Sallyport at " + u.Host, AccountName: name, Rand: rand.Reader})
	if err != nil {
		return fmt.Errorf("make a secret for one-time passwords: %w", err)
	}
	if err := p.ask(c, vault.AdminChallenge{Invite: invite.Hash, Name: name, Password: hash, TOTP: vault.NewSecret(key.URL())}); err != nil {
		return err
	}
	return p.enrol(c, http.StatusOK, key, "")
}

// checkName finds fault with a name that is none, or somebody else's.
func (p *Pages) checkName(ctx context.Context, name string) error {
	if err := (vault.Admin{ID: "new", Name: name, Role: vault.Viewer}).Validate(); err != nil {
		return err
	}
	return p.Vault.View(ctx, func(tx *vault.Tx) error {
		other, err := adminNamed(tx, name)
		if err == nil && other.ID != "" {
			err = &vault.Invalid{Field: "name", Problem: "is another administrator's"}
		}
		return err
	})
}

// enrol shows the secret of the one-time passwords, this once, to be taken into
// an authenticator app.
func (p *Pages) enrol(c echo.Context, status int, key *otp.Key, problem string) error {
	image, err := key.Image(240, 240)
	if err != nil {
		return fmt.Errorf("draw a QR code: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image); err != nil {
		return fmt.Errorf("draw a QR code: %w", err)
	}
	return render(c, status, "enrol", templates.AdminEnrol{
		QR: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), Secret: key.Secret(), Problem: problem, Theme: theme(c),
	})
}

// confirm takes the first one-time password, which shows that the next will be
// right, and makes the administrator.
func (p *Pages) confirm(c echo.Context) error {
	q, _, err := p.invited(c)
	if err == nil && q.Password.IsZero() {
		err = errInvite
	}
	if err != nil {
		return err
	}
	key, err := otp.NewKeyFromURL(q.TOTP.Reveal())
	if err != nil {
		return fmt.Errorf("read the secret of the one-time passwords: %w", err)
	}
	secret := vault.NewSecret(key.Secret())
	used, ok := step(secret, c.FormValue("code"), 0, p.Now())
	if !ok {
		return p.enrol(c, http.StatusBadRequest, key, "That is not the present one-time password. If it goes on, see whether the clock of your device is right.")
	}
	admin := vault.Admin{ID: "adm_" + rand.Text()[:16], Name: q.Name, Password: q.Password, TOTP: secret, TOTPStep: used, Created: p.Now()}
	if err := p.admit(c, q, &admin); err != nil {
		return err
	}
	if err := p.begin(c, admin, "a new password", p.Now()); err != nil {
		return err
	}
	if err := p.SetCookie(c, challengeCookie, ""); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, Path)
}

// admit keeps a new administrator, with the role of the invitation, which is
// used by it.
func (p *Pages) admit(c echo.Context, q vault.AdminChallenge, admin *vault.Admin) error {
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		invite, err := tx.AdminInvites.Take(q.Invite)
		if err != nil {
			return err
		}
		if other, err := adminNamed(tx, admin.Name); err != nil || other.ID != "" {
			return errors.Join(err, vault.ErrConflict)
		}
		for _, i := range admin.Identities {
			if err := p.nobodys(tx, i); err != nil {
				return err
			}
		}
		admin.Role = invite.Role
		made := visitor{Admin: *admin, event: p.Event(c)}
		return errors.Join(p.changed(tx, made, "administrator "+admin.Name+", invited by "+invite.By, nil, *admin),
			tx.AdminChallenges.Delete(q.Hash), tx.Admins.Put(*admin))
	})
	if errors.Is(err, vault.ErrNotFound) || errors.Is(err, vault.ErrConflict) {
		return errInvite
	}
	return err
}
