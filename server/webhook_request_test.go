package server

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
)

// TestMessageIsSignedAsTheSpecificationDoes: the value is its own example's, of
// its libraries' tests.
func TestMessageIsSignedAsTheSpecificationDoes(t *testing.T) {
	t.Parallel()
	secret := vault.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	got, err := signMessage([]vault.Secret{secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%s, want %s: %v", got, want, err)
	}
	if got, err := signMessage([]vault.Secret{secret, vault.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte("short")))}, "", time.Time{}, nil); err == nil {
		t.Errorf("signed by what is no secret: %s", got)
	}
}

func TestAnswersOfWebhooksMeanWhatTheSpecificationSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reply          reply
		ok, gone, busy bool
		problem        string
	}{
		{reply{status: 200}, true, false, false, ""},
		{reply{status: 299}, true, false, false, ""},
		{reply{status: 301}, false, false, false, "redirect"},
		{reply{status: 404}, false, false, false, "404 Not Found"},
		{reply{status: 410}, false, true, false, "410"},
		{reply{status: 429}, false, false, true, "429"},
		{reply{status: 500}, false, false, false, "500"},
		{reply{status: 502}, false, false, true, "502"},
		{reply{status: 503}, false, false, true, "503"},
		{reply{status: 504}, false, false, true, "504"},
		{reply{err: context.DeadlineExceeded}, false, false, false, "within 20 seconds"},
		{reply{err: errors.New("connection refused")}, false, false, false, "could not be reached: connection refused."},
	} {
		r := tt.reply
		if r.ok() != tt.ok || r.gone() != tt.gone || r.busy() != tt.busy || !strings.Contains(r.problem(), tt.problem) || r.ok() != (r.problem() == "") {
			t.Errorf("%+v: %v %v %v %q", r, r.ok(), r.gone(), r.busy(), r.problem())
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-1": 0, "99999999999": 24 * time.Hour, "999999": 24 * time.Hour, "soon": 0,
		now.Add(time.Hour).Format(http.TimeFormat): time.Hour, now.Add(-time.Hour).Format(http.TimeFormat): 0, now.Add(99 * time.Hour).Format(http.TimeFormat): 24 * time.Hour,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
