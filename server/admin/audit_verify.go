package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

const (
	noteCheck   = time.Second      // how often it is kept how far a verification is
	checkStalls = 30 * time.Second // without getting further, it has broken off
)

// verifyLog begins a verification of the whole log, unless one is under way.
func (p *Pages) verifyLog(c echo.Context, v visitor) error {
	ctx := c.Request().Context()
	state, err := p.Vault.LogState(ctx)
	if err != nil {
		return err
	}
	if state.Key == "" {
		return &Refused{Status: http.StatusConflict, Title: "Nothing to verify", Message: "There are no events yet."}
	}
	now := p.Now()
	check := vault.LogCheck{ID: rand.Text(), By: v.Name, Began: now, Until: now.Add(checkStalls), Of: state.Bytes}
	mine := false
	err = p.Vault.Update(ctx, func(tx *vault.Tx) error {
		last, err := tx.LastLogCheck()
		if mine = err == nil && !(last.ID != "" && last.Ended.IsZero() && now.Before(last.Until)); !mine {
			return err
		}
		return errors.Join(tx.LogChecks.Put(check), tx.Record(v.did("sallyport_logs_verified", "began to verify the log of events")))
	})
	if err != nil {
		return err
	}
	if mine {
		ctx := context.WithoutCancel(ctx)
		p.Vault.Go(func() { p.verify(ctx, check) })
	}
	return c.Redirect(http.StatusSeeOther, Path+"/audit#verified")
}

// verify verifies the log, and keeps how far it is and what it found.
func (p *Pages) verify(ctx context.Context, check vault.LogCheck) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.watching.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	noted := time.Now()
	report, err := p.Vault.VerifyStoredLogs(ctx, func(read uint64) {
		if check.Read = read; time.Since(noted) > noteCheck {
			noted, check.Until = time.Now(), p.Now().Add(checkStalls)
			p.noteCheck(ctx, check)
		}
	})
	if ctx.Err() != nil {
		return // as it stops: that it has broken off shows
	}
	if check.Report, check.Ended = report, p.Now(); err != nil {
		check.Problem = err.Error()
	}
	if err != nil || report.FaultCount > 0 {
		p.Log.ErrorContext(ctx, "the log of events is not as it was recorded", "faults", report.FaultCount, "error", err)
	}
	p.noteCheck(ctx, check)
}

// noteCheck keeps how far a verification is, if it is still the last.
func (p *Pages) noteCheck(ctx context.Context, check vault.LogCheck) {
	err := p.Vault.Update(ctx, func(tx *vault.Tx) error {
		last, err := tx.LastLogCheck()
		if err != nil || last.ID != check.ID {
			return err
		}
		return tx.LogChecks.Put(check)
	})
	if err != nil && ctx.Err() == nil {
		p.Log.ErrorContext(ctx, "could not keep how far the verification of the log is", "error", err)
	}
}

func (p *Pages) logCheckView(check vault.LogCheck) templates.LogCheck {
	r := check.Report
	view := templates.LogCheck{
		By: check.By, Began: p.moment(check.Began), Ended: p.moment(check.Ended), Percent: min(99, percent(check.Read, check.Of)),
		Events: r.Events, Chains: r.Chains, Key: r.Key, First: p.moment(r.First), Last: p.moment(r.Last), FaultCount: r.FaultCount, Problem: check.Problem,
	}
	for _, f := range r.Faults {
		view.Faults = append(view.Faults, f.Problem)
	}
	switch {
	case check.ID == "":
	case check.Ended.IsZero() && p.Now().Before(check.Until):
		view.State = "running"
	case check.Ended.IsZero():
		view.State = "broken off"
	case check.Problem != "" || r.FaultCount > 0:
		view.State = "failed"
	default:
		view.State, view.Took = "passed", took(check.Ended.Sub(check.Began))
	}
	return view
}
