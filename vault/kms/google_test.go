package kms_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport/vault/kms"
	"sallyport/vault/kms/kmstest"
)

const googleURI = "gcpkms://" + kmstest.GoogleKey

func TestGoogle(t *testing.T) {
	forget(t)
	service := &kmstest.Google{}
	s := httptest.NewServer(service)
	defer s.Close()
	t.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", s.URL+"/")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file(t, string(kmstest.GoogleFile(s.URL))))
	k := open(t, googleURI)
	sealed := seal(t, k)
	checkRefusals(t, &service.Answers, k, sealed, map[string]refusal{
		"no permission":   {kmstest.Answer{Status: 403, Body: `{"error":{"status":"PERMISSION_DENIED","message":"Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource (or it may not exist)."}}`}, "give the service account of this process cloudkms.cryptoKeyVersions.useToDecrypt on projects/", false},
		"disabled":        {kmstest.Answer{Status: 400, Body: `{"error":{"status":"FAILED_PRECONDITION","message":"projects/p-1 is not enabled, current state is: DISABLED."}}`}, "enable the version", false},
		"another key's":   {kmstest.Answer{Status: 400, Body: `{"error":{"status":"INVALID_ARGUMENT","message":"Decryption failed"}}`}, "the one that the root key was encrypted under", false},
		"no token":        {kmstest.Answer{Status: 401, Body: `{"error":{"status":"UNAUTHENTICATED"}}`}, "check GOOGLE_APPLICATION_CREDENTIALS", false},
		"too much asked":  {kmstest.Answer{Status: 429, Body: `{}`}, "does not answer", true},
		"out of order":    {kmstest.Answer{Status: 503, Body: `{}`}, "does not answer", true},
		"without its sum": {kmstest.Answer{Status: 200, Body: `{"plaintext":"YSByb290IGtleQ=="}`}, "damaged on its way", true},
	})
	_, err := open(t, strings.Replace(googleURI, "sallyport", "another", 1)).Decrypt(t.Context(), sealed)
	checkError(t, "no such key", err, "check the project, the location")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file(t, strings.Replace(string(kmstest.GoogleFile(s.URL)), "sallyport@", "another@", 1)))
	_, err = k.Decrypt(t.Context(), sealed)
	checkError(t, "no such account", err, "is it there and enabled")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "missing")
	_, err = k.Decrypt(t.Context(), sealed)
	checkError(t, "no file", err, "name a file of one in GOOGLE_APPLICATION_CREDENTIALS")
}

// TestGoogleAnswersThatWereDamagedAreDiscarded compares the checksums, as Google's
// guidelines of data integrity recommend.
func TestGoogleAnswersThatWereDamagedAreDiscarded(t *testing.T) {
	forget(t)
	service := &kmstest.Google{}
	s := httptest.NewServer(service)
	defer s.Close()
	t.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", s.URL)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file(t, string(kmstest.GoogleFile(s.URL))))
	k := open(t, googleURI)
	sealed, err := k.Encrypt(t.Context(), []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	service.Damages = true
	if got, err := k.Encrypt(t.Context(), []byte(plain)); got != "" || !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("Encrypt = %q, %v", got, err)
	}
	if got, err := k.Decrypt(t.Context(), sealed); got != nil || !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("Decrypt = %q, %v", got, err)
	}
	for name, body := range map[string]string{
		"the plaintext's was not compared": `{"name":"` + kmstest.GoogleKey + `/cryptoKeyVersions/1","ciphertext":"","ciphertextCrc32c":"0","verifiedAdditionalAuthenticatedDataCrc32c":true}`,
		"nor the purpose's":                `{"name":"` + kmstest.GoogleKey + `/cryptoKeyVersions/1","ciphertext":"","ciphertextCrc32c":"0","verifiedPlaintextCrc32c":true}`,
		"another key":                      `{"name":"projects/p-2","verifiedPlaintextCrc32c":true}`,
	} {
		service.Next(kmstest.Answer{Status: 200, Body: body})
		if got, err := k.Encrypt(t.Context(), []byte(plain)); got != "" || err == nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestGoogleMetadataServer(t *testing.T) {
	forget(t)
	s := httptest.NewServer(&kmstest.Google{})
	defer s.Close()
	t.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", s.URL)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(s.URL, "http://"))
	seal(t, open(t, googleURI))
}
