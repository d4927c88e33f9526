package server_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/server/branding"
	"sallyport/vault"
)

// consoleAudit are the requests to the console that do something, in an order in which
// each can be done, and the event that each leaves. USER, ACCOUNT, CLIENT and ADMIN
// stand for what there is.
var consoleAudit = []struct {
	route, path string
	fields      []string
	leaves      string
}{
	{"/prove", "/prove", []string{"password", adminPassword, "code", "CODE"}, "sallyport_console_proved"},
	{"/prove", "/prove", []string{"password", "wrong", "code", "CODE"}, "sallyport_console_sign_in_failed"},
	{"/prove/connection", "/prove/connection", []string{"connection", "salesforce"}, "sallyport_console_sign_in_failed"},
	{"/administrators", "/administrators", []string{"name", "grace@example.com", "role", "viewer"}, "sallyport_administrator_invited"},
	{"/administrators/:id/role", "/administrators/ADMIN/role", []string{"role", "editor"}, "sallyport_console_changed"},
	{"/administrators/:id/remove", "/administrators/ADMIN/remove", nil, "sallyport_console_changed"},
	{"/me/password", "/me/password", []string{"password", "another correct horse", "again", "another correct horse"}, "sallyport_console_changed"},
	{"/me/identity/remove", "/me/identity/remove", nil, "sallyport_console_changed"},
	{"/me/sign-out", "/me/sign-out", nil, "sallyport_console_changed"},

	{"/users/:id/accounts/:account/refresh", "/users/USER/accounts/ACCOUNT/refresh", nil, "sallyport_console_done"},
	{"/users/:id/accounts/:account/link", "/users/USER/accounts/ACCOUNT/link", []string{"client", "app"}, "sallyport_console_done"},
	{"/users/:id/block", "/users/USER/block", []string{"blocked", "true"}, "sallyport_console_changed"},
	{"/users/:id/sign-out", "/users/USER/sign-out", nil, "sallyport_console_done"},
	{"/users/:id/take-back", "/users/USER/take-back", []string{"client", "app"}, "sallyport_console_done"},
	{"/users/:id/accounts/:account/disconnect", "/users/USER/accounts/ACCOUNT/disconnect", nil, "sallyport_account_disconnected"},
	{"/users/:id/delete", "/users/USER/delete", nil, "sdu"},

	{"/audit/verify", "/audit/verify", nil, "sallyport_logs_verified"},
	{"/audit/export", "/audit/export", nil, "sallyport_logs_exported"},

	{"/connections/new", "/connections/new", []string{"FORM"}, "sallyport_console_changed"},
	{"/connections/:name/edit", "/connections/acme/edit", []string{"FORM", "display_name", "Acme Ltd"}, "sallyport_console_changed"},
	{"/connections/:name/probe", "/connections/acme/probe", nil, "sallyport_console_done"},
	{"/connections/:name/try", "/connections/acme/try", nil, "sallyport_console_done"},
	{"/connections/:name/publish", "/connections/acme/publish", []string{"SEEN"}, "sallyport_console_changed"},
	{"/connections/:name/off", "/connections/acme/off", nil, "sallyport_console_changed"},
	{"/connections/:name/on", "/connections/acme/on", nil, "sallyport_console_changed"},
	{"/connections/:name/edit", "/connections/acme/edit", []string{"FORM", "display_name", "Acme Inc"}, "sallyport_console_changed"},
	{"/connections/:name/discard", "/connections/acme/discard", []string{"SEEN"}, "sallyport_console_changed"},
	{"/connections/:name/undo", "/connections/acme/undo", []string{"UNDO"}, "sallyport_console_changed"},
	{"/connections/:name/certificate", "/connections/acme/certificate", nil, "sallyport_console_changed"},
	{"/connections/:name/delete", "/connections/acme/delete", []string{"confirm", "acme"}, "sallyport_console_changed"},

	{"/clients/new", "/clients/new", []string{"HIDDEN", "name", "Another", "app_type", "regular_web"}, "sallyport_console_changed"},
	{"/clients/:id", "/clients/CLIENT", []string{"HIDDEN", "name", "Renamed", "callbacks", "http://new.example/a"}, "sallyport_console_changed"},
	{"/clients/:id/rotate", "/clients/CLIENT/rotate", []string{"HIDDEN"}, "sallyport_console_changed"},
	{"/clients/:id/end-secret", "/clients/CLIENT/end-secret", []string{"HIDDEN"}, "sallyport_console_changed"},
	{"/clients/:id/delete", "/clients/CLIENT/delete", []string{"HIDDEN"}, "sallyport_console_changed"},

	{"/keys/count", "/keys/count", nil, "sallyport_console_done"},
	{"/keys/rotate", "/keys/rotate", []string{"when", "tomorrow"}, "sallyport_console_changed"},
	{"/keys/rekey", "/keys/rekey", nil, "sallyport_console_done"},
	{"/settings/discard", "/settings/discard", []string{"SEEN"}, "sallyport_console_changed"},
	{"/sign-out", "/sign-out", nil, "sallyport_console_signed_out"},
}

// TestEachChangeInTheConsoleLeavesAnEvent that names the administrator, and each
// route that changes something is among those that are tried.
func TestEachChangeInTheConsoleLeavesAnEvent(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.signIn(ada())
	user, account := g.adasPage()
	g.administrator("grace@example.com", vault.Viewer)
	a := g.administrator("ada@example.com", vault.Owner)
	a.brand(nil, branding.FieldName, "Acme")
	for _, tt := range consoleAudit {
		path := strings.NewReplacer("/users/USER/accounts/ACCOUNT", strings.TrimPrefix(account, "/admin"), "/users/USER", strings.TrimPrefix(user, "/admin"),
			"ADMIN", g.admins()["grace@example.com"], "CLIENT", g.clientNamed("Another").ID+g.clientNamed("Renamed").ID).Replace(tt.path)
		fields := a.filled("/admin"+path, tt.fields)
		before := g.lastEvent()
		page := a.post("/admin"+path, fields...)
		list := g.events(before)
		named := slices.ContainsFunc(list, func(e happened) bool {
			by, _ := e.Details["administrator"].(map[string]any)
			return e.Type == tt.leaves && by["name"] == "ada@example.com" && by["id"] == g.admins()["ada@example.com"] && by["role"] == "owner"
		})
		if !named {
			t.Errorf("%s: %d, left %+v\n%s", tt.path, page.status, list, page.body)
		}
	}
	tried := []string{ // by tests of their own, or nothing that anybody asks for later
		"/sign-in", "/sign-in/passkey", "/sign-in/passkey/begin", "/welcome", "/welcome/confirm", "/welcome/passkey", "/welcome/passkey/begin",
		"/sign-in/connection", "/welcome/connection", "/me/identity",
		"/me/passkey", "/me/passkey/begin", "/me/passkey/remove", "/theme", "/settings", "/settings/publish", "/clients/:id/branding",
	}
	for _, tt := range consoleAudit {
		tried = append(tried, tt.route)
	}
	for _, route := range g.server.Routes() {
		if path, ok := strings.CutPrefix(route, "POST /admin"); ok && !slices.Contains(tried, path) {
			t.Errorf("POST /admin%s: what does it leave?", path)
		}
	}
}

var undoShown = regexp.MustCompile(`name="(seen|at|from)" value="([^"]+)"`)

// filled are the fields of a form: those of the page that has it, and others.
func (a *administrator) filled(path string, fields []string) (all []string) {
	a.t.Helper()
	for _, f := range fields {
		page := path[:strings.LastIndex(path, "/")]
		switch f {
		case "CODE":
			all = append(all, a.code())
		case "FORM":
			all = append(all, a.salesforceForm()...)
			all = append(all, a.get(path).hidden()...)
		case "SEEN":
			all = append(all, a.get(page).hidden()...)
		case "UNDO":
			for _, m := range undoShown.FindAllStringSubmatch(a.get(path).body, -1) {
				all = append(all, m[1], m[2])
			}
		case "HIDDEN":
			if strings.HasSuffix(path, "/end-secret") {
				path = page
			}
			all = append(all, a.get(path).hidden()...)
		default:
			all = append(all, f)
		}
	}
	return all
}

// TestWhoFailsToSignInToTheConsoleIsInTheLog by the name of the administrator if
// there is one, and not by what else was entered for a name: it may be a password.
func TestWhoFailsToSignInToTheConsoleIsInTheLog(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	viewer := g.administrator("grace@example.com", vault.Viewer)
	for _, tt := range []struct {
		name string
		do   func() page
		kind string
		by   any
	}{
		{"wrong password", func() page {
			return g.stranger().post("/admin/sign-in", "name", "ada@example.com", "password", "wrong", "code", "000000")
		}, "sallyport_console_sign_in_failed", "ada@example.com"},
		{"password for a name", func() page {
			return g.stranger().post("/admin/sign-in", "name", adminPassword, "password", "x", "code", "000000")
		}, "sallyport_console_sign_in_failed", nil},
		{"no passkey", func() page { return g.stranger().post("/admin/sign-in/passkey") }, "sallyport_console_sign_in_failed", nil},
		{"role", func() page { return viewer.post("/admin/administrators", "role", "owner") }, "sallyport_console_refused", "grace@example.com"},
		{"no session", func() page { return g.stranger().post("/admin/administrators", "role", "owner") }, "sallyport_console_refused", nil},
		{"used invitation", func() page { return g.stranger().get("/admin?invite=USED") }, "sallyport_console_refused", nil},
		{"sign-in", func() page {
			return a.post("/admin/sign-in", "name", "ada@example.com", "password", adminPassword, "code", a.code())
		}, "sallyport_console_signed_in", "ada@example.com"},
	} {
		g.clock.forward(2 * time.Minute) // the same again from the same address is counted
		before := g.lastEvent()
		page := tt.do()
		found := slices.ContainsFunc(g.events(before), func(e happened) bool {
			by, _ := e.Details["administrator"].(map[string]any)
			return e.Type == tt.kind && by["name"] == tt.by && !strings.Contains(e.Description, adminPassword)
		})
		if !found || tt.by == nil && page.status < http.StatusBadRequest {
			t.Errorf("%s: %d, %+v", tt.name, page.status, g.events(before))
		}
	}
}
