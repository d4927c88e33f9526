package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/crypto"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// clientKey is the key of the client that authenticates with one, in PEM.
var clientKey = sync.OnceValue(func() (k struct{ private, public string }) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	k.private = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	k.public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	return k
})

// zitadel is a relying party of zitadel/oidc, and a way to assert who it is if
// it has no secret.
type zitadel struct {
	rp.RelyingParty
	g      *gateway
	assert func() string
}

func newZitadel(t *testing.T, clientID, secret string, options ...rp.Option) zitadel {
	t.Helper()
	g := newGateway(t, nil)
	options = append(options, rp.WithHTTPClient(g.http), rp.WithSigningAlgsFromDiscovery())
	party, err := rp.NewRelyingPartyOIDC(t.Context(), g.issuer, clientID, secret, callback, g.oauth2.Scopes, options...)
	if err != nil {
		t.Fatal(err)
	}
	z := zitadel{RelyingParty: party, g: g, assert: func() string { return "" }}
	if signer := party.Signer(); signer != nil {
		// client.SignedJWTProfileAssertion makes none that has a jti, which OpenID
		// Connect Core 1.0, section 9, requires.
		z.assert = func() string {
			now := time.Now()
			assertion, err := crypto.Sign(map[string]any{"iss": clientID, "sub": clientID, "aud": g.issuer, "jti": rand.Text(),
				"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}, signer)
			if err != nil {
				t.Fatal(err)
			}
			return assertion
		}
	}
	return z
}

// signInAndRefresh returns the tokens after a refresh.
func (z zitadel) signInAndRefresh(t *testing.T) *oidc.Tokens[*oidc.IDTokenClaims] {
	t.Helper()
	back, err := ada(t).visit(rp.AuthURL(state, z, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier))), callback)
	if err != nil {
		t.Fatal(err)
	}
	redeem := []rp.CodeExchangeOpt{rp.WithCodeVerifier(verifier)}
	var assertionType string
	if z.Signer() != nil {
		assertionType = oidc.ClientAssertionTypeJWTAssertion
		redeem = append(redeem, rp.WithClientAssertionJWT(z.assert()))
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](t.Context(), back.Query().Get("code"), z, redeem...)
	if err != nil {
		t.Fatal(err)
	}
	if c := tokens.IDTokenClaims; c.Email != "ada@example.com" || c.Issuer != z.g.issuer {
		t.Errorf("ID token: %+v", c)
	}
	next, err := rp.RefreshTokens[*oidc.IDTokenClaims](t.Context(), z, tokens.RefreshToken, z.assert(), assertionType)
	if err != nil {
		t.Fatal(err)
	}
	if next.RefreshToken == tokens.RefreshToken || next.AccessToken == tokens.AccessToken || next.IDTokenClaims.Subject != tokens.IDTokenClaims.Subject {
		t.Errorf("refresh: %+v", next)
	}
	info, err := rp.Userinfo[*oidc.UserInfo](t.Context(), next.AccessToken, next.TokenType, next.IDTokenClaims.Subject, z)
	if err != nil || info.Name != "Ada Lovelace" || !info.EmailVerified {
		t.Errorf("userinfo: %+v, %v", info, err)
	}
	return next
}

func TestZitadelSignsInRefreshesAndSignsOut(t *testing.T) {
	t.Parallel()
	z := newZitadel(t, clientID, clientSecret)
	tokens := z.signInAndRefresh(t)
	const home = "http://stranger.example/"
	to, err := rp.EndSession(t.Context(), z, tokens.IDToken, home, "bye", "", nil)
	if err != nil || !strings.HasPrefix(to.String(), home) || to.Query().Get("state") != "bye" {
		t.Errorf("end session: %v, %v", to, err)
	}
	if err := rp.RevokeToken(t.Context(), z, tokens.RefreshToken, "refresh_token"); err != nil {
		t.Error(err)
	}
	if _, err := rp.Userinfo[*oidc.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, z); err == nil {
		t.Error("the access token outlives its revocation")
	}
}

func TestZitadelAuthenticatesWithAKey(t *testing.T) {
	t.Parallel()
	key := []byte(clientKey().private)
	newZitadel(t, "asserter", "", rp.WithJWTProfile(rp.SignerFromKeyAndKeyID(key, "the-key")), rp.WithAuthStyle(oauth2.AuthStyleInParams)).signInAndRefresh(t)
}
