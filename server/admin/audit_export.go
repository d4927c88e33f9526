package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// stalled is how long whoever is sent an export may take none of it.
const stalled = time.Minute

// askExport asks from when on the log is to be exported.
func (p *Pages) askExport(c echo.Context, v visitor) error {
	return p.showExport(c, v, http.StatusOK, "", "")
}

func (p *Pages) showExport(c echo.Context, v visitor, status int, since, fault string) error {
	state, err := p.Vault.LogState(c.Request().Context())
	if err != nil {
		return err
	}
	return render(c, status, "audit_export", templates.AuditExport{
		Console: p.console(c, v, "audit"), Events: state.Events, Bytes: size(state.Bytes), Oldest: p.moment(state.Oldest), Since: since, Fault: fault,
	})
}

// exportLog answers with an export of the log that can be verified. It lacks its
// end if something fails on the way.
func (p *Pages) exportLog(c echo.Context, v visitor) error {
	said := strings.TrimSpace(c.FormValue("since"))
	field, since := timeField("since", "", said, p.Now(), 0)
	if field.Fault != "" {
		return p.showExport(c, v, http.StatusBadRequest, said, field.Fault)
	}
	about := "all of it"
	if !since.IsZero() {
		about = "since " + since.UTC().Format(time.RFC3339)
	}
	ctx := c.Request().Context()
	if err := p.Vault.Record(ctx, v.did("sallyport_logs_exported", "exported the log of events", vault.Say("about", about))); err != nil {
		return err
	}
	to := &patient{c.Response(), http.NewResponseController(c.Response())}
	if err := to.SetReadDeadline(time.Time{}); err != nil { // the server's is for short requests
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Content-Disposition", `attachment; filename="log-`+p.Now().UTC().Format("20060102T150405Z")+`.jsonl"`)
	_, err := p.Vault.ExportLogs(ctx, to, since)
	return err
}

// patient gives a long answer time, as long as it is taken.
type patient struct {
	http.ResponseWriter
	*http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(stalled)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}
