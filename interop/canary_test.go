package interop

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// TestH36NoSecretOfARunningGatewayIsInTheClear uses a gateway that logs all it can,
// rightly and wrongly, and has 'vault check' look for each secret that went over
// the wire, in all the forms that it knows: in the store, a backup, the log, the
// metrics and the pages of /debug/pprof.
func TestH36NoSecretOfARunningGatewayIsInTheClear(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "sallyport.db")
	g := newGatewayOn(t, store, nil)
	g.process.kill()
	inside, port := freeAddress(t)
	g.args = append(g.args, "--metrics-listen", inside)
	g.start()

	p := ada(t)
	answer := g.authorize(p)
	code := answer.Get("code")
	token := g.redeem(answer)
	l := g.mustExchange(token.RefreshToken)
	fresh := g.mustExchange(token.RefreshToken, "rejected_token", l.AccessToken)
	next, err := g.refresh(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct{ name, value string }{
		{"client_secret", clientSecret + "x"}, {"subject_token", next.RefreshToken + "x"}, {"connection", next.RefreshToken},
		{"subject_token_type", next.AccessToken}, {"login_hint", next.RefreshToken}, {"scope", next.RefreshToken},
	} {
		if l, err := g.exchange(next.RefreshToken, wrong.name, wrong.value); err == nil && l.Status == http.StatusOK {
			t.Errorf("%s was taken: %+v", wrong.name, l)
		}
	}
	if _, err := g.oauth2.Exchange(g.context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("the code was taken twice")
	}
	if resp, err := g.http.Get(g.issuer + "userinfo?access_token=" + url.QueryEscape(next.AccessToken)); err == nil {
		resp.Body.Close()
	}

	dir := t.TempDir()
	keep := func(name, content string) {
		if len(content) < 100 {
			t.Errorf("%s has nothing in it: %q", name, content)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range []string{"metrics", "debug/pprof/", "debug/pprof/goroutine?debug=2", "debug/pprof/heap?debug=1", "debug/pprof/allocs", "debug/pprof/cmdline"} {
		resp, err := http.Get("http://localhost:" + port + "/" + page)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK {
			keep(strings.NewReplacer("/", "-", "?", "-").Replace(page), string(b))
		}
	}
	g.process.kill()
	keep("log", g.process.out.String())
	run(t, "vault", "backup", "--store", store, filepath.Join(dir, "backup.db"))

	key, err := os.ReadFile(g.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{strings.TrimSpace(string(key)), clientSecret, "simulated-consumer-secret", code, verifier, token.AccessToken, token.RefreshToken,
		token.Extra("id_token").(string), next.AccessToken, next.RefreshToken, l.AccessToken, fresh.AccessToken}
	for _, s := range secrets {
		if len(s) < 16 {
			t.Fatalf("%q is no secret to look for", s)
		}
	}
	canaries := filepath.Join(t.TempDir(), "canaries")
	if err := os.WriteFile(canaries, []byte(strings.Join(secrets, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(more ...string) (string, error) {
		out, err := exec.Command(binary, append([]string{"vault", "check", "--store", store, "--key-file", g.keyFile, "--canary-file", canaries, dir}, more...)...).CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// It would be found, if it were there.
	if out, err := check(canaries); err == nil || strings.Count(out, "in the clear: a value given by --canary") == 0 {
		t.Errorf("the canaries themselves are not found: %v\n%s", err, out)
	}
}
