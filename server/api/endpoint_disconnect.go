package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Disconnection is how far it has come to disconnect all accounts of a connection
// at once, and what is not revoked of whatever was disconnected there.
type Disconnection struct {
	Connection string       `json:"connection"`
	State      string       `json:"state"` // "none", "running" or "done"; whatever it is, none of the accounts can be used
	Began      *time.Time   `json:"began,omitempty"`
	Accounts   int          `json:"accounts"` // found so far
	Revoked    int          `json:"revoked"`
	Ended      int          `json:"ended"` // over at the provider already
	Failed     int          `json:"failed"`
	Pending    int          `json:"pending"`
	Open       []Revocation `json:"open"` // pending or failed, 100 at most
	Next       string       `json:"next,omitempty"`
}

// Revocation is a grant at a provider that is not ended there yet, or cannot be.
type Revocation struct {
	ID           string     `json:"id"`
	Account      string     `json:"account"`  // the connected account's ID
	Identity     string     `json:"identity"` // the user's subject at the provider
	Disconnected bool       `json:"disconnected"`
	State        string     `json:"state"` // "pending" or "failed"
	Reason       string     `json:"reason,omitempty"`
	Attempts     int        `json:"attempts"`
	Since        *time.Time `json:"since,omitempty"`
	Next         *time.Time `json:"next_attempt,omitempty"`
}

// mostOpen are shown in one answer.
const mostOpen = 100

// DisconnectionOf is how far the last disconnection of a connection has come.
// The open ones begin after an ID.
func DisconnectionOf(ctx context.Context, v *vault.Vault, connection, after string) (shown Disconnection, err error) {
	err = v.View(ctx, func(tx *vault.Tx) error {
		shown = Disconnection{Connection: connection, State: "none", Open: []Revocation{}}
		if _, err := tx.Connections.Get(connection); err != nil {
			return NotFound(err, "inexistent_connection", "There is no connection "+connection+".")
		}
		d, err := tx.Disconnections.Get(connection)
		found, err := vault.Exists(err)
		if err != nil {
			return err
		}
		if found {
			shown.Accounts, shown.Revoked, shown.Ended, shown.Failed = d.Accounts, d.Revoked, d.Ended, d.Failed
			shown.Began = utc(d.Began)
		}
		for r, err := range tx.Revocations.All("") {
			if err != nil {
				return err
			}
			if r.Connection() != connection {
				continue
			}
			if found && !r.GivenUp && r.Generation == d.Generation {
				shown.Pending++
			}
			switch {
			case r.ID <= after:
			case len(shown.Open) < mostOpen:
				shown.Open = append(shown.Open, revocationOf(r))
			default:
				shown.Next = shown.Open[mostOpen-1].ID
			}
		}
		switch {
		case found && (!d.Swept || shown.Pending > 0):
			shown.State = "running"
		case found:
			shown.State = "done"
		}
		return nil
	})
	return shown, err
}

func revocationOf(r vault.Revocation) Revocation {
	_, subject, _ := strings.Cut(r.Tokens.Identity, "|")
	shown := Revocation{ID: r.ID, Account: r.Tokens.ID, Identity: subject, Disconnected: r.Disconnect, State: "pending",
		Reason: r.Problem, Attempts: r.Attempts, Since: utc(r.Began), Next: utc(r.Next)}
	switch {
	case r.GivenUp:
		shown.State, shown.Next = "failed", nil
	case r.Awaits:
		shown.Reason = "A refresh is under way: its tokens are revoked when that has ended."
	}
	return shown
}

// utc is a time to show, or nil if there is none.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Truncate(time.Millisecond))
}

// disconnectAll disconnects all accounts of a connection. It must be said that
// it is all.
func (a *API) disconnectAll(c echo.Context, _ Caller) error {
	var asked struct {
		All bool `json:"all"`
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	if !asked.All {
		return invalid(`all: should be true: every account of the connection is disconnected, and its users must connect again`)
	}
	shown, err := a.DisconnectAll(c.Request().Context(), a.Event(c, done), parameter(c, "id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, shown)
}

func (a *API) showDisconnection(c echo.Context, _ Caller) error {
	shown, err := DisconnectionOf(c.Request().Context(), a.Vault, parameter(c, "id"), c.QueryParam("from"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}
