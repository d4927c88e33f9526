package kms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// azureKey is an RSA key in Azure Key Vault or a Managed HSM, by its identifier:
//
//	azurekv://VAULT.vault.azure.net/keys/NAME
//
// over https, or over http to this machine with azurekv+http. A version behind the
// name is the one that wraps; without it, the newest. The ciphertext names the
// version that unwraps it, so that the key may rotate.
//
// RSA-OAEP binds a ciphertext to nothing: there is no additional data in it.
type azureKey struct {
	vault    string // URL, with a slash at its end
	audience string // that tokens for the vault are made out to
	name     string
	version  string // or ""
}

var (
	azurePath    = regexp.MustCompile(`^/keys/([0-9A-Za-z-]+)(?:/([0-9a-f]{32}))?$`)
	azureVersion = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func openAzure(u *url.URL) (Key, error) {
	found := azurePath.FindStringSubmatch(u.Path)
	name, domain, _ := strings.Cut(u.Host, ".")
	if found == nil || name == "" {
		return nil, fmt.Errorf("%s names no key of Azure Key Vault: it should be as azurekv://VAULT.vault.azure.net/keys/NAME, or with the key's version behind it", u)
	}
	// Made out to the domain that the token is sent to, it is of no use elsewhere.
	k := azureKey{vault: "https://" + u.Host + "/", audience: "https://" + domain, name: found[1], version: found[2]}
	if strings.HasSuffix(u.Scheme, "+http") {
		k.vault, k.audience = "http://"+u.Host+"/", "https://vault.azure.net"
	}
	return k, checkEndpoint(k.vault)
}

// azureValue is the body of wrapkey and unwrapkey, and of their answers
// (https://learn.microsoft.com/rest/api/keyvault/keys/wrap-key/wrap-key). Bytes are
// base64url in it.
type azureValue struct {
	Algorithm string `json:"alg,omitempty"`
	KeyID     string `json:"kid,omitempty"`
	Value     string `json:"value"`
}

// Encrypt returns the version of the key, a point, and what was wrapped.
func (k azureKey) Encrypt(ctx context.Context, plain []byte) (string, error) {
	answer, err := k.ask(ctx, "wrapkey", k.version, base64.RawURLEncoding.EncodeToString(plain))
	if err != nil {
		return "", err
	}
	version := answer.KeyID[strings.LastIndex(answer.KeyID, "/")+1:]
	if !azureVersion.MatchString(version) || k.version != "" && version != k.version || answer.Value == "" || strings.ContainsAny(answer.Value, " \n") {
		return "", errors.New("the answer does not say which version of the key has wrapped what: check the key's URI")
	}
	return version + "." + answer.Value, nil
}

func (k azureKey) Decrypt(ctx context.Context, sealed string) ([]byte, error) {
	version, value, _ := strings.Cut(sealed, ".")
	if !azureVersion.MatchString(version) || value == "" {
		return nil, errNotSealed
	}
	answer, err := k.ask(ctx, "unwrapkey", version, value)
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.DecodeString(answer.Value)
}

func (k azureKey) ask(ctx context.Context, verb, version, value string) (answer azureValue, err error) {
	token, err := k.token(ctx)
	if err != nil {
		return answer, err
	}
	body := azureValue{Algorithm: "RSA-OAEP-256", Value: value}
	address := k.vault + "keys/" + k.name + "/" + version + "/" + verb + "?api-version=7.4"
	err = post(ctx, address, http.Header{"Authorization": {"Bearer " + token}}, body, &answer, func(status int, answer []byte) error {
		var said struct {
			Error struct {
				Code, Message string
				InnerError    struct{ Code string }
			}
		}
		json.Unmarshal(answer, &said)
		why := strings.TrimPrefix(said.Error.InnerError.Code+" "+oneLine(said.Error.Message), " ")
		switch {
		case status == http.StatusUnauthorized:
			return fmt.Errorf("the key management service does not take the token of this process (%s): is its identity of the vault's tenant?", why)
		case said.Error.InnerError.Code == "KeyDisabled" || said.Error.Code == "KeyDisabled":
			return fmt.Errorf("the key %s is disabled (%s): enable the version that the root key was encrypted under", k.name, why)
		case status == http.StatusForbidden:
			return fmt.Errorf("the key management service refused (%s): give the identity of this process %s on the key %s, by the role Key Vault Crypto Service Encryption User, see that the vault's firewall lets it in, and that the key is enabled and permits it", why, verb, k.name)
		case status == http.StatusNotFound:
			return fmt.Errorf("there is no key %s at %s (%s): make it, recover it if it was deleted, or check the key's URI", k.name, k.vault, why)
		}
		return fmt.Errorf("the key management service refused (%d: %s): check that the key is the RSA key that the root key was encrypted under", status, why)
	})
	return answer, err
}
