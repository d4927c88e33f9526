package oidc

import (
	"slices"
	"strings"

	"sallyport/vault"
)

// Scopes that mean something to the provider itself (OpenID Connect Core 1.0,
// sections 3.1.2.1, 5.4 and 11).
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	ScopeOffline = "offline_access"
)

// ParseScopes splits a scope parameter at its spaces, in the order sent and
// each scope once (RFC 6749, section 3.3).
func ParseScopes(s string) []string { return distinct(strings.Split(s, " ")) }

// FormatScopes is the scope parameter that means a list of scopes.
func FormatScopes(scopes []string) string { return strings.Join(scopes, " ") }

// distinct keeps the first of each, and no empty one.
func distinct(list []string) []string {
	var kept []string
	seen := map[string]bool{"": true}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// beyond returns those of the scopes asked for that are not among the granted.
func beyond(granted, asked []string) []string {
	var more []string
	for _, s := range asked {
		if !slices.Contains(granted, s) {
			more = append(more, s)
		}
	}
	return more
}

// checkScopeSyntax finds fault with what cannot be a scope (RFC 6749, section
// 3.3: printable ASCII but quotes and backslashes).
func checkScopeSyntax(scopes []string) error {
	for _, s := range scopes {
		if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return errorf(InvalidScope, "the scope '%s' has characters that no scope may have: separate scopes by single spaces", shown(s))
		}
	}
	return nil
}

// GrantedScopes are those of the scopes asked for that a sign-in grants: the
// provider's own, and those of the API that the access token is for, which may
// be nil. Others are passed over (RFC 6749, section 3.3), and so is
// offline_access for a client that could not use a refresh token, or an API
// that does not allow it (OpenID Connect Core 1.0, section 11).
func GrantedScopes(c vault.Client, api *vault.ResourceServer, asked []string) []string {
	var granted []string
	for _, s := range asked {
		ok := false
		switch s {
		case ScopeOpenID, ScopeProfile, ScopeEmail:
			ok = true
		case ScopeOffline:
			ok = c.May(GrantRefreshToken) && (api == nil || api.AllowOfflineAccess)
		default:
			ok = api != nil && api.Has(s)
		}
		if ok {
			granted = append(granted, s)
		}
	}
	return granted
}
