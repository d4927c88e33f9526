package kmstest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What the fake of AWS knows.
const (
	AWSRegion    = "eu-central-1"
	AWSKey       = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	AWSID        = "AKIAIOSFODNN7EXAMPLE"
	AWSSecret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	AWSSession   = "a-session-token"
	AWSRole      = "arn:aws:iam::111122223333:role/sallyport"
	AWSPodToken  = "a-token-of-the-pod"     // that the container's endpoint asks for
	AWSWebToken  = "a-token-of-the-cluster" // that STS takes
	awsIMDSToken = "a-token-of-the-instance"
)

// AWS is KMS, at /; and STS there, the credentials of a container at /container, and
// the metadata service of EC2.
type AWS struct{ Answers }

func (s *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const role = "/latest/meta-data/iam/security-credentials/"
	switch {
	case r.URL.Path == "/container" && r.Header.Get("Authorization") == AWSPodToken:
		awsCredentials(w, "Token")
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		io.WriteString(w, awsIMDSToken)
	case strings.HasPrefix(r.URL.Path, role) && r.Header.Get("X-Aws-Ec2-Metadata-Token") == awsIMDSToken:
		if r.URL.Path == role {
			io.WriteString(w, "sallyport")
			return
		}
		awsCredentials(w, "Token")
	case r.Method == http.MethodPost && r.URL.Path == "/" && r.Header.Get("X-Amz-Target") == "":
		sts(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/":
		s.kms(w, r)
	default:
		http.Error(w, "there is nothing here", http.StatusNotFound)
	}
}

func awsCredentials(w http.ResponseWriter, session string) {
	json.NewEncoder(w).Encode(map[string]string{"Code": "Success", "AccessKeyId": AWSID, "SecretAccessKey": AWSSecret, session: AWSSession,
		"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
}

func sts(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("Action") != "AssumeRoleWithWebIdentity" || r.PostFormValue("Version") != "2011-06-15" || r.PostFormValue("RoleArn") != AWSRole ||
		r.PostFormValue("RoleSessionName") == "" || r.PostFormValue("WebIdentityToken") != AWSWebToken {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`)
		return
	}
	fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>%s</SessionToken><SecretAccessKey>%s</SecretAccessKey><AccessKeyId>%s</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
		AWSSession, AWSSecret, AWSID)
}

func (s *AWS) kms(w http.ResponseWriter, r *http.Request) {
	if s.instead(w) {
		return
	}
	b, _ := io.ReadAll(r.Body)
	var body struct {
		KeyID             string `json:"KeyId"`
		Plaintext         []byte
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	refuse := func(kind, message string) {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message})
	}
	context := func() []byte { b, _ := json.Marshal(body.EncryptionContext); return b }
	switch {
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || json.Unmarshal(b, &body) != nil:
		refuse("SerializationException", "")
	case !signedV4(r, b):
		refuse("InvalidSignatureException", "The Canonical String for this request should have been 'x-amz-security-token:"+AWSSession+"'")
	case body.KeyID != AWSKey:
		refuse("NotFoundException", "Key '"+body.KeyID+"' does not exist")
	case r.Header.Get("X-Amz-Target") == "TrentService.Encrypt":
		json.NewEncoder(w).Encode(map[string]any{"KeyId": AWSKey, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
			"CiphertextBlob": sealer().Seal(nil, nil, body.Plaintext, context())})
	case r.Header.Get("X-Amz-Target") == "TrentService.Decrypt":
		plain, err := sealer().Open(nil, nil, body.CiphertextBlob, context())
		if err != nil {
			refuse("InvalidCiphertextException", "")
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"KeyId": AWSKey, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "Plaintext": plain})
	default:
		refuse("UnknownOperationException", "")
	}
}

// signedV4 tells whether a request to KMS is signed with the secret that the fake
// knows, just now, with all that matters in it
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
func signedV4(r *http.Request, body []byte) bool {
	date := r.Header.Get("X-Amz-Date")
	signed, err := time.Parse("20060102T150405Z", date)
	if err != nil || time.Since(signed).Abs() > 5*time.Minute {
		return false
	}
	scope := date[:8] + "/" + AWSRegion + "/kms/aws4_request"
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+AWSID+"/"+scope+", SignedHeaders=")
	names, signature, found := strings.Cut(rest, ", Signature=")
	if !ok || !found {
		return false
	}
	headers := strings.Split(names, ";")
	must := []string{"content-type", "host", "x-amz-date", "x-amz-target"}
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		if token != AWSSession {
			return false
		}
		must = append(must, "x-amz-security-token")
	}
	for _, name := range must {
		if !slices.Contains(headers, name) {
			return false
		}
	}
	var canonical bytes.Buffer
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range headers {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.TrimSpace(value))
	}
	fmt.Fprintf(&canonical, "\n%s\n%x", names, sha256.Sum256(body))
	key := []byte("AWS4" + AWSSecret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, part)
	}
	want := hmacOf(key, fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%x", date, scope, sha256.Sum256(canonical.Bytes())))
	return signature == hex.EncodeToString(want)
}

func hmacOf(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, data)
	return h.Sum(nil)
}
