package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

const (
	followEvery  = time.Second      // it is looked for new events
	stillThere   = 15 * time.Second // after which something is sent in any case, so that nobody on the way hangs up
	overlap      = 10 * time.Second // of a page and what is sent after it: events of other instances may come late
	mostFollowed = 5_000            // new events that are looked at in one go
	mostSent     = 100              // rows in one go
	mostWatched  = 4                // pages of an administrator that are live at once: a browser has six connections
)

// watching are who has live pages.
type watching struct {
	mu    sync.Mutex
	pages map[string]int // by administrator
	over  chan struct{}  // closed when the gateway stops
}

// begin lets an administrator have a further live page, or not.
func (w *watching) begin(admin string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pages[admin] == mostWatched {
		return false
	}
	w.pages[admin]++
	return true
}

func (w *watching) end(admin string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pages[admin]--; w.pages[admin] == 0 {
		delete(w.pages, admin)
	}
}

// End ends the live pages, which would last otherwise: the gateway is about to
// stop.
func (p *Pages) End() {
	p.watching.mu.Lock()
	defer p.watching.mu.Unlock()
	select {
	case <-p.watching.over:
	default:
		close(p.watching.over)
	}
}

// aPlace is where somebody is in the log: the ID of an event, or its beginning.
var aPlace = regexp.MustCompile(`^[0-9]{17}(?:[0-9A-Z]{10}[0-9]{12})?$`)

// liveEvents sends the events that are chosen as they happen, on whichever
// instance, as rows of the list (WHATWG HTML, server-sent events). It ends with
// the session.
func (p *Pages) liveEvents(c echo.Context, v visitor) error {
	f, err := p.readEventFilter(c)
	if err != nil {
		return err
	}
	at := c.Request().Header.Get("Last-Event-ID") // of a browser that was cut off
	if at == "" {
		at = c.QueryParam("after")
	}
	switch {
	case !f.sound():
		return errNoTime
	case !aPlace.MatchString(at):
		return &Refused{Status: http.StatusBadRequest, Title: "Nowhere to begin", Message: "It is not said after which event to begin. Load the page Events anew."}
	case !p.watching.begin(v.ID):
		return &Refused{Status: http.StatusTooManyRequests, Title: "Too many live pages", Message: fmt.Sprintf("You have %d live pages open already. Close one, and load this one anew.", mostWatched)}
	}
	defer p.watching.end(v.ID)

	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	s := &stream{c: c, out: http.NewResponseController(c.Response()), at: at}
	if err := s.out.SetReadDeadline(time.Time{}); err != nil { // the server's is for short requests
		return err
	}
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		if on, err := p.stillSignedIn(c.Request().Context(), v); err != nil {
			return err
		} else if !on {
			return s.send("end", "Your session has ended.")
		}
		if err := p.follow(s, f); err != nil {
			return err
		}
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-p.watching.over:
			return nil
		case <-ticker.C:
		}
	}
}

// stillSignedIn reports whether a session goes on. To watch is not to use it.
func (p *Pages) stillSignedIn(ctx context.Context, v visitor) (bool, error) {
	return vault.Exists(p.Vault.View(ctx, func(tx *vault.Tx) error {
		_, err1 := tx.AdminSessions.Get(v.session.Hash)
		_, err2 := tx.Admins.Get(v.ID)
		return errors.Join(err1, err2)
	}))
}

// follow sends what is new.
func (p *Pages) follow(s *stream, f *eventFilter) error {
	fresh, err := p.Vault.LogsAfter(s.c.Request().Context(), s.at, mostFollowed)
	if err != nil {
		return err
	}
	if len(fresh) == 0 {
		return s.beat()
	}
	s.at = fresh[len(fresh)-1].ID
	kept := slices.DeleteFunc(fresh, func(e vault.LogEntry) bool { return !f.match(e.Line) })
	if len(kept) == 0 {
		return s.beat()
	}
	slices.Reverse(kept)
	if n := len(kept) - mostSent; n > 0 {
		if err := s.send("skipped", strconv.Itoa(n)); err != nil {
			return err
		}
	}
	rows, err := p.eventRows(kept[:min(len(kept), mostSent)])
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, row := range rows {
		if err := templates.RenderPart(&b, "admin/events", "eventrow", row); err != nil {
			return err
		}
	}
	return s.send("rows", b.String())
}

// stream is a live page under way.
type stream struct {
	c    echo.Context
	out  *http.ResponseController
	at   string    // ID of the last event that was looked at
	last time.Time // that something was sent
}

// send sends a message, with the place to go on from.
func (s *stream) send(event, data string) error {
	return s.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", s.at, event, strings.ReplaceAll(data, "\n", "\ndata: ")))
}

// beat shows, now and then, that there is still somebody here.
func (s *stream) beat() error {
	if time.Since(s.last) < stillThere {
		return nil
	}
	return s.write("id: " + s.at + "\n\n")
}

func (s *stream) write(text string) error {
	s.last = time.Now()
	if err := s.out.SetWriteDeadline(s.last.Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := s.c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return s.out.Flush()
}
