package connections

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/net/publicsuffix"
)

const wellKnown = "/.well-known/openid-configuration"

// openIDMetadata is a provider's metadata (OpenID Connect Discovery 1.0, section
// 3), checked, and what verifies ID tokens by it.
type openIDMetadata struct {
	endpoints
	verifier *oidc.IDTokenVerifier
}

// document is the metadata as it is published.
type document struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Revocation    string   `json:"revocation_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	ResponseTypes []string `json:"response_types_supported"`
	Algs          []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
}

// idTokenAlgs are the algorithms that ID tokens may be signed with: by a key
// that the provider alone has.
var idTokenAlgs = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// discover fetches the metadata and checks it. Its errors say what is wrong, and
// where.
func (o *openID) discover(ctx context.Context) (*openIDMetadata, error) {
	d, err := o.fetchDocument(ctx)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(document) error{o.checkIssuer, o.checkEndpoints, checkCapabilities} {
		if err := check(d); err != nil {
			return nil, o.badMetadata(Misconfigured, err)
		}
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), o.keysClient()), d.JWKS)
	return &openIDMetadata{
		endpoints: endpoints{
			issuer: d.Issuer, authorization: d.Authorization, token: d.Token, userinfo: d.UserInfo, revocation: d.Revocation,
			introspection: d.Introspection, endSession: d.EndSession, authMethods: d.AuthMethods, namesItself: d.NamesItself,
		},
		verifier: oidc.NewVerifier(d.Issuer, keys, &oidc.Config{
			SkipClientIDCheck: true, SkipExpiryCheck: true, SupportedSigningAlgs: intersection(idTokenAlgs, d.Algs),
		}),
	}, nil
}

func (o *openID) fetchDocument(ctx context.Context) (d document, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.discovery, nil)
	if err != nil {
		return d, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := o.env.HTTP.Do(req)
	if err != nil {
		return d, o.unavailable(err)
	}
	body, err := read(resp)
	switch {
	case err != nil:
		return d, o.unavailable(err)
	case resp.StatusCode == http.StatusNotFound:
		return d, o.badMetadata(Misconfigured, errors.New("there is nothing (404): correct the issuer, or give the discovery_url"))
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return d, o.badMetadata(Misconfigured, errors.New("it is elsewhere, to where redirects are not followed: "+quote(resp.Header.Get("Location"))))
	case resp.StatusCode != http.StatusOK:
		return d, o.badMetadata(Unavailable, errors.New("the answer is status "+resp.Status))
	case json.Unmarshal(body, &d) != nil:
		return d, o.badMetadata(Unavailable, errors.New("the answer is no metadata in JSON, but "+quote(cmp.Or(resp.Header.Get("Content-Type"), "of no content type"))))
	}
	return d, nil
}

// badMetadata is the error of metadata that cannot be used.
func (o *openID) badMetadata(kind Kind, err error) *Error {
	e := &Error{Connection: o.connection.Name, Kind: kind, Unspent: true, Err: fmt.Errorf("metadata at %s: %w", o.discovery, err),
		Description: "The metadata of " + o.title() + ", at " + o.discovery + ", cannot be used: " + err.Error() + "."}
	if kind == Unavailable {
		e.RetryAfter = rememberedBad
	}
	return e
}

// checkIssuer wants the issuer to be the one that was asked, character for
// character (OpenID Connect Discovery 1.0, section 4.3). A discovery URL does not
// tell whether its issuer ends with a slash (section 4.1).
func (o *openID) checkIssuer(d document) error {
	want := []string{o.issuer}
	if o.issuer == "" {
		base := strings.TrimSuffix(o.discovery, wellKnown)
		want = []string{base, base + "/"}
	}
	if !slices.Contains(want, d.Issuer) {
		return fmt.Errorf("its issuer is %q, and the connection's is %q: they must be the same, character for character", quote(d.Issuer), want[0])
	}
	return nil
}

// checkEndpoints wants endpoints that are protected as the issuer is, and on its
// own domain or on a host that the connection names: metadata that was tampered
// with would send codes and secrets elsewhere.
func (o *openID) checkEndpoints(d document) error {
	for _, e := range []struct {
		name, url string
		needed    bool
	}{
		{"authorization_endpoint", d.Authorization, true}, {"token_endpoint", d.Token, true}, {"jwks_uri", d.JWKS, true},
		{"userinfo_endpoint", d.UserInfo, false}, {"revocation_endpoint", d.Revocation, false},
		{"introspection_endpoint", d.Introspection, false}, {"end_session_endpoint", d.EndSession, false},
	} {
		if e.url == "" && !e.needed {
			continue
		}
		if err := checkURL(e.url); err != nil {
			return fmt.Errorf("its %s %w", e.name, err)
		}
		u, _ := url.Parse(e.url)
		issuer, err := url.Parse(d.Issuer)
		if err != nil {
			return errors.New("its issuer is no URL")
		}
		if u.Scheme != "https" && issuer.Scheme == "https" {
			return fmt.Errorf("its %s should begin with https://, as the issuer does", e.name)
		}
		if !o.trusts(u.Hostname(), issuer.Hostname()) {
			return fmt.Errorf("its %s is at %s, which is not of %s: name it in the connection's foreign_hosts if that is right", e.name, quote(u.Hostname()), issuer.Hostname())
		}
	}
	return nil
}

// trusts reports whether a host is of the same registrable domain as the issuer's,
// or one that the connection names, or below that.
func (o *openID) trusts(host, issuer string) bool {
	host, issuer = strings.ToLower(host), strings.ToLower(issuer)
	if host == issuer {
		return true
	}
	for _, foreign := range o.foreign {
		if foreign = strings.ToLower(foreign); host == foreign || strings.HasSuffix(host, "."+foreign) {
			return true
		}
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(issuer)
	if err != nil || address(issuer) || address(host) {
		return false
	}
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// checkCapabilities wants what the gateway cannot do without.
func checkCapabilities(d document) error {
	if len(d.ResponseTypes) > 0 && !slices.Contains(d.ResponseTypes, "code") {
		return errors.New("its response_types_supported lack code: it has no authorization code flow")
	}
	if len(intersection(idTokenAlgs, d.Algs)) == 0 {
		return errors.New("its id_token_signing_alg_values_supported have none of " + strings.Join(idTokenAlgs, ", "))
	}
	return nil
}

// intersection is what a list has in common with what a provider says that it
// supports; all of it if the provider says nothing.
func intersection(list, supported []string) []string {
	if len(supported) == 0 {
		return list
	}
	var both []string
	for _, s := range list {
		if slices.Contains(supported, s) {
			both = append(both, s)
		}
	}
	return both
}
