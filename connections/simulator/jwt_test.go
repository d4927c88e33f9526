package simulator_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sallyport/connections/simulator"
)

// verify checks a JWT with the published keys and returns its header and
// claims.
func (o *org) verify(token string) (header jose.Header, claims map[string]any) {
	o.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(o.get("/id/keys", "").body), &set); err != nil {
		o.t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		o.t.Fatal(err)
	}
	if err := parsed.Claims(set, &claims); err != nil {
		o.t.Fatal(err)
	}
	return parsed.Headers[0], claims
}

func TestIDToken(t *testing.T) {
	o := start(t)
	set := o.signIn("nonce", "n-1")
	header, claims := o.verify(set.IDToken)
	if !regexp.MustCompile(`^\d+$`).MatchString(header.KeyID) {
		t.Errorf("kid %q", header.KeyID)
	}
	sum := sha256.Sum256([]byte(set.AccessToken))
	want := map[string]any{
		"iss": o.url, "sub": set.ID, "aud": key, "nonce": "n-1",
		"iat": float64(o.now.Now().Unix()), "exp": float64(o.now.Now().Add(2 * time.Minute).Unix()),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	for name, value := range want {
		if claims[name] != value {
			t.Errorf("%s: got %v, want %v", name, claims[name], value)
		}
	}
	if len(claims) != len(want) {
		t.Errorf("claims: %v", claims)
	}
	_, claims = o.verify(o.tokenSet(refreshment(set.RefreshToken)).IDToken)
	if _, ok := claims["nonce"]; ok {
		t.Error("nonce after a refresh")
	}
}

func TestIDTokenTTL(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) { a.IDTokenTTL = time.Hour })
	_, claims := o.verify(o.signIn().IDToken)
	if claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
		t.Errorf("%v", claims)
	}
}

func TestJWTAccessToken(t *testing.T) {
	o := start(t, func(_ *simulator.Salesforce, a *simulator.App) {
		a.JWTAccessTokens, a.JWTTimeout = true, 30*time.Minute
	})
	set := o.signIn("scope", "api refresh_token")
	header, claims := o.verify(set.AccessToken)
	if !regexp.MustCompile(`^CORE_ATJWT\.00DSa000000sim1\.\d{13}$`).MatchString(header.KeyID) ||
		header.ExtraHeaders["tty"] != "sfdc-core-token" || header.ExtraHeaders["typ"] != "JWT" || header.ExtraHeaders["ver"] != "1.0" ||
		header.ExtraHeaders["tnk"] != "core/prod/00DSa000000sim1MAA" {
		t.Errorf("header: %+v", header)
	}
	now := float64(o.now.Now().Unix())
	for name, value := range map[string]any{
		"scp": "api refresh_token", "iss": o.url, "sub": "uid:005Sa000000adaLIAQ", "client_id": key, "mty": "oauth",
		"iat": now, "nbf": now - 15, "exp": now + 1800, "hsc": false,
	} {
		if claims[name] != value {
			t.Errorf("%s: got %v, want %v", name, claims[name], value)
		}
	}
	if aud, ok := claims["aud"].([]any); !ok || len(aud) != 1 || aud[0] != o.url {
		t.Errorf("aud: %v", claims["aud"])
	}
	if again := o.tokenSet(refreshment(set.RefreshToken)); again.AccessToken == set.AccessToken {
		t.Error("the same JWT again")
	}
	o.now.Move(29 * time.Minute)
	if !o.alive(set.AccessToken) {
		t.Error("dead before its expiry")
	}
	o.now.Move(time.Minute)
	if o.alive(set.AccessToken) {
		t.Error("use has moved a fixed expiry")
	}
}

func TestKeysAreManyAndUnsorted(t *testing.T) {
	o := start(t)
	r := o.get("/id/keys", "")
	var set struct {
		Keys []struct{ Kty, Alg, Use, Kid, N, E, D string }
	}
	if err := json.Unmarshal([]byte(r.body), &set); err != nil || r.Header.Get("Content-Type") != asJSON {
		t.Fatal(err, r.Header)
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
		if k.Kty != "RSA" || k.Alg != "RS256" || k.Use != "sig" || k.E != "AQAB" || k.N == "" || k.D != "" {
			t.Errorf("%+v", k)
		}
	}
	if got := strings.Join(kids, " "); got != "264 266 262 CORE_ATJWT.00DSa000000sim1.1767225600000" {
		t.Errorf("kids: %s", got)
	}
}

func TestDiscovery(t *testing.T) {
	const older = "end_session_endpoint frontchannel_logout_supported frontchannel_logout_session_supported " +
		"issuer authorization_endpoint token_endpoint revocation_endpoint userinfo_endpoint jwks_uri registration_endpoint " +
		"introspection_endpoint scopes_supported response_types_supported subject_types_supported " +
		"id_token_signing_alg_values_supported display_values_supported token_endpoint_auth_methods_supported claims_supported"
	const newer = older + " dpop_signing_alg_values_supported code_challenge_methods_supported grant_types_supported"
	for _, recent := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			o := start(t, func(s *simulator.Salesforce, _ *simulator.App) { s.Org.RecentMetadata = recent })
			r := o.get("/.well-known/openid-configuration", "")
			got := strings.Join(regexp.MustCompile(`"(\w+)":`).FindAllString(r.body, -1), " ")
			want := older
			if recent {
				want = newer
			}
			if got = strings.NewReplacer(`"`, "", ":", "").Replace(got); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if !strings.Contains(r.body, `"issuer":"`+o.url+`"`) || !strings.Contains(r.body, `"jwks_uri":"`+o.url+`/id/keys"`) {
				t.Error(r.body)
			}
			if o.get("/.well-known/oauth-authorization-server", "").StatusCode != 404 {
				t.Error("RFC 8414 metadata are there")
			}
		})
	}
}
