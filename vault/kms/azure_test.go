package kms_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport/vault/kms/kmstest"
)

func TestAzure(t *testing.T) {
	forget(t)
	service := &kmstest.Azure{}
	s := httptest.NewServer(service)
	defer s.Close()
	t.Setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", s.URL)
	uri := strings.Replace(s.URL, "http://", "azurekv+http://", 1) + kmstest.AzureKey
	k := open(t, uri)
	sealed := seal(t, k)
	if !strings.HasPrefix(sealed, kmstest.AzureVersion+".") {
		t.Errorf("%s does not name the key's version", sealed)
	}
	// The key may be named with any of its versions; the ciphertext says which.
	seal(t, open(t, uri+"/"+kmstest.AzureVersion))
	checkRefusals(t, &service.Answers, k, sealed, map[string]refusal{
		"no permission":  {kmstest.Answer{Status: 403, Body: `{"error":{"code":"Forbidden","message":"Caller is not authorized to perform action on resource.\r\nIf role assignments were changed recently, observe propagation time.","innererror":{"code":"ForbiddenByRbac"}}}`}, "ForbiddenByRbac Caller is not authorized to perform action on resource. If role", false},
		"disabled":       {kmstest.Answer{Status: 403, Body: `{"error":{"code":"Forbidden","message":"Operation unwrapKey is not allowed on a disabled key.","innererror":{"code":"KeyDisabled"}}}`}, "is disabled", false},
		"another tenant": {kmstest.Answer{Status: 401, Body: `{"error":{"code":"Unauthorized","message":"AKV10032: Invalid issuer."}}`}, "of the vault's tenant", false},
		"another key's":  {kmstest.Answer{Status: 400, Body: `{"error":{"code":"BadParameter"}}`}, "the RSA key that the root key was encrypted under", false},
		"too much asked": {kmstest.Answer{Status: 429, Body: `{}`}, "does not answer", true},
		"out of order":   {kmstest.Answer{Status: 503, Body: `{}`}, "does not answer", true},
	})
	_, err := k.Decrypt(t.Context(), strings.Repeat("0", 32)+"."+"AAAA")
	checkError(t, "no such version", err, "recover it if it was deleted")
	service.Next(kmstest.Answer{Status: 200, Body: `{"value":"AAAA"}`})
	_, err = k.Encrypt(t.Context(), []byte(plain))
	checkError(t, "no version", err, "which version")
}

// TestAzureCredentials finds an identity wherever Azure puts it.
func TestAzureCredentials(t *testing.T) {
	s := httptest.NewServer(&kmstest.Azure{})
	defer s.Close()
	application := func(name, value string) map[string]string {
		return map[string]string{"AZURE_AUTHORITY_HOST": s.URL + "/", "AZURE_TENANT_ID": kmstest.AzureTenant, "AZURE_CLIENT_ID": kmstest.AzureClient, name: value}
	}
	for _, tt := range []struct {
		name, says string
		env        map[string]string
	}{
		{"an application", "", application("AZURE_CLIENT_SECRET", kmstest.AzureSecret)},
		{"a wrong secret", "AADSTS7000215", application("AZURE_CLIENT_SECRET", "another")},
		{"an application without a tenant", "AZURE_TENANT_ID", map[string]string{"AZURE_CLIENT_SECRET": kmstest.AzureSecret}},
		{"Entra ID in the clear", "http is for localhost alone", map[string]string{"AZURE_AUTHORITY_HOST": "http://login.example.com", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}},
		{"a workload", "", application("AZURE_FEDERATED_TOKEN_FILE", file(t, kmstest.AzureFederatedToken))},
		{"a workload without its token", "read AZURE_FEDERATED_TOKEN_FILE", application("AZURE_FEDERATED_TOKEN_FILE", "missing")},
		{"a machine", "", map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": s.URL}},
		{"a machine with several", "", map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": s.URL, "AZURE_CLIENT_ID": kmstest.AzureClient}},
		{"a machine with others", "that the machine has that identity", map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": s.URL, "AZURE_CLIENT_ID": "another"}},
		{"an app service", "", map[string]string{"IDENTITY_ENDPOINT": s.URL + "/msi/token", "IDENTITY_HEADER": kmstest.AzureIdentityHeader}},
		{"none", "give this machine a managed identity", map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forget(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			k := open(t, strings.Replace(s.URL, "http://", "azurekv+http://", 1)+kmstest.AzureKey)
			if tt.says == "" {
				seal(t, k)
				return
			}
			_, err := k.Encrypt(t.Context(), []byte(plain))
			checkError(t, tt.name, err, tt.says)
		})
	}
}
