package connections

import (
	"slices"
	"time"

	"sallyport/vault"
)

// identifying are those of a connection's scopes that tell who somebody is, and
// open nothing else (OpenID Connect Core 1.0, section 5.4; id is Salesforce's).
func identifying(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		return !slices.Contains([]string{"openid", "profile", "email", "id"}, scope)
	})
}

// AuthTime is when the user whose tokens were just issued last showed the provider
// who they are, or zero where it does not say (OpenID Connect Core 1.0, section 2).
// [Provider.Exchange] has checked the ID token that says so.
func AuthTime(ts vault.TokenSet) time.Time {
	claims, ok := readClaims(ts.IDToken.Reveal())
	if !ok || claims.AuthTime == 0 {
		return time.Time{}
	}
	return time.Unix(int64(claims.AuthTime), 0)
}
