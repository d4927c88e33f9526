package api

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"sallyport/vault"
)

// ClientAuthenticationMethods are how a client authenticates without a secret.
type ClientAuthenticationMethods struct {
	PrivateKeyJWT *PrivateKeyJWT `yaml:"private_key_jwt" json:"private_key_jwt,omitzero"`
}

// PrivateKeyJWT is authentication by assertions that the client signs (OpenID
// Connect Core 1.0, section 9).
type PrivateKeyJWT struct {
	Credentials []Credential `yaml:"credentials" json:"credentials,omitzero"`
}

// SignedRequestObject is how a client signs its authorization requests (RFC
// 9101).
type SignedRequestObject struct {
	Required    *bool        `yaml:"required" json:"required,omitzero"`
	Credentials []Credential `yaml:"credentials" json:"credentials,omitzero"`
}

// Credential is a public key of a client's.
type Credential struct {
	Name           *string `yaml:"name" json:"name,omitzero"`                       // for people; not kept
	CredentialType *string `yaml:"credential_type" json:"credential_type,omitzero"` // "public_key"
	KID            *string `yaml:"kid" json:"kid,omitzero"`                         // by default the thumbprint (RFC 7638)
	Alg            *string `yaml:"alg" json:"alg,omitzero"`                         // by default the first that fits the key
	ExpiresAt      *string `yaml:"expires_at" json:"expires_at,omitzero"`           // RFC 3339; may be past
	PEM            *string `yaml:"pem" json:"pem,omitzero"`                         // a public key or a certificate
}

const (
	privateKeyJWT = "private_key_jwt"

	maxClientKeys = 10
	maxKID        = 255 // bytes
)

// authentication keeps the client's public keys, and what they say of how it
// authenticates. Credentials and inline JWK Set are kept as one list: what c
// mentions of them replaces all that is stored.
func (c Client) authentication(r *vault.Client) error {
	var method *PrivateKeyJWT
	if c.ClientAuthenticationMethods != nil {
		method = c.ClientAuthenticationMethods.PrivateKeyJWT
	}
	published := c.JWKSURI != nil && *c.JWKSURI != ""
	inline := c.JWKS != nil && len(c.JWKS.Keys) > 0
	switch {
	case published && inline: // RFC 7591, section 2
		return &vault.Invalid{Field: "jwks_uri", Problem: "stands beside jwks: remove one of the two"}
	case published:
		if err := checkEndpoint("jwks_uri", *c.JWKSURI); err != nil {
			return err
		}
	}
	set(&r.JWKSURI, c.JWKSURI)
	if c.TokenEndpointAuthMethod == nil && (method != nil || inline || published) {
		r.AuthMethod = privateKeyJWT
	}
	if method != nil && r.AuthMethod != privateKeyJWT {
		return &vault.Invalid{Field: "client_authentication_methods", Problem: "says private_key_jwt, and token_endpoint_auth_method says otherwise: remove one of the two"}
	}
	if err := c.keys(r, method); err != nil {
		return err
	}
	if c.SignedRequestObject != nil {
		set(&r.RequireSignedRequest, c.SignedRequestObject.Required)
	}
	if r.RequireSignedRequest && len(r.Keys) == 0 && r.JWKSURI == "" {
		return &vault.Invalid{Field: "signed_request_object.required", Problem: "needs a key: add signed_request_object.credentials, jwks or jwks_uri"}
	}
	return nil
}

func (c Client) keys(r *vault.Client, method *PrivateKeyJWT) error {
	var kept []vault.ClientKey
	add := func(path string, k vault.ClientKey, err error) error {
		i := slices.IndexFunc(kept, func(other vault.ClientKey) bool { return other.ID == k.ID || other.JWK == k.JWK })
		switch {
		case err != nil:
			return err
		case i >= 0 && kept[i] != k: // RFC 8725, section 3.1
			return &vault.Invalid{Field: path, Problem: "has the key or the kid of another, and differs: give each key once, with one kid and one alg"}
		case i < 0 && len(kept) == maxClientKeys:
			return &vault.Invalid{Field: path, Problem: fmt.Sprintf("is one of more than %d keys: remove those that the client has stopped using", maxClientKeys)}
		case i < 0:
			kept = append(kept, k)
		}
		return nil
	}
	credentials := func(path string, list []Credential) error {
		for i, credential := range list {
			k, err := credential.key(at(path, i), r.FAPI)
			if err := add(at(path, i), k, err); err != nil {
				return err
			}
		}
		return nil
	}
	said := c.JWKS != nil
	if method != nil && method.Credentials != nil {
		said = true
		if err := credentials("client_authentication_methods.private_key_jwt.credentials", method.Credentials); err != nil {
			return err
		}
	}
	if c.JWKS != nil {
		for i, jwk := range c.JWKS.Keys {
			path := at("jwks.keys", i)
			k, err := jwk.key(path, r.FAPI)
			if err := add(path, k, err); err != nil {
				return err
			}
		}
	}
	if c.SignedRequestObject != nil && c.SignedRequestObject.Credentials != nil {
		said = true
		if err := credentials("signed_request_object.credentials", c.SignedRequestObject.Credentials); err != nil {
			return err
		}
	}
	if said {
		r.Keys = kept
	}
	return nil
}

// key is the credential to keep.
func (c Credential) key(path string, fapi bool) (k vault.ClientKey, err error) {
	if err := oneOf(path+".credential_type", c.CredentialType, "public_key"); err != nil {
		return k, err
	}
	if c.PEM == nil {
		return k, &vault.Invalid{Field: path + ".pem", Problem: "is missing"}
	}
	var fits []string
	public, err := parsePEM(*c.PEM)
	if err == nil {
		k, fits, err = keyOf(public)
	}
	if err != nil {
		return k, &vault.Invalid{Field: path + ".pem", Problem: err.Error()}
	}
	if c.ExpiresAt != nil {
		expires, err := time.Parse(time.RFC3339, *c.ExpiresAt)
		if err != nil || expires.IsZero() {
			return k, &vault.Invalid{Field: path + ".expires_at", Problem: "should be a time such as 2030-01-31T00:00:00Z"}
		}
		k.Expires = expires.UTC().Truncate(time.Second)
	}
	var kid, alg string
	set(&kid, c.KID)
	set(&alg, c.Alg)
	return k, identify(&k, path, kid, alg, fits, fapi)
}

// key is the JWK to keep.
func (k JWK) key(path string, fapi bool) (kept vault.ClientKey, err error) {
	var fits []string
	public, err := k.public()
	if err == nil {
		kept, fits, err = keyOf(public)
	}
	if err != nil {
		return kept, &vault.Invalid{Field: path, Problem: err.Error()}
	}
	return kept, identify(&kept, path, k.KID, k.Alg, fits, fapi)
}

// identify gives a key its ID and its algorithm: exactly one (RFC 8725, section
// 3.1), which for FAPI is not RS256 (FAPI 2.0 Security Profile, section 5.4.1).
func identify(k *vault.ClientKey, path, kid, alg string, fits []string, fapi bool) error {
	if alg == "Ed25519" { // its newer name (RFC 9864, section 2.2)
		alg = "EdDSA"
	}
	why := ""
	if fapi {
		why = ", since compliance_level is " + fapi2DPoP
		fits = slices.DeleteFunc(fits, func(alg string) bool { return alg == "RS256" })
	}
	switch {
	case alg != "" && !slices.Contains(fits, alg):
		return &vault.Invalid{Field: path + ".alg", Problem: "does not fit the key: should be " + or(fits) + why}
	case len(kid) > maxKID || strings.ContainsFunc(kid, func(r rune) bool { return !unicode.IsPrint(r) }):
		return &vault.Invalid{Field: path + ".kid", Problem: fmt.Sprintf("should be text in one line, of at most %d bytes", maxKID)}
	}
	k.ID, k.Alg = kid, alg
	if kid == "" {
		k.ID = thumbprint(k.JWK)
	}
	if alg == "" {
		k.Alg = fits[0]
	}
	return nil
}

// credentialsOf are the shapes of a client's keys. What is stored without an ID
// or an algorithm shows the defaults.
func credentialsOf(r vault.Client) []Credential {
	var out []Credential
	for _, k := range r.Keys {
		var jwk JWK
		if err := json.Unmarshal([]byte(k.JWK), &jwk); err != nil {
			continue // nothing that was checked before it was kept
		}
		if k.ID != "" {
			jwk.KID = k.ID
		}
		if k.Alg != "" {
			jwk.Alg = k.Alg
		}
		public, err := jwk.public()
		if err != nil {
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			continue
		}
		if named, err := jwk.key("", r.FAPI); err == nil {
			jwk.KID, jwk.Alg = named.ID, named.Alg
		}
		c := Credential{
			CredentialType: new("public_key"), KID: given(jwk.KID), Alg: given(jwk.Alg),
			PEM: new(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))),
		}
		if !k.Expires.IsZero() {
			c.ExpiresAt = new(k.Expires.UTC().Format(time.RFC3339))
		}
		out = append(out, c)
	}
	return out
}

// checkEndpoint finds fault with a URL of the client's that the gateway itself
// calls.
func checkEndpoint(field, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return &vault.Invalid{Field: field, Problem: "should be a URL with https (or, on this machine, http://localhost), without user name and fragment"}
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
