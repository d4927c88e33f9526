package server_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/connections/simulator/simtest"
	"sallyport/vault"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// device begins the sign-in of a device.
func (g *gateway) device() (code, userCode string) {
	g.t.Helper()
	g.update(func(c *vault.Client) { c.GrantTypes = append(c.GrantTypes, deviceGrant) })
	a := g.post("oauth/device/code", "client_id", "app", "client_secret", appSecret, "scope", "openid offline_access")
	if a.status != 200 || a.str("verification_uri") != g.issuer+"activate" || a.json["interval"] != float64(5) {
		g.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.str("device_code"), a.str("user_code")
}

func (g *gateway) poll(code string) answer {
	g.t.Helper()
	return g.post("oauth/token", "grant_type", deviceGrant, "device_code", code, "client_id", "app", "client_secret", appSecret)
}

// allow types a code, and decides; it returns the page at the end.
func (g *gateway) allow(p *simtest.Person, userCode, decision string) simtest.Page {
	g.t.Helper()
	page, err := p.Visit(g.issuer+"activate?user_code="+userCode, "")
	if err != nil {
		g.t.Fatal(err)
	}
	m := regexp.MustCompile(`name="user_code" value="([A-Z]+)"`).FindStringSubmatch(page.Body)
	if m == nil {
		return page
	}
	resp, err := p.Client.PostForm(g.issuer+"activate/decide", form("user_code", m[1], "decision", decision))
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if location, err := resp.Location(); err == nil {
		if page, err = p.Visit(location.String(), ""); err != nil {
			g.t.Fatal(err)
		}
		return page
	}
	var b strings.Builder
	buf := make([]byte, 64<<10)
	n, _ := resp.Body.Read(buf)
	b.Write(buf[:n])
	return simtest.Page{URL: resp.Request.URL, Status: resp.StatusCode, Body: b.String()}
}

func TestDeviceSignsInByTheUsersBrowser(t *testing.T) {
	t.Parallel()
	g := start(t)
	code, userCode := g.device()
	if a := g.poll(code); a.status != 403 || a.str("error") != "authorization_pending" {
		t.Errorf("before: %d %s", a.status, a.body)
	}
	if a := g.poll(code); a.status != 429 || a.str("error") != "slow_down" {
		t.Errorf("at once again: %d %s", a.status, a.body)
	}
	p := ada()
	typed := strings.ToLower(strings.ReplaceAll(userCode, "-", "+"))
	if page := g.allow(p, typed, "allow"); page.Status != 200 || !strings.Contains(page.Body, "Application") {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	g.clock.forward(11 * time.Second)
	a := g.poll(code)
	if a.status != 200 || a.str("id_token") == "" {
		t.Fatalf("after: %d %s", a.status, a.body)
	}
	if b := g.exchange(a.str("refresh_token")); b.status != 200 || g.query(b) != 200 {
		t.Errorf("exchange: %d %s", b.status, b.body)
	}
	if a := g.poll(code); a.status != 403 || a.str("error") != "invalid_grant" {
		t.Errorf("again: %d %s", a.status, a.body)
	}
	if page := g.allow(ada(), userCode, "allow"); !strings.Contains(page.Body, "not known") {
		t.Errorf("the code works twice: %s", page.Body)
	}
}

func TestDeviceThatIsRefusedOrForgottenHearsSo(t *testing.T) {
	t.Parallel()
	g := start(t)
	code, userCode := g.device()
	if page := g.allow(ada(), userCode, "deny"); page.Status != 200 {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	if a := g.poll(code); a.status != 403 || a.str("error") != "access_denied" {
		t.Errorf("denied: %d %s", a.status, a.body)
	}
	code, _ = g.device()
	g.clock.forward(16 * time.Minute)
	if a := g.poll(code); a.str("error") != "expired_token" {
		t.Errorf("expired: %d %s", a.status, a.body)
	}
	if a := g.poll(code); a.str("error") != "invalid_grant" {
		t.Errorf("expired, again: %d %s", a.status, a.body)
	}
}

func TestH50UserCodesAreNotGuessedForLong(t *testing.T) {
	t.Parallel()
	g := start(t)
	statuses := map[int]int{}
	for range 15 {
		page, err := ada().Visit(g.issuer+"activate?user_code=BCDF-GHJK", "")
		if err != nil {
			t.Fatal(err)
		}
		statuses[page.Status]++
	}
	if statuses[200] != 10 || statuses[429] != 5 {
		t.Errorf("%v", statuses)
	}
	_, right := g.device()
	if page := g.allow(ada(), right, "deny"); page.Status != 429 || strings.Contains(page.Body, "Application") {
		t.Errorf("who guessed too often is told that a code is right: %d %s", page.Status, page.Body)
	}
	g.clock.forward(time.Minute)
	if page := g.allow(ada(), right, "deny"); page.Status != 200 || !strings.Contains(page.Body, "Application") {
		t.Errorf("after a minute: %d %s", page.Status, page.Body)
	}
}

func TestH50UserCodesAreNotGuessedByDeciding(t *testing.T) {
	t.Parallel()
	g := start(t)
	decide := func(userCode string) int {
		resp, err := ada().Client.PostForm(g.issuer+"activate/decide", form("user_code", userCode, "decision", "deny"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	statuses := map[int]int{}
	for range 15 {
		statuses[decide("BCDFGHJK")]++
	}
	if statuses[400] != 10 || statuses[429] != 5 {
		t.Errorf("%v", statuses)
	}
	code, right := g.device()
	if status := decide(right); status != 429 {
		t.Errorf("the right one: %d", status)
	}
	if a := g.poll(code); a.str("error") != "authorization_pending" {
		t.Errorf("it was decided all the same: %s", a.body)
	}
}
