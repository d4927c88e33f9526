package interop

import (
	"fmt"
	"path"
	"sync"
	"time"
)

// ledger is the truth about a site's grants: what Salesforce issued, what was
// shown to it, and what applications were given. An account is known by its
// user's ID at Salesforce.
type ledger struct {
	introspect func(token string) (active bool) // asks Salesforce itself

	mu       sync.Mutex
	account  map[string]string    // by refresh token and access token
	fresh    map[string]string    // refresh token that the last sign-in brought, by account
	current  map[string]string    // refresh token that is known to be kept: of the last sign-in that came to its end, or shown last; by account
	uses     map[string]*use      // the last use, by refresh token
	given    map[string]time.Time // when applications were given access tokens first
	secrets  []string
	troubles []span // of the store

	grants, refreshes, replays, concurrent int
}

func newLedger(introspect func(string) bool) *ledger {
	return &ledger{introspect: introspect, account: map[string]string{}, fresh: map[string]string{}, current: map[string]string{}, uses: map[string]*use{}, given: map[string]time.Time{}}
}

// use is one showing of a refresh token.
type use struct {
	token string
	by    func() *life // process that showed it; nil: it was gone
	began time.Time

	over      bool          // Salesforce is not at it any more
	settled   chan struct{} // closed when that is known
	spent     bool
	access    string    // access token that it brought
	delivered time.Time // when the whole answer had been sent; zero: it never was
}

// issued is an answer of Salesforce's token endpoint.
type issued struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	ID           string `json:"id"`
}

func (i issued) useful() bool { return i.AccessToken != "" && i.RefreshToken != "" }

// issue takes down what Salesforce issued. The lock must be held.
func (l *ledger) issue(i issued) (account string) {
	account = path.Base(i.ID)
	l.account[i.RefreshToken], l.account[i.AccessToken] = account, account
	l.secrets = append(l.secrets, i.RefreshToken, i.AccessToken, i.IDToken)
	return account
}

// redeemed takes down what a sign-in brought.
func (l *ledger) redeemed(i issued) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.grants++
	l.fresh[l.issue(i)] = i.RefreshToken
}

// signedIn takes down that a sign-in came to its end, so that what it brought was
// kept.
func (l *ledger) signedIn(account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if token, ok := l.fresh[account]; ok {
		l.current[account] = token
		delete(l.fresh, account)
	}
}

// show takes down that a process shows a refresh token.
func (l *ledger) show(token string, by func() *life) *use {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch last := l.uses[token]; {
	case last == nil:
	case last.spent:
		l.replays++
	case !last.over:
		l.concurrent++
	}
	u := &use{token: token, by: by, began: time.Now(), settled: make(chan struct{})}
	l.uses[token] = u
	l.current[l.account[token]] = token
	return u
}

// settle takes down what became of a use. What its answer does not tell,
// Salesforce is asked.
func (l *ledger) settle(u *use, i issued) {
	spent := i.useful() || !l.introspect(u.token)
	l.mu.Lock()
	defer l.mu.Unlock()
	u.over, u.spent = true, spent
	close(u.settled)
	if i.useful() {
		l.refreshes++
		u.access = i.AccessToken
		l.issue(i)
	}
}

func (l *ledger) deliver(u *use) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if u.access != "" {
		u.delivered = time.Now()
	}
}

// give takes down that an application was given an access token, and returns
// whose it is.
func (l *ledger) give(token string) (account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given[token].IsZero() {
		l.given[token] = time.Now()
	}
	return l.account[token]
}

func (l *ledger) isRefreshToken(token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.uses[token] != nil
}

// troubled takes down that the store is in trouble, until the function that it
// returns is called.
func (l *ledger) troubled() (over func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := len(l.troubles)
	l.troubles = append(l.troubles, span{from: time.Now()})
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.troubles[i].to = time.Now()
	}
}

// troubledSince is when a request may have begun whose refresh token left at a
// time: the attempt is written before, for which a store in trouble takes longer.
func (l *ledger) troubledSince(left time.Time) time.Time {
	for _, t := range l.troubles {
		if t.from.Before(left) && (t.to.IsZero() || t.to.After(left.Add(-inTime))) {
			return t.from
		}
	}
	return left
}

// inTime is how long after its beginning an answer to a refresh comes in time:
// the gateway gives a request up after 10 seconds.
const inTime = 9 * time.Second

// verdict is on an account that was declared to be beyond refreshing.
type verdict struct {
	honoured bool   // though Salesforce still honoured its grant
	lost     string // how Salesforce's last answer was lost; "": it was not
	last     string // of the last use of the refresh token, if it was not
}

// judge tells whether an account was rightly declared to be beyond refreshing, at
// a time.
func (l *ledger) judge(account string, at time.Time) verdict {
	l.mu.Lock()
	token := l.current[account]
	u := l.uses[token]
	l.mu.Unlock()
	if l.introspect(token) {
		return verdict{honoured: true}
	}
	if u != nil {
		<-u.settled // the site, too, waits for a Salesforce that is slow
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	given := false // before: a process that had been paused may still have kept it
	if u != nil {
		given = !l.given[u.access].IsZero() && l.given[u.access].Before(at)
	}
	switch {
	case u == nil:
		return verdict{last: "its refresh token was never shown"}
	case !u.spent || given:
		return verdict{last: u.describe(at, given)}
	case u.delivered.IsZero():
		return verdict{lost: "on its way"}
	case u.by() == nil || u.by().killedBefore(at):
		return verdict{lost: "with its process"}
	case u.delivered.Sub(l.troubledSince(u.began)) > inTime || u.by().pausedOver(u.began.Add(inTime), at):
		return verdict{lost: "by coming too late"}
	}
	return verdict{last: u.describe(at, false)}
}

func (u *use) describe(at time.Time, given bool) string {
	before := func(t time.Time) time.Duration { return at.Sub(t).Round(time.Millisecond) }
	return fmt.Sprintf("its refresh token was shown at %s, %v before, spent %t; the answer was sent %v before, given to an application %t; by %s",
		u.began.UTC().Format("15:04:05.000"), before(u.began), u.spent, before(u.delivered), given, u.by())
}
