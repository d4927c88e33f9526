package connections

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"sallyport/vault"
)

// idClaims are the claims of an ID token that are checked.
type idClaims struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        audience `json:"aud"`
	AuthorizedParty string   `json:"azp"`
	Nonce           string   `json:"nonce"`
	AuthTime        float64  `json:"auth_time"` // seconds since 1970
}

// audience is one string or a list of them.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// identify finds out who signed in: by the ID token, and for the profile by the
// user info, which must be of the same user.
func (o *openID) identify(ctx context.Context, m *openIDMetadata, i issued, nonce string) (vault.Identity, error) {
	subject, claims, err := o.verifyIDToken(ctx, m, i, nonce)
	if err != nil {
		return vault.Identity{}, err
	}
	if m.userinfo != "" {
		if info, err := o.get(ctx, http.MethodGet, m.userinfo, i.accessToken); err == nil {
			more, _ := info.(map[string]any)
			if more["sub"] != subject { // OpenID Connect Core 1.0, section 5.3.2
				return vault.Identity{}, o.untrusted("sent the user info of another user than the ID token's")
			}
			for name, value := range more {
				claims[name] = value
			}
		} // without the user info, the ID token alone says who it is
	}
	return o.identity(m.issuer, "", subject, profileOf(claims, standardClaims))
}

// verifyIDToken checks an ID token in the order of OpenID Connect Core 1.0,
// section 3.1.3.7. go-oidc checks the signature and iss; the others are said in
// words of our own.
func (o *openID) verifyIDToken(ctx context.Context, m *openIDMetadata, i issued, nonce string) (subject string, claims map[string]any, err error) {
	if i.idToken == "" {
		return "", nil, &Error{Connection: o.connection.Name, Kind: Misconfigured,
			Description: o.title() + " sent no ID token. Allow the scope openid to what is registered there; if it is no OpenID Provider, use the strategy oauth2."}
	}
	token, err := m.verifier.Verify(ctx, i.idToken)
	if err != nil {
		if failed := o.keys.failed(); failed != nil {
			return "", nil, o.unavailable(failed)
		}
		e := o.badIDToken(errors.New("it is from another issuer than " + m.issuer + ", or its signature is by none of the keys that this publishes"))
		e.Err = err
		return "", nil, e
	}
	var checked idClaims
	if err := errors.Join(token.Claims(&checked), token.Claims(&claims)); err != nil {
		return "", nil, o.badIDToken(err)
	}
	switch {
	case !slices.Contains(checked.Audience, o.connection.ClientID):
		return "", nil, o.badIDToken(errors.New("it is for another client than client_id"))
	case len(checked.Audience) > 1 && checked.AuthorizedParty == "":
		return "", nil, o.badIDToken(errors.New("it is for others too, and does not say who may use it"))
	case checked.AuthorizedParty != "" && checked.AuthorizedParty != o.connection.ClientID:
		return "", nil, o.badIDToken(errors.New("its azp is another client"))
	case checked.Nonce != nonce:
		return "", nil, o.badIDToken(errors.New("its nonce is not the one that was sent"))
	case token.AccessTokenHash != "" && token.VerifyAccessToken(i.accessToken) != nil:
		return "", nil, o.badIDToken(errors.New("its at_hash does not fit the access token"))
	}
	if err := checkTimes(token, o.env.Now()); err != nil {
		return "", nil, o.badIDToken(err)
	}
	return token.Subject, claims, nil
}

// badIDToken is the error of an ID token that does not pass a check.
func (o *openID) badIDToken(problem error) *Error {
	e := o.untrusted("sent an ID token that does not pass its checks: " + problem.Error())
	e.Err = problem
	return e
}

// checkRefreshed checks the ID token of a refresh, if one came (OpenID Connect
// Core 1.0, section 12.2). Its signature is not: it came straight from the token
// endpoint (section 3.1.3.7, point 6), and the tokens beside it would be lost
// whenever the keys cannot be had. One that says nothing of whose the tokens are,
// or has a fault besides, is left out.
func (o *openID) checkRefreshed(m *openIDMetadata, i *issued, old vault.TokenSet) error {
	fresh, ok := readClaims(i.idToken)
	if !ok {
		i.idToken = ""
		return nil
	}
	issuer := fresh.Issuer == m.issuer || fresh.Issuer == "accounts.google.com" && m.issuer == "https://accounts.google.com" // as go-oidc has it
	if !issuer || o.identityKey(m, fresh.Subject) != old.Identity || !slices.Contains(fresh.Audience, o.connection.ClientID) {
		return &vault.Refusal{Quarantine: true, Why: o.title() + " answered a refresh with the tokens of another user, or for another client. They were not kept, and the account's own are not used any more. The user must connect again."}
	}
	before, known := readClaims(old.IDToken.Reveal())
	if fresh.AuthorizedParty != "" && fresh.AuthorizedParty != o.connection.ClientID || fresh.Nonce != "" && known && fresh.Nonce != before.Nonce {
		i.idToken = ""
	}
	return nil
}

// identityKey is what the identity of a subject is kept under.
func (o *openID) identityKey(m *openIDMetadata, subject string) string {
	return vault.IdentityKey(o.connection.Name, m.issuer+"|"+subject)
}

// readClaims are the claims of an ID token as they stand there.
func readClaims(token string) (claims idClaims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return claims, err == nil && json.Unmarshal(payload, &claims) == nil
}
