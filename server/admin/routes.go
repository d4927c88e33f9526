package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sallyport/vault"
)

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
	g.POST("/sign-in/connection", p.signInElsewhere)
	g.POST("/welcome/connection", p.takeUpElsewhere)

	for _, page := range []struct {
		method, path string
		role         vault.Role
		handler      handler
	}{
		{http.MethodGet, "", vault.Viewer, p.dashboard},
		{http.MethodPost, "/sign-out", vault.Viewer, p.signOut},
		{http.MethodGet, "/prove", vault.Viewer, p.prove},
		{http.MethodPost, "/prove", vault.Viewer, p.proved},
		{http.MethodPost, "/prove/connection", vault.Viewer, p.proveElsewhere},
		{http.MethodPost, "/theme", vault.Viewer, p.chooseTheme},

		{http.MethodGet, "/me", vault.Viewer, p.me},
		{http.MethodGet, "/me/passkey", vault.Viewer, p.freshly(p.newPasskey)},
		{http.MethodPost, "/me/passkey/begin", vault.Viewer, p.freshly(p.beginPasskey)},
		{http.MethodPost, "/me/passkey", vault.Viewer, p.freshly(p.keepPasskey)},
		{http.MethodPost, "/me/passkey/remove", vault.Viewer, p.freshly(p.removePasskey)},
		{http.MethodPost, "/me/password", vault.Viewer, p.freshly(p.changePassword)},
		{http.MethodPost, "/me/identity", vault.Viewer, p.freshly(p.addIdentity)},
		{http.MethodPost, "/me/identity/remove", vault.Viewer, p.freshly(p.removeIdentity)},
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
		{http.MethodPost, "/connections/:name/publish", vault.Editor, p.freshlyIfDue(p.publish)},
		{http.MethodPost, "/connections/:name/discard", vault.Editor, p.discard},
		{http.MethodGet, "/connections/:name/undo", vault.Editor, p.undoConnection},
		{http.MethodPost, "/connections/:name/undo", vault.Editor, p.freshlyIfDue(p.undo)},
		{http.MethodPost, "/connections/:name/on", vault.Editor, p.freshlyIfDue(p.switchOn)},
		{http.MethodPost, "/connections/:name/off", vault.Editor, p.switchOff},
		{http.MethodGet, "/connections/:name/try", vault.Viewer, p.tryPage},
		{http.MethodGet, "/connections/:name/try/events", vault.Viewer, p.tryEvents},
		{http.MethodPost, "/connections/:name/try", vault.Editor, p.startTrial},
		{http.MethodGet, "/connections/:name/try/sign-in", vault.Editor, p.signInToTry},
		{http.MethodPost, "/connections/:name/probe", vault.Editor, p.probe},
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
		{http.MethodGet, "/clients/:id/branding", vault.Viewer, p.clientBranding},
		{http.MethodPost, "/clients/:id/branding", vault.Editor, p.brandClient},
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
