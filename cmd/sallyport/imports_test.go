package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport is who may import whom of ours. Everything points down to vault;
// nothing points up.
var mayImport = map[string][]string{
	"vault":                         {},
	"static":                        {},
	"templates":                     {"static"},
	"connections/simulator":         {},
	"connections/simulator/simtest": {},
	"cmd/sallyport/sample":          {},
	"vault/bolt":                    {"vault"},
	"vault/postgres":                {"vault"},
	"vault/postgres/pgtest":         {},
	"vault/storetest":               {"vault"},
	"vault/kms":                     {},
	"vault/kms/kmstest":             {},
	"connections":                   {"vault"},
	"server/oidc":                   {"vault"},
	"server/api":                    {"vault", "server/branding"},
	"server/branding":               {"vault", "templates"},
	"server/admin":                  {"vault", "connections", "server/branding", "templates"},
	"server":                        {"vault", "connections", "server/admin", "server/api", "server/branding", "server/oidc", "static", "templates"},
}

// onlyIn is where a library may be imported, so that it stays replaceable.
var onlyIn = map[string][]string{
	"go.etcd.io/bbolt":                {"vault/bolt"},
	"github.com/jackc/":               {"vault/postgres", "vault/postgres/pgtest"},
	"github.com/tink-crypto/":         {"vault"},
	"github.com/coreos/go-oidc/":      {"connections", "cmd/sallyport/sample"},
	"golang.org/x/oauth2":             {"connections", "cmd/sallyport/sample", "vault/kms"},
	"github.com/aws/":                 {"vault/kms"},
	"code.dny.dev/ssrf":               {"connections"},
	"golang.org/x/net/":               {"connections"},
	"golang.org/x/image/":             {"server/branding"},
	"golang.org/x/text/":              {"templates"},
	"github.com/go-jose/":             {"server/oidc", "connections", "connections/simulator"},
	"github.com/beevik/etree":         {"connections", "connections/simulator"},
	"github.com/russellhaering/":      {"connections", "connections/simulator"},
	"github.com/labstack/echo/":       {"server", "server/admin", "server/api", "cmd/bench"},
	"github.com/alexedwards/":         {"server/admin"},
	"github.com/pquerna/otp":          {"server/admin", "cmd/bench"},
	"github.com/go-webauthn/":         {"server/admin"},
	"github.com/gorilla/":             {"server"},
	"github.com/goccy/go-yaml":        {"server/api"},
	"github.com/spf13/":               {"cmd/sallyport"},
	"github.com/prometheus/":          {"server", "cmd/sallyport"},
	"github.com/fxamacker/cbor/":      {"vault"},
	"golang.org/x/sync/singleflight":  {"vault"},
	"testing":                         {"vault/storetest", "vault/postgres/pgtest"},
	"github.com/rogpeppe/go-internal": {},
}

// TestImportsPointDown holds the table above against the packages there are.
func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "sallyport/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], "sallyport/")
		allowed, known := mayImport[pkg]
		if !known && !strings.HasPrefix(pkg, "cmd/") {
			t.Errorf("%s is not in the table of imports: where does it stand?", pkg)
		}
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, "sallyport/"); ok {
				if known && !slices.Contains(allowed, ours) {
					t.Errorf("%s imports %s, which it may not", pkg, ours)
				}
				continue
			}
			for library, where := range onlyIn {
				if strings.HasPrefix(imported, library) && !slices.Contains(where, pkg) {
					t.Errorf("%s imports %s, which only %v may", pkg, imported, where)
				}
			}
		}
	}
}

// TestH53NoSAMLIsParsed: the gateway signs assertions and reads none. No library
// that does is linked, and of the two that it signs with, nothing that reads is
// called. The simulated Salesforce reads them, and is no part of the gateway.
func TestH53NoSAMLIsParsed(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}} {{.Dir}} {{join .GoFiles " "}}`, "sallyport/server").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, dir, files := fields[0], fields[1], fields[2:]
		if strings.Contains(pkg, "saml") || pkg == "sallyport/connections/simulator" {
			t.Errorf("the gateway links %s", pkg)
		}
		if pkg != "sallyport/connections" { // the one that may import them
			continue
		}
		for _, file := range files {
			source, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{`"encoding/xml"`, "ValidationContext", ".ReadFrom"} {
				if strings.Contains(string(source), call) {
					t.Errorf("%s/%s has %s", pkg, file, call)
				}
			}
		}
	}
}
