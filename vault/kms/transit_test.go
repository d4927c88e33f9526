package kms_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport/vault/kms"
)

// transit answers as OpenBao's Transit engine does for the key k, to who shows a
// token; each fault is an answer instead, once.
type transit struct {
	faults []fault
	asked  int
}

type fault struct {
	status int
	body   string
}

func (s *transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked++
	if len(s.faults) > 0 {
		w.WriteHeader(s.faults[0].status)
		io.WriteString(w, s.faults[0].body)
		s.faults = s.faults[1:]
		return
	}
	var body struct{ Plaintext, Ciphertext string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost || r.Header.Get("X-Vault-Token") != "a-token" || r.Header.Get("X-Vault-Namespace") != "" {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"errors":["permission denied"]}`)
		return
	}
	switch r.URL.Path {
	case "/v1/transit/encrypt/k":
		fmt.Fprintf(w, `{"data":{"ciphertext":"vault:v1:%s","key_version":1}}`, base64.StdEncoding.EncodeToString([]byte("sealed "+body.Plaintext)))
	case "/v1/transit/decrypt/k":
		sealed, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(body.Ciphertext, "vault:v1:"))
		plain, ok := strings.CutPrefix(string(sealed), "sealed ")
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"errors":["cipher: message authentication failed"]}`)
			return
		}
		fmt.Fprintf(w, `{"data":{"plaintext":%q}}`, plain)
	default:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"errors":[]}`)
	}
}

func TestTransit(t *testing.T) {
	t.Setenv("BAO_TOKEN", "a-token")
	t.Setenv("BAO_NAMESPACE", "")
	t.Setenv("VAULT_NAMESPACE", "")
	service := &transit{}
	s := httptest.NewServer(service)
	defer s.Close()
	at := func(path string) kms.Key {
		k, err := kms.Open(strings.Replace(s.URL, "http://", "openbao+http://", 1) + path)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k := at("/transit/keys/k")
	sealed, err := k.Encrypt(t.Context(), []byte("a root key"))
	if err != nil || !strings.HasPrefix(sealed, "vault:v1:") || strings.Contains(sealed, " ") {
		t.Fatalf("Encrypt = %q, %v", sealed, err)
	}
	if plain, err := k.Decrypt(t.Context(), sealed); string(plain) != "a root key" || err != nil {
		t.Errorf("Decrypt = %q, %v", plain, err)
	}
	for _, tt := range []struct {
		name        string
		fault       fault
		says        string
		unavailable bool
	}{
		{"no permission", fault{403, `{"errors":["permission denied"]}`}, "the capability update on transit/decrypt/k", false},
		{"no such key", fault{400, `{"errors":["encryption key not found"]}`}, "there is no key k in the Transit engine at transit", false},
		{"another key's", fault{400, `{"errors":["cipher: message authentication failed"]}`}, "the one that the root key was encrypted under", false},
		{"sealed", fault{503, `{"errors":["Vault is sealed"]}`}, "does not answer: 127.0.0.1", true},
		{"too much asked", fault{429, ``}, "does not answer", true},
		{"a page", fault{200, `<html>`}, "check the key's URI", false},
		{"elsewhere", fault{302, ``}, "refused (302", false},
	} {
		service.faults = []fault{tt.fault}
		_, err := k.Decrypt(t.Context(), sealed)
		if err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, kms.ErrUnavailable) != tt.unavailable {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "a-token") || strings.Contains(err.Error(), sealed)) {
			t.Errorf("%s: it tells secrets: %v", tt.name, err)
		}
	}
	if _, err := at("/elsewhere/keys/k").Encrypt(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "at elsewhere") {
		t.Errorf("another engine: %v", err)
	}
	s.Close()
	if _, err := k.Decrypt(context.Background(), sealed); !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestURIsOfKeys(t *testing.T) {
	t.Parallel()
	for uri, says := range map[string]string{
		"openbao://bao.example.com/transit/keys/k":                                         "",
		"hcvault://vault.example.com:8200/a/b/keys/k":                                      "",
		"openbao+http://localhost:8200/transit/keys/k":                                     "",
		"openbao+http://bao.example.com/transit/keys/k":                                    "http is for localhost alone",
		"openbao://bao.example.com/transit/k":                                              "names no key",
		"openbao:///transit/keys/k":                                                        "names no key",
		"openbao://bao.example.com/transit/keys/":                                          "names no key",
		"openbao://bao.example.com/transit/keys/a/b":                                       "names no key",
		"openbao://me:secret@bao.example.com/transit/keys/k":                               "credentials come from the environment",
		"awskms://arn:aws:kms:eu-central-1:111122223333:key/k":                             "",
		"awskms:///arn:aws:kms:eu-central-1:111122223333:alias/sallyport":                  "",
		"awskms://arn:aws:iam:eu-central-1:111122223333:key/k":                             "names no key",
		"awskms://arn:aws:kms::111122223333:key/k":                                         "names no key",
		"awskms://arn:aws:kms:eu-central-1:111122223333:k":                                 "names no key",
		"awskms://kms.eu-central-1.amazonaws.com/k":                                        "names no key",
		"gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k":                     "",
		"gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1": "names no key",
		"gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k%2f..":                "names no key",
		"gcpkms://p/k":                       "names no key",
		"azurekv://v.vault.azure.net/keys/k": "",
		"azurekv://v.vault.azure.net/keys/k/78deebed173b48e48f55abf87ed4cf71": "",
		"azurekv://v.vault.azure.net/k":                                       "names no key",
		"azurekv://v.vault.azure.net/keys/k/latest":                           "names no key",
		"azurekv+http://v.vault.azure.net/keys/k":                             "http is for localhost alone",
		"floppy://a": "should begin with awskms:// or azurekv:// or gcpkms:// or hcvault:// or openbao://",
		"://":        "no URI",
	} {
		_, err := kms.Open(uri)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", uri, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: it tells the password: %v", uri, err)
		}
	}
}
