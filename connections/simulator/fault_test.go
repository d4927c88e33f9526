package simulator_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"sallyport/connections/simulator"
)

func TestFailSpeaksAsTheEndpointDoes(t *testing.T) {
	o := start(t)
	for _, test := range []struct {
		endpoint          string
		ask               func() response
		contentType, body string
	}{
		{"token", func() response { return o.token(refreshment("x")) }, asJSON, oauthError("rate_limit_exceeded", "login rate exceeded")},
		{"token:refresh_token", func() response { return o.token(refreshment("x")) }, asJSON, oauthError("rate_limit_exceeded", "login rate exceeded")},
		{"authorize", func() response { return o.get(authorizePath(request()), "") }, "", "error=rate_limit_exceeded&error_description=login%20rate%20exceeded"},
		{"userinfo", func() response { return o.get("/services/oauth2/userinfo", "") }, asText, "rate_limit_exceeded"},
		{"query", func() response { return o.get("/services/data/v65.0/query", "") }, asJSON, `[{"message":"login rate exceeded","errorCode":"rate_limit_exceeded"}]`},
		{"revoke", func() response { return o.get("/services/oauth2/revoke", "") }, asForm, "error=rate_limit_exceeded&error_description=login+rate+exceeded"},
	} {
		o.Fail(test.endpoint, 403, "rate_limit_exceeded", "login rate exceeded")
		o.expect(test.ask(), 403, test.contentType, test.body)
		if r := test.ask(); strings.Contains(r.body, "rate") {
			t.Errorf("%s fails twice: %s", test.endpoint, r.body)
		}
	}
}

func TestFailWithoutACodeIsAnHTMLPage(t *testing.T) {
	o := start(t)
	o.Fail("token", 503, "", "")
	r := o.token(refreshment("x"))
	if r.StatusCode != 503 || r.Header.Get("Content-Type") != asHTML || !strings.Contains(r.body, "Down for maintenance") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestFaultsQueueUpAndPickTheirGrant(t *testing.T) {
	o := start(t)
	o.Fail("token:refresh_token", 400, "one", "")
	o.Fail("token", 400, "two", "")
	if r := o.token(redemption("x")); !strings.Contains(r.body, `"two"`) {
		t.Errorf("code grant: %s", r.body)
	}
	if r := o.token(refreshment("x")); !strings.Contains(r.body, `"one"`) {
		t.Errorf("refresh grant: %s", r.body)
	}
	if a, b, c := o.Requests("token"), o.Requests("token:refresh_token"), o.Requests("token:authorization_code"); a != 2 || b != 1 || c != 1 {
		t.Errorf("requests: %d %d %d", a, b, c)
	}
}

func TestFailedRequestChangesNothing(t *testing.T) {
	o := start(t)
	set := o.signIn()
	o.Fail("token:refresh_token", 503, "", "")
	o.token(refreshment(set.RefreshToken))
	o.tokenSet(refreshment(set.RefreshToken))
}

func TestHoldKeepsTheAnswerOfAnyEndpoint(t *testing.T) {
	o := start(t)
	entered, release := o.Hold("versions")
	defer release()
	answer := make(chan response)
	go func() {
		defer close(answer)
		answer <- o.get("/services/data", "")
	}()
	<-entered
	select {
	case <-answer:
		t.Fatal("answered while held")
	default:
	}
	if r := o.get("/services/data", ""); r.StatusCode != 200 {
		t.Error("a second request is held too")
	}
	release()
	release()
	if r := <-answer; r.StatusCode != 200 {
		t.Errorf("%d", r.StatusCode)
	}
}

func TestManyAtOnceAreRefreshedOnce(t *testing.T) {
	o := start(t)
	set := o.signIn()
	entered, release := o.Hold("token:refresh_token")
	defer release()
	const callers = 8
	statuses := make(chan int, callers)
	ask := func() { statuses <- o.token(refreshment(set.RefreshToken)).StatusCode }
	go ask()
	<-entered
	for range callers - 1 {
		go ask()
	}
	for range callers - 1 { // all but the one that is held
		if status := <-statuses; status != 400 {
			t.Errorf("answered %d while another is held", status)
		}
	}
	release()
	if status := <-statuses; status != 200 {
		t.Errorf("the one that was held: %d", status)
	}
	if n := o.ConcurrentRefreshes(); n != callers-1 || o.Replays() != 0 {
		t.Errorf("%d concurrent, %d replays", n, o.Replays())
	}
}

func TestLogNamesRequestsAndKeepsSecrets(t *testing.T) {
	var b bytes.Buffer
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) { s.Log = slog.New(slog.NewTextHandler(&b, nil)) })
	set := o.signIn()
	o.token(refreshment("5Aep861nothing"))
	log := b.String()
	for _, want := range []string{"endpoint=authorize", "endpoint=token:authorization_code", "status=400", "invalid_grant"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in %s", want, log)
		}
	}
	for _, not := range []string{secret, set.AccessToken, set.RefreshToken, simulator.DefaultUsers()[0].Password} {
		if strings.Contains(log, not) {
			t.Errorf("%s in the log", not)
		}
	}
}
