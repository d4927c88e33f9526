package server_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

func TestLastChangeOfAConnectionIsUndone(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	if page := a.get("/admin/connections/salesforce/undo"); page.status != http.StatusConflict {
		t.Errorf("nothing to undo: %d", page.status)
	}
	a.post("/admin/connections/salesforce/edit", g.salesforceForm("display_name", "Changed", "options.client_secret", "another")...)
	a.publish("salesforce")
	a.post("/admin/connections/salesforce/certificate")
	for _, want := range []struct{ title, secret string }{{"Salesforce", "consumer-secret"}, {"Changed", "another"}} {
		shown := a.get("/admin/connections/salesforce/undo")
		seen := seenShown.FindStringSubmatch(shown.body)
		if seen == nil {
			t.Fatalf("%d %s", shown.status, shown.body)
		}
		if page := a.post("/admin/connections/salesforce/undo", "seen", "what nobody saw"); page.status != http.StatusConflict {
			t.Errorf("unseen: %d", page.status)
		}
		if page := a.post("/admin/connections/salesforce/undo", "seen", seen[1]); !strings.Contains(page.body, "The last change was undone") {
			t.Errorf("%d %s", page.status, page.body)
		}
		if c, _ := g.stored("salesforce"); c.DisplayName != want.title || c.ClientSecret.Reveal() != want.secret || len(c.Certificates) != 1 || c.ID != "con_salesforce" {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
}

func TestConnectionIsSwitchedOffAndOn(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	token := g.signIn(ada())
	a.post("/admin/connections/salesforce/off")
	if answer := g.exchange(token.RefreshToken); answer.str("reason") != "connection_disabled" {
		t.Errorf("%s", answer.body)
	}
	a.post("/admin/connections/salesforce/on")
	if answer := g.exchange(token.RefreshToken); answer.status != http.StatusOK {
		t.Errorf("%s", answer.body)
	}
}

func TestConnectionIsDeletedWithItsTokens(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		return errors.Join(tx.Connections.Put(g.connection("salesforce-2")), tx.TokenSets.Put(vault.TokenSet{Identity: "salesforce-2|o/u", ID: "cac_2"}))
	})
	a := g.administrator("ada@example.com", vault.Editor)
	g.signIn(ada(), oauth2.SetAuthURLParam("connection", "salesforce"))
	del := func(confirm string) page { return a.post("/admin/connections/salesforce/delete", "confirm", confirm) }
	if page := del("salesforce"); page.status != http.StatusConflict || !strings.Contains(page.body, "Switch it off first") {
		t.Errorf("in use: %d", page.status)
	}
	a.post("/admin/connections/salesforce/off")
	if page := a.get("/admin/connections/salesforce/delete"); !strings.Contains(page.body, "The tokens of 1 account are deleted.") {
		t.Errorf("%s", page.body)
	}
	if page := del("salesforce-2"); page.status != http.StatusBadRequest || !strings.Contains(page.body, "is not the connection&#39;s name") {
		t.Errorf("another name: %d", page.status)
	}
	g.clock.forward(11 * time.Minute)
	if page := del("salesforce"); !strings.Contains(page.body, "<h1>Is it you?</h1>") {
		t.Errorf("without a proof: %d %s", page.status, page.body)
	}
	if page := a.post("/admin/prove", "password", a.password, "code", a.code(), "return", "/admin/connections/salesforce/delete"); !strings.Contains(page.body, "Delete for good") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	if page := del("salesforce"); page.url != "/admin/connections?notice=deleted" {
		t.Fatalf("%d %s %s", page.status, page.url, page.body)
	}
	if _, ok := g.stored("salesforce"); ok {
		t.Error("it is still there")
	}
	err := g.vault.View(t.Context(), func(tx *vault.Tx) error {
		for ts, err := range tx.TokenSets.All("") {
			if err != nil || ts.ID != "cac_2" {
				t.Errorf("left: %s, %v", ts.Identity, err)
			}
		}
		for u, err := range tx.Users.All("") {
			if err != nil || len(u.Identities) != 1 {
				t.Errorf("the user has lost who they are: %+v, %v", u, err)
			}
		}
		if _, err := tx.Former.Get("salesforce"); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("its former self is kept, with its secret: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCertificateIsMadeAndDownloaded(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.administrator("ada@example.com", vault.Editor)
	a.post("/admin/connections/new", g.salesforceForm("options.token_grant", "jwt_bearer")...)
	link := regexp.MustCompile(`/admin/connections/acme/certificates/[0-9a-f]{32}`)
	page := a.post("/admin/connections/acme/certificate")
	paths := link.FindAllString(page.body, -1)
	if len(paths) != 1 || strings.Contains(page.body, "PRIVATE KEY") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	block, _ := pem.Decode([]byte(a.get(paths[0]).body))
	if block == nil || block.Type != "CERTIFICATE" {
		t.Fatal("no certificate")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		t.Error(err)
	}
	a.publish("acme")
	if page := a.post("/admin/connections/acme/certificate"); len(link.FindAllString(page.body, -1)) != 2 || !strings.Contains(page.body, "waits for Salesforce") {
		t.Errorf("the next one: %s", page.body)
	}
	if page := a.post("/admin/connections/acme/certificate"); len(link.FindAllString(page.body, -1)) != 2 {
		t.Errorf("a third, while the second waits: %s", page.body)
	}
	if page := a.get("/admin/connections/salesforce/certificates/" + strings.Repeat("0", 32)); page.status != http.StatusNotFound {
		t.Errorf("of another connection: %d", page.status)
	}
}
