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
	// SecondFactor reports whether try, which is of an administrator's one-time
	// password, succeeds, unless too many have failed: then it is not tried.
	SecondFactor func(admin string, try func() bool) bool
	// BeginLogin sends the browser to the identity provider of a connection.
	BeginLogin func(c echo.Context, conn vault.Connection, login vault.Login) error
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

// handler is a page of the console.
type handler func(echo.Context, visitor) error

// Mount adds the pages. Those in the first list are open to strangers.
func (p *Pages) Mount(g *echo.Group) {
	p.webauthn, p.watching = relyingParty(p.Issuer), watching{pages: map[string]int{}, over: make(chan struct{})}
	g.GET("/sign-in", p.signIn)
	g.POST("/sign-in", p.enter)
	g.GET("/welcome", p.welcome)
	g.POST("/welcome", p.choose)
	g.POST("/welcome/confirm", p.confirm)
	g.POST("/welcome/passkey/begin", p.beginFirstPasskey)
	g.POST("/welcome/passkey", p.keepFirstPasskey)
	g.POST("/sign-in/passkey/begin", p.beginPasskeySignIn)
	g.POST("/sign-in/passkey", p.passkeySignIn)

	for _, page := range []struct {
		method, path string
		role         vault.Role
		handler      handler
	}{
		{http.MethodGet, "", vault.Viewer, p.dashboard},
		{http.MethodPost, "/sign-out", vault.Viewer, p.signOut},
		{http.MethodGet, "/prove", vault.Viewer, p.prove},
		{http.MethodPost, "/prove", vault.Viewer, p.proved},
		{http.MethodPost, "/theme", vault.Viewer, p.chooseTheme},

		{http.MethodGet, "/me", vault.Viewer, p.me},
		{http.MethodGet, "/me/passkey", vault.Viewer, p.freshly(p.newPasskey)},
		{http.MethodPost, "/me/passkey/begin", vault.Viewer, p.freshly(p.beginPasskey)},
		{http.MethodPost, "/me/passkey", vault.Viewer, p.freshly(p.keepPasskey)},
		{http.MethodPost, "/me/passkey/remove", vault.Viewer, p.freshly(p.removePasskey)},
		{http.MethodPost, "/me/password", vault.Viewer, p.freshly(p.changePassword)},
		{http.MethodPost, "/me/sign-out", vault.Viewer, p.signOutElsewhere},

		{http.MethodGet, "/administrators", vault.Viewer, p.administrators},
		{http.MethodPost, "/administrators", vault.Owner, p.freshly(p.invite)},
		{http.MethodPost, "/administrators/:id/role", vault.Owner, p.freshly(p.changeRole)},
		{http.MethodGet, "/administrators/:id/remove", vault.Owner, p.freshly(p.confirmRemoval)},
		{http.MethodPost, "/administrators/:id/remove", vault.Owner, p.freshly(p.removeAdmin)},

		{http.MethodGet, "/users", vault.Viewer, p.users},
		{http.MethodGet, "/users/:id", vault.Viewer, p.user},
		{http.MethodPost, "/users/:id/block", vault.Editor, p.block},
		{http.MethodPost, "/users/:id/sign-out", vault.Editor, p.signOutUser},
		{http.MethodPost, "/users/:id/take-back", vault.Editor, p.takeBack},
		{http.MethodGet, "/users/:id/delete", vault.Editor, p.freshly(p.sureToDelete)},
		{http.MethodPost, "/users/:id/delete", vault.Editor, p.freshly(p.deleteUser)},
		{http.MethodGet, "/users/:id/accounts/:account", vault.Viewer, p.account},
		{http.MethodPost, "/users/:id/accounts/:account/refresh", vault.Editor, p.refreshNow},
		{http.MethodPost, "/users/:id/accounts/:account/link", vault.Editor, p.link},
		{http.MethodGet, "/users/:id/accounts/:account/disconnect", vault.Editor, p.freshly(p.sureToDisconnect)},
		{http.MethodPost, "/users/:id/accounts/:account/disconnect", vault.Editor, p.freshly(p.disconnect)},
		{http.MethodGet, "/accounts", vault.Viewer, p.accounts},
		{http.MethodGet, "/connections", vault.Viewer, p.listConnections},
		{http.MethodGet, "/connections/new", vault.Editor, p.newConnection},
		{http.MethodPost, "/connections/new", vault.Editor, p.createDraft},
		{http.MethodGet, "/connections/new/recognise", vault.Editor, p.recognise},
		{http.MethodGet, "/connections/:name", vault.Viewer, p.connection},
		{http.MethodGet, "/connections/:name/file", vault.Viewer, p.connectionFile},
		{http.MethodGet, "/connections/:name/edit", vault.Editor, p.editConnection},
		{http.MethodPost, "/connections/:name/edit", vault.Editor, p.updateDraft},
		{http.MethodPost, "/connections/:name/publish", vault.Editor, p.publish},
		{http.MethodPost, "/connections/:name/discard", vault.Editor, p.discard},
		{http.MethodGet, "/connections/:name/undo", vault.Editor, p.undoConnection},
		{http.MethodPost, "/connections/:name/undo", vault.Editor, p.undo},
		{http.MethodPost, "/connections/:name/on", vault.Editor, p.switchOn},
		{http.MethodPost, "/connections/:name/off", vault.Editor, p.switchOff},
		{http.MethodPost, "/connections/:name/certificate", vault.Editor, p.makeCertificate},
		{http.MethodGet, "/connections/:name/certificates/:id", vault.Viewer, p.certificate},
		{http.MethodGet, "/connections/:name/delete", vault.Editor, p.freshly(p.askDelete)},
		{http.MethodPost, "/connections/:name/delete", vault.Editor, p.freshly(p.deleteConnection)},
		{http.MethodGet, "/clients", vault.Viewer, p.clients},
		{http.MethodGet, "/clients/new", vault.Editor, p.newClient},
		{http.MethodPost, "/clients/new", vault.Editor, p.addClient},
		{http.MethodGet, "/clients/:id", vault.Viewer, p.client},
		{http.MethodPost, "/clients/:id", vault.Editor, p.changeClient},
		{http.MethodGet, "/clients/:id/call", vault.Viewer, p.callClient},
		{http.MethodGet, "/clients/:id/rotate", vault.Editor, p.freshly(p.confirmRotation)},
		{http.MethodPost, "/clients/:id/rotate", vault.Editor, p.freshly(p.rotateSecret)},
		{http.MethodPost, "/clients/:id/end-secret", vault.Editor, p.freshly(p.endSecret)},
		{http.MethodGet, "/clients/:id/delete", vault.Editor, p.freshly(p.confirmDeletion)},
		{http.MethodPost, "/clients/:id/delete", vault.Editor, p.freshly(p.deleteClient)},

		{http.MethodGet, "/policy", vault.Viewer, p.policy},
		{http.MethodGet, "/events", vault.Viewer, p.events},
		{http.MethodGet, "/events/live", vault.Viewer, p.liveEvents},
		{http.MethodGet, "/events/export", vault.Viewer, p.exportEvents},
		{http.MethodGet, "/events/:id", vault.Viewer, p.event},
		{http.MethodGet, "/audit", vault.Viewer, p.audit},
		{http.MethodPost, "/audit/verify", vault.Viewer, p.verifyLog},
		{http.MethodGet, "/audit/key", vault.Viewer, p.logKey},
		{http.MethodGet, "/audit/export", vault.Viewer, p.freshly(p.askExport)},
		{http.MethodPost, "/audit/export", vault.Viewer, p.freshly(p.exportLog)},
		{http.MethodGet, "/keys", vault.Viewer, p.keys},
		{http.MethodGet, "/keys/progress", vault.Viewer, p.keysProgress},
		{http.MethodGet, "/keys/sheet", vault.Viewer, p.keySheet},
		{http.MethodPost, "/keys/count", vault.Viewer, p.countKeys},
		{http.MethodGet, "/keys/rotate", vault.Owner, p.freshly(p.askRotate)},
		{http.MethodPost, "/keys/rotate", vault.Owner, p.freshly(p.rotateKeys)},
		{http.MethodGet, "/keys/rekey", vault.Owner, p.freshly(p.askRekey)},
		{http.MethodPost, "/keys/rekey", vault.Owner, p.freshly(p.rekey)},
		{http.MethodGet, "/settings", vault.Viewer, p.settings},
		{http.MethodPost, "/settings", vault.Owner, p.draftBranding},
		{http.MethodPost, "/settings/publish", vault.Owner, p.publishBranding},
		{http.MethodPost, "/settings/discard", vault.Owner, p.discardBranding},
		{http.MethodGet, "/settings/files/:file", vault.Viewer, p.brandingFile},
		{http.MethodGet, "/connections/:name/try", vault.Viewer, p.tryPage},
		{http.MethodGet, "/connections/:name/try/events", vault.Viewer, p.tryEvents},
		{http.MethodPost, "/connections/:name/try", vault.Editor, p.startTrial},
		{http.MethodGet, "/connections/:name/try/sign-in", vault.Editor, p.signInToTry},
		{http.MethodPost, "/connections/:name/probe", vault.Editor, p.probe},
	} {
		g.Add(page.method, page.path, p.require(page.role, page.handler))
	}
}

// require lets administrators of a role pass. Strangers are sent to sign in, and
// back to where they were going.
func (p *Pages) require(role vault.Role, next handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		if invite := c.QueryParam("invite"); invite != "" {
			return p.takeUp(c, invite)
		}
		v, ok, err := p.visitor(c)
		switch {
		case err != nil:
			return err
		case !ok && c.Request().Method == http.MethodGet:
			return c.Redirect(http.StatusSeeOther, Path+"/sign-in"+returning(c.Request().URL.RequestURI()))
		case !ok:
			return &Refused{Status: http.StatusUnauthorized, Title: "You are signed out", Message: "Your session in the console has ended, and nothing was changed. Sign in again at " + Path + "."}
		}
		p.name(c, v.Admin, true)
		v.event = p.Event(c)
		if !v.Role.May(role) {
			return &Refused{Status: http.StatusForbidden, Title: "Not allowed",
				Message: "This takes the role " + string(role) + ", and yours is " + string(v.Role) + ". An owner can change that, under Administrators."}
		}
		return next(c, v)
	}
}

// freshly lets those pass who have shown who they are a moment ago, for what
// cannot be undone. The others do so now, and come back to the page that they
// were at.
func (p *Pages) freshly(next handler) handler {
	return func(c echo.Context, v visitor) error {
		if p.Now().Sub(v.session.Proved) < proofLife {
			return next(c, v)
		}
		at := c.Request().URL.RequestURI()
		if c.Request().Method != http.MethodGet {
			at = cameFrom(c, p.Issuer)
		}
		return c.Redirect(http.StatusSeeOther, Path+"/prove"+returning(at))
	}
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
