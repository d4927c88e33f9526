package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// TestKeysPageNamesTheKeysAndShowsNone: their IDs, and how old they are.
func TestKeysPageNamesTheKeysAndShowsNone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Viewer)
	g.lastEvent() // the log begins with one
	state, err := g.vault.KeyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/admin/keys", "/admin/keys/sheet"} {
		p := a.get(path)
		if p.status != http.StatusOK || !strings.Contains(p.body, "<code>"+g.key.ID()+"</code>") || !strings.Contains(p.body, "<code>"+state.Data+"</code>") {
			t.Errorf("%s: %d %s", path, p.status, text(p.body))
		}
		if strings.Contains(p.body, g.key.Reveal()) || strings.Contains(p.body, "sallyport-key-1_") || strings.Contains(p.body, "PRIVATE") {
			t.Errorf("%s shows a key", path)
		}
	}
	body := text(a.get("/admin/keys").body)
	for _, want := range []string{"Root key " + g.key.ID() + " Opens the vault", "Data key " + state.Data + " Seals records", "Signing key " + signingKey().ID + " Signs tokens RS256.", "Log key", "or longer: it is the vault’s first",
		"sallyport vault rekey --gateway " + g.issuer + " --client-id operators", "sallyport vault check --store backup.db"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %s", want, body)
		}
	}
}

// TestOwnersAloneChangeKeys, who have shown a moment ago who they are.
func TestOwnersAloneChangeKeys(t *testing.T) {
	t.Parallel()
	g := start(t)
	before, err := g.vault.KeyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	editor := g.administrator("eve@example.com", vault.Editor)
	owner := g.administrator("ada@example.com", vault.Owner)
	g.clock.forward(11 * time.Minute)
	for _, path := range []string{"/admin/keys/rotate", "/admin/keys/rekey"} {
		if strings.Contains(editor.get("/admin/keys").body, path) {
			t.Errorf("an editor is shown the way to %s", path)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if p := editor.send(method, path, []string{"when", "now"}); p.status != http.StatusForbidden {
				t.Errorf("an editor, %s %s: %d", method, path, p.status)
			}
			if p := owner.send(method, path, []string{"when", "now"}); !strings.HasPrefix(p.url, "/admin/prove") {
				t.Errorf("%s %s without a proof led to %s", method, path, p.url)
			}
		}
	}
	after, err := g.vault.KeyState(t.Context())
	if err != nil || after.Data != before.Data || after.Changing() {
		t.Errorf("%+v, %v", after, err)
	}
}

// TestSigningKeysAreMadeFromTheConsole, to sign in a day or at once, and each leaves
// an event with who did it.
func TestSigningKeysAreMadeFromTheConsole(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	if p := a.get("/admin/keys/rotate"); p.status != http.StatusOK || !strings.Contains(p.body, "<code>RS256</code>") {
		t.Fatalf("%d %s", p.status, p.body)
	}
	if p := a.post("/admin/keys/rotate", "when", "never"); p.status != http.StatusBadRequest {
		t.Errorf("at no time: %d", p.status)
	}
	p := a.post("/admin/keys/rotate", "when", "tomorrow")
	if body := text(p.body); p.status != http.StatusOK || !strings.Contains(body, "The next signing keys were made") || !strings.Contains(body, "Published, will sign RS256. It signs in 24 hours") {
		t.Errorf("%d %s", p.status, body)
	}
	p = a.post("/admin/keys/rotate", "when", "now")
	if body := text(p.body); strings.Count(body, "Signs tokens") != 1 || !strings.Contains(body, signingKey().ID+" Published, signs no more") {
		t.Errorf("at once: %s", body)
	}
	made := 0
	for _, e := range g.events("") {
		if e.Type == "sallyport_console_changed" && strings.HasPrefix(e.Description, "signing key ") && strings.Contains(fmt.Sprint(e.Details), "ada@example.com") {
			made++
		}
	}
	if made != 2 {
		t.Errorf("%d events", made)
	}
}

// TestDataKeyIsReplacedFromTheConsole while the page tells how far it has come.
func TestDataKeyIsReplacedFromTheConsole(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Owner)
	before, err := g.vault.KeyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := a.get("/admin/keys/rekey"); p.status != http.StatusOK || !strings.Contains(p.body, "Data key "+before.Data+"</bdi>") {
		t.Fatalf("%d %s", p.status, text(p.body))
	}
	p := a.post("/admin/keys/rekey")
	if body := text(p.body); p.status != http.StatusOK || !strings.Contains(body, "The data key is being replaced") || !strings.Contains(body, "is announced to all instances.") || !strings.Contains(body, "Will seal records") {
		t.Errorf("%d %s", p.status, body)
	}
	if part := a.get("/admin/keys/progress").body; !strings.Contains(part, "data-going") || strings.Contains(part, "<html") {
		t.Errorf("%s", part)
	}
	if err := g.vault.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := g.vault.KeyState(t.Context())
	if err != nil || after.Data == before.Data || after.Changing() {
		t.Fatalf("%+v, %v", after, err)
	}
	p = a.get("/admin/keys")
	if body := text(p.body); strings.Contains(body, before.Data) || !strings.Contains(body, after.Data+" Seals records") || strings.Contains(p.body, "data-going") || !strings.Contains(body, "just now") {
		t.Errorf("afterwards: %s", body)
	}
	told := false
	for _, e := range g.events("") {
		told = told || e.Type == "sallyport_console_done" && e.Description == "began to replace the data key" && strings.Contains(fmt.Sprint(e.Details), before.Data)
	}
	if !told {
		t.Error("no event")
	}
	if p := a.get("/admin/keys/rekey?only_root=yes"); !strings.Contains(p.body, "Root key "+g.key.ID()+"</bdi>") {
		t.Errorf("%s", text(p.body))
	}
	if p := a.post("/admin/keys/rekey?only_root=yes"); p.status != http.StatusConflict || !strings.Contains(p.body, "vault init --next") {
		t.Errorf("without a newer root key: %d %s", p.status, text(p.body))
	}
}

// TestRecordsAreCountedOnDemand under each data key.
func TestRecordsAreCountedOnDemand(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Viewer)
	if body := text(a.get("/admin/keys").body); !strings.Contains(body, "They were never counted.") {
		t.Errorf("%s", body)
	}
	if p := a.post("/admin/keys/count"); p.status != http.StatusOK || p.url != "/admin/keys" {
		t.Fatalf("%d %s", p.status, p.url)
	}
	for range 1000 {
		if part := a.get("/admin/keys/progress").body; !strings.Contains(part, "data-going") {
			if !strings.Contains(text(part), "Counted just now") || strings.Contains(part, `<td class="number">0</td>`) || !strings.Contains(part, `<td class="number">`) {
				t.Errorf("%s", text(part))
			}
			return
		}
	}
	t.Error("it does not end")
}
