package oidc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

const issuer = "https://login.example.com/"

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var update = flag.Bool("update", false, "rewrite the golden files")

// want fails a test whose error has not the code, or not the words; an empty
// code means no error.
func want(t *testing.T, err error, code oidc.Code, words string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	var e *oidc.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if e.Code != code || !strings.Contains(e.Description, words) {
		t.Errorf("got %s (%s), want %s with %q", e.Code, e.Description, code, words)
	}
}

// golden compares what marshals to JSON with a file.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expected, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, expected) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// values makes parameters of names and values; a name may come twice.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// with is base with changes: names and values, where "-" takes a parameter out
// and a leading + adds a second one.
func with(base url.Values, changes ...string) url.Values {
	v := url.Values{}
	for name, list := range base {
		v[name] = append([]string(nil), list...)
	}
	for i := 0; i < len(changes); i += 2 {
		name, value := changes[i], changes[i+1]
		switch more, add := strings.CutPrefix(name, "+"); {
		case add:
			v.Add(more, value)
		case value == "-":
			v.Del(name)
		default:
			v.Set(name, value)
		}
	}
	return v
}

// The package reaches neither network nor disk nor clock, by what it imports
// and what it calls.
func TestPackageIsPure(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"sallyport/vault", "github.com/go-jose/go-jose/v4", "github.com/go-jose/go-jose/v4/jwt"}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			switch {
			case strings.Contains(path, ".") || strings.HasPrefix(path, "sallyport/"):
				if !contains(ours, path) {
					t.Errorf("%s imports %s", name, path)
				}
			case contains([]string{"os", "net", "io/fs", "database/sql", "syscall", "context", "log", "log/slog"}, path):
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			switch {
			case !ok:
			case pkg.Name == "http" && !strings.HasPrefix(sel.Sel.Name, "Status"):
				t.Errorf("%s uses http.%s", name, sel.Sel.Name)
			case pkg.Name == "time" && contains([]string{"Now", "Since", "Until", "Sleep", "After"}, sel.Sel.Name):
				t.Errorf("%s uses time.%s", name, sel.Sel.Name)
			case pkg.Name == "rand" && name != "sign.go":
				t.Errorf("%s makes random values", name)
			}
			return true
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestErrorsHaveTheStatusOfTheirCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e    oidc.Error
		want int
	}{
		{oidc.Error{Code: oidc.InvalidRequest}, 400},                     // RFC 6749, 5.2
		{oidc.Error{Code: oidc.InvalidGrant}, 400},                       // RFC 6749, 5.2
		{oidc.Error{Code: oidc.InvalidScope}, 400},                       // RFC 6749, 5.2
		{oidc.Error{Code: oidc.UnsupportedGrantType}, 400},               // RFC 6749, 5.2
		{oidc.Error{Code: oidc.InvalidTarget}, 400},                      // RFC 8693, 2.2.2
		{oidc.Error{Code: oidc.InvalidClient}, 401},                      // RFC 6749, 5.2
		{oidc.Error{Code: oidc.InvalidToken}, 401},                       // RFC 6750, 3.1
		{oidc.Error{Code: oidc.InsufficientScope}, 403},                  // RFC 6750, 3.1
		{oidc.Error{Code: oidc.UnauthorizedClient}, 403},                 // Auth0
		{oidc.Error{Code: oidc.AccessDenied}, 403},                       // Auth0
		{oidc.Error{Code: oidc.InvalidDPoPProof}, 400},                   // RFC 9449, 5
		{oidc.Error{Code: oidc.UseDPoPNonce}, 400},                       // RFC 9449, 8
		{oidc.Error{Code: oidc.AuthorizationPending}, 403},               // Auth0
		{oidc.Error{Code: oidc.ExpiredToken}, 403},                       // Auth0
		{oidc.Error{Code: oidc.SlowDown}, 429},                           // Auth0
		{oidc.Error{Code: oidc.ServerError}, 500},                        //
		{oidc.Error{Code: oidc.TemporarilyUnavailable}, 503},             //
		{oidc.Error{Code: oidc.ServerError, HTTPStatus: 502}, 502},       // an error's own goes first
		{oidc.Error{Code: oidc.InvalidGrant, HTTPStatus: 403}, 403},      //
		{oidc.Error{Code: oidc.FederatedTokenNotFound}, 401},             // Auth0
		{oidc.Error{Code: oidc.UserNotFound, Description: "x"}, 401},     // Auth0
		{oidc.Error{Code: oidc.LoginRequired, Err: errors.New("")}, 400}, // redirected, as a rule
	} {
		if got := tt.e.Status(); got != tt.want {
			t.Errorf("%s: status %d, want %d", tt.e.Code, got, tt.want)
		}
	}
	cause := errors.New("cause")
	e := &oidc.Error{Code: oidc.InvalidGrant, Description: "why", Err: cause}
	if !errors.Is(e, cause) || e.Error() != "invalid_grant: why: cause" {
		t.Errorf("got %q", e)
	}
}

func TestScopesAreParsedInOrderAndOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"openid", "openid"},
		{"openid profile email", "openid profile email"},
		{"b a b a c", "b a c"}, // RFC 6749, 3.3: the order does not matter, and ours is kept
		{"  openid   email ", "openid email"},
		{"OpenID openid", "OpenID openid"}, // case-sensitive
		{"a,b", "a,b"},                     // only spaces separate
	} {
		if got := oidc.FormatScopes(oidc.ParseScopes(tt.in)); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestGrantedScopes(t *testing.T) {
	t.Parallel()
	api := &vault.ResourceServer{Scopes: []vault.Scope{{Value: "read:x"}}, AllowOfflineAccess: true}
	online := &vault.ResourceServer{Scopes: []vault.Scope{{Value: "read:x"}}}
	refreshes := vault.Client{GrantTypes: []string{oidc.GrantRefreshToken}}
	for _, tt := range []struct {
		name string
		c    vault.Client
		api  *vault.ResourceServer
		want string
	}{
		{"no API (Core 5.4)", refreshes, nil, "openid email offline_access"},
		{"API", refreshes, api, "openid email read:x offline_access"},
		{"API without offline access", refreshes, online, "openid email read:x"},
		{"client without refresh tokens (Core 11)", vault.Client{}, api, "openid email read:x"},
	} {
		asked := oidc.ParseScopes("openid email read:x write:x offline_access")
		if got := oidc.FormatScopes(oidc.GrantedScopes(tt.c, tt.api, asked)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestJSONBodiesBecomeForms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want string // as a form; "!" and words for an error
	}{
		{`{}`, ""},
		{`{"a":"b"}`, "a=b"},
		{` {"a":"b", "n":60, "t":true, "f":false, "z":null} `, "a=b&f=false&n=60&t=true"},
		{`{"a":1e3}`, "a=1e3"}, // a number as it was written
		{`{"a":"\u0000"}`, "a=%00"},
		{``, "!is not a JSON object"},
		{`null`, "!is not a JSON object"},
		{`[]`, "!is not a JSON object"},
		{`"a"`, "!is not a JSON object"},
		{`{"a":["b"]}`, "!nested value in 'a'"},
		{`{"a":{"b":"c"}}`, "!nested value in 'a'"},
		{`{"a":"b","a":"b"}`, "!member 'a' twice"}, // RFC 6749, 3.2
		{`{"a":null,"a":"b"}`, "!member 'a' twice"},
		{`{"a":"b","\u0061":"c"}`, "!member 'a' twice"}, // the same name, spelt otherwise
		{`{"a":"b"} {}`, "!goes on after"},
		{`{"a":"b"}x`, "!goes on after"},
		{`{"a":"b"`, "!is not JSON"},
		{`{"a":"b",}`, "!is not JSON"},
		{`{"a" "b"}`, "!is not JSON"},
		{`{"a":}`, "!is not JSON"},
		{`{a:"b"}`, "!is not JSON"},
		{`{"a":"` + strings.Repeat("x", 65<<10) + `"}`, "!longer than 64 KiB"},
		{strings.Repeat(`{"a":`, 1000), "!nested value in 'a'"},
	} {
		form, err := oidc.FormFromJSON([]byte(tt.in))
		if words, fault := strings.CutPrefix(tt.want, "!"); fault {
			want(t, err, oidc.InvalidRequest, words)
		} else if err != nil || form.Encode() != tt.want {
			t.Errorf("%.40q: got %q, %v, want %q", tt.in, form.Encode(), err, tt.want)
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	golden(t, "metadata.json", oidc.Metadata(issuer))
}
