package oidc

import (
	"net/url"
	"slices"

	"sallyport/vault"
)

// LogoutRequest asks to sign a user out (OpenID Connect RP-Initiated Logout
// 1.0, section 2).
type LogoutRequest struct {
	IDTokenHint vault.Secret
	ClientID    string
	RedirectURI string // post_logout_redirect_uri
	State       string
	UILocales   []string
}

// ParseLogoutRequest reads the parameters of a logout request.
func ParseLogoutRequest(params url.Values) (LogoutRequest, error) {
	p := &parameters{values: params}
	r := LogoutRequest{
		IDTokenHint: p.secret("id_token_hint"),
		ClientID:    p.get("client_id", maxName),
		RedirectURI: p.get("post_logout_redirect_uri", maxValue),
		State:       p.get("state", maxState),
		UILocales:   ParseScopes(p.get("ui_locales", maxValue)),
	}
	return r, p.err()
}

// Logout is what to do about a logout request that is not at fault.
type Logout struct {
	Confirm    bool   // ask the user first
	RedirectTo string // afterwards; "" means a page of ours
}

// LogoutClient is the ID of the client that a logout request comes from, or ""
// if it names none. hint is nil if there is no [KeySet.VerifyHint] of it. A
// client_id beside a hint must be the hint's (section 2).
func LogoutClient(r LogoutRequest, hint *Hint) (string, error) {
	switch {
	case hint == nil:
		return r.ClientID, nil
	case r.ClientID != "" && r.ClientID != hint.ClientID:
		return "", errorf(InvalidRequest, "client_id is not the client that the id_token_hint was issued to")
	}
	return hint.ClientID, nil
}

// CheckLogoutRequest finds fault with a logout request and says what to do
// about one without (sections 2, 3 and 6). client is the one of [LogoutClient],
// or nil; session is the browser's, or nil. The user is asked first unless a
// hint shows that the client knows whose session it ends. A request at fault
// sends nobody anywhere.
func CheckLogoutRequest(client *vault.Client, r LogoutRequest, hint *Hint, session *vault.Session) (Logout, error) {
	id, err := LogoutClient(r, hint)
	if err != nil {
		return Logout{}, err
	}
	switch {
	case id != "" && (client == nil || client.ID != id):
		return Logout{}, errorf(InvalidRequest, "the client is unknown: check client_id")
	case id == "" && r.RedirectURI != "":
		return Logout{}, errorf(InvalidRequest, "post_logout_redirect_uri is sent without saying whose it is: send client_id or a good id_token_hint with it")
	case r.RedirectURI != "" && !slices.Contains(client.LogoutURIs, r.RedirectURI):
		return Logout{}, errorf(InvalidRequest,
			"post_logout_redirect_uri '%s' is not registered for this client: add it to the client's allowed logout URLs, or send one of them, character for character",
			shown(r.RedirectURI))
	}
	var l Logout
	if session != nil {
		l.Confirm = hint == nil || hint.SID != session.SID || hint.Subject != session.User
	}
	if r.RedirectURI != "" {
		l.RedirectTo = withParams(r.RedirectURI, Param{"state", r.State})
	}
	return l, nil
}
