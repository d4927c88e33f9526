package kms

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// awsKey is a symmetric key in AWS KMS, by its ARN:
//
//	awskms://arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//
// The ARN of an alias does as well, for as long as it is one of the same key. The
// service is asked in the ARN's region, or at AWS_ENDPOINT_URL_KMS or
// AWS_ENDPOINT_URL.
type awsKey struct{ arn, partition, region string }

// awsDomains end the host names of services, by partition.
var awsDomains = map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}

func openAWS(u *url.URL) (Key, error) {
	arn := strings.TrimPrefix(u.Path, "/")
	parts := strings.SplitN(arn, ":", 6) // arn:PARTITION:kms:REGION:ACCOUNT:key/ID
	if u.Host != "" || len(parts) != 6 || parts[2] != "kms" || slices.Contains(parts, "") ||
		!strings.HasPrefix(parts[5], "key/") && !strings.HasPrefix(parts[5], "alias/") {
		return nil, fmt.Errorf("%s names no key of AWS KMS: it should be awskms:// and the key's ARN, as awskms://arn:aws:kms:eu-central-1:111122223333:key/ID", u)
	}
	return awsKey{arn: arn, partition: parts[1], region: parts[3]}, nil
}

// endpoint is the URL of a service of AWS in the key's region, unless a variable
// says another.
func (k awsKey) endpoint(service string) (string, error) {
	address := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_"+strings.ToUpper(service)), os.Getenv("AWS_ENDPOINT_URL"))
	if address == "" {
		domain, ok := awsDomains[k.partition]
		if !ok {
			return "", fmt.Errorf("the hosts of the partition %s are not known: give the URL of the service in AWS_ENDPOINT_URL_%s", k.partition, strings.ToUpper(service))
		}
		address = "https://" + service + "." + k.region + "." + domain
	}
	return strings.TrimSuffix(address, "/") + "/", checkEndpoint(address)
}

// awsRequest is a request of Encrypt or Decrypt
// (https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html). Bytes are
// base64 in it.
type awsRequest struct {
	KeyID             string `json:"KeyId"`
	Plaintext         []byte `json:",omitempty"`
	CiphertextBlob    []byte `json:",omitempty"`
	EncryptionContext map[string]string
}

// awsContext binds a ciphertext, and is what the condition key
// kms:EncryptionContext:purpose compares.
var awsContext = map[string]string{"purpose": purpose}

func (k awsKey) Encrypt(ctx context.Context, plain []byte) (string, error) {
	var answer struct{ CiphertextBlob []byte }
	err := k.ask(ctx, "Encrypt", awsRequest{KeyID: k.arn, Plaintext: plain, EncryptionContext: awsContext}, &answer)
	if err == nil && len(answer.CiphertextBlob) == 0 {
		err = errors.New("there is no ciphertext in the answer: check the key's URI")
	}
	return base64.StdEncoding.EncodeToString(answer.CiphertextBlob), err
}

func (k awsKey) Decrypt(ctx context.Context, sealed string) ([]byte, error) {
	blob, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errNotSealed
	}
	var answer struct{ Plaintext []byte }
	err = k.ask(ctx, "Decrypt", awsRequest{KeyID: k.arn, CiphertextBlob: blob, EncryptionContext: awsContext}, &answer)
	return answer.Plaintext, err
}

func (k awsKey) ask(ctx context.Context, operation string, body, to any) error {
	address, err := k.endpoint("kms")
	if err != nil {
		return err
	}
	req, err := request(ctx, address, http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"TrentService." + operation}}, body)
	if err != nil {
		return err
	}
	credentials, err := k.credentials(ctx)
	if err != nil {
		return err
	}
	signed, err := req.GetBody()
	if err != nil {
		return err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, signed); err != nil {
		return err
	}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(hash.Sum(nil)), "kms", k.region, time.Now()); err != nil {
		return err
	}
	return ask(req, to, func(status int, answer []byte) error { return k.refused("kms:"+operation, status, answer) })
}

func (k awsKey) refused(action string, status int, answer []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string
	}
	json.Unmarshal(answer, &said)
	why := said.Type[strings.LastIndex(said.Type, "#")+1:]
	switch why {
	case "ThrottlingException":
		return fmt.Errorf("%w: AWS KMS says %s", ErrUnavailable, why)
	case "AccessDeniedException":
		return fmt.Errorf("the key management service refused (%s): allow %s on %s to the role of this process, in a policy of the role or of the key", oneLine(said.Message), action, k.arn)
	case "NotFoundException":
		return fmt.Errorf("there is no key %s in %s (%s): check the region, the account and the ID in the key's URI", k.arn, k.region, oneLine(said.Message))
	case "DisabledException":
		return fmt.Errorf("the key %s is disabled: enable it in AWS KMS", k.arn)
	case "KMSInvalidStateException":
		return fmt.Errorf("the key %s cannot be used (%s): if it is to be deleted, cancel that and enable it", k.arn, oneLine(said.Message))
	case "InvalidCiphertextException", "IncorrectKeyException":
		return fmt.Errorf("the key management service refused (%s): check that the key is the one that the root key was encrypted under", why)
	case "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "InvalidSignatureException", "SignatureDoesNotMatch", "MissingAuthenticationTokenException", "IncompleteSignatureException":
		// Its message may tell the request that was signed, and so the session's token.
		return fmt.Errorf("the key management service does not take the credentials of this process (%s): check that they are current, the clock right, and AWS_ENDPOINT_URL_KMS, if it is set, of the region %s", why, k.region)
	}
	return fmt.Errorf("the key management service refused (%d: %s %s): check that the URI is of a symmetric key for encryption", status, why, oneLine(said.Message))
}
