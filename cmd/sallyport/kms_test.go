package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sallyport/vault/kms/kmstest"
)

// TestRootKeysOfKeyManagementServices runs a script with each service, whose key is
// $KMS.
func TestRootKeysOfKeyManagementServices(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, service http.Handler) (url string) {
		s := httptest.NewServer(service)
		t.Cleanup(s.Close)
		return s.URL
	}
	for scheme, setup := range map[string]func(*testing.T, *testscript.Env) (uri string){
		"awskms": func(t *testing.T, env *testscript.Env) string {
			env.Setenv("AWS_ENDPOINT_URL_KMS", serve(t, &kmstest.AWS{}))
			env.Setenv("AWS_ACCESS_KEY_ID", kmstest.AWSID)
			env.Setenv("AWS_SECRET_ACCESS_KEY", kmstest.AWSSecret)
			return "awskms://" + kmstest.AWSKey
		},
		"gcpkms": func(t *testing.T, env *testscript.Env) string {
			server := serve(t, &kmstest.Google{})
			file := filepath.Join(env.WorkDir, "account.json")
			if err := os.WriteFile(file, kmstest.GoogleFile(server), 0o600); err != nil {
				t.Fatal(err)
			}
			env.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", server+"/")
			env.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
			return "gcpkms://" + kmstest.GoogleKey
		},
		"azurekv": func(t *testing.T, env *testscript.Env) string {
			server := serve(t, &kmstest.Azure{})
			env.Setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", server)
			return "azurekv+" + server + kmstest.AzureKey
		},
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{Dir: "testdata/kms", Cmds: commands, Setup: func(env *testscript.Env) error {
				uri := setup(t, env)
				env.Setenv("KMS", uri)
				env.Setenv("SCHEME", strings.ReplaceAll(uri[:strings.Index(uri, "://")], "+", `\+`))
				return nil
			}})
		})
	}
}
