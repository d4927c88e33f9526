package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Move is the vault's being moved to another store: see [vault.Move].
type Move struct {
	ID    string          `json:"id"`
	To    string          `json:"to"`
	State vault.MoveState `json:"state"`
}

func moveOf(m vault.Move) Move { return Move{m.ID, m.To, m.State} }

// beginMove begins to move the vault. Again is the ID of a move that is done and
// is to be made again.
func (a *API) beginMove(c echo.Context, _ Caller) error {
	var asked struct {
		To    string `json:"to"`
		Again string `json:"again"`
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	if asked.To == "" {
		return invalid("to: should name the store that the vault is moved to")
	}
	m, err := a.Vault.BeginMove(c.Request().Context(), asked.To, asked.Again)
	if err != nil {
		return moveProblem(err)
	}
	if m.State == vault.Draining { // from when it is still, not even this is written
		if err := a.Vault.Record(c.Request().Context(), a.Event(c, done, vault.Say("move.id", m.ID), vault.Say("move.to", m.To))); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusCreated, moveOf(m))
}

// carryMoveOn has a move come to a state, or without one last for longer.
func (a *API) carryMoveOn(c echo.Context, _ Caller) error {
	var asked struct {
		State vault.MoveState `json:"state"`
	}
	if err := read(c, &asked); err != nil {
		return err
	}
	if err := a.Vault.CarryOn(c.Request().Context(), parameter(c, "id"), asked.State); err != nil {
		return moveProblem(err)
	}
	return c.JSON(http.StatusOK, struct{}{})
}

// moveContents answers with the vault that is moved, sealed, as [API.backup] does.
func (a *API) moveContents(c echo.Context, _ Caller) error {
	w := c.Response()
	to := &patient{w, http.NewResponseController(w), stalled}
	if err := to.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	w.Header().Set(echo.HeaderContentType, echo.MIMEOctetStream)
	_, err := a.Vault.Contents(c.Request().Context(), parameter(c, "id"), to)
	return moveProblem(err)
}

// releaseMove has the vault go on where it is, whoever was moving it.
func (a *API) releaseMove(c echo.Context, _ Caller) error {
	m, err := a.Vault.ReleaseMove(c.Request().Context())
	if err != nil {
		return moveProblem(err)
	}
	if err := a.Vault.Record(c.Request().Context(), a.Event(c, done, vault.Say("move.id", m.ID), vault.Say("move.to", m.To))); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, moveOf(m))
}

func moveProblem(err error) error {
	var moving *vault.Moving
	switch {
	case errors.As(err, &moving):
		return &Problem{Status: http.StatusConflict, Code: "move_in_progress", Message: err.Error()}
	case errors.Is(err, vault.ErrMoveOver):
		return &Problem{Status: http.StatusConflict, Code: "move_over", Message: err.Error()}
	case errors.Is(err, vault.ErrNotFound):
		return &Problem{Status: http.StatusNotFound, Code: "inexistent_move", Message: "The vault is not being moved, and was not."}
	}
	return err
}
