package connections

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"sallyport/vault"
)

// standardClaims are where the user info of OpenID Providers has what a profile
// takes (OpenID Connect Core 1.0, section 5.1), as JSON Pointers (RFC 6901).
var standardClaims = map[string]string{
	"id": "/sub", "username": "/preferred_username", "email": "/email", "email_verified": "/email_verified", "name": "/name",
	"given_name": "/given_name", "family_name": "/family_name", "nickname": "/nickname", "picture": "/picture", "locale": "/locale", "zoneinfo": "/zoneinfo",
}

// profileOf is what user info says of a person, by the places where it says it.
func profileOf(info any, at map[string]string) vault.Profile {
	text := func(name string) string { return scalar(pointer(info, at[name])) }
	verified, _ := pointer(info, at["email_verified"]).(bool) // "true" as a string is no word to rely on
	p := vault.Profile{
		Name: text("name"), GivenName: text("given_name"), FamilyName: text("family_name"), Nickname: text("nickname"), Username: text("username"),
		Email: plainEmail(text("email")), Picture: text("picture"), Locale: text("locale"), Zoneinfo: text("zoneinfo"),
	}
	p.EmailVerified = verified && p.Email != ""
	return p
}

// plainEmail is an e-mail address that nobody reads in two ways, or "". One with
// two @ or with invisible characters in it would be of this domain to one
// program, and of that to another.
func plainEmail(s string) string {
	local, domain, ok := strings.Cut(s, "@")
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`"(),:;<>[\]`, r)
	}
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") || strings.HasSuffix(domain, ".") || strings.ContainsFunc(s, odd) ||
		strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) {
		return ""
	}
	return s
}

// identity is the identity of an account. Its subject tells the server, too:
// should the connection be led to another one, the accounts there are others,
// whatever they are called.
func (o *oauthClient) identity(server, org, id string, p vault.Profile) (vault.Identity, error) {
	account := id
	if org != "" {
		account = url.PathEscape(org) + "/" + id
	}
	if id == "" || len(account) > 255 || strings.ContainsFunc(account, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return vault.Identity{}, o.untrusted("did not say who signed in, or in a way that cannot be kept")
	}
	return vault.Identity{
		Connection: o.connection.Name, Strategy: o.connection.Strategy, Qualified: o.preset.qualified,
		Subject: server + "|" + account, Org: org, UserID: id, Profile: p,
	}, nil
}

// get asks an API for JSON, with an access token.
func (o *oauthClient) get(ctx context.Context, method, endpoint, accessToken string) (any, error) {
	req, err := http.NewRequestWithContext(ctx, method, endpoint, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("Accept", "application/json")
	resp, err := o.env.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := read(resp)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("user info: status " + resp.Status)
	}
	if m, ok := object(body); ok {
		return m, nil
	}
	var list []any
	if json.Unmarshal(body, &list) != nil {
		return nil, errors.New("user info: neither a JSON object nor a list, but " + quote(resp.Header.Get("Content-Type")))
	}
	return list, nil
}

// pointer is the value at a JSON Pointer (RFC 6901), or nil.
func pointer(v any, at string) any {
	if !strings.HasPrefix(at, "/") {
		return nil
	}
	for _, token := range strings.Split(at[1:], "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch in := v.(type) {
		case map[string]any:
			v = in[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// scalar is a string or a number as text, and "" for all else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
