package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/vault"
)

const (
	trialLife    = 24 * time.Hour   // that what was seen is kept
	trialTimeout = 90 * time.Second // of what is done without the administrator
)

// ConnectionToTry is the connection of a name, as its draft has it if there is
// one: what nobody else may use yet.
func (p *Pages) ConnectionToTry(tx *vault.Tx, name string) (vault.Connection, error) {
	drafted, _, err := tx.Drafted(name)
	if errors.Is(err, vault.ErrNotFound) {
		return tx.Connections.Get(name)
	}
	return drafted, err
}

// toTry is the connection that a request names, and its last trial, if any.
func (p *Pages) toTry(c echo.Context) (conn vault.Connection, trial vault.Trial, err error) {
	ok, err := vault.Exists(p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if conn, err = p.ConnectionToTry(tx, c.Param("name")); err != nil {
			return err
		}
		trial, err = tx.Trials.Get(conn.Name)
		if errors.Is(err, vault.ErrNotFound) {
			return nil
		}
		return err
	}))
	if err == nil && !ok {
		err = &Refused{Status: http.StatusNotFound, Title: "No such connection", Message: "There is no connection of this name. It may have been deleted."}
	}
	return conn, trial, err
}

// startTrial begins a trial in place of the last one, and does of it what needs
// nobody.
func (p *Pages) startTrial(c echo.Context, v visitor) error {
	conn, _, err := p.toTry(c)
	if err != nil {
		return err
	}
	now := p.Now()
	trial := vault.Trial{
		Connection: conn.Name, ID: rand.Text(), Admin: v.ID, By: v.Name, State: vault.TrialRunning,
		Began: now, Until: now.Add(trialTimeout), Expires: now.Add(trialLife),
	}
	for _, s := range connections.Steps {
		trial.Steps = append(trial.Steps, vault.TrialStep{Name: s.Name})
	}
	if err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		return errors.Join(tx.Trials.Put(trial), tx.Record(v.did("sallyport_console_done", "began to try connection "+conn.Name)))
	}); err != nil {
		return err
	}
	p.apart(c, func(ctx context.Context) { p.prepare(ctx, conn, trial) })
	return c.Redirect(http.StatusSeeOther, tryPath(conn.Name))
}

func tryPath(connection string) string {
	return Path + "/connections/" + url.PathEscape(connection) + "/try"
}

// apart does something that the request's answer does not wait for.
func (p *Pages) apart(c echo.Context, do func(context.Context)) {
	ctx := context.WithoutCancel(c.Request().Context())
	p.Vault.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, trialTimeout)
		defer cancel()
		do(ctx)
	})
}

// prepare does the steps of a trial up to the sign-in.
func (p *Pages) prepare(ctx context.Context, conn vault.Connection, trial vault.Trial) {
	t, ok := p.open(ctx, conn, trial)
	if !ok {
		return
	}
	state := vault.TrialFailed
	if t.Prepare(ctx) {
		state = vault.TrialWaiting
	}
	p.conclude(ctx, trial, state, t.Facts)
}

// open opens a connection for a trial; if that cannot be done, the trial has
// failed.
func (p *Pages) open(ctx context.Context, conn vault.Connection, trial vault.Trial) (*connections.Trial, bool) {
	t, err := p.Connections.Try(conn, func(s vault.TrialStep) {
		p.note(ctx, trial, func(t *vault.Trial) {
			if i := slices.IndexFunc(t.Steps, func(known vault.TrialStep) bool { return known.Name == s.Name }); i >= 0 {
				t.Steps[i] = s
			}
		})
	})
	if err == nil {
		return t, true
	}
	var upstream *connections.Error
	cause := "The connection cannot be opened."
	if errors.As(err, &upstream) {
		cause = upstream.Description
	}
	p.note(ctx, trial, func(t *vault.Trial) {
		t.Steps[0].State, t.Steps[0].Cause, t.Steps[0].Cure = vault.StepFailed, cause, "Correct the connection's settings."
	})
	p.conclude(ctx, trial, vault.TrialFailed, vault.TrialFacts{})
	return nil, false
}

func (p *Pages) conclude(ctx context.Context, trial vault.Trial, state vault.TrialState, facts vault.TrialFacts) {
	p.note(ctx, trial, func(t *vault.Trial) { t.State, t.Facts, t.Ended = state, facts, p.Now() })
}

// note keeps what a trial has seen, if it is still the last of its connection.
// One that gave way to a newer goes on to its end all the same, since its tokens
// are to be revoked. What was seen is kept also when time has run out.
func (p *Pages) note(ctx context.Context, trial vault.Trial, change func(*vault.Trial)) {
	err := p.Vault.Update(context.WithoutCancel(ctx), func(tx *vault.Tx) error {
		t, err := tx.Trials.Get(trial.Connection)
		if err != nil || t.ID != trial.ID {
			return err
		}
		change(&t)
		return tx.Trials.Put(t)
	})
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		p.Log.ErrorContext(ctx, "could not keep what a trial saw", "connection", trial.Connection, "error", err)
	}
}

// signInToTry sends the administrator to the identity provider, as users are sent.
// That the URL names the trial shows that it was taken from its page.
func (p *Pages) signInToTry(c echo.Context, v visitor) error {
	conn, trial, err := p.toTry(c)
	switch {
	case err != nil:
		return err
	case trial.ID == "" || trial.ID != c.QueryParam("trial") || trial.State != vault.TrialWaiting:
		return c.Redirect(http.StatusSeeOther, tryPath(conn.Name))
	case trial.Admin != v.ID:
		return errOthersTrial
	}
	return p.BeginLogin(c, conn, vault.Login{Purpose: vault.ToTry, Trial: trial.ID})
}

var errOthersTrial = &Refused{Status: http.StatusForbidden, Title: "Somebody else's trial",
	Message: "Another administrator began this trial, and goes on with it in their own browser. Nothing was sent to the identity provider. You can begin one of your own."}

// Tried takes up a trial when its sign-in comes back: in the browser that it was
// begun in, which the caller has made sure of, with its administrator's session.
func (p *Pages) Tried(c echo.Context, login vault.Login, conn vault.Connection) error {
	v, ok, err := p.visitor(c)
	if err != nil {
		return err
	}
	if !ok || !v.Role.May(vault.Editor) {
		return errOthersTrial
	}
	var trial vault.Trial
	mine := false
	err = p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) (err error) {
		mine = false
		if trial, err = tx.Trials.Get(conn.Name); errors.Is(err, vault.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if mine = trial.ID == login.Trial && trial.Admin == v.ID && trial.State == vault.TrialWaiting; !mine {
			return nil
		}
		trial.State, trial.Until = vault.TrialRunning, p.Now().Add(trialTimeout)
		return tx.Trials.Put(trial)
	})
	switch {
	case err != nil:
		return err
	case !mine:
		return errOthersTrial
	}
	answer := c.QueryParams()
	p.apart(c, func(ctx context.Context) { p.finish(ctx, conn, trial, login, answer) })
	return c.Redirect(http.StatusSeeOther, tryPath(conn.Name))
}

// finish does the steps of a trial after the sign-in.
func (p *Pages) finish(ctx context.Context, conn vault.Connection, trial vault.Trial, login vault.Login, answer url.Values) {
	t, ok := p.open(ctx, conn, trial)
	if !ok {
		return
	}
	t.Facts, t.Later = trial.Facts, p.revokeLater
	state := vault.TrialFailed
	if t.Finish(ctx, login, answer) {
		state = vault.TrialPassed
	}
	p.conclude(ctx, trial, state, t.Facts)
}

// revokeLater has the tokens of a trial revoked when that does no harm to an
// account that was given the same access token, if there is one.
func (p *Pages) revokeLater(ctx context.Context, identity string, ts vault.TokenSet) (later bool, err error) {
	id := "tried " + rand.Text()
	err = p.Vault.Update(ctx, func(tx *vault.Tx) error {
		later = false
		account, err := tx.TokenSets.Get(identity)
		if errors.Is(err, vault.ErrNotFound) {
			return nil
		}
		if err != nil || account.AccessToken != ts.AccessToken {
			return err
		}
		later = true
		return tx.Discard(id, ts, true)
	})
	return later, err
}
