package sample

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// problem is an error to show: what happened and what to do about it.
type problem struct {
	Status     int
	Cause, Fix string
	Code       string // the error's name, for those who look it up
	Reconnect  string // URL where the user connects Salesforce again
	Reference  string // by which the gateway's operator finds the request
}

func (p *problem) Error() string { return p.Cause }

// page makes a handler of a function that may fail: what fails is shown.
func (a *App) page(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// oidc and oauth2 take their HTTP client from the context, both by the same key.
		ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), a.client()), patience)
		defer cancel()
		err := handle(w, r.WithContext(ctx))
		if err == nil {
			return
		}
		p, ok := errors.AsType[*problem](err)
		if !ok {
			slog.Error("sample: "+r.URL.Path, "err", err)
			p = &problem{Status: http.StatusBadGateway, Cause: "The gateway or Salesforce did not answer as expected.",
				Fix: "Try again in a moment. The application’s log says more."}
		}
		if err := a.render(w, p.Status, "problem", p); err != nil {
			slog.Error("sample: "+r.URL.Path, "err", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	})
}

// render writes a page, or nothing when it fails.
func (a *App) render(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	// A browser holds form-action against the redirect that answers a form as well, and signing out
	// leads to the gateway. Pictures are Salesforce's, of whatever host.
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data: https: http://localhost:* http://127.0.0.1:*; "+
		"form-action 'self' "+origin(a.Issuer)+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// showClaim writes a claim's value for people: a string without quotes, a time also as a date.
func showClaim(name string, value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	var seconds int64
	if slices.Contains([]string{"exp", "iat", "nbf", "auth_time", "updated_at"}, name) && json.Unmarshal(value, &seconds) == nil {
		return fmt.Sprintf("%d  (%s)", seconds, time.Unix(seconds, 0).UTC().Format("2 January 2006, 15:04:05 UTC"))
	}
	return string(value)
}

// initial of a name, to stand where a picture is missing.
func initial(name string) string {
	for _, r := range cmp.Or(strings.TrimSpace(name), "?") {
		return strings.ToUpper(string(r))
	}
	return ""
}
