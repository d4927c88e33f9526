package connections

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"sallyport/vault"
)

// introspection is the answer of RFC 7662, section 2.2.
type introspection struct {
	Active bool  `json:"active"`
	Exp    int64 `json:"exp"`
}

// Introspect implements [vault.Introspector], unless the connection is told not
// to rely on it.
func (s *salesforceOrg) Introspect(ctx context.Context, ts vault.TokenSet) (bool, error) {
	if s.connection.Options[trustIntrospection] == "false" && ts.Rotation != vault.Static {
		return false, &vault.Refusal{Why: unanswered(ts, s.title()) + ", and to show its refresh token again could end the user's grant. " +
			"The connection is told not to rely on introspection (trust_introspection). The user must connect again."}
	}
	in, err := s.introspect(ctx, ts.Params["instance_url"], ts.RefreshToken.Reveal(), "refresh_token")
	return in.Active, err
}

// introspect asks about a token at the org's own host, where there is one.
func (s *salesforceOrg) introspect(ctx context.Context, instance, token, hint string) (in introspection, err error) {
	base := s.orgHost(instance)
	form := url.Values{"token": {token}, "token_type_hint": {hint}, "client_id": {s.oauth.ClientID}, "client_secret": {s.oauth.ClientSecret}}
	r := s.post(ctx, introspecting, base+"/services/oauth2/introspect", form)
	if code, _ := r.signs(); s.next != "" && code == "invalid_client" {
		form.Set("client_secret", s.next)
		r = s.post(ctx, introspecting, base+"/services/oauth2/introspect", form)
	}
	// An answer that does not say "active" says nothing, not "inactive".
	var said struct {
		Active *bool `json:"active"`
		Exp    int64 `json:"exp"`
	}
	if r.status != http.StatusOK || json.Unmarshal(r.body, &said) != nil || said.Active == nil {
		return in, s.meaning(r)
	}
	return introspection{*said.Active, said.Exp}, nil
}

// Revoke implements [Revoker]. Salesforce wants no client authentication for it,
// so none is shown, and answers as a form.
func (s *salesforceOrg) Revoke(ctx context.Context, ts vault.TokenSet) error {
	token := ts.RefreshToken
	if token.IsZero() {
		token = ts.AccessToken // which ends alone
	}
	r := s.post(ctx, revoking, s.orgHost(ts.Params["instance_url"])+"/services/oauth2/revoke", url.Values{"token": {token.Reveal()}})
	if r.status == http.StatusOK {
		return nil
	}
	if code, _ := r.signs(); code == "invalid_token" {
		return nil // it is over already
	}
	return s.meaning(r)
}

// End implements [Ender].
func (s *salesforceOrg) End(ctx context.Context, ts vault.TokenSet) error { return s.Revoke(ctx, ts) }

// orgHost is the org's own host, where it is known.
func (s *salesforceOrg) orgHost(instance string) string {
	if instance != "" && s.trusts(instance) {
		return instance
	}
	return s.base
}

// post sends a form to one of Salesforce's endpoints.
func (s *salesforceOrg) post(ctx context.Context, asked, endpoint string, form url.Values) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{asked: asked, err: err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := s.env.HTTP.Do(req)
	if err != nil {
		return reply{asked: asked, err: err}
	}
	body, err := read(resp)
	if err != nil {
		return reply{asked: asked, err: err}
	}
	return reply{asked, resp.StatusCode, resp.Header.Get("Content-Type"), body, nil}
}
