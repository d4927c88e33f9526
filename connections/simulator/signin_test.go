package simulator_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

func TestSignInFromLoginToTokens(t *testing.T) {
	o := start(t)
	b := o.browser()
	q := b.authorize(request())
	if q.Get("state") != "s t+1" || !strings.HasSuffix(q.Get("code"), "==") {
		t.Errorf("callback: %v", q)
	}
	if !slices.Equal(b.pages, []string{"/sim/login", "/sim/consent"}) {
		t.Errorf("pages: %v", b.pages)
	}
	set := o.tokenSet(redemption(q.Get("code")))
	if set.AccessToken == "" || set.RefreshToken == "" || set.IDToken == "" {
		t.Errorf("tokens: %+v", set)
	}
	if !o.alive(set.AccessToken) {
		t.Error("the access token is not alive")
	}
}

func TestSecondSignInNeedsNoPage(t *testing.T) {
	o := start(t)
	b := o.browser()
	b.authorize(request())
	b.pages = nil
	b.authorize(request())
	if len(b.pages) != 0 {
		t.Errorf("pages: %v", b.pages)
	}
	b.authorize(request("prompt", "consent"))
	b.authorize(request("prompt", "login"))
	b.authorize(request("prompt", "login consent"))
	if want := []string{"/sim/consent", "/sim/login", "/sim/login", "/sim/consent"}; !slices.Equal(b.pages, want) {
		t.Errorf("pages: %v", b.pages)
	}
}

func TestConsentIsAskedAgainForMoreScopes(t *testing.T) {
	o := start(t)
	b := o.browser()
	b.authorize(request("scope", "openid"))
	b.pages = nil
	b.authorize(request("scope", "openid api"))
	if !slices.Equal(b.pages, []string{"/sim/consent"}) {
		t.Errorf("pages: %v", b.pages)
	}
}

func TestPreauthorizedAppAsksForNoConsent(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.Preauthorized = true })
	b := o.browser()
	b.authorize(request())
	if !slices.Equal(b.pages, []string{"/sim/login"}) {
		t.Errorf("pages: %v", b.pages)
	}
}

func TestDenying(t *testing.T) {
	o := start(t)
	b := o.browser()
	r := b.submit(b.login(b.get(authorizePath(request()))), url.Values{"decision": {"deny"}})
	want := callback + "?error=access_denied&error_description=end-user+denied+authorization&state=s+t%2B1"
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != want {
		t.Errorf("%d %s", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestWrongPasswordStaysOnThePage(t *testing.T) {
	o := start(t)
	b := o.browser()
	page := b.get(authorizePath(request()))
	for _, username := range []string{"ada@example.com", "nobody@example.com"} {
		page = b.submit(page, url.Values{"username": {username}, "password": {"guess"}})
		if page.StatusCode != 200 || !strings.Contains(page.body, `role="alert">Check your username and password, and try again.`) ||
			!strings.Contains(page.body, `value="`+username+`"`) {
			t.Errorf("%s: %d %s", username, page.StatusCode, page.body)
		}
	}
	if r := b.login(page); !strings.Contains(r.body, `action="/sim/consent"`) {
		t.Errorf("the right one, afterwards: %d %s", r.StatusCode, r.body)
	}
}

func TestInactiveUserIsSentBackWithAnError(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) {
		s.Users = simulator.DefaultUsers()
		s.Users[0].Inactive = true
	})
	b := o.browser()
	q := b.atCallback(b.login(b.get(authorizePath(request()))))
	if q.Get("error") != "inactive_user" || q.Get("error_description") != "user is inactive" || q.Get("state") == "" {
		t.Errorf("%v", q)
	}
}

func TestLoginHintFillsInTheUsername(t *testing.T) {
	o := start(t)
	r := o.browser().get(authorizePath(request("login_hint", `"><b>grace`)))
	if !strings.Contains(r.body, `value="&#34;&gt;&lt;b&gt;grace"`) {
		t.Error(r.body)
	}
}

func TestChoosingAnAccount(t *testing.T) {
	o := start(t)
	b := o.browser()
	if page := b.get(authorizePath(request("prompt", "select_account"))); !strings.Contains(page.body, `action="/sim/login"`) {
		t.Errorf("nobody to choose: %s", page.body)
	}
	b.authorize(request())
	ada := simulator.DefaultUsers()[0]
	page := b.get(authorizePath(request("prompt", "select_account")))
	if !strings.Contains(page.body, `action="/sim/account"`) || !strings.Contains(page.body, ada.Username) {
		t.Fatalf("accounts: %s", page.body)
	}
	if q := b.atCallback(b.submit(page, url.Values{"user": {ada.Username}})); q.Get("code") == "" {
		t.Errorf("the same: %v", q)
	}
	page = b.submit(b.get(authorizePath(request("prompt", "select_account"))), url.Values{"user": {""}})
	grace := simulator.DefaultUsers()[1]
	b.username, b.password = grace.Username, grace.Password
	r := b.submit(b.login(page), url.Values{"decision": {"allow"}})
	set := o.tokenSet(redemption(b.atCallback(r).Get("code")))
	if !strings.HasSuffix(set.ID, grace.ID) {
		t.Errorf("signed in as %s", set.ID)
	}
	page = b.submit(b.get(authorizePath(request("prompt", "select_account"))), url.Values{"user": {ada.Username}})
	if !strings.Contains(page.body, `action="/sim/login"`) || !strings.Contains(page.body, ada.Username) {
		t.Errorf("one who is no longer signed in: %s", page.body)
	}
}

func TestFormsServeOneBrowserOnce(t *testing.T) {
	o := start(t)
	b, other := o.browser(), o.browser()
	page := b.get(authorizePath(request()))
	other.get(authorizePath(request()))
	if r := other.login(page); r.StatusCode != 400 || !strings.Contains(r.body, "PAGE_EXPIRED") {
		t.Errorf("another browser: %d", r.StatusCode)
	}
	consent := b.login(page)
	if r := b.login(page); r.StatusCode != 400 {
		t.Errorf("login form again: %d", r.StatusCode)
	}
	if r := b.get("/sim/authorize?transaction=" + hidden.FindStringSubmatch(consent.body)[2]); r.StatusCode != 200 {
		t.Errorf("consent page reloaded: %d", r.StatusCode)
	}
	b.atCallback(b.submit(consent, url.Values{"decision": {"allow"}}))
	if r := b.submit(consent, url.Values{"decision": {"allow"}}); r.StatusCode != 400 {
		t.Errorf("consent form again: %d", r.StatusCode)
	}
}

func TestConsentIsNotTakenFromAnotherUser(t *testing.T) {
	o := start(t)
	b := o.browser()
	consent := b.login(b.get(authorizePath(request())))
	grace := simulator.DefaultUsers()[1]
	b.username, b.password = grace.Username, grace.Password
	b.login(b.get(authorizePath(request("prompt", "login")))) // in another tab
	r := b.submit(consent, url.Values{"decision": {"allow"}})
	if r.StatusCode != 200 || !strings.Contains(r.body, grace.Username) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestCookieChangesAtLoginAndIsCloaked(t *testing.T) {
	o := start(t)
	b := o.browser()
	page := b.get(authorizePath(request()))
	before := page.Cookies()
	form := url.Values{"username": {b.username}, "password": {b.password}, "transaction": {hidden.FindStringSubmatch(page.body)[2]}}
	after := b.do(b.http, b.request("POST", "/sim/login", form)).Cookies()
	if len(before) != 1 || len(after) != 1 || before[0].Value == after[0].Value {
		t.Fatalf("%v %v", before, after)
	}
	if c := after[0]; c.Name != "sim_salesforce_sid" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("%v", c)
	}
}

func TestPagesAreStrictAndSpeakPlainly(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.Callbacks = append(a.Callbacks, "myapp:/done") })
	b := o.browser()
	login := b.get(authorizePath(request()))
	consent := b.login(login)
	for name, r := range map[string]response{"login": login, "consent": consent, "home": b.get("/")} {
		h := r.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != asHTML ||
			h.Get("Content-Security-Policy") != "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http: https:" {
			t.Errorf("%s: %v", name, h)
		}
		for _, want := range []string{`<html lang="en">`, "<main>", "<h1>", "This is not Salesforce"} {
			if !strings.Contains(r.body, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		if strings.Contains(r.body, "<script") || strings.Contains(r.body, "style=") {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	if csp := o.get(authorizePath(request("redirect_uri", "myapp:/done")), "").Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, " myapp:") {
		t.Errorf("callback with its own scheme: %s", csp)
	}
	if r := o.get("/sim/style.css", ""); r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/css;charset=UTF-8" {
		t.Errorf("style: %d", r.StatusCode)
	}
}

func TestCredentialsAreShownOnlyWhenAsked(t *testing.T) {
	for _, show := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			o := start(t, func(s *simulator.Salesforce, _ *simulator.App) { s.ShowCredentials = show })
			r := o.get(authorizePath(request()), "")
			if strings.Contains(r.body, simulator.DefaultUsers()[0].Password) != show {
				t.Errorf("show %v: %s", show, r.body)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) {
		a.LogoutURLs = []string{"https://gateway.example/bye"}
	})
	b := o.browser()
	set := o.tokenSet(redemption(b.authorize(request()).Get("code")))
	to := func(hint, target string) response {
		return b.get("/services/auth/idp/oidc/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {target}, "state": {"x"}}.Encode())
	}
	if r := to(set.IDToken, "https://evil.example/"); r.StatusCode != 200 || !strings.Contains(r.body, "You are logged out") {
		t.Errorf("unregistered: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	if page := b.get(authorizePath(request())); !strings.Contains(page.body, `action="/sim/login"`) {
		t.Errorf("still signed in: %s", page.body)
	}
	if r := to("", "https://gateway.example/bye"); r.StatusCode != 200 {
		t.Errorf("no hint: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	if r := to(set.IDToken, "https://gateway.example/bye"); r.StatusCode != 302 || r.Header.Get("Location") != "https://gateway.example/bye?state=x" {
		t.Errorf("registered: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	if !o.alive(set.AccessToken) {
		t.Error("logout ended the access token")
	}
	b.authorize(request())
	b.get("/secur/logout.jsp")
	if page := b.get(authorizePath(request())); !strings.Contains(page.body, `action="/sim/login"`) {
		t.Errorf("still signed in: %s", page.body)
	}
}
