// Package admin is the console: the pages under /admin by which administrators
// set up connections and applications, and see how their users' tokens are.
//
// Pages are rendered on the server, and can be read and used without a script.
// What a script adds lies in static/console.js.
//
//	/admin?invite=…  a one-time link  ─▶ /admin/welcome   a passkey, or a password and one-time passwords
//	/admin/sign-in                    ─▶ /admin           with a session of its own, apart from users'
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// Path is where the console is.
const Path = "/admin"

// Pages are the console.
type Pages struct {
	Vault       *vault.Vault
	Issuer      string // the gateway's URL, with a slash at its end
	Version     string
	Connections *connections.Set
	Now         func() time.Time
	Log         *slog.Logger
	KeySource   string    // where the root key comes from, in words; may be empty
	TLSUntil    time.Time // when the gateway's own certificate ends; zero where it has none

	// Cookie and SetCookie read and write a cookie that carries an ID.
	Cookie    func(c echo.Context, name string) string
	SetCookie func(c echo.Context, name, id string) error
	// Refresh refreshes a token set of a connection now, whatever it is good for.
	Refresh func(ctx context.Context, ts vault.TokenSet, conn vault.Connection) error
	// Ahead is how long before its expiry a token set is refreshed that is in use.
	Ahead func(ts vault.TokenSet) time.Duration
	// ReconnectURI makes the link by which a user can connect an account again,
	// which is good once, and for how long.
	ReconnectURI func(ctx context.Context, ticket vault.Ticket) (uri string, life time.Duration, err error)
	// Disconnect takes the token set that find finds out of use, and says what came
	// of its revocation: "revoked", "ended", "pending" or "failed".
	Disconnect func(ctx context.Context, find func(*vault.Tx) (vault.TokenSet, error)) (result string, err error)
	// DeleteUser deletes a user with all that is theirs.
	DeleteUser func(ctx context.Context, id string) error
	// SignOutEverywhere ends a user's sessions and grants.
	SignOutEverywhere func(ctx context.Context, user string) error
	// TenantFile writes a connection as a tenant file, without its secrets.
	TenantFile func(vault.Connection) []byte
	// Started is what the gateway was started with.
	Started []templates.Started
	// Rebrand has users see the branding as it is now.
	Rebrand func(ctx context.Context)
	// Look is how the pages of a client look to its users.
	Look func(vault.Client) templates.Brand
	// Event is the event of a request, as far as that is known.
	Event func(c echo.Context) vault.Event
	// Note has it say more, whatever the request leads to; with known, that whoever
	// asks has shown who they are.
	Note func(c echo.Context, known bool, details ...vault.Detail)
	// RecordRefusal records that a request is refused, which a page tells that is
	// not the answer to an error.
	RecordRefusal func(c echo.Context, refused error) error
	// Limited runs what a stranger may try, and has those wait who fail too often.
	Limited func(c echo.Context, who string, try func() error) error
	// Counted runs what nobody could guess, and has those wait who fail too often.
	Counted func(c echo.Context, who string, try func() error) error
	// SecondFactor reports whether try, which is of an administrator's one-time
	// password, succeeds, unless too many have failed: then it is not tried.
	SecondFactor func(admin string, try func() bool) bool
	// BeginLogin sends the browser to the identity provider of a connection.
	BeginLogin func(c echo.Context, conn vault.Connection, login vault.Login) error
	// LoginURL is where the browser is to go to sign in with a connection; the login
	// is kept. What the identity provider is at fault for is a *[Refused].
	LoginURL func(c echo.Context, conn vault.Connection, login vault.Login) (string, error)
	// Probe asks the identity provider of a connection, without a user, whether
	// it knows the gateway, and keeps what came of it.
	Probe func(ctx context.Context, conn vault.Connection) error

	// SigningKeyDue is when the key that follows on a signing key is to be made, or
	// zero if none may have to.
	SigningKeyDue func(vault.SigningKey) time.Time

	// RotateKeys makes the next signing keys, which sign after lead, and records
	// each as the event that made makes of it.
	RotateKeys func(ctx context.Context, lead time.Duration, made func(vault.SigningKey) vault.Event) ([]vault.SigningKey, error)

	// NewClient and ChangedClient are a client to keep, with what a form says of
	// it and else the defaults of the tenant file, or what old has. Their faults
	// are *[vault.Invalid], with the names of the tenant file.
	NewClient     func(NewClient) (vault.Client, error)
	ChangedClient func(old vault.Client, change ClientChange) (vault.Client, error)
	// ClientFile is a tenant file that has a client and nothing else.
	ClientFile func(vault.Client) string
	// Denies are the rules by which a client gets no token of a connection,
	// whoever asks, and Explain is whether it would get one. What is wrong with
	// a question is an *[vault.Invalid].
	Denies  func(vault.Client, vault.Connection) []Rule
	Explain func(context.Context, Question) (Answer, error)

	webauthn func() (*webauthn.WebAuthn, error)
	watching watching
}

// Refused is why a request was not answered as asked, for people.
type Refused struct {
	Status         int
	Title, Message string
	Err            error // for the log
}

func (r *Refused) Error() string { return r.Message }
func (r *Refused) Unwrap() error { return r.Err }

// visitor is the administrator whose request it is.
type visitor struct {
	vault.Admin
	session vault.AdminSession
	event   vault.Event // of the request
}

// render answers with a page within the console.
func (p *Pages) render(c echo.Context, name string, data any) error {
	return render(c, http.StatusOK, name, data)
}

func render(c echo.Context, status int, name string, data any) error {
	var b strings.Builder
	if err := templates.Render(&b, "admin/"+name, data); err != nil {
		return err
	}
	return c.HTML(status, b.String())
}

// console is what all pages of the console show.
func (p *Pages) console(c echo.Context, v visitor, section string) templates.Console {
	return templates.Console{
		Section: section, Admin: v.Name, Role: string(v.Role), Owner: v.Role.May(vault.Owner), Editor: v.Role.May(vault.Editor),
		Issuer: p.Issuer, Version: p.Version, Theme: theme(c), Path: c.Request().URL.RequestURI(), Notice: c.QueryParam("notice"),
	}
}
