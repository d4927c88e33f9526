package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// Other events of a request are looked for within a time before and after it, and
// among so many events.
const (
	aroundEvent = 2 * time.Minute
	mostAround  = 1_000
)

// event is the page of one event.
func (p *Pages) event(c echo.Context, v visitor) error {
	ctx := c.Request().Context()
	entry, err := p.Vault.Log(ctx, parameter(c, "id"))
	if errors.Is(err, vault.ErrNotFound) {
		return &Refused{Status: http.StatusNotFound, Title: "No such event", Message: "There is no event with this ID, or it is no longer kept."}
	}
	if err != nil {
		return err
	}
	row, l, err := p.eventRow(entry)
	if err != nil {
		return err
	}
	page := templates.Event{
		Console: p.console(c, v, "events"), EventRow: row, Type: l.Type, Correlation: l.Correlation, Description: l.Description, Reason: l.Reason, Line: string(entry.Line),
	}
	if row.State == templates.EventStates[true] {
		page.Cure = templates.CureOf(l.Reason, l.ReasonClass)
	}
	if page.Members, err = membersIn(entry.Line); err != nil {
		return err
	}
	if l.Correlation != "" {
		f := &eventFilter{query: map[string][]string{"correlation": {l.Correlation}}}
		f.member(l.Correlation, `"correlation_id":"`)
		page.Search = f.url(Path + "/events")
		others, err := p.around(ctx, entry.ID, l.Date, f.match)
		if err != nil {
			return err
		}
		if page.Others, err = p.eventRows(others); err != nil {
			return err
		}
	}
	return p.render(c, "event", page)
}

// around are the events that match before and after one, the newest first.
func (p *Pages) around(ctx context.Context, id string, at time.Time, match func([]byte) bool) (list []vault.LogEntry, err error) {
	after, err := p.Vault.LogsAfter(ctx, id, mostAround)
	if err != nil {
		return nil, err
	}
	until := vault.LogsUntil(at.Add(aroundEvent))
	for _, e := range after {
		if e.ID < until && len(list) < perPage && match(e.Line) {
			list = append(list, e)
		}
	}
	slices.Reverse(list)
	before, err := p.Vault.SearchLogs(ctx, vault.LogSearch{Before: id, Since: at.Add(-aroundEvent), Match: match, Most: perPage, Look: mostAround})
	return append(list, before.Entries...), err
}
