package oidc

import (
	"fmt"
	"slices"
	"time"

	"sallyport/vault"
)

// Signers are the Signers of all keys that are published, those first that
// sign, or will sign, the latest.
type Signers []*Signer

// NewSigners returns the Signers of keys, which may be in any order.
func NewSigners(keys []vault.SigningKey) (Signers, error) {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b vault.SigningKey) int { return b.NotBefore.Compare(a.NotBefore) })
	var l Signers
	for _, k := range keys {
		s, err := NewSigner(k)
		if err != nil {
			return nil, err
		}
		l = append(l, s)
	}
	return l, nil
}

// For is the newest Signer for an algorithm that signs already; "" means
// [DefaultAlg]. No other stands in for it, since whoever asked for one verifies
// with no other (OpenID Connect Core 1.0, section 3.1.3.7, number 7).
func (l Signers) For(alg string, now time.Time) (*Signer, error) {
	if alg == "" {
		alg = DefaultAlg
	}
	for _, s := range l {
		if s.Alg() == alg && !now.Before(s.notBefore) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no signing key for %s yet", alg)
}
