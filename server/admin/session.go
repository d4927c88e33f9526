package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// An administrator's session ends when it is not used for half an hour, and after
// half a day in any case.
const (
	sessionIdle     = 30 * time.Minute
	sessionLifetime = 12 * time.Hour
	sessionNote     = time.Minute // how exactly it is noted that it is used
	proofLife       = 10 * time.Minute
)

const (
	sessionCookie   = "sallyport-admin"
	challengeCookie = "sallyport-admin-challenge"
	themeCookie     = "sallyport-theme"
)

// visitor is whose session the request's cookie names, if it is one.
func (p *Pages) visitor(c echo.Context) (v visitor, ok bool, err error) {
	id := p.Cookie(c, sessionCookie)
	if id == "" {
		return v, false, nil
	}
	ctx := c.Request().Context()
	read := func(tx *vault.Tx) (err error) {
		if v.session, err = tx.AdminSessions.Get(vault.Hash(id)); err != nil {
			return err
		}
		v.Admin, err = tx.Admins.Get(v.session.Admin)
		return err
	}
	if ok, err = vault.Exists(p.Vault.View(ctx, read)); !ok {
		return v, false, err
	}
	watches := c.Request().Header.Get("Accept") == "text/event-stream" // by itself, which is no use of the session
	if now := p.Now(); !watches && now.Add(sessionIdle).Sub(v.session.Idle) > sessionNote {
		ok, err = vault.Exists(p.Vault.Update(ctx, func(tx *vault.Tx) error {
			if err := read(tx); err != nil {
				return err
			}
			v.session.Idle, v.LastSeen = now.Add(sessionIdle), now
			if err := tx.AdminSessions.Put(v.session); err != nil {
				return err
			}
			return tx.Admins.Put(v.Admin)
		}))
	}
	return v, ok, err
}

// begin begins a session in place of the one that the browser had, under an ID
// that nobody can have known before. What the administrator showed is for the log,
// and proved when they did.
func (p *Pages) begin(c echo.Context, admin vault.Admin, shown string, proved time.Time) error {
	p.name(c, admin, true)
	v := visitor{Admin: admin, event: p.Event(c)}
	before, id, now := p.Cookie(c, sessionCookie), rand.Text(), p.Now()
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		current, err := tx.Admins.Get(admin.ID)
		if err != nil {
			return err
		}
		current.LastSeen = now
		if err := tx.Admins.Put(current); err != nil {
			return err
		}
		if err := tx.AdminSessions.Delete(vault.Hash(before)); err != nil {
			return err
		}
		if err := tx.Record(v.did("sallyport_console_signed_in", "signed in to the console with "+shown)); err != nil {
			return err
		}
		return tx.AdminSessions.Put(vault.AdminSession{
			Hash: vault.Hash(id), Admin: admin.ID, Began: now, Proved: proved, Idle: now.Add(sessionIdle), Expires: now.Add(sessionLifetime),
		})
	})
	if err != nil {
		return err
	}
	return p.SetCookie(c, sessionCookie, id)
}

func (p *Pages) signOut(c echo.Context, v visitor) error {
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		return errors.Join(tx.AdminSessions.Delete(v.session.Hash), tx.Record(v.did("sallyport_console_signed_out", "signed out of the console")))
	})
	if err != nil {
		return err
	}
	if err := p.SetCookie(c, sessionCookie, ""); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, Path+"/sign-in")
}

// endOthers ends an administrator's other sessions, as after a change of how they
// sign in.
func endOthers(tx *vault.Tx, admin, but string) error {
	for s, err := range tx.AdminSessions.All("") {
		if err != nil {
			return err
		}
		if s.Admin == admin && s.Hash != but {
			if err := tx.AdminSessions.Delete(s.Hash); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask keeps what a browser is asked, until it answers or is asked again, for a few
// minutes.
func (p *Pages) ask(c echo.Context, q vault.AdminChallenge) error {
	before, id := p.Cookie(c, challengeCookie), rand.Text()
	q.Hash, q.Expires = vault.Hash(id), p.Now().Add(10*time.Minute)
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		return errors.Join(tx.AdminChallenges.Delete(vault.Hash(before)), tx.AdminChallenges.Put(q))
	})
	if err != nil {
		return err
	}
	return p.SetCookie(c, challengeCookie, id)
}

// asked is what the browser was asked, if anything.
func (p *Pages) asked(ctx context.Context, c echo.Context) (q vault.AdminChallenge, ok bool, err error) {
	id := p.Cookie(c, challengeCookie)
	ok, err = vault.Exists(p.Vault.View(ctx, func(tx *vault.Tx) (err error) {
		q, err = tx.AdminChallenges.Get(vault.Hash(id))
		return err
	}))
	return q, ok, err
}

// returning is the query by which to come back to a page of the console.
func returning(to string) string {
	if to == Path || to == "" {
		return ""
	}
	return "?" + url.Values{"return": {to}}.Encode()
}

// back is the page of the console to come back to: none of another site's, nor
// one to which a browser would read its way around this check.
func back(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || strings.ContainsAny(to, "\\\t\r\n") ||
		u.Path != Path && !strings.HasPrefix(u.Path, Path+"/") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "..") {
		return Path
	}
	return u.RequestURI()
}

// cameFrom is the page that a form was sent from.
func cameFrom(c echo.Context, issuer string) string {
	u, err := url.Parse(c.Request().Referer())
	if err != nil || u.Scheme+"://"+u.Host+"/" != issuer {
		return Path
	}
	return back(u.RequestURI())
}

// theme is "light" or "dark" if that was chosen, else what the system has.
func theme(c echo.Context) string {
	cookie, err := c.Cookie(themeCookie)
	if err != nil || cookie.Value != "light" && cookie.Value != "dark" {
		return ""
	}
	return cookie.Value
}

func (p *Pages) chooseTheme(c echo.Context, _ visitor) error {
	c.SetCookie(&http.Cookie{Name: themeCookie, Value: c.FormValue("theme"), Path: Path, MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode,
		HttpOnly: true, Secure: strings.HasPrefix(p.Issuer, "https://")})
	return c.Redirect(http.StatusSeeOther, back(c.FormValue("return")))
}
