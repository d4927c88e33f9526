package kms

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// transit is a key of the Transit secrets engine, of OpenBao or HashiCorp Vault:
//
//	openbao://bao.example.com:8200/transit/keys/sallyport
//
// over https, or over http to this machine with openbao+http. The token is in
// BAO_TOKEN or VAULT_TOKEN, or where their login leaves it, in ~/.vault-token; a
// namespace in BAO_NAMESPACE or VAULT_NAMESPACE.
type transit struct {
	server      string // URL, with a slash at its end
	mount, name string
}

func openTransit(u *url.URL) (Key, error) {
	const form = "it should be as openbao://bao.example.com:8200/transit/keys/NAME"
	mount, name, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/keys/")
	if !ok || u.Host == "" || mount == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%s names no key of a Transit engine: %s", u, form)
	}
	k := transit{server: "https://" + u.Host + "/", mount: mount, name: name}
	if strings.HasSuffix(u.Scheme, "+http") {
		k.server = "http://" + u.Host + "/"
	}
	return k, checkEndpoint(k.server)
}

func (k transit) Encrypt(ctx context.Context, plain []byte) (string, error) {
	var answer struct{ Data struct{ Ciphertext string } }
	err := k.ask(ctx, "encrypt", map[string]string{"plaintext": base64.StdEncoding.EncodeToString(plain)}, &answer)
	if err == nil && (answer.Data.Ciphertext == "" || strings.ContainsAny(answer.Data.Ciphertext, " \n")) {
		err = errors.New("there is no ciphertext in the answer: check the key's URI")
	}
	return answer.Data.Ciphertext, err
}

func (k transit) Decrypt(ctx context.Context, sealed string) ([]byte, error) {
	var answer struct{ Data struct{ Plaintext []byte } }
	err := k.ask(ctx, "decrypt", map[string]string{"ciphertext": sealed}, &answer)
	return answer.Data.Plaintext, err
}

func (k transit) ask(ctx context.Context, verb string, body, to any) error {
	token, err := transitToken()
	if err != nil {
		return err
	}
	header := http.Header{"X-Vault-Token": {token}, "X-Vault-Request": {"true"}}
	if namespace := cmp.Or(os.Getenv("BAO_NAMESPACE"), os.Getenv("VAULT_NAMESPACE")); namespace != "" {
		header.Set("X-Vault-Namespace", namespace)
	}
	path := k.mount + "/" + verb + "/" + k.name
	return post(ctx, k.server+"v1/"+path, header, body, to, func(status int, answer []byte) error {
		var said struct{ Errors []string }
		json.Unmarshal(answer, &said)
		why := oneLine(strings.Join(said.Errors, "; "))
		switch {
		case status == http.StatusForbidden:
			return fmt.Errorf("the key management service refused (%s): is the token valid, and does its policy give the capability update on %s?", why, path)
		case status == http.StatusNotFound || strings.Contains(why, "key not found"):
			return fmt.Errorf("there is no key %s in the Transit engine at %s: make it, or check the key's URI", k.name, k.mount)
		}
		return fmt.Errorf("the key management service refused (%d: %s): check that the key is the one that the root key was encrypted under", status, why)
	})
}

func transitToken() (string, error) {
	if token := cmp.Or(os.Getenv("BAO_TOKEN"), os.Getenv("VAULT_TOKEN")); token != "" {
		return token, nil
	}
	home, err := os.UserHomeDir()
	if err == nil {
		var b []byte
		if b, err = os.ReadFile(filepath.Join(home, ".vault-token")); err == nil {
			return strings.TrimSpace(string(b)), nil
		}
	}
	return "", errors.New("there is no token for the key management service: give it in BAO_TOKEN or VAULT_TOKEN")
}
