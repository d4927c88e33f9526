package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// countKeys has the records counted under each data key. It goes on apart from the
// request.
func (p *Pages) countKeys(c echo.Context, v visitor) error {
	ctx := context.WithoutCancel(c.Request().Context())
	count, mine, err := p.Vault.BeginKeyCount(ctx)
	if err != nil {
		return err
	}
	if mine {
		if err := p.told(c, v, "counted the records under each key", "the vault"); err != nil {
			return err
		}
		p.Vault.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, countTimeout)
			defer cancel()
			if err := p.Vault.CountKeys(ctx, count); err != nil {
				p.Log.ErrorContext(ctx, "could not count the records under each key", "error", err)
			}
		})
	}
	return c.Redirect(http.StatusSeeOther, keysPath)
}

const countTimeout = time.Hour

// askRotate asks when the next signing keys are to sign.
func (p *Pages) askRotate(c echo.Context, v visitor) error {
	page := templates.RotateKeys{Console: p.console(c, v, "keys")}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Algs = nil
		keys, err := all(tx.Keys)
		for _, k := range keys {
			if !slices.Contains(page.Algs, k.Alg) {
				page.Algs = append(page.Algs, k.Alg)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.render(c, "keys_rotate", page)
}

// rotateLeads are how long new signing keys are published before they sign, by
// what the form says.
var rotateLeads = map[string]time.Duration{"tomorrow": 24 * time.Hour, "now": 0}

// rotateKeys makes the next signing keys.
func (p *Pages) rotateKeys(c echo.Context, v visitor) error {
	lead, ok := rotateLeads[c.FormValue("when")]
	if !ok {
		return &Refused{Status: http.StatusBadRequest, Title: "When?", Message: "Choose whether the new keys sign in a day or at once. Nothing was changed."}
	}
	_, err := p.RotateKeys(c.Request().Context(), lead, func(k vault.SigningKey) vault.Event {
		return v.did("sallyport_console_changed", "signing key "+k.ID, vault.Say("kid", k.ID), vault.Say("alg", k.Alg), vault.Say("signs", "after "+lead.String()))
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, keysPath+"?notice=keys-made")
}

// askRekey asks before the vault's keys are changed.
func (p *Pages) askRekey(c echo.Context, v visitor) error {
	s, err := p.Vault.KeyState(c.Request().Context())
	if err != nil {
		return err
	}
	page := templates.Sure{
		Console: p.console(c, v, "keys"), Title: "Replace the data key?", Object: "Data key " + s.Data, Action: keysPath + "/rekey", Verb: "Replace the data key", Back: keysPath,
		Effects: []string{
			"A new data key is made, and every record is sealed again under it while the gateway goes on: it takes no more than half of its time.",
			"Then the old key is forgotten.",
			"If the key file has a newer root key than " + s.Root + ", the vault opens with that one alone from then on.",
			"Backups from before need the root key of before.",
		},
	}
	if c.QueryParam("only_root") != "" {
		page.Title, page.Object, page.Action, page.Verb = "Replace the root key alone?", "Root key "+s.Root, keysPath+"/rekey?only_root=yes", "Replace the root key"
		page.Effects = []string{
			"The data keys are encrypted under the newest root key of the key file, at once, and no record is sealed again.",
			"From then on the vault opens with that one alone.",
			"It is not enough where the old root key may be in wrong hands: replace the data key for that.",
		}
	}
	return p.render(c, "sure", page)
}

// rekey begins to change the vault's keys. All instances go on with it by
// themselves, also if this one ends.
func (p *Pages) rekey(c echo.Context, v visitor) error {
	onlyRoot := c.QueryParam("only_root") != ""
	change, what := p.Vault.Rekey, "began to replace the data key"
	if onlyRoot {
		change, what = p.Vault.RekeyRoot, "replaced the root key"
	}
	before, err := p.Vault.KeyState(c.Request().Context())
	if err != nil {
		return err
	}
	switch err := change(c.Request().Context()); {
	case errors.Is(err, vault.ErrSameKey):
		return &Refused{Status: http.StatusConflict, Title: "There is no newer root key", Err: err,
			Message: "The newest root key that the gateway was given is the one that the vault opens with already. Add another to the key file first: ‘sallyport vault init --next’. Nothing was changed."}
	case errors.Is(err, vault.ErrWrongKey):
		return &Refused{Status: http.StatusConflict, Title: "A root key is missing", Err: err,
			Message: "This instance was not given the root key that the vault opens with now. Add it to its key file. Nothing was changed."}
	case err != nil:
		return err
	}
	if err := p.told(c, v, what, "data key "+before.Data+" under root key "+before.Root+", only the root key: "+strconv.FormatBool(onlyRoot)); err != nil {
		return err
	}
	notice := "rekeying"
	if onlyRoot {
		notice = "root-replaced"
	}
	return c.Redirect(http.StatusSeeOther, keysPath+"?notice="+notice)
}

// keySheet is what has to be kept to restore the vault, to be printed.
func (p *Pages) keySheet(c echo.Context, v visitor) error {
	s, err := p.Vault.KeyState(c.Request().Context())
	if err != nil {
		return err
	}
	return p.render(c, "keys_sheet", templates.KeySheet{Console: p.console(c, v, "keys"), Root: s.Root, NextRoot: s.NextRoot, Source: p.KeySource, Data: s.Data, Printed: p.moment(p.Now())})
}
