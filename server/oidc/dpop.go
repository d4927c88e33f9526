package oidc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/vault"
)

// Proof is a DPoP proof whose signature is good: the sender of a request has
// the private key (RFC 9449, section 4.2). Whether it is fresh is for
// [CheckProof] to say, and whether it is the right key for [CheckCodeKey],
// [CheckGrantKey] and [CheckPossession].
type Proof struct {
	Thumbprint string // of the key, the "jkt" of what is bound to it
	Alg        string
	ID         string // "jti"
	Issued     time.Time
	Nonce      string // of ours, or ""
	TokenHash  string // "ath", or ""
}

// TypProof is the type of DPoP proofs (RFC 9449, section 4.2).
const TypProof = "dpop+jwt"

// ParseProof reads the DPoP header of a request to a URI, of which query and
// fragment do not count (RFC 9449, section 4.3). The URI must be made from the
// issuer, not from what the request says its host is. A request without the
// header has a nil Proof.
func ParseProof(header []string, method, uri string) (*Proof, error) {
	switch len(header) {
	case 0:
		return nil, nil
	case 1:
	default: // section 4.3, number 1
		return nil, errorf(InvalidDPoPProof, "there are %d DPoP headers: send one", len(header))
	}
	p, err := parseProof(header[0], method, uri)
	if err != nil {
		return nil, errorf(InvalidDPoPProof, "the DPoP proof %s", err)
	}
	return p, nil
}

func parseProof(token, method, uri string) (*Proof, error) {
	s, err := readJWS(token, clientAlgs, true)
	switch {
	case err != nil: // section 4.3, numbers 2 and 5
		return nil, err
	case s.typ != TypProof: // number 4
		return nil, fmt.Errorf("is not of the type %s", TypProof)
	case s.jwk == nil: // number 3
		return nil, errors.New("has no jwk in its header")
	}
	key, err := parseJWK(s.jwk)
	switch {
	case err != nil: // number 7
		return nil, fmt.Errorf("has a jwk that %w", err)
	case !suits(key.Key, s.alg):
		return nil, fmt.Errorf("has a jwk that is no key for %s", s.alg)
	}
	claims, err := s.verify(key.Key) // number 6
	if err != nil {
		return nil, err
	}
	p := &Proof{Alg: s.alg}
	if p.Thumbprint, err = thumbprint(key); err != nil {
		return nil, err
	}
	var htm, htu string
	for name, to := range map[string]*string{"jti": &p.ID, "htm": &htm, "htu": &htu, "nonce": &p.Nonce, "ath": &p.TokenHash} {
		if *to, err = claims.text(name); err != nil {
			return nil, fmt.Errorf("has claims of which %w", err)
		}
	}
	p.Issued, err = claims.time("iat")
	switch {
	case err != nil:
		return nil, fmt.Errorf("has claims of which %w", err)
	case p.Issued.IsZero(): // number 3
		return nil, errors.New("has no 'iat'")
	case p.ID == "" || textProblem(p.ID, maxID) != nil: // number 3
		return nil, fmt.Errorf("has no 'jti' of 1 to %d characters", maxID)
	case htm != method: // number 8
		return nil, fmt.Errorf("is for another method: 'htm' should be %s", method)
	case !sameTarget(htu, uri): // number 9
		return nil, fmt.Errorf("is for another address: 'htu' should be %s", shown(target(uri)))
	}
	return p, nil
}

// sameTarget compares URIs without query and fragment, after the normalization
// of RFC 3986, sections 6.2.2 and 6.2.3 (RFC 9449, section 4.3).
func sameTarget(htu, uri string) bool {
	return len(htu) <= maxValue && target(htu) != "" && target(htu) == target(uri)
}

// target is the normal form of an http URI, or "" if it is none.
func target(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Opaque != "" {
		return ""
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	switch {
	case scheme != "http" && scheme != "https":
		return ""
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	if port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
		host += ":" + port
	}
	path := normalEscapes(u.EscapedPath())
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// normalEscapes writes a path's percent-encodings in capitals, and out where
// they need not be (RFC 3986, sections 6.2.2.1 and 6.2.2.2).
func normalEscapes(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if c, err := url.PathUnescape(path[i : i+3]); err == nil && madeOf(c, base64url+".~") {
				b.WriteString(c)
			} else {
				b.WriteString(strings.ToUpper(path[i : i+3]))
			}
			i += 2
			continue
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// For how long a proof without a nonce is good, and by how much the clock that
// it was made by may be ahead (RFC 9449, section 11.1; FAPI 2.0 Security
// Profile, section 5.3.2.1: at least 10 seconds).
const (
	proofLifetime = 60 * time.Second
	proofAhead    = 10 * time.Second
)

// ProofNeeds are what a proof must be besides well formed.
type ProofNeeds struct {
	AccessToken  vault.Secret // that it comes with, on a protected resource
	Nonces       []string     // that are good: see [Nonces]
	RequireNonce bool
	Algs         []string // that are allowed; nil if all are: see [AlgsOf]
}

// CheckProof finds fault with a proof that is not what is needed (RFC 9449,
// section 4.3), and returns until when its ID must not be seen again by the same
// key. A wrong or missing nonce is [UseDPoPNonce]: the answer must carry the
// newest in the DPoP-Nonce header. With a nonce the time is ours, and the
// client's clock does not matter (section 8).
func CheckProof(p *Proof, need ProofNeeds, now time.Time) (until time.Time, err error) {
	switch {
	case p == nil:
		return until, errorf(InvalidDPoPProof, "the DPoP header is missing")
	case need.Algs != nil && !slices.Contains(need.Algs, p.Alg):
		return until, errorf(InvalidDPoPProof, "the DPoP proof is signed with %s: use %s", p.Alg, strings.Join(need.Algs, ", "))
	case !need.AccessToken.IsZero() && subtle.ConstantTimeCompare([]byte(p.TokenHash), []byte(tokenHash(need.AccessToken.Reveal()))) != 1: // number 11a
		return until, errorf(InvalidDPoPProof, "the DPoP proof is for another access token: 'ath' should be the base64url of its SHA-256")
	case p.Nonce == "" && need.RequireNonce: // number 10
		return until, errorf(UseDPoPNonce, "Authorization server requires nonce in DPoP proof")
	case p.Nonce != "" && !slices.Contains(need.Nonces, p.Nonce):
		return until, errorf(UseDPoPNonce, "the nonce in the DPoP proof is not ours, or no longer good: use the one in the DPoP-Nonce header")
	case p.Nonce != "":
		return now.Add(NonceLifetime), nil
	case p.Issued.After(now.Add(proofAhead)): // number 12
		return until, errorf(InvalidDPoPProof, "the DPoP proof is from the future: compare the clocks, or use the nonce in the DPoP-Nonce header")
	case p.Issued.Before(now.Add(-proofLifetime)):
		return until, errorf(InvalidDPoPProof, "the DPoP proof is too old: make a new one for each request, and compare the clocks, or use the nonce in the DPoP-Nonce header")
	}
	return p.Issued.Add(proofLifetime + time.Second), nil
}

// tokenHash is the "ath" of an access token (RFC 9449, section 4.2).
func tokenHash(accessToken string) string {
	h := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(h[:])
}
