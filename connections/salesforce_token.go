package connections

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// answer is a token response, as far as the gateway uses it. Salesforce sends
// no expires_in, and issued_at in milliseconds, as a string.
type answer struct {
	accessToken, refreshToken string
	idToken                   string
	scopes                    []string
	id                        string // identity URL: …/id/ORG/USER
	instanceURL               string
	apiInstanceURL            string // of newer APIs, such as https://api.salesforce.com
	expiresIn                 int64  // seconds; 0 if not told
}

// Exchange implements [Provider].
func (s *salesforceOrg) Exchange(ctx context.Context, l vault.Login, code string) (vault.Identity, vault.TokenSet, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.env.HTTP)
	t, err := s.request(func(app oauth2.Config) (*oauth2.Token, error) {
		return app.Exchange(ctx, code, oauth2.VerifierOption(l.Verifier.Reveal()))
	})
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, s.explain(err, redeeming)
	}
	a, err := s.parse(t)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, err
	}
	identity, err := s.identify(ctx, a, l.Nonce)
	if err != nil {
		return vault.Identity{}, vault.TokenSet{}, err
	}
	ts := s.tokenSet(ctx, a)
	if Asserts(s.connection) {
		ts = s.approved(ctx, a, identity, ts)
	}
	return identity, ts, nil
}

// Refresh implements [vault.Refresher]. It sends no scope, so that it gets all
// that was granted.
func (s *salesforceOrg) Refresh(ctx context.Context, old vault.TokenSet) (vault.TokenSet, error) {
	if Asserts(s.connection) {
		return s.assert(ctx, old)
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.env.HTTP)
	ctx, neverLeft := unsent(ctx)
	t, err := s.request(func(app oauth2.Config) (*oauth2.Token, error) {
		return app.TokenSource(ctx, &oauth2.Token{RefreshToken: old.RefreshToken.Reveal()}).Token()
	})
	if err != nil {
		explained := s.explain(err, refreshing)
		var e *Error
		if errors.As(explained, &e) && neverLeft() {
			e.Unspent = true
		}
		return vault.TokenSet{}, explained
	}
	a, err := s.parse(t)
	if err != nil {
		return vault.TokenSet{}, err
	}
	if err := s.sameUser(a, old.Identity); err != nil {
		return vault.TokenSet{}, err
	}
	return s.tokenSet(ctx, a), nil
}

// request makes a token request, and makes it again with the next secret if the
// present one is refused: Salesforce looks at the secret first, and at the code
// or the refresh token after. While a change of secret spreads, either is right
// here and there.
func (s *salesforceOrg) request(ask func(oauth2.Config) (*oauth2.Token, error)) (*oauth2.Token, error) {
	t, err := ask(s.oauth)
	var answered *oauth2.RetrieveError
	if s.next == "" || !errors.As(err, &answered) || answered.ErrorCode != "invalid_client" {
		return t, err
	}
	app := s.oauth
	app.ClientSecret = s.next
	return ask(app)
}

// signed reports whether a signature is by one of the app's secrets.
func (s *salesforceOrg) signed(signature, message string) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	for _, secret := range []string{s.oauth.ClientSecret, s.next} {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(message))
		if secret != "" && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// sameUser finds fault with the answer to a refresh that is not about the user
// and the org that the tokens were of (OpenID Connect Core 1.0, section 12.2).
// The account is then out of use until its user connects it again.
func (s *salesforceOrg) sameUser(a answer, identity string) error {
	ids := []string{a.id}
	if a.idToken != "" {
		ids = append(ids, jwtClaims(a.idToken).Sub)
	}
	for _, id := range ids {
		if org, user, err := orgUser(id); err != nil || vault.IdentityKey(s.connection.Name, org+"/"+user) != identity {
			return &vault.Refusal{Quarantine: true, Why: s.title() + " answered a refresh with the tokens of another user or org. They were not kept, and the account's own are not used any more. The user must connect again."}
		}
	}
	return nil
}

// parse reads a token response and checks that it comes from somebody who knows
// the client secret.
func (s *salesforceOrg) parse(t *oauth2.Token) (answer, error) {
	text := func(name string) string { v, _ := t.Extra(name).(string); return v }
	a := answer{
		accessToken: t.AccessToken, refreshToken: t.RefreshToken, idToken: text("id_token"), scopes: strings.Fields(text("scope")),
		id: text("id"), instanceURL: strings.TrimSuffix(text("instance_url"), "/"),
		apiInstanceURL: strings.TrimSuffix(text("api_instance_url"), "/"), expiresIn: t.ExpiresIn,
	}
	if !strings.EqualFold(t.TokenType, "Bearer") {
		return answer{}, s.untrusted("issued a token of the type " + quote(t.TokenType) + ", which was not asked for")
	}
	if _, _, err := orgUser(a.id); err != nil {
		return answer{}, s.untrusted("did not say whose the tokens are: " + err.Error())
	}
	if a.instanceURL != "" && !s.trusts(a.instanceURL) {
		return answer{}, s.untrusted("named an instance URL outside of Salesforce: " + quote(a.instanceURL))
	}
	if !s.trusts(a.apiInstanceURL) {
		a.apiInstanceURL = "" // not worth losing the answer for
	}
	if signature := text("signature"); signature != "" && s.oauth.ClientSecret != "" && !s.signed(signature, a.id+text("issued_at")) {
		return answer{}, s.untrusted("sent a token response whose signature is wrong")
	}
	return a, nil
}

func (s *salesforceOrg) untrusted(what string) *Error {
	return &Error{Connection: s.connection.Name, Kind: Untrusted, Answered: true,
		Description: s.title() + " " + what + ". The answer was not used. Check that the connection's login_url is the org's own.",
		Err:         errors.New(what)}
}

// tokenSet is what the vault keeps of a token response.
func (s *salesforceOrg) tokenSet(ctx context.Context, a answer) vault.TokenSet {
	now := s.env.Now()
	params := map[string]string{"id": a.id}
	if a.instanceURL != "" {
		params["instance_url"] = a.instanceURL
	}
	if a.apiInstanceURL != "" {
		params["api_instance_url"] = a.apiInstanceURL
	}
	return vault.TokenSet{
		AccessToken: vault.NewSecret(a.accessToken), RefreshToken: vault.NewSecret(a.refreshToken), IDToken: vault.NewSecret(a.idToken), Scopes: a.scopes,
		Issued: now, Expires: s.expires(ctx, a, now), Params: params,
	}
}

// longestLife is longer than any access token lives. What claims to live longer
// has its time in other units, or wrong.
const longestLife = 31 * 24 * time.Hour

// expires is when the access token of an answer expires, by the best knowledge
// there is: what the answer says, what a token that is a JWT says, what
// introspection says, and else the connection's setting. It is never unknown,
// since unknown would be taken for never.
func (s *salesforceOrg) expires(ctx context.Context, a answer, now time.Time) time.Time {
	likely := func(t time.Time) bool { return t.After(now) && t.Before(now.Add(longestLife)) }
	if a.expiresIn > 0 && a.expiresIn < int64(longestLife.Seconds()) {
		return now.Add(time.Duration(a.expiresIn) * time.Second)
	}
	if exp := jwtExpiry(a.accessToken); likely(exp) {
		return exp
	}
	if in, err := s.introspect(ctx, a.instanceURL, a.accessToken, "access_token"); err == nil && in.Active {
		if exp := time.Unix(in.Exp, 0); likely(exp) {
			return exp
		}
	}
	return now.Add(s.lifetime)
}

// jwtExpiry is the "exp" of a token that is a JWT, or zero. Its signature is
// for the API to check; to us it is a hint when to refresh.
func jwtExpiry(token string) time.Time {
	if exp := jwtClaims(token).Exp; exp > 0 {
		return time.Unix(exp, 0)
	}
	return time.Time{}
}
