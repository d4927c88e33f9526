package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sallyport/vault"
)

// ClaimRequest is how a client asks for one claim (OpenID Connect Core 1.0,
// section 5.5.1).
type ClaimRequest struct {
	Essential bool
	Values    []string // one of which it should have; those that are no strings are left out
}

// maxClaims is how many claims a request may ask for, of each kind.
const maxClaims = 50

// RequestedClaims reads the claims parameter of an authorization request: what
// is asked for in the ID token, and of the user-info endpoint (OpenID Connect
// Core 1.0, section 5.5). Claims that are unknown here are among them.
func RequestedClaims(raw string) (idToken, userInfo map[string]ClaimRequest, err error) {
	if raw == "" {
		return nil, nil, nil
	}
	malformed := func(err error) error { return errorf(InvalidRequest, "claims %s", err) }
	if len(raw) > maxState {
		return nil, nil, malformed(errors.New("is too long"))
	}
	asked, err := readObject([]byte(raw))
	if err != nil {
		return nil, nil, malformed(err)
	}
	for name, to := range map[string]*map[string]ClaimRequest{"id_token": &idToken, "userinfo": &userInfo} {
		if *to, err = readClaims(asked[name]); err != nil {
			return nil, nil, malformed(fmt.Errorf("has a member '%s' that %w", name, err))
		}
	}
	return idToken, userInfo, nil
}

func readClaims(raw json.RawMessage) (map[string]ClaimRequest, error) {
	if absent(raw) {
		return nil, nil
	}
	members, err := readObject(raw)
	switch {
	case err != nil:
		return nil, err
	case len(members) > maxClaims:
		return nil, fmt.Errorf("asks for more than %d claims", maxClaims)
	}
	claims := map[string]ClaimRequest{}
	for name, raw := range members {
		if claims[name], err = readClaim(raw); err != nil {
			return nil, fmt.Errorf("asks for '%s' with what %w", shown(name), err)
		}
	}
	return claims, nil
}

func readClaim(raw json.RawMessage) (c ClaimRequest, err error) {
	if absent(raw) {
		return c, nil
	}
	members, err := readObject(raw)
	if err != nil {
		return c, errors.New("is neither null nor an object")
	}
	if essential := members["essential"]; !absent(essential) && json.Unmarshal(essential, &c.Essential) != nil {
		return c, errors.New("has an 'essential' that is neither true nor false")
	}
	var values []json.RawMessage
	if list := members["values"]; !absent(list) && json.Unmarshal(list, &values) != nil {
		return c, errors.New("has 'values' that are no list")
	}
	for _, raw := range append(values, members["value"]) {
		var s *string
		if json.Unmarshal(raw, &s) == nil && s != nil {
			c.Values = append(c.Values, *s)
		}
	}
	return c, nil
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// ClaimScopes are the scopes that allow the claims asked for by name: what to
// ask a user's consent for, if the client needs it.
func ClaimScopes(requested ...map[string]ClaimRequest) []string {
	var scopes []string
	for _, scope := range []string{ScopeProfile, ScopeEmail} {
		for _, claims := range requested {
			for name := range claims {
				if slices.Contains(claimsOf[scope], name) && !slices.Contains(scopes, scope) {
					scopes = append(scopes, scope)
				}
			}
		}
	}
	return scopes
}

// OpenID Connect Core 1.0, sections 5.5 and 5.5.1.1: an essential acr with
// values that cannot be had is a failed authentication. The gateway vouches for
// none.
func checkClaims(_ vault.Client, r AuthorizationRequest) error {
	idToken, _, err := RequestedClaims(r.Claims)
	if err != nil {
		return err
	}
	if acr := idToken["acr"]; acr.Essential && len(acr.Values) > 0 {
		return errorf(UnmetRequirements, "the acr that claims asks for as essential cannot be had here: ask for it in acr_values, or not at all")
	}
	return nil
}

// HintedUser is the ID of the user whom the id_token_hint of a request is of, or
// "" if it has none (OpenID Connect Core 1.0, section 3.1.2.1).
func (ks *KeySet) HintedUser(r AuthorizationRequest, issuer string) (string, error) {
	if r.IDTokenHint.IsZero() {
		return "", nil
	}
	hint, err := ks.VerifyHint(r.IDTokenHint.Reveal(), issuer)
	switch {
	case err != nil:
		return "", &Error{Code: InvalidRequest, Description: "id_token_hint is no ID token of this issuer's", Err: err}
	case hint.ClientID != r.ClientID:
		return "", errorf(InvalidRequest, "id_token_hint was issued to another client")
	}
	return hint.Subject, nil
}

// CheckUser finds fault with an answer that is about another user than the
// client asked for, by id_token_hint or by a value for sub (OpenID Connect Core
// 1.0, sections 3.1.2.1, 3.1.2.2 and 5.5.1). It is for sessions, before they
// answer a request, and for users who have just signed in.
func CheckUser(r vault.AuthorizationRequest, userID string) error {
	idToken, userInfo, err := RequestedClaims(r.Claims)
	if err != nil {
		return err
	}
	wrong := r.HintedUser != "" && r.HintedUser != userID
	for _, asked := range []map[string]ClaimRequest{idToken, userInfo} {
		if sub := asked["sub"]; len(sub.Values) > 0 && !slices.Contains(sub.Values, userID) {
			wrong = true
		}
	}
	if wrong {
		return errorf(LoginRequired, "Login required: the user who is signed in is not the one that the application asked for")
	}
	return nil
}
