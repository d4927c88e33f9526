package connections

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"sallyport/vault"
)

// identify finds out who signed in: by the ID token, which must agree with the
// identity URL about the org and the user.
func (s *salesforceOrg) identify(ctx context.Context, a answer, nonce string) (vault.Identity, error) {
	claims, err := s.verifyIDToken(ctx, a, nonce)
	if err != nil {
		return vault.Identity{}, err
	}
	org, user, err := orgUser(a.id)
	if err != nil {
		return vault.Identity{}, s.untrusted(err.Error())
	}
	if o, u, err := orgUser(claims.Sub); err != nil || o != org || u != user {
		return vault.Identity{}, s.untrusted("sent an ID token of another user than the tokens'")
	}
	if s.org != "" && org != s.org {
		return vault.Identity{}, s.otherOrg(org)
	}
	if more, err := s.userInfo(ctx, a); err == nil {
		if o, u, err := orgUser(more.Sub); err != nil || o != org || u != user {
			return vault.Identity{}, s.untrusted("sent the user info of another user than the tokens'") // OpenID Connect Core 1.0, section 5.3.2
		}
		claims = more
	} // without the user info, the ID token alone says who it is
	return vault.Identity{
		Connection: s.connection.Name, Strategy: s.connection.Strategy,
		Subject: org + "/" + user, Org: org, UserID: user, Profile: claims.profile(),
	}, nil
}

// salesforceClaims are the claims of ID tokens and user info.
type salesforceClaims struct {
	Sub           string `json:"sub"`
	Name          string `json:"name"`
	GivenName     string `json:"given_name"`
	FamilyName    string `json:"family_name"`
	Nickname      string `json:"nickname"`
	Username      string `json:"preferred_username"`
	Email         string `json:"email"`
	EmailVerified any    `json:"email_verified"`
	Picture       string `json:"picture"`
	Locale        string `json:"locale"`
	Zoneinfo      string `json:"zoneinfo"`
}

func (c salesforceClaims) profile() vault.Profile {
	verified, _ := c.EmailVerified.(bool) // "true" as a string is no word to rely on
	return vault.Profile{
		Name: c.Name, GivenName: c.GivenName, FamilyName: c.FamilyName, Nickname: c.Nickname, Username: c.Username,
		Email: c.Email, EmailVerified: verified, Picture: c.Picture, Locale: c.Locale, Zoneinfo: c.Zoneinfo,
	}
}

// verifyIDToken checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7)
// by the keys of its issuer, which is one of the few that it may be.
func (s *salesforceOrg) verifyIDToken(ctx context.Context, a answer, nonce string) (claims salesforceClaims, err error) {
	if a.idToken == "" {
		return claims, &Error{Connection: s.connection.Name, Kind: Misconfigured,
			Description: s.title() + " sent no ID token. Add the scope openid to the external client app (Setup, External Client App Manager, OAuth Settings)."}
	}
	issuer := jwtClaims(a.idToken).Iss // it chooses the keys, among those that may be chosen
	if !slices.Contains(s.issuers(a.instanceURL), issuer) {
		return claims, s.untrusted("sent an ID token of the issuer " + quote(issuer) + ", which is not one of the org's")
	}
	ctx = oidc.ClientContext(ctx, s.env.HTTP)
	verifier := oidc.NewVerifier(issuer, s.keySet(ctx, issuer), &oidc.Config{
		SkipClientIDCheck: true, SkipExpiryCheck: true, SupportedSigningAlgs: []string{oidc.RS256},
	})
	token, err := verifier.Verify(ctx, a.idToken)
	if err != nil {
		e := s.badIDToken(errors.New("its signature is by none of the keys that " + issuer + " publishes"))
		e.Err = err
		return claims, e
	}
	// These in words of our own.
	switch {
	case len(token.Audience) != 1 || token.Audience[0] != s.oauth.ClientID: // Salesforce sends no azp, by which it could be for others too
		return claims, s.badIDToken(errors.New("it is for another app than client_id"))
	case token.Nonce != nonce:
		return claims, s.badIDToken(errors.New("its nonce is that of another sign-in"))
	case token.AccessTokenHash != "" && token.VerifyAccessToken(a.accessToken) != nil:
		return claims, s.badIDToken(errors.New("its at_hash does not fit the access token"))
	}
	if err := errors.Join(checkTimes(token, s.env.Now()), token.Claims(&claims)); err != nil {
		return claims, s.badIDToken(err)
	}
	return claims, nil
}

// badIDToken is the error of an ID token that does not pass a check.
func (s *salesforceOrg) badIDToken(problem error) *Error {
	return &Error{Connection: s.connection.Name, Kind: Untrusted, Err: problem,
		Description: s.title() + " sent an ID token that does not pass its checks: " + problem.Error() + ". The answer was not used. Sign in again."}
}

// issuers are the issuers that an ID token may have. Each host calls itself the
// issuer, and which host that is depends on how the user came to sign in: the
// login host, or the org's My Domain, which the token response names.
func (s *salesforceOrg) issuers(instance string) []string {
	list := []string{s.base}
	if salesforceHost(s.base) {
		list = append(list, s.shared)
	}
	if instance != "" && s.trusts(instance) {
		list = append(list, instance)
	}
	return list
}

// trusts reports whether a URL that a token response names may be the org's: on
// the connection's own host, or at Salesforce.
func (s *salesforceOrg) trusts(raw string) bool {
	u, err := url.Parse(raw)
	base, _ := url.Parse(s.base)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	return u.Scheme == base.Scheme && u.Host == base.Host || u.Scheme == "https" && salesforceHost(raw)
}

// salesforceHost reports whether a URL is at one of the domains in which
// Salesforce gives out names to its orgs.
func salesforceHost(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".salesforce.com") || strings.HasSuffix(host, ".my.site.com")
}

// unverified are the claims of a JWT before it is verified, or of one that came
// straight from the token endpoint.
type unverified struct {
	Iss, Sub string
	Exp      int64
}

// jwtClaims reads a JWT without verifying it. Of what is none, they are empty.
func jwtClaims(token string) (claims unverified) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return unverified{}
	}
	return claims
}

// keySet are the keys of an issuer, which are read once, and again when a token
// is signed with one that is not among them.
func (s *salesforceOrg) keySet(ctx context.Context, issuer string) oidc.KeySet {
	if keys, ok := s.keys.Load(issuer); ok {
		return keys.(oidc.KeySet)
	}
	keys, _ := s.keys.LoadOrStore(issuer, oidc.NewRemoteKeySet(ctx, issuer+"/id/keys"))
	return keys.(oidc.KeySet)
}

// userInfo asks for the user's profile, which ID tokens hold only if the app is
// set up so.
func (s *salesforceOrg) userInfo(ctx context.Context, a answer) (claims salesforceClaims, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/services/oauth2/userinfo", nil)
	if err != nil {
		return claims, err
	}
	req.Header.Set("Authorization", "Bearer "+a.accessToken)
	client := *s.env.HTTP
	client.CheckRedirect = s.follow(a.instanceURL)
	resp, err := client.Do(req)
	if err != nil {
		return claims, err
	}
	body, err := read(resp)
	if err != nil {
		return claims, err
	}
	if resp.StatusCode != http.StatusOK {
		return claims, errors.New("userinfo: status " + resp.Status)
	}
	return claims, json.Unmarshal(body, &claims)
}

// follow lets a request go where Salesforce sends it on to, with its token, if
// that is the login host or the org's own: a login host sends some on to the
// org. It is for GET alone, which posts no secret.
func (s *salesforceOrg) follow(instance string) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, before []*http.Request) error {
		origin := next.URL.Scheme + "://" + next.URL.Host
		if len(before) > 2 || before[0].Method != http.MethodGet || !slices.ContainsFunc(s.issuers(instance), func(host string) bool {
			return host == origin || strings.HasPrefix(host, origin+"/")
		}) {
			return http.ErrUseLastResponse
		}
		next.Header.Set("Authorization", before[0].Header.Get("Authorization"))
		return nil
	}
}
