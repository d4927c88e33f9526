package kmstest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"
)

// What the fake of Google Cloud knows.
const (
	GoogleKey     = "projects/p-1/locations/europe-west3/keyRings/gateways/cryptoKeys/sallyport"
	googleAccount = "sallyport@p-1.iam.gserviceaccount.com"
	googleToken   = "a-token-of-the-service-account"
)

// Google is Cloud KMS, the token endpoint of service accounts at /token, and the
// metadata server.
type Google struct {
	Answers
	// Damages says that what is sent and answered changes on its way.
	Damages bool
}

// rsaKey makes a key: the service account's, and the one in Azure's vault.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// GoogleFile is the file of the service account whose token endpoint is that of the
// fake at a URL.
func GoogleFile(server string) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		panic(err)
	}
	b, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "p-1", "private_key_id": "k-1", "client_email": googleAccount, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": server + "/token"})
	if err != nil {
		panic(err)
	}
	return b
}

func (s *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/token":
		if !asserts(r) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
			return
		}
		tokenAnswer(w, googleToken)
	case r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/token" && r.Header.Get("Metadata-Flavor") == "Google":
		tokenAnswer(w, googleToken)
	case strings.HasPrefix(r.URL.Path, "/v1/"):
		s.kms(w, r)
	default:
		http.NotFound(w, r)
	}
}

func tokenAnswer(w http.ResponseWriter, token string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3599}`, token)
}

// asserts tells whether a token request has the assertion that Google asks of a
// service account (https://developers.google.com/identity/protocols/oauth2/service-account).
func asserts(r *http.Request) bool {
	parts := strings.Split(r.PostFormValue("assertion"), ".")
	if len(parts) != 3 || r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(&rsaKey().PublicKey, crypto.SHA256, hash[:], signature) != nil {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Iss, Scope, Aud string }
	return err == nil && json.Unmarshal(payload, &claims) == nil && claims.Iss == googleAccount &&
		claims.Scope == "https://www.googleapis.com/auth/cloudkms" && claims.Aud == "http://"+r.Host+"/token"
}

func (s *Google) kms(w http.ResponseWriter, r *http.Request) {
	if s.instead(w) {
		return
	}
	var body struct {
		Plaintext, Ciphertext, AdditionalAuthenticatedData                   []byte
		PlaintextCrc32c, CiphertextCrc32c, AdditionalAuthenticatedDataCrc32c *int64 `json:",string"`
	}
	refuse := func(code int, status, message string) {
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "status": status, "message": message}})
	}
	sum := func(b []byte) int64 { return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) }
	matches := func(b []byte, told *int64) bool { return told == nil || *told == sum(b) }
	name, verb, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"), ":")
	err := json.NewDecoder(r.Body).Decode(&body)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+googleToken:
		refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case name != GoogleKey:
		refuse(404, "NOT_FOUND", "CryptoKey "+name+" not found.")
	case err != nil, !matches(body.Plaintext, body.PlaintextCrc32c), !matches(body.Ciphertext, body.CiphertextCrc32c),
		!matches(body.AdditionalAuthenticatedData, body.AdditionalAuthenticatedDataCrc32c):
		refuse(400, "INVALID_ARGUMENT", "The checksum did not match the data.")
	case verb == "encrypt":
		sealed := sealer().Seal(nil, nil, body.Plaintext, body.AdditionalAuthenticatedData)
		told := fmt.Sprint(sum(sealed))
		if s.Damages {
			sealed[0] ^= 1
		}
		json.NewEncoder(w).Encode(map[string]any{"name": name + "/cryptoKeyVersions/1", "ciphertext": sealed, "ciphertextCrc32c": told, "protectionLevel": "SOFTWARE",
			"verifiedPlaintextCrc32c": body.PlaintextCrc32c != nil, "verifiedAdditionalAuthenticatedDataCrc32c": body.AdditionalAuthenticatedDataCrc32c != nil})
	case verb == "decrypt":
		plain, err := sealer().Open(nil, nil, body.Ciphertext, body.AdditionalAuthenticatedData)
		if err != nil {
			refuse(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey.")
			return
		}
		told := fmt.Sprint(sum(plain))
		if s.Damages {
			plain[0] ^= 1
		}
		json.NewEncoder(w).Encode(map[string]any{"plaintext": plain, "plaintextCrc32c": told, "usedPrimary": true, "protectionLevel": "SOFTWARE"})
	default:
		refuse(404, "NOT_FOUND", "")
	}
}
