package kmstest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// What the fake of Azure knows.
const (
	AzureKey            = "/keys/sallyport"
	AzureVersion        = "78deebed173b48e48f55abf87ed4cf71" // the newest
	AzureTenant         = "3dd1b9b0-tenant"
	AzureClient         = "a7f2b9b0-client"
	AzureSecret         = "a-secret-of-the-application"
	AzureFederatedToken = "a-token-of-the-cluster"
	AzureIdentityHeader = "a-header-of-the-app-service"
	azureToken          = "a-token-of-the-identity"
)

// Azure is a Key Vault, Microsoft Entra ID, the token endpoint of an App Service at
// /msi/token, and the metadata service of a machine.
type Azure struct{ Answers }

var azureOperation = regexp.MustCompile(`^/keys/([^/]+)/([0-9a-f]{32})?/(wrapkey|unwrapkey)$`)

func (s *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const vault = "https://vault.azure.net"
	query := r.URL.Query()
	switch {
	case r.URL.Path == "/"+AzureTenant+"/oauth2/v2.0/token":
		proven := r.PostFormValue("client_secret") == AzureSecret || r.PostFormValue("client_assertion") == AzureFederatedToken &&
			r.PostFormValue("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
		if !proven || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("client_id") != AzureClient || r.PostFormValue("scope") != vault+"/.default" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`)
			return
		}
		tokenAnswer(w, azureToken)
	case r.URL.Path == "/metadata/identity/oauth2/token" && r.Header.Get("Metadata") == "true" && query.Get("api-version") == "2018-02-01" && query.Get("resource") == vault,
		r.URL.Path == "/msi/token" && r.Header.Get("X-Identity-Header") == AzureIdentityHeader && query.Get("api-version") == "2019-08-01" && query.Get("resource") == vault:
		if !slices.Contains([]string{"", AzureClient}, query.Get("client_id")) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_request","error_description":"Identity not found"}`)
			return
		}
		tokenAnswer(w, azureToken)
	case azureOperation.MatchString(r.URL.Path) && query.Get("api-version") == "7.4":
		s.key(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Azure) key(w http.ResponseWriter, r *http.Request) {
	if s.instead(w) {
		return
	}
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message}})
	}
	found := azureOperation.FindStringSubmatch(r.URL.Path)
	var body struct{ Alg, Value string }
	err := json.NewDecoder(r.Body).Decode(&body)
	value, errValue := base64.RawURLEncoding.DecodeString(body.Value)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+azureToken:
		refuse(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
		return
	case "/keys/"+found[1] != AzureKey || found[2] != "" && found[2] != AzureVersion:
		refuse(404, "KeyNotFound", "A key with (name/id) "+found[1]+"/"+found[2]+" was not found in this key vault.")
		return
	case err != nil, errValue != nil, body.Alg != "RSA-OAEP-256":
		refuse(400, "BadParameter", "Key and signing algorithm are incompatible.")
		return
	case found[3] == "wrapkey":
		value, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &rsaKey().PublicKey, value, nil)
	default:
		value, err = rsa.DecryptOAEP(sha256.New(), nil, rsaKey(), value, nil)
	}
	if err != nil {
		refuse(400, "BadParameter", "The parameter is incorrect.")
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"kid": "https://" + r.Host + AzureKey + "/" + AzureVersion, "value": base64.RawURLEncoding.EncodeToString(value)})
}
