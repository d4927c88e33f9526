package connections

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// Step is one step of a trial, for people.
type Step struct{ Name, Title, About string }

// Steps are the steps of trying a connection, in their order. Those up to
// [SignInStep] need no user.
var Steps = []Step{
	{"dns", "Name resolution", "Is there a host of this name?"},
	{"tls", "Connection and TLS", "Can it be reached, and does it show a certificate that the gateway trusts?"},
	{"discovery", "Discovery", "Is it the identity provider, and what does it say of itself?"},
	{"credentials", "Client credentials", "Does it know the gateway, and accept its secret? A code that nobody issued is redeemed, which it has to refuse for the code alone."},
	{"authorize", "Authorization request", "Does it take the request with which users are sent there, and the callback URL?"},
	{"callback", "Sign-in and callback", "You sign in, and come back with a code."},
	{"token", "Token", "The code is redeemed for tokens."},
	{"id_token", "ID token", "Its signature and claims are checked."},
	{"userinfo", "User info", "Who signed in?"},
	{"refresh", "Refresh", "The refresh token brings a new access token."},
	{"introspection", "Introspection", "What does the provider say of the tokens?"},
	{"api", "API", "The access token opens the API."},
	{"revocation", "Revocation", "The tokens are revoked, so that nothing is left of the trial."},
}

// SignInStep is the step at which the user signs in.
const SignInStep = "callback"

// Prober is a Provider that can be asked, without a user, whether it knows the
// gateway.
type Prober interface {
	// Probe redeems a code that nobody issued, and returns no error if it is
	// refused for the code alone: then the client and its credentials are
	// right. It uses no token of anybody's. Errors are an *[Error].
	Probe(ctx context.Context) error
}

// triable is a Provider that can be tried step by step. What its methods ask is
// seen by the client that it was opened with.
type triable interface {
	Provider
	Prober
	// home is the URL whose host is looked for first.
	home() string
	// look asks the host what it is, without credentials, and says what it
	// found.
	look(ctx context.Context) (found []string, err error)
	// refused is what the answer to an authorization request means that came
	// in place of a page to sign in at, or nil if it may be one.
	refused(r reply) error
	// demands asks what the provider insists on besides, if that can be known.
	demands(ctx context.Context, facts *vault.TrialFacts) ([]string, error)
	// stepOf is the step that a request belongs to which redeems a code, or
	// comes after.
	stepOf(to *url.URL) string
	// describe asks about the tokens, and says what it was told.
	describe(ctx context.Context, ts vault.TokenSet) ([]string, error)
	// call calls an API with the access token, and says what came.
	call(ctx context.Context, ts vault.TokenSet) ([]string, error)
	// spentAtOnce is what it means that a refresh token is refused which came
	// a moment ago, or "".
	spentAtOnce() (cause, cure string)
	// end revokes the tokens, and says how it made sure of that.
	end(ctx context.Context, ts vault.TokenSet) ([]string, error)
}

// skipped is why a step was left out.
type skipped string

func (s skipped) Error() string { return string(s) }

// warning is what should be otherwise though it works.
type warning struct{ cause, cure string }

func (w *warning) Error() string { return w.cause }

// Trial tries a connection, as its users would use it, and tells of each step. It
// keeps nothing.
type Trial struct {
	// Facts are what it has found out so far.
	Facts vault.TrialFacts
	// Later takes over the tokens of an identity that cannot be revoked now
	// without harm to an account that uses the same, and reports whether that
	// is so. It may be nil.
	Later func(ctx context.Context, identity string, ts vault.TokenSet) (bool, error)

	connection vault.Connection
	env        Env
	recorder   *recorder
	provider   triable
	tell       func(vault.TrialStep)
	failed     bool
}

// Try opens a connection for a trial, apart from its use, and tells of each step:
// when it begins, and when it has ended. Errors are an *[Error].
func (s *Set) Try(c vault.Connection, tell func(vault.TrialStep)) (*Trial, error) {
	t := &Trial{connection: c, env: s.env, tell: tell}
	t.env.Accepted = nil
	t.env.HTTP, t.recorder = record(s.env.HTTP, s.env.Now)
	t.recorder.hide(c.ClientSecret.Reveal())
	p, err := (&Set{env: t.env, open: map[string]opened{}}).Provider(c)
	if err != nil {
		return nil, err
	}
	provider, ok := p.(triable)
	if !ok {
		return nil, &Error{Connection: c.Name, Kind: Misconfigured, Description: "Connections of the strategy " + c.Strategy + " cannot be tried."}
	}
	t.provider = provider
	return t, nil
}

// step runs a step, and tells of it.
func (t *Trial) step(name string, do func() ([]string, error)) error {
	t.tell(vault.TrialStep{Name: name, State: vault.StepRunning})
	began := t.env.Now()
	found, err := do()
	var calls []vault.TrialCall
	for _, c := range t.recorder.take() {
		calls = append(calls, c.TrialCall)
	}
	t.report(name, t.env.Now().Sub(began), calls, found, err)
	return err
}

// report tells of a step that has ended. All that it says passes here, and
// nothing secret does.
func (t *Trial) report(name string, took time.Duration, calls []vault.TrialCall, found []string, err error) {
	s := vault.TrialStep{Name: name, State: vault.StepPassed, Took: took, Calls: calls, Found: found}
	var skip skipped
	var warned *warning
	switch {
	case err == nil:
	case errors.As(err, &skip):
		s.State, s.Found = vault.StepSkipped, append(s.Found, string(skip))
	case errors.As(err, &warned):
		s.State, s.Cause, s.Cure = vault.StepWarned, warned.cause, warned.cure
	default:
		s.State, t.failed = vault.StepFailed, true
		s.Cause, s.Cure = CauseOf(err)
	}
	s.Cause, s.Cure = t.recorder.mask(s.Cause), t.recorder.mask(s.Cure)
	for i := range s.Found {
		s.Found[i] = t.recorder.mask(s.Found[i])
	}
	for i, c := range s.Calls {
		s.Calls[i].Request, s.Calls[i].Answer = t.recorder.mask(c.Request), t.recorder.mask(c.Answer)
	}
	t.tell(s)
}

// leave tells of steps that are left out.
func (t *Trial) leave(why string, names ...string) {
	for _, name := range names {
		t.report(name, 0, nil, nil, skipped(why))
	}
}

// CauseOf is what an error means, and what to do about it.
func CauseOf(err error) (cause, cure string) {
	var upstream *Error
	var refusal *vault.Refusal
	switch {
	case errors.As(err, &upstream) && upstream.Cure != "":
		return upstream.Cause, upstream.Cure
	case errors.As(err, &upstream):
		return upstream.Description, ""
	case errors.As(err, &refusal):
		return refusal.Why, ""
	}
	return "The gateway could not do this step.", ""
}

// Prepare runs the steps that need no user, and reports whether one may sign in.
func (t *Trial) Prepare(ctx context.Context) bool {
	defer t.env.HTTP.CloseIdleConnections()
	if t.arrive(ctx) {
		_ = t.step("credentials", func() ([]string, error) {
			if err := t.provider.Probe(ctx); err != nil {
				return nil, err
			}
			return []string{"The client and its credentials are right: the code alone was refused."}, nil
		})
		_ = t.step("authorize", func() ([]string, error) { return t.authorize(ctx) })
	}
	return !t.failed
}

// authorize asks for what users are sent to, once, as nobody in particular.
func (t *Trial) authorize(ctx context.Context) ([]string, error) {
	there, err := t.SignInURL(ctx, vault.Login{Purpose: vault.ToTry, Nonce: rand.Text(), Verifier: vault.NewSecret(rand.Text() + rand.Text())}, rand.Text())
	if err != nil {
		return nil, err
	}
	r := ask(ctx, t.env.HTTP, there)
	if err := denied(t.provider, t.env.Issuer, t.connection, r); err != nil {
		return nil, err
	}
	if err := t.provider.refused(r); err != nil {
		return nil, err
	}
	found := []string{"The request was taken. The callback URL is " + CallbackURL(t.env.Issuer, t.connection) + "."}
	more, err := t.provider.demands(ctx, &t.Facts)
	return append(found, more...), err
}

// SignInURL is where to send the user to, for the login of a trial.
func (t *Trial) SignInURL(ctx context.Context, l vault.Login, state string) (string, error) {
	return t.provider.AuthCodeURL(ctx, l, state)
}

// ask gets a page, as a browser without cookies does.
func ask(ctx context.Context, client *http.Client, address string) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{asked: authorizing, err: err}
	}
	req.Header.Set("Accept", "text/html")
	resp, err := client.Do(req)
	if err != nil {
		return reply{asked: authorizing, err: err}
	}
	body, err := read(resp)
	return reply{authorizing, resp.StatusCode, resp.Header.Get("Content-Type"), body, errors.Join(err, location(resp))}
}

// sentTo is where an answer sends on to.
type sentTo struct{ url *url.URL }

func (s sentTo) Error() string { return "sent on" }

func location(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		return nil // nowhere
	}
	return sentTo{to}
}

// denied is the error that an answer sends back to the callback URL, if it does.
func denied(p Provider, issuer string, c vault.Connection, r reply) error {
	var to sentTo
	if !errors.As(r.err, &to) || !strings.HasPrefix(to.url.String(), CallbackURL(issuer, c)) {
		return nil
	}
	if code := to.url.Query().Get("error"); code != "" {
		return p.Denied(code, to.url.Query().Get("error_description"))
	}
	return nil
}

// missing are the scopes that were asked for and not granted.
func missing(c vault.Connection, asked, granted []string) (list []string) {
	all := Granted(c, granted)
	for _, scope := range asked {
		if !slices.Contains(all, scope) {
			list = append(list, scope)
		}
	}
	return list
}
