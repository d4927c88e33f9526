package templates

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os/exec"
	"strings"
	"testing"
)

func TestSnippetsHoldHostileValuesAsText(t *testing.T) {
	t.Parallel()
	entries, err := snippetFiles.ReadDir("snippets")
	if err != nil || len(entries) < 11 {
		t.Fatalf("%d snippets: %v", len(entries), err)
	}
	for kind, s := range hostile {
		snippet := Snippet{Issuer: "https://login.example.com/", ClientID: s, Secret: true, Callback: "https://app.example.com/'$(id)\"`" + `\`, Connection: "salesforce", Salesforce: true, Audience: s}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".txt")
			code, err := snippet.Code(name)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case strings.HasSuffix(name, ".go"):
				if _, err := parser.ParseFile(token.NewFileSet(), name, code, 0); err != nil {
					t.Errorf("%s with %s: %v", name, kind, err)
				}
			case strings.HasSuffix(name, ".curl"):
				check := exec.Command("sh", "-n")
				check.Stdin = strings.NewReader(code)
				if out, err := check.CombinedOutput(); err != nil {
					t.Errorf("%s with %s: %v %s", name, kind, err, out)
				}
			}
		}
	}
}

func TestSnippetsNeverHoldASecret(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"signin.curl", "signin.go", "signin.node", "signin.python", "signin.nextjs", "exchange.curl", "exchange.go", "exchange.node", "exchange.python", "token.curl"} {
		code, err := Snippet{Issuer: "http://localhost:8080/", ClientID: "app", Secret: true, Callback: "http://localhost:3000/callback", Connection: "salesforce", Audience: "api"}.Code(name)
		if err != nil || !strings.Contains(code, "CLIENT_SECRET") {
			t.Errorf("%s reads no CLIENT_SECRET: %v", name, err)
		}
	}
	for _, name := range []string{"signin.curl", "signin.go", "signin.node", "signin.python"} {
		code, err := Snippet{Issuer: "http://localhost:8080/", ClientID: "app", Callback: "http://localhost:3000/callback"}.Code(name)
		if err != nil || strings.Contains(code, "CLIENT_SECRET") {
			t.Errorf("%s asks a public client for a secret: %v", name, err)
		}
	}
}

func TestQuotedWordsReadAsThemselves(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"plain", "", "it's", "$(id) `id` \\", "\"\n\t", "a b", "–é\u202e", "-n", "*"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quoteShell(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("sh: %q for %q: %v", out, s, err)
		}
		var back string
		if quoted, err := quoteString(s); err != nil || json.Unmarshal([]byte(quoted), &back) != nil || back != s {
			t.Errorf("%q for %q: %v", back, s, err)
		}
	}
}
