package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// holder is a user of one application, for whom it exchanges all the time.
type holder struct {
	site           *site
	name, password string
	random         *rand.Rand

	account string // ID at Salesforce, once it is known
	token   string // the application's refresh token
	access  string // Salesforce's access token, as given last
}

// work exchanges for the user until ctx ends.
func (u *holder) work(ctx context.Context) {
	for ctx.Err() == nil {
		u.turn(1 + u.random.IntN(4)*u.random.IntN(2))
	}
}

// turn gets another access token for the user, by so many callers at once, at
// instances here and there. If the account is declared to be beyond refreshing,
// it looks into whether it is, and the user signs in again.
func (u *holder) turn(callers int) {
	s := u.site
	rejected := u.access
	if s.opaque && rejected != "" && !s.revoke(rejected) {
		return // while it lives, Salesforce answers with the same again
	}
	outcomes := make([]outcome, callers)
	var wg sync.WaitGroup
	for i := range outcomes {
		at := u.random.IntN(len(s.instances))
		wg.Go(func() { outcomes[i] = u.ask(rejected, at) })
	}
	wg.Wait()
	var dead time.Time
	access := ""
	for _, o := range outcomes {
		switch {
		case !o.dead.IsZero() && (dead.IsZero() || o.dead.Before(dead)):
			dead = o.dead
		case o.access != "":
			access = o.access
		}
	}
	if !dead.IsZero() {
		u.declared(dead)
		access = ""
		if again := u.ask(rejected, u.random.IntN(len(s.instances))); again.access != "" {
			s.revived.Add(1)
			access = again.access
		} else {
			u.signIn("login")
		}
	}
	if u.access = access; access != "" {
		u.check(access)
	}
}

// revoke ends an access token at Salesforce.
func (s *site) revoke(token string) bool {
	resp, err := s.client.PostForm(s.salesforce+"/h/login.salesforce/services/oauth2/revoke", url.Values{"token": {token}})
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// outcome is what a caller got in the end: an access token, or word that the user
// must connect again.
type outcome struct {
	access string
	dead   time.Time
}

// ask exchanges the application's token until the gateway gives an answer that
// is final, at one instance after another.
func (u *holder) ask(rejected string, at int) outcome {
	s := u.site
	for began := time.Now(); time.Since(began) < longest; at++ {
		i := s.instances[at%len(s.instances)]
		by := i.current.Load()
		l, err := u.exchange(i, rejected)
		switch {
		case err != nil || l.Status >= 500 || l.Status == http.StatusTooManyRequests:
			s.retried.Add(1)
			time.Sleep(50 * time.Millisecond)
			continue
		case l.Reason == "reauthorization_required":
			return outcome{dead: time.Now()}
		case l.Status != http.StatusOK:
			s.fault(&s.other, "%s is refused with %d %s: %s", u.name, l.Status, l.Error, l.Description)
			return outcome{}
		}
		s.exchanges.Add(1)
		if s.wire.take(exchanged).kill == sent {
			by.die()
		}
		if account := s.ledger.give(l.AccessToken); account == "" || account != l.Account || u.account != "" && account != u.account {
			s.fault(&s.wrongUser, "%s of account %s is given a token of %q, for account %s", u.name, u.account, account, l.Account)
		}
		if l.AccessToken == rejected || l.RefreshToken != "" {
			s.fault(&s.other, "%s is given the rejected token, or a refresh token", u.name)
		}
		return outcome{access: l.AccessToken}
	}
	s.fault(&s.other, "%s has no answer after %v", u.name, longest)
	return outcome{}
}

// longest is for how long an application asks again. A process that was just
// started waits for as long as a refresh may take before it looks into one that
// was left behind, and here one is killed every few seconds.
const longest = 5 * time.Minute

// exchange is one request.
func (u *holder) exchange(i *instance, rejected string) (l lent, err error) {
	form := url.Values{
		"grant_type": {federatedGrant}, "client_id": {clientID}, "client_secret": {clientSecret},
		"subject_token": {u.token}, "subject_token_type": {refreshType}, "requested_token_type": {federatedType}, "connection": {"salesforce"},
	}
	if rejected != "" {
		form.Set("rejected_token", rejected)
	}
	resp, err := u.site.client.PostForm(i.url+"oauth/token", form)
	if err != nil {
		return l, err
	}
	defer resp.Body.Close()
	l.Status = resp.StatusCode
	return l, json.NewDecoder(resp.Body).Decode(&l)
}

// check asks Salesforce itself whose an access token is that was given out.
func (u *holder) check(access string) {
	s := u.site
	req, err := http.NewRequest(http.MethodGet, s.salesforce+"/h/login.salesforce/services/oauth2/userinfo", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := s.client.Do(req)
	if err != nil {
		s.fault(&s.other, "userinfo: %v", err)
		return
	}
	defer resp.Body.Close()
	var claims struct {
		UserID   string `json:"user_id"`
		Username string `json:"preferred_username"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&claims); err != nil || resp.StatusCode != http.StatusOK {
		s.fault(&s.other, "the token that %s was given is no good: %s", u.name, resp.Status)
		return
	}
	if claims.Username != u.name {
		s.fault(&s.wrongUser, "%s was given a token of %s", u.name, claims.Username)
	}
	u.account = claims.UserID
}

// declared counts that the account was declared to be beyond refreshing, rightly
// or not.
func (u *holder) declared(at time.Time) {
	s := u.site
	switch v := s.ledger.judge(u.account, at); {
	case v.honoured:
		s.fault(&s.honoured, "%s is to connect again, though Salesforce honours the grant", u.name)
	case v.lost == "":
		s.fault(&s.unfounded, "%s (%s) is to connect again, though no answer of Salesforce's was lost: %s", u.name, u.account, v.last)
	default:
		s.lost.Add(1)
		s.mu.Lock()
		s.lostHow[v.lost]++
		s.mu.Unlock()
	}
}

// signIn has the user sign in to the application, until it comes to an end.
func (u *holder) signIn(prompt string) {
	s := u.site
	config := s.oauth2()
	var problem error
	for began := time.Now(); time.Since(began) < 3*time.Minute; time.Sleep(100 * time.Millisecond) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			s.t.Fatal(err)
		}
		p := &person{username: u.name, password: u.password, browser: &http.Client{Jar: jar, CheckRedirect: noRedirect,
			Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
		options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
		if prompt != "" {
			options = append(options, oauth2.SetAuthURLParam("prompt", prompt))
		}
		back, err := p.visit(config.AuthCodeURL(state, options...), callback)
		if err != nil || back.Query().Get("code") == "" {
			problem = fmt.Errorf("%v %w", back, err)
			continue
		}
		token, err := config.Exchange(context.WithValue(context.Background(), oauth2.HTTPClient, p.browser), back.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err == nil {
			u.token = token.RefreshToken
			s.ledger.signedIn(u.account)
			return
		}
		problem = err
	}
	s.fault(&s.other, "%s cannot sign in: %v", u.name, problem)
}
