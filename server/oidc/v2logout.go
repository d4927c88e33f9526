package oidc

import (
	"net/url"
	"slices"

	"sallyport/vault"
)

// V2LogoutRequest asks to sign a user out by Auth0's older endpoint.
type V2LogoutRequest struct {
	ClientID  string
	ReturnTo  string
	Federated bool // at the identity provider, too
}

// ParseV2LogoutRequest reads the parameters of a request to /v2/logout.
// federated is a flag, which is set by being there, with or without a value.
func ParseV2LogoutRequest(params url.Values) (V2LogoutRequest, error) {
	p := &parameters{values: params}
	r := V2LogoutRequest{
		ClientID:  p.get("client_id", maxName),
		ReturnTo:  p.get("returnTo", maxValue),
		Federated: params.Has("federated"),
	}
	return r, p.err()
}

// CheckV2LogoutRequest finds fault with a request to /v2/logout, and says where
// to send the user afterwards: to a URL that is registered to the client,
// character for character, by default the first. Nobody is sent anywhere for a
// client that is not named. client is the one that is, or nil.
func CheckV2LogoutRequest(client *vault.Client, r V2LogoutRequest) (Logout, error) {
	switch {
	case r.ClientID != "" && (client == nil || client.ID != r.ClientID):
		return Logout{}, errorf(InvalidRequest, "the client is unknown: check client_id")
	case r.ClientID == "" && r.ReturnTo != "":
		return Logout{}, errorf(InvalidRequest, "returnTo is sent without saying whose it is: send client_id with it")
	case r.ClientID == "":
		return Logout{}, nil
	case r.ReturnTo != "" && !slices.Contains(client.LogoutURIs, r.ReturnTo):
		return Logout{}, errorf(InvalidRequest,
			"returnTo '%s' is not registered for this client: add it to the client's allowed logout URLs, or send one of them, character for character",
			shown(r.ReturnTo))
	case r.ReturnTo == "" && len(client.LogoutURIs) > 0:
		return Logout{RedirectTo: client.LogoutURIs[0]}, nil
	}
	return Logout{RedirectTo: r.ReturnTo}, nil
}
