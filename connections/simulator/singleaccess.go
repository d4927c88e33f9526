package simulator

import (
	"crypto/rand"
	"net/http"
)

// singleAccess gives the holder of an access token an address at which a
// browser is signed in without a password. Nothing is at that address here.
func (s *Salesforce) singleAccess(w http.ResponseWriter, r *http.Request) error {
	u, err := s.identify(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"frontdoor_uri": hostOf(r).instance(u.org) + "/secur/frontdoor.jsp?otp=" + rand.Text(),
	})
	return nil
}

// authConfiguration describes the login page of an org to Salesforce's own
// mobile apps.
func (s *Salesforce) authConfiguration(w http.ResponseWriter, r *http.Request) error {
	h := hostOf(r)
	if h.role == loginHost {
		return errNotFound
	}
	writeJSON(w, http.StatusOK, struct {
		OrgID         string         `json:"OrgId"`
		URL           string         `json:"Url"`
		LoginPageType string         `json:"LoginPageType"`
		MobileSDK     map[string]any `json:"MobileSDK"`
		SAMLProviders []any          `json:"SamlProviders"`
		AuthProviders []any          `json:"AuthProviders"`
	}{h.orgs[0].ID, h.base(), "Standard", map[string]any{}, []any{}, []any{}})
	return nil
}
