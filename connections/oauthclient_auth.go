package connections

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/vault"
)

// The ways in which a client authenticates (OpenID Connect Core 1.0, section 9).
const (
	secretBasic   = "client_secret_basic"
	secretPost    = "client_secret_post"
	privateKeyJWT = "private_key_jwt"
	noAuth        = "none"
)

// clientAuth is how the gateway proves to an authorization server who it is.
type clientAuth struct {
	id, secret string
	method     string // "" is for the provider's metadata to say
	signer     jose.Signer
	now        func() time.Time
}

func openClientAuth(o *oauthClient) (clientAuth, error) {
	a := clientAuth{id: o.connection.ClientID, secret: o.connection.ClientSecret.Reveal(), now: o.env.Now, method: o.options["token_endpoint_auth_method"]}
	if err := o.oneOf("token_endpoint_auth_method", secretBasic, secretPost, privateKeyJWT, noAuth); err != nil {
		return a, err
	}
	key := o.options["private_key"]
	switch {
	case a.method == "" && key != "":
		a.method = privateKeyJWT
	case a.method == "" && a.secret == "":
		a.method = noAuth
	}
	switch {
	case a.method == privateKeyJWT && key == "":
		return a, &vault.Invalid{Field: "options.private_key", Problem: "is missing, and token_endpoint_auth_method is " + privateKeyJWT}
	case (a.method == secretBasic || a.method == secretPost) && a.secret == "":
		return a, &vault.Invalid{Field: "options.client_secret", Problem: "is missing, and token_endpoint_auth_method is " + a.method}
	case a.method != privateKeyJWT:
		return a, nil
	}
	var err error
	a.signer, err = newSigner(key, o.options["kid"], o.options["token_endpoint_auth_signing_alg"])
	return a, err
}

// newSigner reads a private key in PEM. Its errors quote nothing of it.
func newSigner(text, id, alg string) (jose.Signer, error) {
	invalid := &vault.Invalid{Field: "options.private_key", Problem: "should be a private key in PEM: RSA of 2048 bits or more, P-256, P-384 or Ed25519"}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, invalid
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			if key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
				return nil, invalid
			}
		}
	}
	fit := algorithms(key)
	switch {
	case len(fit) == 0:
		return nil, invalid
	case alg == "":
		alg = fit[0]
	case !slices.Contains(fit, alg):
		return nil, &vault.Invalid{Field: "options.token_endpoint_auth_signing_alg", Problem: "should be " + strings.Join(fit, " or ") + ", by the kind of private_key"}
	}
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: key, KeyID: id}},
		(&jose.SignerOptions{}).WithType("JWT"))
}

// algorithms are those that a key can sign with, the usual first.
func algorithms(key crypto.PrivateKey) []string {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() >= 2048 {
			return []string{"RS256", "PS256"}
		}
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		}
	case ed25519.PrivateKey:
		return []string{"EdDSA"}
	}
	return nil
}

// assertion is the client's word that it is itself (RFC 7523, section 3). Its
// audience is the issuer alone: a list, or another server's URL, could be shown
// there by whoever is asked here.
func (a clientAuth) assertion(issuer string) (string, error) {
	now := a.now()
	claims, err := json.Marshal(map[string]any{
		"iss": a.id, "sub": a.id, "aud": issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := a.signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// apply authenticates a request.
func (a clientAuth) apply(at endpoints, header http.Header, form url.Values) error {
	method := a.method
	if method == "" {
		method = secretBasic // the default of OpenID Connect Discovery 1.0, section 3
		if len(at.authMethods) > 0 && !slices.Contains(at.authMethods, secretBasic) {
			method = secretPost
		}
	}
	switch method {
	case secretBasic:
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(a.id), url.QueryEscape(a.secret)) // RFC 6749, section 2.3.1
		form.Del("client_id")
	case secretPost:
		form.Set("client_secret", a.secret)
	case privateKeyJWT:
		assertion, err := a.assertion(at.issuer)
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	return nil
}

// http is the HTTP client that speaks for the client at an authorization server.
func (o *oauthClient) http(at endpoints) *http.Client {
	c := *o.env.HTTP
	c.Transport = asClient{c.Transport, o, at}
	return &c
}

// asClient authenticates the forms that it sends, in the ways that x/oauth2 does
// not know, and asks for JSON, which some providers do not send by default.
type asClient struct {
	next http.RoundTripper
	*oauthClient
	at endpoints
}

func (a asClient) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the request is no form")
	}
	header := r.Header.Clone()
	header.Set("Accept", "application/json")
	if err := a.auth.apply(a.at, header, form); err != nil {
		return nil, err
	}
	signed, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	signed.Header = header
	resp, err := a.next.RoundTrip(signed)
	if at := a.options["token_at"]; err == nil && at != "" {
		err = lift(resp, at)
	}
	return resp, err
}
