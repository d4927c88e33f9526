package kms_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/vault/kms"
	"sallyport/vault/kms/kmstest"
)

const plain = "a root key"

// forget takes away what this machine may say of its clouds.
func forget(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS",
		"AWS_ENDPOINT_URL_STS", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS",
		"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
}

func open(t *testing.T, uri string) kms.Key {
	t.Helper()
	k, err := kms.Open(uri)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// seal encrypts, and checks that it is decrypted again, and not when it was changed.
func seal(t *testing.T, k kms.Key) (sealed string) {
	t.Helper()
	sealed, err := k.Encrypt(t.Context(), []byte(plain))
	if err != nil || sealed == "" || strings.ContainsAny(sealed, " \n") || strings.Contains(sealed, plain) {
		t.Fatalf("Encrypt = %q, %v", sealed, err)
	}
	if b, err := k.Decrypt(t.Context(), sealed); string(b) != plain || err != nil {
		t.Fatalf("Decrypt = %q, %v", b, err)
	}
	middle := len(sealed) / 2
	changed := sealed[:middle] + string(sealed[middle]^1) + sealed[middle+1:]
	if b, err := k.Decrypt(t.Context(), changed); err == nil || errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("what was changed: %q, %v", b, err)
	}
	if _, err := k.Decrypt(t.Context(), "???"); err == nil || !strings.Contains(err.Error(), "not a whole root key") {
		t.Errorf("what was torn: %v", err)
	}
	return sealed
}

// refusal is what a service answers, and what is said of that.
type refusal struct {
	answer      kmstest.Answer
	says        string
	unavailable bool
}

func checkRefusals(t *testing.T, service *kmstest.Answers, k kms.Key, sealed string, refusals map[string]refusal) {
	t.Helper()
	for name, r := range refusals {
		service.Next(r.answer)
		_, err := k.Decrypt(t.Context(), sealed)
		checkError(t, name, err, r.says)
		if errors.Is(err, kms.ErrUnavailable) != r.unavailable {
			t.Errorf("%s: that it may pass is told wrongly: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), sealed) {
			t.Errorf("%s: it tells the ciphertext: %v", name, err)
		}
	}
}

func checkError(t *testing.T, name string, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %v, which should say %q", name, err, says)
		return
	}
	for _, secret := range []string{kmstest.AWSSecret, kmstest.AWSSession, kmstest.AWSWebToken, kmstest.AzureSecret, kmstest.AzureFederatedToken} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: it tells a secret: %v", name, err)
		}
	}
}

// file writes a file of the test's.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
