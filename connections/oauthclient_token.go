package connections

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sallyport/vault"
)

// issued is a token response (RFC 6749, section 5.1).
type issued struct {
	accessToken, refreshToken, idToken string
	scopes                             []string // none if it does not say
	expires                            time.Time
	response                           *oauth2.Token
}

// redeem redeems a code.
func (o *oauthClient) redeem(ctx context.Context, at endpoints, l vault.Login, code string) (issued, error) {
	var options []oauth2.AuthCodeOption
	if o.flag("pkce_enabled", true) {
		options = append(options, oauth2.VerifierOption(l.Verifier.Reveal()))
	}
	t, err := o.config(at).Exchange(context.WithValue(ctx, oauth2.HTTPClient, o.http(at)), code, options...)
	if err != nil {
		return issued{}, o.explain(err, redeeming)
	}
	i, err := o.parse(t)
	if len(i.scopes) == 0 {
		i.scopes = o.asked(l) // RFC 6749, section 5.1: left out if it is what was asked for
	}
	return i, err
}

// refresh redeems a refresh token. It sends no scope, so that it gets all that
// was granted.
func (o *oauthClient) refresh(ctx context.Context, at endpoints, old vault.TokenSet) (issued, error) {
	ctx, neverLeft := unsent(context.WithValue(ctx, oauth2.HTTPClient, o.http(at)))
	t, err := o.config(at).TokenSource(ctx, &oauth2.Token{RefreshToken: old.RefreshToken.Reveal()}).Token()
	if err != nil {
		explained := o.explain(err, refreshing)
		var e *Error
		if errors.As(explained, &e) && neverLeft() {
			e.Unspent = true
		}
		return issued{}, explained
	}
	return o.parse(t)
}

// parse reads a token response.
func (o *oauthClient) parse(t *oauth2.Token) (issued, error) {
	if kind := t.Type(); !strings.EqualFold(kind, "Bearer") && kind != o.options["token_type"] {
		return issued{}, o.untrusted("issued a token of the type " + quote(t.TokenType) + ", which was not asked for")
	}
	i := issued{accessToken: t.AccessToken, refreshToken: t.RefreshToken, expires: o.expires(t), response: t}
	i.idToken, _ = t.Extra("id_token").(string)
	if scope, ok := t.Extra("scope").(string); ok {
		i.scopes = strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	}
	return i, nil
}

// expires is when an access token expires, by the best knowledge there is: what
// the answer says, what a token that is a JWT says, and else the connection's
// setting. It is never unknown, since unknown would be taken for never.
func (o *oauthClient) expires(t *oauth2.Token) time.Time {
	now := o.env.Now()
	seconds := t.ExpiresIn
	if text, ok := t.Extra("expires_in").(string); ok && seconds == 0 {
		seconds, _ = strconv.ParseInt(text, 10, 32)
	} else if n, ok := t.Extra("expires_in").(int64); ok && seconds == 0 {
		seconds = n // x/oauth2 reads it so from an answer that is a form
	}
	if seconds > 0 {
		return now.Add(time.Duration(seconds) * time.Second)
	}
	if exp := jwtExpiry(t.AccessToken); exp.After(now) {
		return exp
	}
	return now.Add(o.lifetime)
}

// tokenSet is what the vault keeps of a token response.
func (o *oauthClient) tokenSet(i issued) vault.TokenSet {
	ts := vault.TokenSet{
		AccessToken: vault.NewSecret(i.accessToken), RefreshToken: vault.NewSecret(i.refreshToken), IDToken: vault.NewSecret(i.idToken),
		Scopes: i.scopes, Issued: o.env.Now(), Expires: i.expires,
	}
	switch o.options["refresh_tokens"] {
	case reusable:
		ts.Rotation = vault.Static
	case singleUse:
		ts.Rotation = vault.Rotates
	}
	return ts
}

// unanswered says why it is not known whether a refresh token is still good.
func unanswered(ts vault.TokenSet, title string) string {
	if ts.Attempt != nil && ts.Attempt.Restored {
		return "The vault was restored from a backup, since which the refresh token may have been shown to " + title
	}
	return "A refresh had no answer from " + title
}

// stillGood reports whether a refresh token is still good that may have been
// used, without using it.
func (o *oauthClient) stillGood(ctx context.Context, at endpoints, ts vault.TokenSet) (bool, error) {
	switch {
	case o.options["refresh_tokens"] == reusable:
		return true, nil
	case !o.flag(trustIntrospection, false) || at.introspection == "":
		return false, &vault.Refusal{Why: unanswered(ts, o.title()) + ", whose refresh tokens may be good only once; to show it again could end the user's grant. The user must connect again. " +
			"(If its refresh tokens stay good after use, say so in the connection's refresh_tokens; if its introspection is to be relied on, in trust_introspection.)"}
	}
	said, err := o.introspect(ctx, at, ts.RefreshToken, "refresh_token")
	if err != nil {
		return false, err
	}
	active, ok := said["active"].(bool)
	if !ok {
		return false, o.unavailable(errors.New("introspection does not say whether the token is active"))
	}
	return active, nil
}

// introspect asks what the authorization server knows of a token (RFC 7662,
// section 2).
func (o *oauthClient) introspect(ctx context.Context, at endpoints, token vault.Secret, hint string) (map[string]any, error) {
	resp, body, err := o.post(ctx, at, at.introspection, url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}})
	if err != nil {
		return nil, o.unavailable(err)
	}
	said, ok := object(body)
	if resp.StatusCode != http.StatusOK || !ok {
		return nil, o.unavailable(errors.New("introspection: status " + resp.Status))
	}
	return said, nil
}

// revoke ends a grant at the authorization server (RFC 7009): by its refresh
// token, or by the access token where there is none.
func (o *oauthClient) revoke(ctx context.Context, at endpoints, ts vault.TokenSet) error {
	if at.revocation == "" {
		return &Error{Connection: o.connection.Name, Kind: Misconfigured, Description: o.title() + " has no revocation endpoint. The user can take the access back there.", Err: ErrNoEnd}
	}
	token, hint := ts.RefreshToken, "refresh_token"
	if token.IsZero() {
		token, hint = ts.AccessToken, "access_token"
	}
	resp, body, err := o.post(ctx, at, at.revocation, url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}})
	if err != nil {
		return o.unavailable(err)
	}
	if resp.StatusCode != http.StatusOK {
		return explain(o.connection, failure{request: revoking, status: resp.StatusCode, header: resp.Header, body: body})
	}
	return nil
}

// object reads a JSON object, with its numbers as they were written.
func object(body []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil || m == nil {
		return nil, false
	}
	_, err := d.Token()
	return m, err == io.EOF
}

// lift brings the members of a token response to its top that stand in a part of
// it, as Slack's user token does. A response without that part, as of a refresh,
// stays as it is.
func lift(resp *http.Response, at string) error {
	body, err := read(resp)
	if err != nil {
		return err
	}
	if all, ok := object(body); ok {
		if part, ok := pointer(all, at).(map[string]any); ok && part["access_token"] != nil {
			for name, value := range part {
				all[name] = value
			}
			if body, err = json.Marshal(all); err != nil {
				return err
			}
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}
