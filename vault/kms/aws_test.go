package kms_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"sallyport/vault/kms/kmstest"
)

const awsURI = "awskms://" + kmstest.AWSKey

func TestAWS(t *testing.T) {
	forget(t)
	service := &kmstest.AWS{}
	s := httptest.NewServer(service)
	defer s.Close()
	t.Setenv("AWS_ENDPOINT_URL_KMS", s.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", kmstest.AWSID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", kmstest.AWSSecret)
	k := open(t, awsURI)
	sealed := seal(t, k)
	checkRefusals(t, &service.Answers, k, sealed, map[string]refusal{
		"no permission":      {kmstest.Answer{Status: 400, Body: `{"__type":"AccessDeniedException","Message":"User: arn:aws:sts::1:assumed-role/r is not authorized to perform: kms:Decrypt"}`}, "allow kms:Decrypt on " + kmstest.AWSKey, false},
		"disabled":           {kmstest.Answer{Status: 400, Body: `{"__type":"DisabledException","message":"is disabled."}`}, "is disabled: enable it", false},
		"to be deleted":      {kmstest.Answer{Status: 400, Body: `{"__type":"KMSInvalidStateException","message":"is pending deletion."}`}, "cancel that", false},
		"another region":     {kmstest.Answer{Status: 400, Body: `{"__type":"NotFoundException","message":"Invalid arn eu-central-1"}`}, "check the region", false},
		"another key's":      {kmstest.Answer{Status: 400, Body: `{"__type":"com.amazonaws.kms#IncorrectKeyException"}`}, "the one that the root key was encrypted under", false},
		"old credentials":    {kmstest.Answer{Status: 400, Body: `{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`}, "check that they are current", false},
		"an asymmetric key":  {kmstest.Answer{Status: 400, Body: `{"__type":"InvalidKeyUsageException"}`}, "symmetric key", false},
		"too much asked":     {kmstest.Answer{Status: 400, Body: `{"__type":"ThrottlingException"}`}, "does not answer", true},
		"a fault of its own": {kmstest.Answer{Status: 500, Body: `{"__type":"KMSInternalException"}`}, "does not answer", true},
		"a page":             {kmstest.Answer{Status: 200, Body: `<html>`}, "check the key's URI", false},
	})
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	_, err := k.Decrypt(t.Context(), sealed)
	checkError(t, "a wrong secret", err, "does not take the credentials of this process (InvalidSignatureException)")
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://kms.example.com")
	_, err = k.Decrypt(t.Context(), sealed)
	checkError(t, "in the clear", err, "http is for localhost alone")
	_, err = open(t, "awskms://arn:aws-moon:kms:sea-1:1:key/k").Decrypt(t.Context(), sealed)
	checkError(t, "still in the clear", err, "http is for localhost alone")
	t.Setenv("AWS_ENDPOINT_URL_KMS", "")
	_, err = open(t, "awskms://arn:aws-moon:kms:sea-1:1:key/k").Decrypt(t.Context(), sealed)
	checkError(t, "an unknown partition", err, "AWS_ENDPOINT_URL_KMS")
}

// TestAWSCiphertextsAreBound looks at what is asked, which a policy may compare.
func TestAWSCiphertextsAreBound(t *testing.T) {
	forget(t)
	service := &kmstest.AWS{}
	var of string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		of = string(b)
		r.Body = io.NopCloser(bytes.NewReader(b))
		service.ServeHTTP(w, r)
	}))
	defer s.Close()
	t.Setenv("AWS_ENDPOINT_URL_KMS", s.URL+"/")
	t.Setenv("AWS_ACCESS_KEY_ID", kmstest.AWSID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", kmstest.AWSSecret)
	if _, err := open(t, awsURI).Encrypt(t.Context(), []byte(plain)); err != nil {
		t.Fatal(err)
	}
	if want := `{"KeyId":"` + kmstest.AWSKey + `","Plaintext":"YSByb290IGtleQ==","EncryptionContext":{"purpose":"sallyport root key"}}`; of != want {
		t.Errorf("asked %s, want %s", of, want)
	}
}

// TestAWSCredentials finds credentials wherever AWS puts them.
func TestAWSCredentials(t *testing.T) {
	s := httptest.NewServer(&kmstest.AWS{})
	defer s.Close()
	for _, tt := range []struct {
		name, says string
		env        map[string]string
	}{
		{"a session", "", map[string]string{"AWS_ACCESS_KEY_ID": kmstest.AWSID, "AWS_SECRET_ACCESS_KEY": kmstest.AWSSecret, "AWS_SESSION_TOKEN": kmstest.AWSSession}},
		{"a web identity", "", map[string]string{"AWS_ROLE_ARN": kmstest.AWSRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file(t, kmstest.AWSWebToken+"\n")}},
		{"of another cluster", "does the role trust", map[string]string{"AWS_ROLE_ARN": kmstest.AWSRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file(t, "another")}},
		{"no role", "AWS_ROLE_ARN", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": file(t, kmstest.AWSWebToken)}},
		{"no token", "read AWS_WEB_IDENTITY_TOKEN_FILE", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "missing"}},
		{"a container", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN": kmstest.AWSPodToken}},
		{"a pod", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file(t, kmstest.AWSPodToken)}},
		{"a pod elsewhere", "http is for localhost alone", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/container"}},
		{"a pod without a role", "has the task or the pod one", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/container"}},
		{"an instance", "", map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL}},
		{"none", "give this machine or container a role", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forget(t)
			t.Setenv("AWS_ENDPOINT_URL", s.URL)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if tt.says == "" {
				seal(t, open(t, awsURI))
				return
			}
			_, err := open(t, awsURI).Encrypt(t.Context(), []byte(plain))
			checkError(t, tt.name, err, tt.says)
		})
	}
}
