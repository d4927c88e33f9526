package admin

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"
)

// mostDownloaded is how many events there are in a file at the most.
const mostDownloaded = 1_000

// exportEvents is the events that are chosen, as a file: a line of JSON each, the
// newest first.
func (p *Pages) exportEvents(c echo.Context, _ visitor) error {
	f, err := p.readEventFilter(c)
	if err != nil {
		return err
	}
	if !f.sound() {
		return errNoTime
	}
	found, err := p.Vault.SearchLogs(c.Request().Context(), f.search(c.QueryParam("before"), mostDownloaded, mostLookedFar))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, e := range found.Entries {
		b.Write(e.Line)
		b.WriteByte('\n')
	}
	return download(c, "events-"+p.Now().UTC().Format("20060102T150405Z")+".ndjson", "application/x-ndjson", b.Bytes())
}

var errNoTime = &Refused{Status: http.StatusBadRequest, Title: "That is no time", Message: "Since and until are times such as 2026-11-22 08:30, or 24h for so long ago."}
