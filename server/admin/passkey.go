package admin

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// holder is an administrator as the Web Authentication API knows them. Their ID
// is random, and tells nothing of them.
type holder struct{ vault.Admin }

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return h.Name }
func (h holder) WebAuthnDisplayName() string { return h.Name }

func (h holder) WebAuthnCredentials() (all []webauthn.Credential) {
	for _, k := range h.Passkeys {
		var c webauthn.Credential
		if json.Unmarshal(k.Credential, &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

// relyingParty is the gateway, whose passkeys are good at its own host alone: one
// that has a name (Web Authentication, section 5.1.3, step 7).
func relyingParty(issuer string) func() (*webauthn.WebAuthn, error) {
	return sync.OnceValues(func() (*webauthn.WebAuthn, error) {
		u, err := url.Parse(issuer)
		if err != nil {
			return nil, err
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil {
			return nil, &Refused{Status: http.StatusBadRequest, Title: "Passkey", Message: "Browsers make passkeys for names alone, and this gateway's issuer is an IP address. " +
				"Use a password and one-time passwords, or give 'serve --issuer' a host name: localhost is one."}
		}
		return webauthn.New(&webauthn.Config{
			RPID: u.Hostname(), RPDisplayName: "Sallyport", RPOrigins: []string{u.Scheme + "://" + u.Host},
			AuthenticatorSelection: protocol.AuthenticatorSelection{
				ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
			},
		})
	})
}

var errPasskey = &Refused{Status: http.StatusForbidden, Title: "Sign in",
	Message: "This passkey is not known here, or its answer does not pass. Sign in in another way, or ask an owner for a new link."}

// beginFirstPasskey asks the browser of a new administrator for a passkey.
func (p *Pages) beginFirstPasskey(c echo.Context) error {
	_, invite, err := p.invited(c)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(c.FormValue("name"))
	if err := p.checkName(c.Request().Context(), name); err != nil {
		return asRefused(err)
	}
	admin := vault.Admin{ID: "adm_" + rand.Text()[:16], Name: name, Role: invite.Role, Created: p.Now()}
	return p.askForPasskey(c, vault.AdminChallenge{Invite: invite.Hash, Name: name}, admin)
}

// keepFirstPasskey makes the administrator, who has no password.
func (p *Pages) keepFirstPasskey(c echo.Context) error {
	q, _, err := p.invited(c)
	if err != nil {
		return err
	}
	admin := vault.Admin{Name: q.Name, Created: p.Now()}
	key, id, err := p.passkeyOf(c, q, admin)
	if err != nil {
		return err
	}
	admin.ID, admin.Passkeys = id, []vault.Passkey{key}
	if err := p.admit(c, q, &admin); err != nil {
		return err
	}
	return p.entered(c, admin)
}

// beginPasskey asks the browser of an administrator for a further passkey.
func (p *Pages) beginPasskey(c echo.Context, v visitor) error {
	return p.askForPasskey(c, vault.AdminChallenge{Name: v.Name}, v.Admin)
}

// keepPasskey adds it to theirs.
func (p *Pages) keepPasskey(c echo.Context, v visitor) error {
	ctx := c.Request().Context()
	q, ok, err := p.asked(ctx, c)
	if err != nil {
		return err
	}
	if !ok {
		return errPasskey
	}
	key, _, err := p.passkeyOf(c, q, v.Admin)
	if err != nil {
		return err
	}
	err = p.Vault.Update(ctx, func(tx *vault.Tx) error {
		if _, err := tx.AdminChallenges.Take(q.Hash); err != nil {
			return err
		}
		a, err := tx.Admins.Get(v.ID)
		if err != nil {
			return err
		}
		before := a
		a.Passkeys = append(slices.Clip(a.Passkeys), key)
		return errors.Join(p.changed(tx, v, "administrator "+a.Name, before, a), tx.Admins.Put(a))
	})
	if err != nil {
		return err
	}
	return goTo(c, Path+"/me?notice=saved")
}

// beginPasskeySignIn asks a browser for any passkey that it has for the gateway.
func (p *Pages) beginPasskeySignIn(c echo.Context) error {
	rp, err := p.webauthn()
	if err != nil {
		return err
	}
	options, session, err := rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return fmt.Errorf("ask for a passkey: %w", err)
	}
	return p.askBrowser(c, vault.AdminChallenge{}, session, options)
}

// passkeySignIn signs in whose passkey it is, or has them prove who they are.
func (p *Pages) passkeySignIn(c echo.Context) error {
	var admin vault.Admin
	err := p.Limited(c, "passkey", func() (err error) {
		admin, err = p.byPasskey(c)
		return err
	})
	if err != nil {
		return err
	}
	return p.entered(c, admin)
}

// byPasskey is the administrator whose passkey answered the browser's question.
func (p *Pages) byPasskey(c echo.Context) (admin vault.Admin, err error) {
	rp, err := p.webauthn()
	if err != nil {
		return admin, err
	}
	ctx := c.Request().Context()
	q, session, err := p.ceremony(c)
	if err != nil {
		return admin, err
	}
	find := func(_, handle []byte) (webauthn.User, error) {
		err := p.Vault.View(ctx, func(tx *vault.Tx) (err error) { admin, err = tx.Admins.Get(string(handle)); return err })
		return holder{admin}, err
	}
	credential, err := rp.FinishDiscoverableLogin(find, session, c.Request())
	if admin.ID != "" {
		p.name(c, admin, false)
	}
	if err != nil {
		return admin, &Refused{Status: errPasskey.Status, Title: errPasskey.Title, Message: errPasskey.Message, Err: err}
	}
	kept, err := json.Marshal(credential)
	if err != nil {
		return admin, err
	}
	err = p.Vault.Update(ctx, func(tx *vault.Tx) error {
		if _, err := tx.AdminChallenges.Take(q.Hash); err != nil {
			return err // it was answered meanwhile
		}
		if admin, err = tx.Admins.Get(admin.ID); err != nil {
			return err
		}
		i := slices.IndexFunc(admin.Passkeys, func(k vault.Passkey) bool { return string(k.ID) == string(credential.ID) })
		if i < 0 {
			return vault.ErrNotFound // it was taken away meanwhile
		}
		if credential.Authenticator.CloneWarning {
			return errPasskey
		}
		admin.Passkeys = slices.Clone(admin.Passkeys)
		admin.Passkeys[i].Credential, admin.Passkeys[i].Used = kept, p.Now()
		return tx.Admins.Put(admin)
	})
	if errors.Is(err, vault.ErrNotFound) {
		err = errPasskey
	}
	return admin, err
}

// askForPasskey asks a browser to make a passkey for an administrator.
func (p *Pages) askForPasskey(c echo.Context, q vault.AdminChallenge, admin vault.Admin) error {
	rp, err := p.webauthn()
	if err != nil {
		return err
	}
	had := webauthn.Credentials(holder{admin}.WebAuthnCredentials()).CredentialDescriptors()
	options, session, err := rp.BeginRegistration(holder{admin}, webauthn.WithExclusions(had))
	if err != nil {
		return fmt.Errorf("ask for a passkey: %w", err)
	}
	return p.askBrowser(c, q, session, options)
}

func (p *Pages) askBrowser(c echo.Context, q vault.AdminChallenge, session *webauthn.SessionData, options any) error {
	b, err := json.Marshal(session)
	if err != nil {
		return err
	}
	q.Passkey = vault.NewSecret(string(b))
	if err := p.ask(c, q); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, options)
}

// ceremony is the question that the browser answers.
func (p *Pages) ceremony(c echo.Context) (q vault.AdminChallenge, session webauthn.SessionData, err error) {
	q, ok, err := p.asked(c.Request().Context(), c)
	if err != nil {
		return q, session, err
	}
	if !ok || q.Passkey.IsZero() {
		return q, session, errPasskey
	}
	return q, session, json.Unmarshal([]byte(q.Passkey.Reveal()), &session)
}

// passkeyOf is the passkey that the browser made for an administrator, and the
// administrator's ID.
func (p *Pages) passkeyOf(c echo.Context, q vault.AdminChallenge, admin vault.Admin) (key vault.Passkey, id string, err error) {
	rp, err := p.webauthn()
	if err != nil {
		return key, "", err
	}
	_, session, err := p.ceremony(c)
	if err != nil {
		return key, "", err
	}
	if admin.ID == "" {
		admin.ID = string(session.UserID)
	}
	credential, err := rp.FinishRegistration(holder{admin}, session, c.Request())
	if err != nil {
		return key, "", &Refused{Status: http.StatusBadRequest, Title: "Passkey", Message: "The passkey could not be made: the browser's answer does not pass. Try again.", Err: err}
	}
	kept, err := json.Marshal(credential)
	name := c.QueryParam("name")
	if name == "" || len(name) > 100 {
		name = "Passkey of " + p.Now().Format("2 January 2006")
	}
	return vault.Passkey{ID: credential.ID, Name: name, Credential: kept, Created: p.Now(), Used: p.Now()}, admin.ID, err
}

// entered begins a session, and tells the script where to go on.
func (p *Pages) entered(c echo.Context, admin vault.Admin) error {
	if err := p.begin(c, admin, "a passkey", p.Now()); err != nil {
		return err
	}
	if err := p.SetCookie(c, challengeCookie, ""); err != nil {
		return err
	}
	return goTo(c, back(c.QueryParam("return")))
}

func goTo(c echo.Context, location string) error {
	return c.JSON(http.StatusOK, map[string]string{"location": location})
}

// asRefused has a script told what is wrong with a field.
func asRefused(err error) error {
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return &Refused{Status: http.StatusBadRequest, Title: "Sign in", Message: strings.ToUpper(fault.Field[:1]) + fault.Field[1:] + " " + fault.Problem + "."}
	}
	return err
}
