package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// proofAlgorithms are those that discovery lists.
var proofAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// proof is what a DPoP proof says (RFC 9449, section 4.2).
type proof struct {
	Method   string           `json:"htm"`
	URL      string           `json:"htu"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	Nonce    string           `json:"nonce"`
	AtHash   string           `json:"ath"`
}

// prove has the token request of an app with DPoP prove that the app has a key
// (RFC 9449, section 5), with our nonce, which whoever sends none is told.
func (s *Salesforce) prove(w http.ResponseWriter, r *http.Request, app App) (App, error) {
	if !app.DPoP {
		return app, nil
	}
	p, thumbprint, err := readProof(r, s.now())
	nonce := s.nonce()
	if r.Header.Get("DPoP") == "" || err == nil && p.Nonce != nonce {
		w.Header().Set("DPoP-Nonce", nonce)
		return App{}, errNonce
	}
	app.proven = thumbprint
	return app, err
}

// possesses tells whether a request with an access token proves that it has the
// key that the token is bound to, if it is (RFC 9449, section 7).
func (s *Salesforce) possesses(r *http.Request, e *session) bool {
	if e.key == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	p, thumbprint, err := readProof(r, s.now())
	sum := sha256.Sum256([]byte(token))
	return err == nil && strings.EqualFold(scheme, "DPoP") && thumbprint == e.key && p.AtHash == base64.RawURLEncoding.EncodeToString(sum[:])
}

// readProof checks the proof that a request carries (RFC 9449, section 4.3) and
// returns the thumbprint of its key.
func readProof(r *http.Request, now time.Time) (p proof, thumbprint string, err error) {
	if len(r.Header.Values("DPoP")) != 1 {
		return proof{}, "", errProof
	}
	token, err := jwt.ParseSigned(r.Header.Get("DPoP"), proofAlgorithms)
	if err != nil {
		return proof{}, "", errProof
	}
	header := token.Headers[0]
	if header.JSONWebKey == nil || !header.JSONWebKey.IsPublic() || header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" ||
		token.Claims(header.JSONWebKey, &p) != nil {
		return proof{}, "", errProof
	}
	if p.Method != r.Method || p.URL != hostOf(r).base()+r.URL.Path || p.IssuedAt == nil || now.Sub(p.IssuedAt.Time()).Abs() > skew {
		return proof{}, "", errProof
	}
	sum, err := header.JSONWebKey.Thumbprint(crypto.SHA256)
	if err != nil {
		return proof{}, "", errProof
	}
	return p, base64.RawURLEncoding.EncodeToString(sum), nil
}

// nonce is the one that proofs must have. The lock must not be held.
func (s *Salesforce) nonce() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proofNonce == "" {
		s.proofNonce = rand.Text()
	}
	return s.proofNonce
}

// RenewNonce has proofs of possession refused that have the nonce of before.
func (s *Salesforce) RenewNonce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proofNonce = rand.Text()
}
