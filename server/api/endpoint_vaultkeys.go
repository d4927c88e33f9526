package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// VaultKeys are which keys seal the vault, by their IDs, and how far a change of
// them has come.
type VaultKeys struct {
	Root     string   `json:"root_key"`                // opens the vault
	NextRoot string   `json:"next_root_key,omitempty"` // will, in the end of the change
	Data     string   `json:"data_key"`                // seals records
	NextData string   `json:"next_data_key,omitempty"` // will, as soon as all instances have it
	OldData  []string `json:"old_data_keys"`           // that records may still be under
	Changing bool     `json:"changing"`
	Done     int      `json:"records_done"`
	Total    int      `json:"records_total"` // 0 before they are counted, and when nothing is changing
	Damaged  int      `json:"records_damaged"`
}

// VaultKeysOf is the shape of a state.
func VaultKeysOf(s vault.KeyState) VaultKeys {
	return VaultKeys{Root: s.Root, NextRoot: s.NextRoot, Data: s.Data, NextData: s.NextData, OldData: append([]string{}, s.OldData...),
		Changing: s.Changing(), Done: s.Done, Total: s.Total, Damaged: s.Faults}
}

func (a *API) showVaultKeys(c echo.Context, _ Caller) error {
	s, err := a.Vault.KeyState(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, VaultKeysOf(s))
}

// rekeyVault begins to change the keys that seal the vault: see [vault.Vault.Rekey].
// The root key that is to follow is never sent: it is in the instance's key file.
func (a *API) rekeyVault(c echo.Context, _ Caller) error {
	var asked struct {
		OnlyRoot bool `json:"only_root"`
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	rekey := a.Vault.Rekey
	if asked.OnlyRoot {
		rekey = a.Vault.RekeyRoot
	}
	switch err := rekey(c.Request().Context()); {
	case errors.Is(err, vault.ErrSameKey):
		return &Problem{http.StatusConflict, "no_newer_root_key", "The newest root key in this instance's key file is the one that the vault opens with already. Add another: 'sallyport vault init --next'.", err}
	case errors.Is(err, vault.ErrWrongKey):
		return &Problem{http.StatusConflict, "root_key_missing", "This instance was not given the root key that the vault opens with now. Add it to its key file.", err}
	case err != nil:
		return err
	}
	if err := a.Vault.Record(c.Request().Context(), a.Event(c, done, vault.Flag("only_root", asked.OnlyRoot))); err != nil {
		return err
	}
	s, err := a.Vault.KeyState(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, VaultKeysOf(s))
}
