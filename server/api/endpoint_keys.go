package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// SigningKey is a key that signs tokens, without what is secret of it.
type SigningKey struct {
	ID       string     `json:"kid"`
	Alg      string     `json:"alg"`
	Current  bool       `json:"current"`
	Next     bool       `json:"next"`
	Previous bool       `json:"previous"`
	Since    time.Time  `json:"current_since"`
	Until    *time.Time `json:"published_until,omitempty"` // absent while no other follows
}

// SigningKeysOf are the shapes of stored keys, newest first. Each algorithm has
// a current one, and may have a next and previous ones.
func SigningKeysOf(keys []vault.SigningKey, now time.Time) []SigningKey {
	list, current := []SigningKey{}, map[string]bool{}
	for _, k := range slices.SortedFunc(slices.Values(keys), func(a, b vault.SigningKey) int { return b.NotBefore.Compare(a.NotBefore) }) {
		shown := SigningKey{ID: k.ID, Alg: k.Alg, Since: k.NotBefore.UTC()}
		switch {
		case k.NotBefore.After(now):
			shown.Next = true
		case !current[k.Alg]:
			shown.Current, current[k.Alg] = true, true
		default:
			shown.Previous = true
		}
		if !k.Expires.IsZero() {
			until := k.Expires.UTC()
			shown.Until = &until
		}
		list = append(list, shown)
	}
	return list
}

func (a *API) listKeys(c echo.Context, _ Caller) error {
	var keys []vault.SigningKey
	err := a.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		keys = nil
		for k, err := range tx.Keys.All("") {
			if err != nil {
				return err
			}
			keys = append(keys, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, SigningKeysOf(keys, a.Vault.Now()))
}

// defaultLead is how long new keys are published before they sign.
const defaultLead = 24 * time.Hour

// rotateKeys makes the next keys. Auth0's sign at once; these after a day, or
// after as many seconds as "after" says, so that nobody meets a key that is in
// no copy of the JWKS.
func (a *API) rotateKeys(c echo.Context, _ Caller) error {
	var asked struct {
		After *int64 `json:"after"` // seconds
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	lead := defaultLead
	if asked.After != nil {
		lead = time.Duration(*asked.After) * time.Second
		if *asked.After < 0 || lead > 30*24*time.Hour {
			return invalid("after: should be a number of seconds from 0 to 2592000")
		}
	}
	keys, err := a.RotateKeys(c.Request().Context(), lead, func(k vault.SigningKey) vault.Event {
		return a.Event(c, done, vault.Say("kid", k.ID), vault.Say("alg", k.Alg))
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, SigningKeysOf(keys, a.Vault.Now()))
}
