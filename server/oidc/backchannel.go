package oidc

import (
	"time"

	"sallyport/vault"
)

// TypLogoutToken is the type of logout tokens (OpenID Connect Back-Channel
// Logout 1.0, section 2.4).
const TypLogoutToken = "logout+jwt"

// logoutTokenLifetime is as long as section 4 of Back-Channel Logout advises at
// most. Each attempt to deliver one makes a new one.
const logoutTokenLifetime = 2 * time.Minute

// LogoutTokenClaims are the claims of the token that tells a client that a
// session has ended (OpenID Connect Back-Channel Logout 1.0, section 2.4). The
// ID is unique to the token. It is signed with the algorithm of the client's ID
// tokens and the type [TypLogoutToken], and has no nonce, so that it cannot pass
// for one of them.
func LogoutTokenClaims(issuer string, n vault.LogoutNotice, id string, now time.Time) Claims {
	claims := Claims{
		"iss":    issuer,
		"aud":    n.Client,
		"iat":    now.Unix(),
		"exp":    now.Add(logoutTokenLifetime).Unix(),
		"jti":    id,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	}
	claims.set("sub", n.User)
	claims.set("sid", n.SID)
	return claims
}
