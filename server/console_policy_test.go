package server_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport/vault"
)

// cell is what the matrix says of an application and a connection.
func (p page) cell(client, connection string) string {
	link := html.EscapeString("/admin/policy?" + url.Values{"client": {client}, "connection": {connection}}.Encode())
	_, after, _ := strings.Cut(p.body, `href="`+link+`#ask"`)
	_, after, _ = strings.Cut(after, "</svg>")
	word, _, _ := strings.Cut(after, "</a>")
	return html.UnescapeString(word)
}

func TestPolicyMatrixSaysWhoMayHaveWhat(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		for name, change := range map[string]func(*vault.Connection){
			"off": func(c *vault.Connection) { c.Active = false }, "plain": func(c *vault.Connection) { c.TokenVault = false }, "second": func(*vault.Connection) {},
		} {
			c := g.connection(name)
			change(&c)
			if name != "second" {
				c.Clients = []string{"app"}
			}
			if err := tx.Connections.Put(c); err != nil {
				return err
			}
		}
		c, err := tx.Clients.Get("other")
		if err != nil {
			return err
		}
		c.TokenVault = &vault.TokenVault{Connections: []vault.TokenAccess{{Connection: "salesforce", Scopes: []string{"api"}}}}
		return tx.Clients.Put(c)
	})
	page := g.administrator("vera@example.com", vault.Viewer).get("/admin/policy")
	for _, test := range []struct{ client, connection, want string }{
		{"app", "salesforce", "its users’"},
		{"app", "off", "switched off"},
		{"app", "plain", "keeps no tokens"},
		{"other", "salesforce", "its users’"},
		{"other", "second", "not in its list"},
		{"other", "off", "not enabled"},
		{"spa", "salesforce", "no exchange"},
	} {
		if got := page.cell(test.client, test.connection); got != test.want {
			t.Errorf("%s × %s: %q, want %q", test.client, test.connection, got, test.want)
		}
	}
	if !strings.Contains(page.body, "no more than <code>api</code>") {
		t.Error("what tokens may do is not said")
	}
}

// TestPolicyAnswersAsTheExchangeDoes: it is the same function that is asked.
func TestPolicyAnswersAsTheExchangeDoes(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	var user string
	g.put(func(tx *vault.Tx) error {
		for u, err := range tx.Users.All("") {
			user = u.ID
			return err
		}
		return nil
	})
	a := g.administrator("vera@example.com", vault.Viewer)
	ask := func(changes ...string) page {
		q := url.Values{"client": {"app"}, "connection": {"salesforce"}, "user": {user}, "ask": {"yes"}}
		for i := 0; i+1 < len(changes); i += 2 {
			q.Set(changes[i], changes[i+1])
		}
		return a.get("/admin/policy?" + q.Encode())
	}
	if page := ask("scope", "api"); page.status != http.StatusOK || !strings.Contains(page.body, "It would get a token") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	for _, test := range []struct {
		says   string
		change []string
	}{
		{"<code>wave</code>", []string{"scope", "wave"}},
		{"client_not_allowed", []string{"client", "other"}},
		{"There is no user nobody.", []string{"user", "nobody"}},
		{"There is no client nobody.", []string{"client", "nobody"}},
		{"should be an IP address", []string{"address", "here"}},
	} {
		page := ask(test.change...)
		if !strings.Contains(page.body, test.says) {
			t.Errorf("%q: %d, and not %q", test.change, page.status, test.says)
		}
	}
	g.change(func(c *vault.Connection) { c.Active = false })
	refused := g.post("oauth/token", "grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", token.RefreshToken,
		"subject_token_type", refreshType, "requested_token_type", federatedType, "connection", "salesforce")
	if page := ask(); !strings.Contains(page.body, "It would get none") || !strings.Contains(page.body, "<code>"+refused.str("reason")+"</code>") {
		t.Errorf("the exchange is refused with %q, and the page does not say so", refused.str("reason"))
	}
	if strings.Contains(ask().body, token.RefreshToken) {
		t.Error("a token is on the page")
	}
}

func TestPolicyOfManyApplicationsIsPaged(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.put(func(tx *vault.Tx) error {
		for i := range 60 {
			if err := tx.Clients.Put(vault.Client{ID: fmt.Sprintf("many-%03d", i), Name: `<b onclick="x">`, AuthMethod: "none", AppType: "spa"}); err != nil {
				return err
			}
		}
		return nil
	})
	a := g.administrator("vera@example.com", vault.Viewer)
	page := a.get("/admin/policy")
	if n := strings.Count(page.body, `<th scope="row">`); n != 25 || !strings.Contains(page.body, "Next page") || strings.Contains(page.body, "<b onclick") {
		t.Errorf("%d rows", n)
	}
	if page := a.get("/admin/policy?after=zzz"); page.status != http.StatusOK {
		t.Errorf("after the last: %d", page.status)
	}
}

// TestVaultAccessIsChosenOnThePage connection by connection.
func TestVaultAccessIsChosenOnThePage(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.ofKind("regular_web")
	g.put(func(tx *vault.Tx) error { return tx.Connections.Put(g.connection("second")) })
	a := g.administrator("ed@example.com", vault.Editor)
	form := []string{"name", "Application", "callbacks", callback, "grant_types", federatedGrant, "connections", "salesforce", "connections", "second", "leeway", "30", "token_vault", "listed", "access", "salesforce", "scopes salesforce", "api id"}
	if page := a.fill("/admin/clients/app", append(form, "networks salesforce", "10.0.0.1/8")...); page.status != http.StatusBadRequest ||
		!strings.Contains(page.body, "should be a network such as 10.0.0.0/8") || !strings.Contains(page.body, `value="10.0.0.1/8"`) {
		t.Errorf("a network that is none: %d", page.status)
	}
	page := a.fill("/admin/clients/app", append(form, "networks salesforce", "10.0.0.0/8")...)
	c := g.clientNamed("Application")
	if page.status != http.StatusOK || c.TokenVault == nil || len(c.TokenVault.Connections) != 1 || fmt.Sprint(c.TokenVault.Connections[0]) != "{salesforce [api id] [10.0.0.0/8]}" {
		t.Fatalf("%d %+v", page.status, c.TokenVault)
	}
	if page := a.get("/admin/policy"); page.cell("app", "second") != "not in its list" {
		t.Errorf("the matrix says %q", page.cell("app", "second"))
	}
	a.fill("/admin/clients/app", "name", "Application", "leeway", "30", "token_vault", "all")
	if c := g.clientNamed("Application"); c.TokenVault != nil {
		t.Errorf("still held to a list: %+v", c.TokenVault)
	}
}
