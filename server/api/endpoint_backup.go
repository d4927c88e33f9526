package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// stalled is how long whoever gets a backup may take for a piece of it of a
// quarter of a MiB.
const stalled = 30 * time.Second

// backup answers with a backup of the vault, sealed, as it is made: see
// [vault.Backup]. It lacks its end if something fails on the way.
func (a *API) backup(c echo.Context, _ Caller) error {
	if !a.backingUp.TryLock() {
		return &Problem{Status: http.StatusConflict, Code: "backup_in_progress", Message: "This instance is making a backup already. Try again when it is done."}
	}
	defer a.backingUp.Unlock()
	if err := a.Vault.Record(c.Request().Context(), a.Event(c, "mgmt_api_read")); err != nil {
		return err
	}
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, echo.MIMEOctetStream)
	to, err := patiently(w)
	if err != nil {
		return err
	}
	_, err = a.Vault.Backup(c.Request().Context(), to)
	return err
}

// patient is a response that may last for as long as somebody takes it, no
// piece longer than so long.
type patient struct {
	http.ResponseWriter
	*http.ResponseController
	most time.Duration
}

// patiently is a response that may last.
func patiently(w http.ResponseWriter) (*patient, error) {
	p := &patient{w, http.NewResponseController(w), stalled}
	return p, p.SetReadDeadline(time.Time{}) // the server's is for short requests
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(p.most)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}
