package api

import (
	"encoding/json"
	"errors"
	"strings"

	"sallyport/vault"
)

// Secret is a secret on its way in. There is no way out: it has no JSON form.
type Secret struct{ vault.Secret }

// NewSecret makes a Secret of a value.
func NewSecret(value string) *Secret { return &Secret{vault.NewSecret(value)} }

// UnmarshalJSON reads a string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var value string
	if err := json.Unmarshal(b, &value); err != nil {
		return errors.New("a secret should be a string") // the cause might quote it
	}
	*s = *NewSecret(value)
	return nil
}

// Scopes is a list of scopes. Auth0's tools write it as a list for some
// strategies and as one string with spaces for others; both are read.
type Scopes []string

// UnmarshalJSON reads a list of strings, or one string.
func (s *Scopes) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		var text string
		if json.Unmarshal(b, &text) != nil {
			return errors.New("scope should be a list of strings, or one string with spaces")
		}
		list = []string{text}
	}
	*s = scopes(list)
	return nil
}

// scopes splits what may hold several scopes. The result is never nil.
func scopes(list []string) Scopes {
	return append(Scopes{}, strings.Fields(strings.Join(list, " "))...)
}

// secretName reports whether a field's path says that a secret stands there, as
// it may in options of a strategy that this package does not know.
func secretName(path string) bool {
	path = strings.ToLower(path)
	if strings.HasPrefix(strings.TrimPrefix(path, "_"), "client_authentication_methods") {
		return false // private_key_jwt is a method, and its keys are public
	}
	for _, word := range []string{"secret", "password", "passphrase", "private_key"} {
		if strings.Contains(path, word) {
			return true
		}
	}
	return false
}
