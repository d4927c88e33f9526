package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

var linkShown = regexp.MustCompile(`<code>(http[^<]*invite=[A-Z2-7]+)</code>`)

func TestOwnersAloneInviteAndAreNeverNone(t *testing.T) {
	t.Parallel()
	g := start(t)
	owner := g.administrator("ada@example.com", vault.Owner)
	found := linkShown.FindStringSubmatch(owner.post("/admin/administrators", "name", "grace@example.com", "role", "editor").body)
	if found == nil {
		t.Fatal("no link is shown")
	}
	editor := g.stranger()
	if page := editor.takeUp(found[1], "grace@example.com"); page.status != http.StatusOK {
		t.Fatalf("%d %s", page.status, page.body)
	}
	ids := g.admins()
	for path, fields := range map[string][]string{
		"/admin/administrators": {"role", "owner"},
		"/admin/administrators/" + ids["grace@example.com"] + "/role":   {"role", "owner"},
		"/admin/administrators/" + ids["ada@example.com"] + "/remove":   {},
		"/admin/administrators/" + ids["grace@example.com"] + "/remove": {},
	} {
		if page := editor.post(path, fields...); page.status != http.StatusForbidden || !strings.Contains(page.body, "takes the role owner") {
			t.Errorf("an editor at %s: %d", path, page.status)
		}
	}
	for path, fields := range map[string][]string{
		"/admin/administrators/" + ids["ada@example.com"] + "/role":   {"role", "editor"},
		"/admin/administrators/" + ids["ada@example.com"] + "/remove": {},
	} {
		if page := owner.post(path, fields...); page.status != http.StatusConflict || !strings.Contains(page.body, "only owner") {
			t.Errorf("the only owner at %s: %d", path, page.status)
		}
	}
	if page := owner.post("/admin/administrators/"+ids["grace@example.com"]+"/role", "role", "emperor"); page.status != http.StatusBadRequest {
		t.Errorf("a role that there is not: %d", page.status)
	}
	if page := owner.post("/admin/administrators/" + ids["grace@example.com"] + "/remove"); page.status != http.StatusOK {
		t.Fatalf("%d %s", page.status, page.body)
	}
	if page := editor.get("/admin"); !strings.Contains(page.body, "Sign in to the console") {
		t.Error("somebody who was taken away is still signed in")
	}
}

// TestWhatCannotBeUndoneTakesAFreshProof has ten minutes pass since the sign-in.
func TestWhatCannotBeUndoneTakesAFreshProof(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	g.clock.forward(11 * time.Minute)
	if page := a.post("/admin/administrators", "role", "owner"); !strings.Contains(page.body, "Is it you?") || linkShown.MatchString(page.body) {
		t.Fatalf("%d %.300s", page.status, page.body)
	}
	if page := a.post("/admin/prove", "password", "wrong", "code", a.code(), "return", "/admin/administrators"); page.status != http.StatusForbidden {
		t.Errorf("a wrong password: %d", page.status)
	}
	if page := a.post("/admin/prove", "password", a.password, "code", a.code(), "return", "/admin/administrators"); page.url != "/admin/administrators" {
		t.Errorf("proved: %s", page.url)
	}
	if page := a.post("/admin/administrators", "role", "owner"); !linkShown.MatchString(page.body) {
		t.Errorf("afterwards: %d", page.status)
	}
}

// TestH21NewPasswordEndsOtherSessions, of which one may be the reason for it.
func TestH21NewPasswordEndsOtherSessions(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Viewer)
	other := g.stranger()
	other.name, other.totp = a.name, a.totp
	if page := other.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code()); page.url != "/admin" {
		t.Fatalf("%s", page.url)
	}
	for field, form := range map[string][]string{
		"password": {"password", "short", "again", "short"},
		"again":    {"password", "another good password", "again", "another bad password"},
	} {
		if page := a.post("/admin/me/password", form...); page.status != http.StatusBadRequest || !strings.Contains(page.body, `id="`+field+`"`) || !strings.Contains(page.body, "aria-invalid") {
			t.Errorf("%s: %d", field, page.status)
		}
	}
	if page := a.post("/admin/me/password", "password", "another good password", "again", "another good password"); page.url != "/admin/me?notice=saved" {
		t.Fatalf("%d %s", page.status, page.url)
	}
	if page := other.get("/admin"); !strings.Contains(page.body, "Sign in to the console") {
		t.Error("the other session goes on")
	}
	a.post("/admin/sign-out")
	if page := a.post("/admin/sign-in", "name", a.name, "password", a.password, "code", a.code()); page.status != http.StatusForbidden {
		t.Errorf("the old password: %d", page.status)
	}
}

// admins are the IDs of the administrators, by name.
func (g *gateway) admins() map[string]string {
	g.t.Helper()
	ids := map[string]string{}
	err := g.vault.View(g.t.Context(), func(tx *vault.Tx) error {
		for a, err := range tx.Admins.All("") {
			if err != nil {
				return err
			}
			ids[a.Name] = a.ID
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return ids
}
