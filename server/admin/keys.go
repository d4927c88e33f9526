package admin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

const keysPath = Path + "/keys"

// keys shows the keys of the vault, and how a change of them goes.
func (p *Pages) keys(c echo.Context, v visitor) error {
	page := templates.Keys{Console: p.console(c, v, "keys"), Source: p.KeySource, Commands: p.keyCommands()}
	var err error
	if page.KeysNow, err = p.keysNow(c); err != nil {
		return err
	}
	return p.render(c, "keys", page)
}

// keysProgress is the part of the page that changes while something goes on.
func (p *Pages) keysProgress(c echo.Context, _ visitor) error {
	now, err := p.keysNow(c)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := templates.RenderPart(&b, "admin/keys", "keysnow", now); err != nil {
		return err
	}
	return c.HTML(http.StatusOK, b.String())
}

func (p *Pages) keysNow(c echo.Context) (now templates.KeysNow, err error) {
	state, err := p.Vault.KeyState(c.Request().Context())
	if err != nil {
		return now, err
	}
	var signing []vault.SigningKey
	var logs []vault.LogKey
	var counts vault.KeyCounts
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if signing, err = all(tx.Keys); err != nil {
			return err
		}
		if logs, err = all(tx.LogKeys); err != nil {
			return err
		}
		counts, err = tx.KeyCounts()
		return err
	})
	if err != nil {
		return now, err
	}
	now.Count = templates.KeyCount{At: p.moment(counts.Ended), Going: counts.Counting(p.Now()), Seen: counts.Seen, Total: counts.Before}
	if state.Changing() {
		now.Change = &templates.KeyChange{Next: cmp.Or(state.NextData, state.Data), Announced: state.NextData != "", NextRoot: state.NextRoot, Done: state.Done, Total: state.Total, Damaged: state.Faults}
	}
	made := time.Time{} // when the vault was, about: its log begins with it
	if len(logs) > 0 {
		made = logs[0].Created
	}
	now.Rows = append(p.vaultKeys(state, counts, made), p.signingKeys(signing)...)
	for _, k := range logs {
		now.Rows = append(now.Rows, templates.KeyRow{Kind: "Log key", ID: k.ID, State: templates.KeySignsLog, Since: p.moment(k.Created), Note: "Ed25519. It signs checkpoints, so that an export can be verified without the gateway."})
	}
	return now, nil
}

// vaultKeys are the root keys and the data keys.
func (p *Pages) vaultKeys(s vault.KeyState, counts vault.KeyCounts, made time.Time) []templates.KeyRow {
	row := func(kind, id string, state templates.State, since time.Time, note string) templates.KeyRow {
		r := templates.KeyRow{Kind: kind, ID: id, State: state, Since: p.moment(since), Note: note}
		if since.IsZero() {
			r.Since, r.First = p.moment(made), true
		}
		return r
	}
	rows := []templates.KeyRow{row("Root key", s.Root, templates.KeyOpens, s.RootSince, "The operator keeps it. It encrypts the data keys, and is never in the store.")}
	if s.NextRoot != "" && s.NextRoot != s.Root {
		rows = append(rows, templates.KeyRow{Kind: "Root key", ID: s.NextRoot, State: templates.KeyWillOpen, Note: "When the change is over. Each instance’s key file has to have it."})
	}
	data := []templates.KeyRow{row("Data key", s.Data, templates.KeySeals, s.DataMade, "It seals what is written. It lies in the store, encrypted under the root key.")}
	if s.NextData != "" {
		data = append(data, templates.KeyRow{Kind: "Data key", ID: s.NextData, State: templates.KeyAnnounced, Since: p.moment(s.NextMade), Note: "As soon as all instances know it."})
	}
	for _, old := range s.OldData {
		data = append(data, templates.KeyRow{Kind: "Data key", ID: old, State: templates.KeyLeaves, Note: "It is forgotten when no record is under it."})
	}
	for i := range data {
		data[i].Sealed, data[i].Records = !counts.Began.IsZero(), counts.Under[data[i].ID]
	}
	return append(rows, data...)
}

// signingKeys are the keys that sign tokens, newest first.
func (p *Pages) signingKeys(keys []vault.SigningKey) (rows []templates.KeyRow) {
	slices.SortFunc(keys, func(a, b vault.SigningKey) int { return b.NotBefore.Compare(a.NotBefore) })
	signs := map[string]bool{} // by algorithm: the one that does was seen
	for _, k := range keys {
		row := templates.KeyRow{Kind: "Signing key", ID: k.ID, Since: p.moment(k.Created), Note: k.Alg + "."}
		until := func(t time.Time) string { return p.moment(t).Far() + " (" + p.moment(t).Exact() + ")." }
		switch due := p.SigningKeyDue(k); {
		case k.NotBefore.After(p.Now()):
			row.State = templates.KeyFollows
			row.Note += " It signs " + until(k.NotBefore)
		case signs[k.Alg]:
			row.State = templates.KeySigned
			row.Note += " What it signed can be verified until it goes " + until(k.Expires)
		default:
			row.State, signs[k.Alg] = templates.KeySigns, true
			if k.Expires.IsZero() && !due.IsZero() {
				row.Note += " The gateway makes the next one " + until(due)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// keyCommands do the same without the console.
func (p *Pages) keyCommands() []templates.Command {
	gateway := " --gateway " + p.Issuer + " --client-id operators"
	return []templates.Command{
		{Title: "Which keys there are", Line: "sallyport vault keys" + gateway, Does: "Scope read:vault_keys."},
		{Title: "Replace the data key", Line: "sallyport vault rekey" + gateway, Does: "Scopes update:vault_keys and read:vault_keys. It waits for the end, and may be broken off: the gateway goes on."},
		{Title: "Add a root key", Line: "sallyport vault init --next --key-file sallyport.key", Does: "On the gateway’s machine. Give the file to all instances, and replace the data key: the vault opens with the newer root key from then on."},
		{Title: "Make the next signing keys", Line: "sallyport keys rotate" + gateway, Does: "Scope create:signing_keys. With --after 0s they sign at once."},
		{Title: "Back up", Line: "sallyport vault backup" + gateway + " backup.db", Does: "Scope read:backups. The gateway goes on meanwhile."},
		{Title: "Verify a backup", Line: "sallyport vault check --store backup.db --key-file sallyport.key", Does: "Opens every record, and changes nothing. A backup that was never checked is a hope."},
	}
}
