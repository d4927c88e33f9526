package admin

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// mostChains is how many chains are listed, the newest.
const mostChains = 50

// audit tells whether the log of events is whole, and how it is kept.
func (p *Pages) audit(c echo.Context, v visitor) error {
	ctx := c.Request().Context()
	state, err := p.Vault.LogState(ctx)
	if err != nil {
		return err
	}
	var check vault.LogCheck
	if err := p.Vault.View(ctx, func(tx *vault.Tx) (err error) { check, err = tx.LastLogCheck(); return err }); err != nil {
		return err
	}
	page := templates.Audit{
		Console: p.console(c, v, "audit"), Key: state.Key, PublicKey: state.PublicKey, Made: p.moment(state.Created), Check: p.logCheckView(check),
		Events: state.Events, Bytes: size(state.Bytes), Oldest: p.moment(state.Oldest), ChainCount: len(state.Chains),
	}
	if r := state.Retention; r != (vault.LogRetention{}) {
		page.Days, page.MostBytes, page.Used = int(r.Age/(24*time.Hour)), size(r.Bytes), percent(state.Bytes, r.Bytes)
	}
	for _, s := range state.Chains[:min(len(state.Chains), mostChains)] {
		page.Chains = append(page.Chains, templates.ChainRow{
			ID: s.ID, Here: s.Here, Began: p.moment(s.Began), Last: p.moment(s.Last.Time), Events: s.Kept(), Pruned: s.Pruned,
			Signed: p.moment(s.Signed), SignedBy: s.SignedBy, Beyond: s.Last.Seq - s.Checked.Seq,
		})
	}
	return p.render(c, "audit", page)
}

// logKey is the key that verifies exports, in PEM, as a file.
func (p *Pages) logKey(c echo.Context, _ visitor) error {
	key, err := p.Vault.LogPublicKey(c.Request().Context())
	if errors.Is(err, vault.ErrNotFound) {
		return &Refused{Status: http.StatusNotFound, Title: "No key yet", Message: "There are no events yet, and so no key that signs them."}
	}
	if err != nil {
		return err
	}
	return download(c, "log.pem", "application/x-pem-file", []byte(key))
}

// size is how many bytes, for people.
func size(n uint64) string {
	switch {
	case n < 10<<10:
		return strconv.FormatUint(n, 10) + " bytes"
	case n < 10<<20:
		return strconv.FormatUint(n>>10, 10) + " kB"
	}
	return strconv.FormatUint(n>>20, 10) + " MB"
}

// percent is how much of a whole something is, 100 at the most.
func percent(n, of uint64) int {
	if of == 0 {
		return 0
	}
	return int(min(100, n*100/of))
}
