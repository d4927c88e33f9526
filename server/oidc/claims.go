package oidc

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"sallyport/vault"
)

// Claims are the claims of a token, or what the user-info endpoint answers.
type Claims map[string]any

// Lifetimes of tokens, where nothing else is set. Auth0's.
const (
	IDTokenLifetime     = 10 * time.Hour
	AccessTokenLifetime = 24 * time.Hour
)

// IDToken is what goes into an ID token.
type IDToken struct {
	Client      vault.Client
	User        vault.User
	Scopes      []string
	Nonce       string // of the authorization request
	SID         string // of the session
	AuthTime    time.Time
	AccessToken string // issued with it, for at_hash; may be ""
	Extra       Claims // further claims; those by the names of the provider's own are left out
	Requested   map[string]ClaimRequest
}

// claimNames are the claims that ID tokens and the user-info endpoint have.
var claimNames = slices.Concat([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash"},
	claimsOf[ScopeProfile], claimsOf[ScopeEmail])

// claimsOf are the claims that a scope allows (OpenID Connect Core 1.0, section
// 5.4).
var claimsOf = map[string][]string{
	ScopeProfile: {"name", "given_name", "family_name", "nickname", "preferred_username", "picture", "locale", "zoneinfo", "updated_at"},
	ScopeEmail:   {"email", "email_verified"},
}

// reservedNames are claims that the provider does not make, and that clients
// would believe to be its own.
var reservedNames = []string{"nbf", "jti", "azp", "acr", "amr", "c_hash", "s_hash", "events", "cnf", "act"}

// IDTokenClaims are the claims of an ID token (OpenID Connect Core 1.0, section
// 2), with those about the user that the scopes allow, as Auth0 has it. It must
// be signed with the algorithm of the client, if at_hash is to fit.
func IDTokenClaims(issuer string, t IDToken, now time.Time) Claims {
	lifetime := t.Client.IDTokenLifetime
	if lifetime == 0 {
		lifetime = IDTokenLifetime
	}
	claims := Claims{}
	for name, value := range t.Extra {
		if !slices.Contains(claimNames, name) && !slices.Contains(reservedNames, name) {
			claims[name] = value
		}
	}
	maps.Copy(claims, UserInfoWith(t.User, t.Scopes, t.Requested, t.Client.Conformant))
	claims["iss"] = issuer
	claims["aud"] = t.Client.ID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(lifetime).Unix()
	claims.set("nonce", t.Nonce)
	claims.set("sid", t.SID)
	if !t.AuthTime.IsZero() {
		claims["auth_time"] = t.AuthTime.Unix()
	}
	if t.AccessToken != "" {
		claims["at_hash"] = atHash(t.AccessToken, t.Client.IDTokenAlg)
	}
	return claims
}

// AccessToken is what goes into an access token.
type AccessToken struct {
	ClientID string
	Subject  string // ID of the user; "" if the client acts for itself
	Audience string // the API's identifier; "" if it is for the gateway's own endpoints alone
	Scopes   []string
	SID      string
	ID       string        // "jti"; see [TokenID]
	Lifetime time.Duration // zero means AccessTokenLifetime
	DPoPKey  string        // thumbprint of the key that it is bound to, or ""
}

// AccessTokenClaims are the claims of an access token (RFC 9068, section 2.2),
// and those of Auth0's: azp beside client_id, and gty if the client acts for
// itself. It is signed with the type [TypAccessToken].
func AccessTokenClaims(issuer string, t AccessToken, now time.Time) Claims {
	lifetime := t.Lifetime
	if lifetime == 0 {
		lifetime = AccessTokenLifetime
	}
	claims := Claims{
		"iss":       issuer,
		"sub":       t.Subject,
		"azp":       t.ClientID,
		"client_id": t.ClientID,
		"iat":       now.Unix(),
		"exp":       now.Add(lifetime).Unix(),
		"jti":       t.ID,
	}
	claims.set("scope", FormatScopes(t.Scopes))
	claims.set("sid", t.SID)
	if t.DPoPKey != "" { // RFC 9449, section 6.1
		claims["cnf"] = Confirmation{t.DPoPKey}
	}
	userInfo := UserInfoAudience(issuer)
	switch {
	case t.Subject == "":
		claims["sub"], claims["gty"], claims["aud"] = t.ClientID+"@clients", "client-credentials", t.Audience
	case t.Audience == "" || t.Audience == userInfo:
		claims["aud"] = userInfo
	case slices.Contains(t.Scopes, ScopeOpenID):
		claims["aud"] = []string{t.Audience, userInfo}
	default:
		claims["aud"] = t.Audience
	}
	return claims
}

// UserInfoAudience is the audience of access tokens that are good for the
// user-info endpoint.
func UserInfoAudience(issuer string) string { return issuer + "userinfo" }

// TokenID is the "jti" of an access token: it carries the grant that the token
// lives and dies with, and something random.
func TokenID(grantID, random string) string { return grantID + "." + random }

// GrantOf is the ID of the grant in an access token's "jti", or "" if there is
// none, as in the tokens of a client that acts for itself.
func GrantOf(tokenID string) string {
	grant, _, found := strings.Cut(tokenID, ".")
	if !found {
		return ""
	}
	return grant
}

// UserInfo are the claims about a user that scopes allow to know (OpenID
// Connect Core 1.0, sections 5.1, 5.3.2 and 5.4). Where nothing is known there
// is no claim. updated_at is a number to conformant clients; to others it is a
// string, as Auth0's.
func UserInfo(u vault.User, scopes []string, conformant bool) Claims {
	claims := Claims{"sub": u.ID}
	if slices.Contains(scopes, ScopeProfile) {
		claims.set("name", u.Profile.Name)
		claims.set("given_name", u.Profile.GivenName)
		claims.set("family_name", u.Profile.FamilyName)
		claims.set("nickname", u.Profile.Nickname)
		claims.set("preferred_username", u.Profile.Username)
		claims.set("picture", u.Profile.Picture)
		claims.set("locale", u.Profile.Locale)
		claims.set("zoneinfo", u.Profile.Zoneinfo)
		switch {
		case u.Updated.IsZero():
		case conformant:
			claims["updated_at"] = u.Updated.Unix()
		default:
			claims["updated_at"] = u.Updated.UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	if slices.Contains(scopes, ScopeEmail) && u.Profile.Email != "" {
		claims["email"] = u.Profile.Email
		claims["email_verified"] = u.Profile.EmailVerified
	}
	return claims
}

// UserInfoWith are the claims of [UserInfo], and those that the client asked for
// by name (OpenID Connect Core 1.0, section 5.5).
func UserInfoWith(u vault.User, scopes []string, requested map[string]ClaimRequest, conformant bool) Claims {
	claims := UserInfo(u, scopes, conformant)
	if len(requested) == 0 {
		return claims
	}
	for name, value := range UserInfo(u, []string{ScopeProfile, ScopeEmail}, conformant) {
		if _, asked := requested[name]; asked {
			claims[name] = value
		}
	}
	return claims
}

func (c Claims) set(name, value string) {
	if value != "" {
		c[name] = value
	}
}

// TokenClaims are the claims of a token that the gateway issued, which its own
// endpoints act on.
type TokenClaims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  jwt.Audience `json:"aud"` // one string or several
	ClientID  string       `json:"client_id"`
	Scope     string       `json:"scope"`
	ID        string       `json:"jti"`
	SID       string       `json:"sid"`
	GrantType string       `json:"gty"`

	Expires      *jwt.NumericDate `json:"exp"`
	NotBefore    *jwt.NumericDate `json:"nbf"`
	IssuedAt     *jwt.NumericDate `json:"iat"`
	Confirmation Confirmation     `json:"cnf"`
}

// Confirmation is the key that a token is bound to (RFC 7800, section 3.1; RFC
// 9449, section 6.1).
type Confirmation struct {
	Thumbprint string `json:"jkt"` // "" if the token is bound to none
}
