package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// done is the type of the event of a request to the management API that was done.
const done vault.EventType = "sapi"

// mostSearched is how far back pages go, as at Auth0: for more there are
// checkpoints.
const mostSearched = 1000

func badQuery(problem string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: "invalid_query_string", Message: "Query validation error: " + problem}
}

// listLogs answers with events: by checkpoint, after the one that "from" names, the
// oldest first; or by search, the newest first.
func (a *API) listLogs(c echo.Context, _ Caller) error {
	if c.QueryParams().Has("from") || c.QueryParams().Has("take") {
		return a.logsAfter(c)
	}
	start, size, err := pageOf(c)
	if err != nil {
		return err
	}
	if sort := c.QueryParam("sort"); sort != "" && sort != "date:-1" {
		return badQuery("sort can be date:-1 alone: for the oldest first, use from and take.")
	}
	match, err := parseLogQuery(c.QueryParam("q"))
	if err != nil {
		return err
	}
	if start+size > mostSearched {
		return badQuery("pages go back 1000 events: for more, use from and take.")
	}
	totals, most := c.QueryParam("include_totals") == "true", start+size
	if totals {
		most = mostSearched
	}
	found, err := a.Vault.LogsNewest(c.Request().Context(), most, match)
	if err != nil {
		return err
	}
	list := logsOf(found[min(start, len(found)):min(start+size, len(found))])
	if !totals {
		return c.JSON(http.StatusOK, list)
	}
	return c.JSON(http.StatusOK, map[string]any{"start": start, "limit": size, "length": len(list), "total": len(found), "logs": list})
}

// logsAfter answers with the events after one, and with a link to those after
// them, as Auth0 does.
func (a *API) logsAfter(c echo.Context) error {
	take := 50
	if text := c.QueryParam("take"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return badQuery("take is a number from 1 to 100.")
		}
		take = n
	}
	from := c.QueryParam("from")
	if strings.ContainsFunc(from, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) || len(from) > 64 {
		return badQuery("from is a log_id.")
	}
	found, err := a.Vault.LogsAfter(c.Request().Context(), from, take)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		from = found[len(found)-1].ID
	}
	next := url.Values{"from": {from}, "take": {strconv.Itoa(take)}}
	c.Response().Header().Set("Link", "<"+c.Request().URL.Path+"?"+next.Encode()+`>; rel="next"`)
	return c.JSON(http.StatusOK, logsOf(found))
}

// logsOf are events as Auth0 has them: with their ID under its other name, too.
func logsOf(found []vault.LogEntry) []json.RawMessage {
	list := []json.RawMessage{}
	for _, e := range found {
		list = append(list, append([]byte(`{"_id":"`+e.ID+`",`), bytes.TrimPrefix(e.Line, []byte{'{'})...))
	}
	return list
}

func (a *API) getLog(c echo.Context, _ Caller) error {
	found, err := a.Vault.Log(c.Request().Context(), parameter(c, "id"))
	if errors.Is(err, vault.ErrNotFound) {
		return &Problem{Status: http.StatusNotFound, Code: "inexistent_log", Message: "There is no event with this log_id, or it is no longer kept."}
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, logsOf([]vault.LogEntry{found})[0])
}

// exportLogs answers with an export, which can be verified. It lacks its end if
// something fails on the way.
func (a *API) exportLogs(c echo.Context, _ Caller) error {
	var since time.Time
	if text := c.QueryParam("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			return badQuery("since is a time such as 2026-11-22T00:00:00Z.")
		}
	}
	if err := a.Vault.Record(c.Request().Context(), a.Event(c, "sallyport_logs_exported")); err != nil {
		return err
	}
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "application/jsonl")
	to, err := patiently(w)
	if err != nil {
		return err
	}
	_, err = a.Vault.ExportLogs(c.Request().Context(), to, since)
	return err
}

// logKey answers with the public key that verifies exports.
func (a *API) logKey(c echo.Context, _ Caller) error {
	key, err := a.Vault.LogPublicKey(c.Request().Context())
	if errors.Is(err, vault.ErrNotFound) {
		return &Problem{Status: http.StatusNotFound, Code: "inexistent_log", Message: "There are no events yet, and so no key that signs them."}
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"public_key": key})
}
