package oidc_test

import (
	"math"
	"net/url"
	"testing"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

func TestDeviceRequests(t *testing.T) {
	t.Parallel()
	tv := vault.Client{ID: "tv", AuthMethod: "none", GrantTypes: []string{oidc.GrantDeviceCode}}
	fapi := tv
	fapi.FAPI = true
	form := values("client_id", "tv", "scope", "openid offline_access", "audience", "https://api")
	for _, tt := range []struct {
		section string
		client  vault.Client
		form    url.Values
		code    oidc.Code
		words   string
	}{
		{"RFC 8628 3.1", tv, form, "", ""},
		{"RFC 8707 2", tv, with(form, "audience", "-", "resource", "https://api"), "", ""},
		{"RFC 8628 3.1: once", tv, with(form, "+scope", "x"), oidc.InvalidRequest, "scope is sent 2 times"},
		{"RFC 8707 2", tv, with(form, "resource", "https://other"), oidc.InvalidTarget, "different APIs"},
		{"RFC 6749 3.3", tv, with(form, "scope", "a\"b"), oidc.InvalidScope, ""},
		{"RFC 6749 5.2", public, form, oidc.UnauthorizedClient, "device_code' not allowed"},
		{"FAPI 2.0 5.3.2.1", fapi, form, oidc.UnauthorizedClient, "not allowed"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			r, err := oidc.ParseDeviceRequest(tt.form, "")
			if err == nil {
				err = oidc.CheckDeviceRequest(tt.client, r)
			}
			want(t, err, tt.code, tt.words)
			if err == nil && (r.ClientID != "tv" || r.Audience != "https://api" || oidc.FormatScopes(r.Scopes) != "openid offline_access") {
				t.Errorf("got %+v", r)
			}
		})
	}
	_, err := oidc.ParseTokenRequest(values("grant_type", oidc.GrantDeviceCode, "client_id", "tv"), "")
	want(t, err, oidc.InvalidRequest, "Missing required parameter: device_code") // RFC 8628, section 3.4
	r, err := oidc.ParseTokenRequest(values("grant_type", oidc.GrantDeviceCode, "client_id", "tv", "device_code", "d"), "")
	if err != nil || r.DeviceCode.Reveal() != "d" {
		t.Errorf("got %+v, %v", r, err)
	}
	const answer = `{"device_code":"d","user_code":"BCDF-GHJK","verification_uri":"https://login.example.com/activate","verification_uri_complete":"https://login.example.com/activate?user_code=BCDF-GHJK","expires_in":900,"interval":5}`
	if got := text(oidc.NewDeviceResponse(issuer, "d", "BCDFGHJK")); got != answer { // RFC 8628, section 3.2
		t.Errorf("got %s", got)
	}
}

func TestUserCodes(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 19, 20, 25599999999, 25600000000, math.MaxUint64} {
		code := oidc.UserCode(n)
		if got, ok := oidc.ParseUserCode(oidc.ShowUserCode(code)); !ok || got != code || len(code) != 8 {
			t.Errorf("%d: %q, %q", n, code, got)
		}
	}
	if oidc.UserCode(0) != "BBBBBBBB" || oidc.UserCode(25599999999) != "ZZZZZZZZ" || oidc.UserCode(1) == oidc.UserCode(2) {
		t.Error("the letters are not evenly spread")
	}
	for typed, code := range map[string]string{ // RFC 8628, section 6.1
		"BCDF-GHJK": "BCDFGHJK", "bcdfghjk": "BCDFGHJK", " bcdf ghjk ": "BCDFGHJK", "BCDF\u2013GHJK": "BCDFGHJK", "B.C.D.F.G.H.J.K": "BCDFGHJK",
		"": "", "BCDF-GHJ": "", "BCDF-GHJKL": "", "ACDF-GHJK": "", "BCDF-GHJ1": "", "BCDF/GHJK": "", "ＢCDFGHJK": "", "BCDFGHJ\x00": "", "бCDFGHJK": "",
	} {
		if got, ok := oidc.ParseUserCode(typed); got != code || ok != (code != "") {
			t.Errorf("%q: got %q, %v", typed, got, ok)
		}
	}
}

func TestDevicePolls(t *testing.T) {
	t.Parallel()
	tv := vault.Client{ID: "tv"}
	device := vault.DeviceCode{Client: "tv", Interval: 5 * time.Second, Polled: now.Add(-5 * time.Second), Expires: now.Add(time.Minute)}
	but := func(change func(*vault.DeviceCode)) vault.DeviceCode { d := device; change(&d); return d }
	for _, tt := range []struct {
		section  string
		d        vault.DeviceCode
		client   vault.Client
		code     oidc.Code
		status   int
		interval time.Duration // afterwards
	}{
		{"RFC 8628 3.5: pending", device, tv, oidc.AuthorizationPending, 403, 5 * time.Second},
		{"RFC 8628 3.5: the first", but(func(d *vault.DeviceCode) { d.Polled = time.Time{} }), tv, oidc.AuthorizationPending, 403, 5 * time.Second},
		{"RFC 8628 3.5: too soon", but(func(d *vault.DeviceCode) { d.Polled = now.Add(-time.Second) }), tv, oidc.SlowDown, 429, 10 * time.Second},
		{"RFC 8628 3.5: again too soon", but(func(d *vault.DeviceCode) { d.Polled, d.Interval = now.Add(-5*time.Second), 10*time.Second }), tv, oidc.SlowDown, 429, 15 * time.Second},
		{"RFC 8628 3.5: a little early", but(func(d *vault.DeviceCode) { d.Polled = now.Add(-4 * time.Second) }), tv, oidc.AuthorizationPending, 403, 5 * time.Second},
		{"RFC 8628 3.5: denied", but(func(d *vault.DeviceCode) { d.Denied = true }), tv, oidc.AccessDenied, 403, 5 * time.Second},
		{"RFC 8628 3.5: expired", but(func(d *vault.DeviceCode) { d.Expires = now }), tv, oidc.ExpiredToken, 403, 5 * time.Second},
		{"RFC 8628 3.5: expired, although allowed", but(func(d *vault.DeviceCode) { d.Expires, d.Answer = now, &vault.Code{} }), tv, oidc.ExpiredToken, 403, 5 * time.Second},
		{"Auth0: expired, and told so", but(func(d *vault.DeviceCode) { d.Expires, d.Told = now, true }), tv, oidc.InvalidGrant, 403, 5 * time.Second},
		{"RFC 8628 3.5: allowed", but(func(d *vault.DeviceCode) { d.Answer = &vault.Code{} }), tv, "", 0, 5 * time.Second},
		{"RFC 8628 3.4: another client's", but(func(d *vault.DeviceCode) { d.Answer = &vault.Code{} }), vault.Client{ID: "other"}, oidc.InvalidGrant, 403, 5 * time.Second},
	} {
		t.Run(tt.section, func(t *testing.T) {
			d, err := oidc.CheckPoll(tt.d, tt.client, now)
			want(t, err, tt.code, "")
			if e, ok := err.(*oidc.Error); ok && e.Status() != tt.status {
				t.Errorf("status %d", e.Status())
			}
			if d.Interval != tt.interval {
				t.Errorf("interval %v", d.Interval)
			}
			if polled := tt.code == oidc.AuthorizationPending || tt.code == oidc.SlowDown; polled != d.Polled.Equal(now) {
				t.Errorf("polled at %v", d.Polled)
			}
			if told := tt.code == oidc.ExpiredToken; told && !d.Told {
				t.Error("would tell again")
			}
		})
	}
}
