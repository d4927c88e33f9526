package simulator_test

import (
	"testing"
	"time"

	"sallyport/connections/simulator"
)

const dead = "expired access/refresh token"

func TestRotation(t *testing.T) {
	o := start(t)
	set := o.signIn()
	for range 3 {
		next := o.tokenSet(refreshment(set.RefreshToken))
		if next.RefreshToken == "" || next.RefreshToken == set.RefreshToken {
			t.Fatalf("%+v", next)
		}
		set = next
	}
	if n := o.Replays(); n != 0 {
		t.Errorf("%d replays", n)
	}
}

func TestWithoutRotationTheTokenStays(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.NoRotation = true })
	set := o.signIn()
	for range 3 {
		o.tokenSet(refreshment(set.RefreshToken))
	}
}

func TestSpentRefreshTokenKillsTheFamily(t *testing.T) {
	o := start(t)
	other := o.signIn("scope", "openid refresh_token api") // same user and app, other scopes
	first := o.signIn()
	second := o.tokenSet(refreshment(first.RefreshToken))
	o.refused(o.token(refreshment(first.RefreshToken)), "invalid_grant", dead)
	if o.alive(first.AccessToken) || o.alive(second.AccessToken) {
		t.Error("an access token lives")
	}
	o.refused(o.token(refreshment(second.RefreshToken)), "invalid_grant", dead)
	if n := o.Replays(); n != 1 {
		t.Errorf("%d replays", n)
	}
	if !o.alive(other.AccessToken) {
		t.Error("another family died too")
	}
	o.tokenSet(refreshment(other.RefreshToken))
}

func TestSecondRefreshAtOnceIsRefusedAndBurnsNothing(t *testing.T) {
	for _, rotation := range []bool{true, false} {
		t.Run("", func(t *testing.T) {
			o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.NoRotation = !rotation })
			set := o.signIn()
			entered, release := o.Hold("token:refresh_token")
			defer release()
			first := make(chan tokenSet)
			go func() {
				defer close(first)
				first <- o.tokenSet(refreshment(set.RefreshToken))
			}()
			<-entered
			o.refused(o.token(refreshment(set.RefreshToken)), "invalid_grant", "token request is already being processed")
			release()
			next := <-first
			if n := o.ConcurrentRefreshes(); n != 1 || o.Replays() != 0 {
				t.Errorf("%d concurrent, %d replays", n, o.Replays())
			}
			if next.RefreshToken == "" {
				next.RefreshToken = set.RefreshToken
			}
			o.tokenSet(refreshment(next.RefreshToken))
		})
	}
}

func TestFamilyKilledDuringARefreshStaysDead(t *testing.T) {
	o := start(t)
	set := o.signIn()
	second := o.tokenSet(refreshment(set.RefreshToken))
	entered, release := o.Hold("token:refresh_token")
	defer release()
	answer := make(chan response)
	go func() {
		defer close(answer)
		answer <- o.token(refreshment(second.RefreshToken))
	}()
	<-entered
	o.refused(o.token(refreshment(set.RefreshToken)), "invalid_grant", dead)
	release()
	o.refused(<-answer, "invalid_grant", dead)
}

func TestLostAnswerHasRotatedTheToken(t *testing.T) {
	o := start(t)
	set := o.signIn()
	o.Lose("token:refresh_token")
	if resp, err := o.client(nil).Do(o.request("POST", "/services/oauth2/token", refreshment(set.RefreshToken))); err == nil {
		resp.Body.Close()
		t.Fatalf("answered: %d", resp.StatusCode)
	}
	if n := o.Requests("token:refresh_token"); n != 1 {
		t.Errorf("%d requests", n)
	}
	o.refused(o.token(refreshment(set.RefreshToken)), "invalid_grant", dead)
	if o.Replays() != 1 {
		t.Error("the token was not spent")
	}
}

func TestSixthApprovalEvictsTheOldest(t *testing.T) {
	o := start(t)
	b := o.browser()
	var sets []tokenSet
	for range 6 {
		sets = append(sets, o.tokenSet(redemption(b.authorize(request()).Get("code"))))
	}
	o.refused(o.token(refreshment(sets[0].RefreshToken)), "invalid_grant", dead)
	for _, set := range sets[1:] {
		o.tokenSet(refreshment(set.RefreshToken))
	}
	if !o.alive(sets[5].AccessToken) {
		t.Error("the access token that all share is dead")
	}
	if o.Replays() != 0 {
		t.Error("an evicted token counts as a replay")
	}
}

func TestEvictionEndsAccessTokensOfTheirOwn(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.FreshAccessTokens = true })
	b := o.browser()
	first := o.tokenSet(redemption(b.authorize(request()).Get("code")))
	for range 5 {
		o.tokenSet(redemption(b.authorize(request()).Get("code")))
	}
	if o.alive(first.AccessToken) {
		t.Error("the evicted access token lives")
	}
}

func TestRefreshRefusals(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) {
		s.Users = simulator.DefaultUsers()
		s.Apps = append(s.Apps, simulator.App{ConsumerKey: "3MVG9second", ConsumerSecret: secret})
	})
	set := o.signIn()
	o.refused(o.token(refreshment("")), "invalid_grant", dead)
	o.refused(o.token(refreshment("5Aep861unknown")), "invalid_grant", dead)
	other := refreshment(set.RefreshToken)
	other.Set("client_id", "3MVG9second")
	o.refused(o.token(other), "invalid_grant", dead)
	o.Users[0].Inactive = true
	o.refused(o.token(refreshment(set.RefreshToken)), "inactive_user", "user is inactive")
	if o.alive(set.AccessToken) {
		t.Error("an inactive user's access token lives")
	}
	o.Users[0].Inactive = false
	f := refreshment(set.RefreshToken) // jsforce sends more than the grant needs
	f.Set("code_verifier", "v")
	f.Set("redirect_uri", "https://elsewhere.example/")
	o.tokenSet(f)
}

func TestRevokeUserTakesEverythingBack(t *testing.T) {
	o := start(t)
	b := o.browser()
	set := o.tokenSet(redemption(b.authorize(request()).Get("code")))
	code := b.authorize(request()).Get("code")
	o.RevokeUser("ADA@example.com")
	if o.alive(set.AccessToken) {
		t.Error("the access token lives")
	}
	o.refused(o.token(refreshment(set.RefreshToken)), "invalid_grant", dead)
	o.refused(o.token(redemption(code)), "invalid_grant", "invalid authorization code")
	b.pages = nil
	b.authorize(request())
	if len(b.pages) != 1 || b.pages[0] != "/sim/consent" {
		t.Errorf("pages: %v", b.pages)
	}
	if o.Replays() != 0 {
		t.Error("a revoked token counts as a replay")
	}
}

func TestSessionSlidesWithUse(t *testing.T) {
	o := start(t, func(s *simulator.Salesforce, _ *simulator.App) { s.Org.SessionTimeout = time.Hour })
	set := o.signIn()
	for range 3 {
		o.now.Move(59 * time.Minute)
		if !o.alive(set.AccessToken) {
			t.Fatal("dead although used")
		}
	}
	o.now.Move(time.Hour)
	if o.alive(set.AccessToken) {
		t.Error("alive although unused")
	}
}
