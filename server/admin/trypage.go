package admin

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// tryPage shows the last trial of a connection.
func (p *Pages) tryPage(c echo.Context, v visitor) error {
	page, err := p.trialOf(c, v)
	if err != nil {
		return err
	}
	return p.render(c, "try", page)
}

// watchEvery is how often it is looked whether a trial, on whichever instance, has
// got further.
const watchEvery = 200 * time.Millisecond

// tryEvents sends the steps of a trial under way as they are done (WHATWG HTML,
// server-sent events), and ends with it.
func (p *Pages) tryEvents(c echo.Context, v visitor) error {
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	out := http.NewResponseController(c.Response())
	before := ""
	for {
		page, err := p.trialOf(c, v)
		if err != nil {
			return err
		}
		var part bytes.Buffer
		if err := templates.RenderPart(&part, "admin/try", "trace", page); err != nil {
			return err
		}
		if err := errors.Join(out.SetWriteDeadline(time.Now().Add(10*time.Second)), send(c, "trace", part.String(), &before)); err != nil {
			return err
		}
		if page.State != "running" {
			last := ""
			return errors.Join(send(c, "done", page.State, &last), out.Flush())
		}
		if err := out.Flush(); err != nil {
			return err
		}
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-ticker.C:
		}
	}
}

// send sends an event, unless it is the same as before.
func send(c echo.Context, event, data string, before *string) error {
	if data == *before {
		return nil
	}
	*before = data
	_, err := fmt.Fprintf(c.Response(), "event: %s\ndata: %s\n\n", event, strings.ReplaceAll(data, "\n", "\ndata: "))
	return err
}

// trialOf is the page of the connection that a request names.
func (p *Pages) trialOf(c echo.Context, v visitor) (templates.Try, error) {
	conn, trial, err := p.toTry(c)
	if err != nil {
		return templates.Try{}, err
	}
	now := p.Now()
	page := templates.Try{
		Console: p.console(c, v, "connections"), Name: conn.Name, Title: conn.Title(), Callback: connections.CallbackURL(p.Issuer, conn),
		Approvals: connections.Approvals(conn),
	}
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if page.Probe, err = p.probeOf(tx, conn.Name); err != nil {
			return err
		}
		_, _, err = tx.Drafted(conn.Name)
		page.Draft, err = vault.Exists(err)
		return err
	})
	if err != nil || trial.ID == "" {
		return page, err
	}
	page.State, page.By, page.Began, page.Mine = string(trial.State), trial.By, ago(now, trial.Began), trial.Admin == v.ID && page.Editor
	if trial.State == vault.TrialRunning && now.After(trial.Until) {
		page.State = "broken"
	}
	page.SignIn = tryPath(conn.Name) + "/sign-in?" + url.Values{"trial": {trial.ID}}.Encode()
	if !page.Mine {
		page.SignIn = ""
	}
	for i, s := range trial.Steps {
		page.Steps = append(page.Steps, stepView(connections.Steps[i], s))
	}
	page.Facts = factsView(trial.Facts)
	for _, s := range connections.Pages(conn) {
		page.Pages = append(page.Pages, templates.TryPage{Sign: s.Sign, Cause: s.Cause, Cure: s.Cure})
	}
	return page, nil
}

func stepView(known connections.Step, s vault.TrialStep) templates.TryStep {
	view := templates.TryStep{Title: known.Title, About: known.About, State: string(s.State), Found: s.Found, Cause: s.Cause, Cure: s.Cure}
	if s.State != "" && s.State != vault.StepRunning && s.State != vault.StepSkipped {
		view.Took = took(s.Took)
	}
	for _, call := range s.Calls {
		view.Calls = append(view.Calls, templates.TryCall{Request: call.Request, Answer: call.Answer, Took: took(call.Took)})
	}
	return view
}

// took is how long something took, for people.
func took(d time.Duration) string {
	if d < time.Millisecond {
		return "under 1 ms"
	}
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// ago is how long ago something was, for people.
func ago(now, then time.Time) string {
	switch d := now.Sub(then); {
	case d < time.Minute:
		return "just now"
	case d < 2*time.Minute:
		return "a minute ago"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	case d < 2*time.Hour:
		return "an hour ago"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// factsView are what a trial found out, as a list to be checked.
func factsView(f vault.TrialFacts) (list []templates.TryFact) {
	add := func(title, value string, good bool) {
		state := "good"
		if !good {
			state = "warn"
		}
		list = append(list, templates.TryFact{Title: title, Value: value, State: state})
	}
	yes := func(title string, is *bool, good, bad string) {
		if is != nil && *is {
			add(title, good, true)
		} else if is != nil {
			add(title, bad, false)
		}
	}
	yes("Client secret", f.SecretRequired, "required", "not required")
	yes("PKCE", f.PKCERequired, "required", "not required, though used")
	if f.Granted == nil {
		return list
	}
	add("Scopes asked for", strings.Join(f.Asked, " "), true)
	add("Scopes granted", strings.Join(f.Granted, " "), true)
	yes("Refresh token", f.RefreshToken, "came", "none came")
	switch f.Rotation {
	case vault.Rotates:
		add("Rotation", "on: each refresh brings a new refresh token", true)
	case vault.Static:
		add("Rotation", "off: a refresh token stays good after use", true)
	}
	form := "opaque"
	if f.JWT != nil && *f.JWT {
		form = "a JWT"
	}
	add("Access token", form+", taken to live "+connections.Lasting(f.Lifetime), true)
	return list
}
