package oidc

import (
	"errors"
	"slices"
	"time"

	"sallyport/vault"
)

// CheckIntrospection finds fault with a client that may not ask: one that
// cannot prove who it is could be anybody who tries out tokens (RFC 7662,
// sections 2.1 and 4).
func CheckIntrospection(c vault.Client) error {
	if c.Public() {
		return ClientError(errors.New("a public client may not introspect tokens"))
	}
	return nil
}

// Introspection says what a token is good for (RFC 7662, section 2.2). The zero
// Introspection says that it is good for nothing, and no more: so of all tokens
// that are wrong, expired or revoked, and of those that are no business of who
// asks.
type Introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"` // of access tokens
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`

	Confirmation *Confirmation `json:"cnf,omitempty"` // RFC 9449, section 6.2
}

// IntrospectJWT is of an access token that [KeySet.Verify] has passed. It is
// told to the client that it was issued to, and to the one that stands for the
// API that it is for.
func IntrospectJWT(asks vault.Client, issuer string, t TokenClaims) Introspection {
	if t.ClientID != asks.ID && (asks.API == "" || !slices.Contains(t.Audience, asks.API)) || asks.ID == "" {
		return Introspection{}
	}
	i := Introspection{
		Active: true, Scope: t.Scope, ClientID: t.ClientID, Subject: t.Subject, Audience: t.Audience, Issuer: issuer, ID: t.ID, SID: t.SID,
	}
	if t.Expires != nil {
		i.Expires = t.Expires.Time().Unix()
	}
	if t.IssuedAt != nil {
		i.IssuedAt = t.IssuedAt.Time().Unix()
	}
	return i.bound(t.Confirmation.Thumbprint)
}

// IntrospectAccessToken is of an opaque access token, which is for the gateway's
// own endpoints. It is told to the client that it was issued to.
func IntrospectAccessToken(asks vault.Client, issuer string, t vault.AccessToken, now time.Time) Introspection {
	if t.Client != asks.ID || asks.ID == "" || !t.Expires.IsZero() && !now.Before(t.Expires) {
		return Introspection{}
	}
	i := Introspection{
		Active: true, Scope: FormatScopes(t.Scopes), ClientID: t.Client, Subject: t.User, Audience: []string{UserInfoAudience(issuer)}, Issuer: issuer,
	}
	if !t.Expires.IsZero() {
		i.Expires = t.Expires.Unix()
	}
	return i.bound(t.DPoPKey)
}

// IntrospectRefreshToken is of a refresh token that is its grant's; see
// [UseOf]. It is told to the client that it was issued to.
func IntrospectRefreshToken(asks vault.Client, issuer string, g vault.Grant, now time.Time) Introspection {
	if _, err := CheckGrant(g, asks, TokenRequest{}, now); err != nil || asks.ID == "" {
		return Introspection{}
	}
	i := Introspection{
		Active: true, Scope: FormatScopes(g.Scopes), ClientID: g.Client, Subject: g.User, Issuer: issuer, SID: g.SID, IssuedAt: g.Created.Unix(),
	}
	if g.Audience != "" {
		i.Audience = []string{g.Audience}
	}
	if !g.Expires.IsZero() {
		i.Expires = g.Expires.Unix()
	}
	if !g.AuthTime.IsZero() {
		i.AuthTime = g.AuthTime.Unix()
	}
	if g.DPoPKey != "" {
		i.Confirmation = &Confirmation{g.DPoPKey}
	}
	return i
}

// bound completes what is said of an access token.
func (i Introspection) bound(key string) Introspection {
	i.TokenType = TokenType(key)
	if key != "" {
		i.Confirmation = &Confirmation{key}
	}
	return i
}
