package simulator

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

// cookieName is unlike the gateway's: cookies know no ports, and both may run
// on localhost.
const cookieName = "sim_salesforce_sid"

// browser is what a cookie stands for: who is signed in, if anyone, and who
// has been.
type browser struct {
	id      string
	path    string   // of the host, which has a cookie of its own
	user    string   // name; "": nobody
	seen    []string // names of those who have signed in here
	expires time.Time
}

const browserLifetime = 12 * time.Hour

// browser finds the browser by its cookie, or gives it one.
func (s *Salesforce) browser(w http.ResponseWriter, r *http.Request) *browser {
	if b, ok := s.knownBrowser(r); ok {
		return b
	}
	b := &browser{path: hostOf(r).path}
	s.renew(w, r, b)
	return b
}

// knownBrowser finds the browser by its cookie. The cookie of the root host
// comes to the others too, which lie under it.
func (s *Salesforce) knownBrowser(r *http.Request) (*browser, bool) {
	for _, c := range r.CookiesNamed(cookieName) {
		if b, ok := s.browsers[c.Value]; ok && b.path == hostOf(r).path && s.now().Before(b.expires) {
			return b, true
		}
	}
	return nil, false
}

// renew gives a browser a new cookie, as each change of user must.
func (s *Salesforce) renew(w http.ResponseWriter, r *http.Request, b *browser) {
	delete(s.browsers, b.id)
	b.id = rand.Text()
	b.expires = s.now().Add(browserLifetime)
	s.browsers[b.id] = b
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: b.id, Path: b.path + "/", HttpOnly: true,
		Secure: strings.HasPrefix(hostOf(r).root, "https:"), SameSite: http.SameSiteLaxMode,
	})
}

// await gives the page about to be shown a one-time transaction, unless the
// one it has is unspent: then the page is only being reloaded.
func (s *Salesforce) await(a *authorization) {
	if s.pending[a.transaction] == a {
		return
	}
	a.transaction = rand.Text()
	s.pending[a.transaction] = a
}

// waiting finds the request that a transaction names. A form that comes from
// another browser than its page was sent to is not served.
func (s *Salesforce) waiting(r *http.Request) (*authorization, error) {
	a, ok := s.pending[r.Form.Get("transaction")]
	b, known := s.knownBrowser(r)
	if !ok || !known || b != a.browser || s.now().After(a.expires) {
		return nil, errPageExpired
	}
	return a, nil
}

// take is waiting, once: the transaction is spent.
func (s *Salesforce) take(r *http.Request) (*authorization, error) {
	a, err := s.waiting(r)
	if err == nil {
		delete(s.pending, a.transaction)
	}
	return a, err
}

// next sends the browser to where it goes on, so that no page that it can
// reload is the answer to a form.
func (s *Salesforce) next(w http.ResponseWriter, a *authorization) error {
	s.await(a)
	w.Header().Set("Location", a.host.path+"/sim/authorize?transaction="+a.transaction)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// resume goes on with a request after a form.
func (s *Salesforce) resume(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.waiting(r)
	if err != nil {
		return err
	}
	return s.proceed(w, r, a)
}

// login takes the login form. A name that nobody has and a password that is
// wrong are answered alike.
func (s *Salesforce) login(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.take(r)
	if err != nil {
		return err
	}
	username := strings.TrimSpace(r.PostForm.Get("username"))
	user, ok := a.host.signIn(username, r.PostForm.Get("password"))
	if !ok {
		return s.showLogin(w, a, username, "Check your username and password, and try again.")
	}
	if user.Inactive {
		return s.turnAway(a, user)
	}
	a.browser.user = user.Username
	if !slices.Contains(a.browser.seen, user.Username) {
		a.browser.seen = append(a.browser.seen, user.Username)
	}
	a.signedIn = true
	s.renew(w, r, a.browser)
	return s.next(w, a)
}

// account takes the choice among the accounts seen in this browser. Only the
// one that is signed in goes on without a password.
func (s *Salesforce) account(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.take(r)
	if err != nil {
		return err
	}
	a.chosen = true
	choice := r.PostForm.Get("user")
	if choice != "" && choice == a.browser.user {
		return s.next(w, a)
	}
	a.loginHint = ""
	if slices.Contains(a.browser.seen, choice) {
		a.loginHint = choice
	}
	a.prompt = append(a.prompt, "login")
	return s.next(w, a)
}

func (s *Salesforce) showLogin(w http.ResponseWriter, a *authorization, username, problem string) error {
	s.await(a)
	v := view{Title: "Log in", Org: a.host.title(), App: a.app.name(), Path: a.host.path, Transaction: a.transaction, Username: username, Problem: problem}
	if s.ShowCredentials {
		for _, o := range a.host.orgs {
			v.Users = append(v.Users, o.Users...)
		}
	}
	renderFor(w, a, "login", v)
	return nil
}

func (s *Salesforce) showAccounts(w http.ResponseWriter, a *authorization) error {
	s.await(a)
	v := view{Title: "Choose an account", Org: a.host.title(), App: a.app.name(), Path: a.host.path, Transaction: a.transaction}
	for _, name := range a.browser.seen {
		if m, ok := a.host.member(name); ok {
			v.Users = append(v.Users, m.User)
		}
	}
	renderFor(w, a, "accounts", v)
	return nil
}
