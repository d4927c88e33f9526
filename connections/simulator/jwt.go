package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// idTokenClaims are all there are: what is known of the user is at userinfo
// (OpenID Connect Core, section 2).
type idTokenClaims struct {
	AtHash   string `json:"at_hash"`
	Subject  string `json:"sub"` // the identity URL
	Audience string `json:"aud"`
	Issuer   string `json:"iss"`
	Expires  int64  `json:"exp"` // seconds, as all times here
	IssuedAt int64  `json:"iat"`
	Nonce    string `json:"nonce,omitempty"`
}

func (s *Salesforce) idToken(h host, app App, user member, accessToken, nonce string, now time.Time) (string, error) {
	hash := sha256.Sum256([]byte(accessToken))
	return s.signIDToken(idTokenClaims{
		AtHash:   base64.RawURLEncoding.EncodeToString(hash[:16]),
		Subject:  h.identityURL(user),
		Audience: app.ConsumerKey,
		Issuer:   h.issuer(user),
		Expires:  now.Add(app.idTokenTTL()).Unix(),
		IssuedAt: now.Unix(),
		Nonce:    nonce,
	})
}

// accessTokenClaims name the user otherwise than the ID token does.
type accessTokenClaims struct {
	Scope     string   `json:"scp"`
	Audience  []string `json:"aud"`
	Subject   string   `json:"sub"` // "uid:" and the user's ID
	NotBefore int64    `json:"nbf"` // a quarter of a minute before iat
	MadeFor   string   `json:"mty"`
	Session   string   `json:"sfi"`
	Roles     []string `json:"roles"`
	Issuer    string   `json:"iss"`
	HighScope bool     `json:"hsc"`
	Expires   int64    `json:"exp"`
	IssuedAt  int64    `json:"iat"`
	ClientID  string   `json:"client_id"`

	Confirmation *confirmation `json:"cnf,omitempty"`
}

// confirmation names the key that a token is bound to (RFC 9449, section 6.1).
type confirmation struct {
	Thumbprint string `json:"jkt"`
}

// backdated is how far before its making a JWT access token becomes valid.
const backdated = 15 * time.Second

func (s *Salesforce) accessToken(h host, app App, user member, scopes []string, now, expires time.Time) (string, error) {
	var session [32]byte
	_, _ = rand.Read(session[:]) // never fails
	header := map[jose.HeaderKey]any{
		"tnk": "core/prod/" + user.org.ID,
		"ver": "1.0",
		"tty": "sfdc-core-token",
	}
	var bound *confirmation
	if app.proven != "" {
		bound = &confirmation{app.proven}
	}
	key := s.keyring()[s.signing().accessKeys]()
	return signJWT(key, accessTokenKeyID(user.org), header, accessTokenClaims{
		Scope:     join(scopes),
		Audience:  []string{h.instance(user.org)},
		Subject:   "uid:" + user.ID,
		NotBefore: now.Add(-backdated).Unix(),
		MadeFor:   "oauth",
		Session:   hex.EncodeToString(session[:]),
		Roles:     []string{},
		Issuer:    h.instance(user.org),
		Expires:   expires.Unix(),
		IssuedAt:  now.Unix(),
		ClientID:  app.ConsumerKey,

		Confirmation: bound,
	})
}

// signIDToken signs with the key in use.
func (s *Salesforce) signIDToken(claims any) (string, error) {
	k := s.signing().inUse
	return signJWT(s.keyring()[k.place](), k.kid, nil, claims)
}

func signJWT(key *rsa.PrivateKey, kid string, header map[jose.HeaderKey]any, claims any) (string, error) {
	options := (&jose.SignerOptions{ExtraHeaders: header}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	if err != nil {
		return "", fmt.Errorf("signer: %w", err)
	}
	jws, err := signer.Sign(marshal(claims))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return jws.CompactSerialize()
}

func join(scopes []string) string { return strings.Join(scopes, " ") }
