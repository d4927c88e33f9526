package admin

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

// Whoever controls the identity provider of a connection with which administrators
// sign in can be any of those who do. So owners alone allow a connection for
// administrators, and change one that is allowed; editors may still switch it off.

var errOwnersAlone = &Refused{Status: http.StatusForbidden, Title: "Not allowed",
	Message: "Administrators sign in with this connection, or are to: whoever changes it could become any of them. So that takes the role owner. What you drafted stays, for an owner to publish."}

// errProveFirst has [Pages.freshlyIfDue] ask the administrator who they are.
var errProveFirst = errors.New("the administrator is to show once more who they are")

// mayReplace finds fault with who puts a connection in the place of another.
func (p *Pages) mayReplace(v visitor, before, after vault.Connection) error {
	off := before
	off.Active = false
	switch {
	case !before.ForAdmins && !after.ForAdmins, reflect.DeepEqual(after, off):
		return nil
	case !v.Role.May(vault.Owner):
		return errOwnersAlone
	case p.Now().Sub(v.session.Proved) >= proofLife:
		return errProveFirst
	}
	return nil
}

// freshlyIfDue is [Pages.freshly] for what may turn out to take it.
func (p *Pages) freshlyIfDue(next handler) handler {
	return func(c echo.Context, v visitor) error {
		err := next(c, v)
		if errors.Is(err, errProveFirst) {
			return c.Redirect(http.StatusSeeOther, Path+"/prove"+returning(cameFrom(c, p.Issuer)))
		}
		return err
	}
}

// canEnter reports whether an administrator can sign in, as connections are.
func canEnter(tx *vault.Tx, a vault.Admin) (bool, error) {
	if !a.Password.IsZero() || len(a.Passkeys) > 0 {
		return true, nil
	}
	for _, i := range a.Identities {
		conn, err := tx.Connections.Get(i.Connection)
		found, err := vault.Exists(err)
		if err != nil {
			return false, err
		}
		if found && i.At(conn) && conn.AdmitsAdmins() {
			return true, nil
		}
	}
	return false, nil
}

// ownerStaysIn finds fault with connections by which no owner can sign in any
// more.
func ownerStaysIn(tx *vault.Tx) error {
	owners := 0
	for a, err := range tx.Admins.All("") {
		if err != nil {
			return err
		}
		if a.Role != vault.Owner {
			continue
		}
		owners++
		if in, err := canEnter(tx, a); in || err != nil {
			return err
		}
	}
	if owners == 0 {
		return nil
	}
	return &Refused{Status: http.StatusConflict, Title: "One owner has to be able to sign in",
		Message: "No owner has another way to sign in than this connection. Add a passkey or another identity first, under “How you sign in”."}
}
