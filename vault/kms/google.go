package kms

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// googleKey is a symmetric key in Google's Cloud KMS, by its resource name:
//
//	gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/NAME
//
// The credentials are the application default ones: the file that
// GOOGLE_APPLICATION_CREDENTIALS names (a service account's, or of workload identity
// federation), or the metadata server's. The service is asked at
// CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS, if that is set.
type googleKey struct{ name string }

var googleName = regexp.MustCompile(`^projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+$`)

func openGoogle(u *url.URL) (Key, error) {
	k := googleKey{name: u.Host + u.Path}
	if !googleName.MatchString(k.name) {
		return nil, fmt.Errorf("%s names no key of Cloud KMS: it should be as gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/NAME", u)
	}
	return k, nil
}

// checksum is a CRC32C. Google asks for one of whatever is sent, tells one of
// whatever it answers, and recommends both to be compared
// (https://cloud.google.com/kms/docs/data-integrity-guidelines).
func checksum(b []byte) int64 { return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) }

// errDamaged may pass if it is asked again.
var errDamaged = fmt.Errorf("%w: what went to Cloud KMS or came from it was damaged on its way, by its CRC32C", ErrUnavailable)

// googleRequest is a request of encrypt or decrypt
// (https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys/encrypt).
// Bytes are base64 in it, and checksums strings.
type googleRequest struct {
	Plaintext        []byte `json:"plaintext,omitempty"`
	PlaintextCRC32C  *int64 `json:"plaintextCrc32c,string,omitempty"`
	Ciphertext       []byte `json:"ciphertext,omitempty"`
	CiphertextCRC32C *int64 `json:"ciphertextCrc32c,string,omitempty"`
	AAD              []byte `json:"additionalAuthenticatedData"`
	AADCRC32C        int64  `json:"additionalAuthenticatedDataCrc32c,string"`
}

func (k googleKey) Encrypt(ctx context.Context, plain []byte) (string, error) {
	var answer struct {
		Name                    string `json:"name"` // of the key's version
		Ciphertext              []byte `json:"ciphertext"`
		CiphertextCRC32C        int64  `json:"ciphertextCrc32c,string"`
		VerifiedPlaintextCRC32C bool   `json:"verifiedPlaintextCrc32c"`
		VerifiedAADCRC32C       bool   `json:"verifiedAdditionalAuthenticatedDataCrc32c"`
	}
	sum := checksum(plain)
	err := k.ask(ctx, "encrypt", googleRequest{Plaintext: plain, PlaintextCRC32C: &sum}, &answer)
	switch {
	case err != nil:
		return "", err
	case !strings.HasPrefix(answer.Name, k.name+"/cryptoKeyVersions/"):
		return "", errors.New("it was encrypted under another key: check the key's URI")
	case !answer.VerifiedPlaintextCRC32C, !answer.VerifiedAADCRC32C, checksum(answer.Ciphertext) != answer.CiphertextCRC32C:
		return "", errDamaged
	}
	return base64.StdEncoding.EncodeToString(answer.Ciphertext), nil
}

func (k googleKey) Decrypt(ctx context.Context, sealed string) ([]byte, error) {
	ciphertext, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errNotSealed
	}
	var answer struct {
		Plaintext       []byte `json:"plaintext"`
		PlaintextCRC32C int64  `json:"plaintextCrc32c,string"`
	}
	sum := checksum(ciphertext)
	err = k.ask(ctx, "decrypt", googleRequest{Ciphertext: ciphertext, CiphertextCRC32C: &sum}, &answer)
	if err == nil && checksum(answer.Plaintext) != answer.PlaintextCRC32C {
		err = errDamaged
	}
	if err != nil {
		return nil, err
	}
	return answer.Plaintext, nil
}

func (k googleKey) ask(ctx context.Context, verb string, body googleRequest, to any) error {
	server := strings.TrimSuffix(cmp.Or(os.Getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"), "https://cloudkms.googleapis.com/"), "/")
	if err := checkEndpoint(server); err != nil {
		return err
	}
	token, err := googleToken(ctx)
	if err != nil {
		return err
	}
	body.AAD, body.AADCRC32C = []byte(purpose), checksum([]byte(purpose))
	return post(ctx, server+"/v1/"+k.name+":"+verb, http.Header{"Authorization": {"Bearer " + token}}, body, to, func(status int, answer []byte) error {
		var said struct {
			Error struct{ Status, Message string }
		}
		json.Unmarshal(answer, &said)
		why := oneLine(said.Error.Message)
		switch said.Error.Status {
		case "PERMISSION_DENIED":
			return fmt.Errorf("the key management service refused (%s): give the service account of this process cloudkms.cryptoKeyVersions.useTo%s on %s, by a role such as Cloud KMS CryptoKey Encrypter/Decrypter, and see that the API is enabled", why, strings.ToUpper(verb[:1])+verb[1:], k.name)
		case "UNAUTHENTICATED":
			return fmt.Errorf("the key management service does not take the credentials of this process (%s): check GOOGLE_APPLICATION_CREDENTIALS, or the machine's service account", why)
		case "NOT_FOUND":
			return fmt.Errorf("there is no key %s (%s): check the project, the location, the key ring and the name in the key's URI", k.name, why)
		case "FAILED_PRECONDITION":
			return fmt.Errorf("the key %s cannot be used (%s): enable the version that the root key was encrypted under, or restore it", k.name, why)
		}
		return fmt.Errorf("the key management service refused (%d: %s): check that the key is the one that the root key was encrypted under", status, why)
	})
}

func googleToken(ctx context.Context) (string, error) {
	// A source keeps the context for as long as it lives: this is for one token.
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, client), answerTime)
	defer cancel()
	credentials, err := google.FindDefaultCredentials(ctx, "https://www.googleapis.com/auth/cloudkms")
	if err != nil {
		return "", fmt.Errorf("there are no credentials for Google Cloud (%s): give this machine a service account, or name a file of one in GOOGLE_APPLICATION_CREDENTIALS", oneLine(err.Error()))
	}
	token, err := credentials.TokenSource.Token()
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < 500 && refused.Response.StatusCode != http.StatusTooManyRequests:
		return "", fmt.Errorf("there is no token of Google's for the service account of this process (%d: %s %s): is it there and enabled, and its key current?", refused.Response.StatusCode, refused.ErrorCode, oneLine(refused.ErrorDescription))
	case err != nil:
		return "", fmt.Errorf("%w: no token of Google's for this process", ErrUnavailable)
	}
	return token.AccessToken, nil
}
