package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gosalesforce "github.com/k-capehart/go-salesforce/v3"
	"github.com/markbates/goth"
	gothsalesforce "github.com/markbates/goth/providers/salesforce"
)

// salesforce is a simulated Salesforce by itself, at a URL.
func salesforce(t *testing.T, flags ...string) string {
	t.Helper()
	listen, port := freeAddress(t)
	address := "http://localhost:" + port
	start(t, append([]string{"simulate", "salesforce", "--listen", listen, "--callback", callback}, flags...)...).
		answers(t, address+"/.well-known/openid-configuration")
	return address
}

const (
	consumerKey    = "simulated-consumer-key"
	consumerSecret = "simulated-consumer-secret"
)

// endToken ends an access token as an administrator would.
func endToken(t *testing.T, salesforce, token string) {
	t.Helper()
	resp, err := http.PostForm(salesforce+"/services/oauth2/revoke", url.Values{"token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("revoke: %s", resp.Status)
	}
}

// TestGothSignsInAtTheSimulatedSalesforce by HTTP Basic, without PKCE, and with
// two slashes before the identity URL's path.
func TestGothSignsInAtTheSimulatedSalesforce(t *testing.T) {
	at := salesforce(t, "--no-pkce")
	gothsalesforce.AuthURL, gothsalesforce.TokenURL = at+"/services/oauth2/authorize", at+"/services/oauth2/token"
	provider := gothsalesforce.New(consumerKey, consumerSecret, callback, "api", "id", "openid", "refresh_token")
	session, err := provider.BeginAuth(state)
	if err != nil {
		t.Fatal(err)
	}
	address, err := session.GetAuthURL()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ada(t).visit(address, callback)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Authorize(provider, goth.Params(back.Query())); err != nil {
		t.Fatal(err)
	}
	user, err := provider.FetchUser(session)
	if err != nil || user.Email != "ada@example.com" || !strings.HasPrefix(user.UserID, "005") {
		t.Fatalf("%+v, %v", user, err)
	}
	endToken(t, at, user.AccessToken)
	fresh, err := provider.RefreshToken(user.RefreshToken)
	if err != nil || fresh.AccessToken == user.AccessToken {
		t.Errorf("refresh: %v", err)
	}
	if !fresh.Expiry.IsZero() {
		t.Errorf("Salesforce says no expires_in, and the token expires %v", fresh.Expiry)
	}
	if _, err := provider.RefreshToken(user.RefreshToken); err == nil {
		t.Error("a spent refresh token is taken")
	}
}

func TestGoSalesforceUsesClientCredentials(t *testing.T) {
	at := salesforce(t, "--run-as", "ada@example.com")
	sf, err := gosalesforce.Init(gosalesforce.Creds{Domain: at, ConsumerKey: consumerKey, ConsumerSecret: consumerSecret})
	if err != nil {
		t.Fatal(err)
	}
	queries(t, at, sf)
	if _, err := gosalesforce.Init(gosalesforce.Creds{Domain: salesforce(t), ConsumerKey: consumerKey, ConsumerSecret: consumerSecret}); err == nil {
		t.Error("an org without a run-as user gave a token")
	}
}

// TestGoSalesforceUsesAJWT whose exp is a string, and whose audience is a host
// that it does not ask.
func TestGoSalesforceUsesAJWT(t *testing.T) {
	key, certificate := keyPair(t)
	at := salesforce(t, "--certificate", certificate, "--preauthorized")
	creds := gosalesforce.Creds{Domain: at, Username: "ada@example.com", ConsumerKey: consumerKey, ConsumerRSAPem: key}
	sf, err := gosalesforce.Init(creds)
	if err != nil {
		t.Fatal(err)
	}
	queries(t, at, sf)
	creds.Username = "nobody@example.com"
	if _, err := gosalesforce.Init(creds); err == nil {
		t.Error("a user who does not exist got a token")
	}
	creds.Username = "ada@example.com"
	creds.ConsumerRSAPem, _ = keyPair(t)
	if _, err := gosalesforce.Init(creds); err == nil {
		t.Error("another key got a token")
	}
}

// queries has a client query, and once more when its session has ended.
func queries(t *testing.T, at string, sf *gosalesforce.Salesforce) {
	t.Helper()
	for range 2 {
		var accounts []struct{ Name string }
		if err := sf.Query("SELECT Id, Name FROM Account", &accounts); err != nil || len(accounts) == 0 {
			t.Fatalf("%v, %v", accounts, err)
		}
		endToken(t, at, sf.GetAccessToken())
	}
}

// keyPair is a key, in PEM, and the file of its certificate.
func keyPair(t *testing.T) (key, file string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stranger"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})), file
}
