package connections

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// Finish runs the steps after the sign-in, with what came to the callback: as
// long as they go well, and the last of them in any case once there are tokens.
// It reports whether the connection works.
func (t *Trial) Finish(ctx context.Context, l vault.Login, answer url.Values) bool {
	defer t.env.HTTP.CloseIdleConnections()
	t.recorder.hide(answer.Get("code"), answer.Get("state"), l.Verifier.Reveal(), l.Nonce)
	var identity vault.Identity
	var ts vault.TokenSet
	err := t.step("callback", func() ([]string, error) { return t.answered(ctx, answer) })
	if err != nil {
		t.leave("Nobody signed in.", "token", "id_token", "userinfo")
	} else {
		identity, ts, err = t.exchange(ctx, l, answer.Get("code"))
	}
	if err != nil {
		t.leave("There are no tokens to use.", "refresh", "introspection", "api")
	} else {
		ts.Identity = identity.Key()
		ts = t.refresh(ctx, ts)
		_ = t.step("introspection", func() ([]string, error) { return t.provider.describe(ctx, ts) })
		_ = t.step("api", func() ([]string, error) { return t.provider.call(ctx, ts) })
	}
	_ = t.step("revocation", func() ([]string, error) { return t.takeBack(ctx, identity, ts) })
	return !t.failed
}

// answered is what came to the callback.
func (t *Trial) answered(ctx context.Context, answer url.Values) ([]string, error) {
	if checker, ok := t.provider.(AnswerChecker); ok {
		if err := checker.CheckAnswer(ctx, answer.Get("iss")); err != nil {
			return nil, err
		}
	}
	if code := answer.Get("error"); code != "" {
		return nil, t.provider.Denied(code, answer.Get("error_description"))
	}
	if answer.Get("code") == "" {
		return nil, &Error{Connection: t.connection.Name, Kind: Untrusted, Description: t.connection.Title() + " sent neither a code nor an error."}
	}
	return []string{"You came back with a code, in the browser that went there."}, nil
}

// exchange redeems the code as for any sign-in, and tells of each part of that:
// to which one an error belongs is known by the requests that were made.
func (t *Trial) exchange(ctx context.Context, l vault.Login, code string) (vault.Identity, vault.TokenSet, error) {
	t.tell(vault.TrialStep{Name: "token", State: vault.StepRunning})
	began := t.env.Now()
	identity, ts, err := t.provider.Exchange(ctx, l, code)
	took := t.env.Now().Sub(began)
	parts := map[string][]vault.TrialCall{}
	failedAt, infoFailed := "token", false
	for _, c := range t.recorder.take() {
		name := t.provider.stepOf(c.to)
		parts[name] = append(parts[name], c.TrialCall)
		switch {
		case name == "token" && c.status == http.StatusOK:
			failedAt = "id_token"
		case name == "userinfo":
			failedAt, infoFailed = "userinfo", c.status != http.StatusOK
		}
	}
	if err != nil {
		for i, name := range []string{"token", "id_token", "userinfo"} {
			if name == failedAt {
				t.report(name, took, parts[name], nil, err)
				t.leave("The answer was not used.", []string{"token", "id_token", "userinfo"}[i+1:]...)
				return identity, ts, err
			}
			t.report(name, 0, parts[name], nil, nil)
		}
	}
	for _, calls := range parts {
		for _, c := range calls {
			took -= c.Took // what is left is the token step's
		}
	}
	found, problem := t.granted(ctx, l, ts)
	t.report("token", max(0, took)+sum(parts["token"]), append(parts["token"], parts["introspection"]...), found, problem)
	if ts.IDToken.IsZero() {
		t.leave("There is none: the provider is not one of OpenID Connect.", "id_token")
	} else {
		t.report("id_token", sum(parts["id_token"]), parts["id_token"], claimsOf(ts.IDToken.Reveal()), nil)
	}
	var short error
	if infoFailed {
		short = &warning{"The user info could not be read, so that users have no name and no e-mail address.", "Add the scopes openid and id to what is registered at the provider, and to the connection."}
	}
	t.report("userinfo", sum(parts["userinfo"]), parts["userinfo"], whoIs(identity), short)
	return identity, ts, nil
}

// Lasting is a duration for people, to two units.
func Lasting(d time.Duration) string {
	plural := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	seconds := int(d.Round(time.Second).Seconds())
	switch {
	case seconds < 60:
		return plural(seconds, "second")
	case seconds%3600 == 0:
		return plural(seconds/3600, "hour")
	case seconds < 3600 && seconds%60 == 0:
		return plural(seconds/60, "minute")
	case seconds < 3600:
		return plural(seconds/60, "minute") + " and " + plural(seconds%60, "second")
	}
	return plural(seconds/3600, "hour") + " and " + plural(seconds/60%60, "minute")
}

func sum(calls []vault.TrialCall) (d time.Duration) {
	for _, c := range calls {
		d += c.Took
	}
	return d
}

// granted compares what was granted with what was asked for.
func (t *Trial) granted(ctx context.Context, l vault.Login, ts vault.TokenSet) ([]string, error) {
	if there, err := t.SignInURL(ctx, l, "state"); err == nil {
		if u, err := url.Parse(there); err == nil {
			t.Facts.Asked = strings.Fields(u.Query().Get("scope"))
		}
	}
	came := !t.recorder.tokens().RefreshToken.IsZero()
	jwt := isJWT(ts.AccessToken.Reveal())
	t.Facts.Granted, t.Facts.RefreshToken, t.Facts.JWT, t.Facts.Lifetime = ts.Scopes, &came, &jwt, ts.Expires.Sub(ts.Issued)
	found := []string{fmt.Sprintf("The access token is %s, and taken to live %s.", kindOfToken(ts.AccessToken.Reveal()), Lasting(t.Facts.Lifetime))}
	if came {
		found = append(found, "A refresh token came.")
	}
	if lacking := missing(t.connection, t.Facts.Asked, ts.Scopes); len(lacking) > 0 {
		return found, &warning{"Not all scopes that were asked for were granted: " + quote(strings.Join(lacking, " ")) + " is missing.",
			"Add them to what is registered at the provider, or take them off the connection."}
	}
	return found, nil
}

// claimsOf are the claims of an ID token, checked already, of which it is known
// that they hold no secret.
func claimsOf(token string) (found []string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	claims, ok := object(payload)
	if err != nil || !ok {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		switch text := textOf(claims[name]); name {
		case "iss", "sub", "aud":
			found = append(found, name+": "+quote(text))
		case "iat", "exp":
			if n, ok := claims[name].(json.Number); ok {
				if seconds, err := n.Int64(); err == nil {
					found = append(found, name+": "+time.Unix(seconds, 0).UTC().Format(time.DateTime)+" UTC")
				}
			}
		}
	}
	return append(found, "The signature, the issuer, the audience, the nonce and the times are right.")
}

// whoIs is who signed in.
func whoIs(i vault.Identity) []string {
	found := []string{"The user is " + quote(i.Subject) + "."}
	for _, part := range []struct{ title, value string }{{"Username", i.Profile.Username}, {"Name", i.Profile.Name}, {"E-mail address", i.Profile.Email}} {
		if part.value != "" {
			found = append(found, part.title+": "+quote(part.value))
		}
	}
	if i.Profile.Email != "" && !i.Profile.EmailVerified {
		found = append(found, "The provider does not say that the e-mail address was verified.")
	}
	return found
}

// refresh gets a new access token, and returns the tokens as they are then.
func (t *Trial) refresh(ctx context.Context, ts vault.TokenSet) vault.TokenSet {
	_ = t.step("refresh", func() ([]string, error) {
		if ts.RefreshToken.IsZero() && !Asserts(t.connection) {
			why := &Error{Cause: "No refresh token came, so that users have to sign in again when their access token expires.", Cure: NotRenewable(t.connection, ts.Scopes)}
			if t.connection.TokenVault {
				return nil, why
			}
			return nil, &warning{why.Cause, why.Cure}
		}
		fresh, err := t.provider.Refresh(ctx, ts)
		var refusal *vault.Refusal
		if errors.As(err, &refusal) && !refusal.Quarantine {
			if cause, cure := t.provider.spentAtOnce(); cause != "" && !Asserts(t.connection) {
				return nil, &Error{Cause: refusal.Why + " " + cause, Cure: cure}
			}
		}
		if err != nil {
			return nil, err
		}
		found := []string{"A new access token came."}
		switch {
		case Asserts(t.connection):
		case fresh.RefreshToken.IsZero() || fresh.RefreshToken == ts.RefreshToken:
			t.Facts.Rotation = vault.Static
			found = append(found, "The refresh token stays good after use: rotation is off.")
		default:
			t.Facts.Rotation = vault.Rotates
			found = append(found, "A new refresh token came with it: rotation is on.")
			ts.RefreshToken = fresh.RefreshToken
		}
		ts.AccessToken, ts.Expires = fresh.AccessToken, fresh.Expires
		if len(fresh.Params) > 0 {
			ts.Params = fresh.Params
		}
		return found, nil
	})
	return ts
}

// takeBack revokes what was issued, also if it was not used, and if time has run
// out.
func (t *Trial) takeBack(ctx context.Context, identity vault.Identity, ts vault.TokenSet) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*upstreamTimeout)
	defer cancel()
	issued := t.recorder.tokens()
	if issued.AccessToken.IsZero() {
		return nil, skipped("There are no tokens to revoke.")
	}
	issued.Identity, issued.Params, issued.Expires = ts.Identity, ts.Params, ts.Expires
	if Asserts(t.connection) {
		issued.RefreshToken = vault.Secret{} // with it the approval could go that assertions need
	}
	if t.Later != nil && ts.Identity != "" {
		later, err := t.Later(ctx, identity.Key(), issued)
		if err != nil {
			return nil, err
		}
		if later {
			return nil, &warning{"You have a connected account here, and the provider gave the trial the same access token as that has.",
				"None is needed: the trial's tokens are revoked by themselves, once your account has newer ones."}
		}
	}
	return t.provider.end(ctx, issued)
}
