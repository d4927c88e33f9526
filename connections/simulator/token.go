package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// grants are the grant types served. Salesforce has others, which an org has to
// allow first.
var grants = map[string]func(*Salesforce, http.ResponseWriter, *http.Request) (pairs, error){
	"authorization_code": (*Salesforce).redeemCode,
	"refresh_token":      (*Salesforce).refresh,
	"client_credentials": (*Salesforce).clientCredentials,
	"password":           (*Salesforce).password,
	"urn:ietf:params:oauth:grant-type:jwt-bearer":   (*Salesforce).jwtBearer,
	"urn:ietf:params:oauth:grant-type:saml2-bearer": (*Salesforce).samlBearer,
}

// token is the token endpoint (RFC 6749, section 3.2). Parameters that it does
// not know are ignored, as are those that clients send to the wrong grant.
func (s *Salesforce) token(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return errPOST
	}
	grant, ok := grants[r.Form.Get("grant_type")]
	if !ok {
		return errGrantType
	}
	p, err := grant(s, w, r)
	if err != nil {
		return err
	}
	respond(w, r, http.StatusOK, p)
	return nil
}

// tokens is the answer to a grant: a session for the family, an ID token if
// the scopes ask for one, and never expires_in. An empty refresh leaves the
// refresh token out.
func (s *Salesforce) tokens(h host, app App, user member, f *family, refresh, nonce string) (pairs, error) {
	now := s.now()
	e, err := s.session(h, app, user, f.scopes, now)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(f.access, e.token) {
		f.access = append(f.access, e.token)
	}
	id := h.identityURL(user)
	issuedAt := strconv.FormatInt(now.UnixMilli(), 10)

	var p pairs
	p.add("access_token", e.token)
	p.add("refresh_token", refresh)
	p.add("signature", sign(app.ConsumerSecret, id+issuedAt))
	p.add("scope", join(f.scopes))
	if covers(f.scopes, "openid") {
		idToken, err := s.idToken(h, app, user, e.token, nonce, now)
		if err != nil {
			return nil, err
		}
		p.add("id_token", idToken)
	}
	p.add("instance_url", h.instance(user.org))
	p.add("id", id)
	p.add("token_type", app.tokenType())
	p.add("issued_at", issuedAt)
	if h.role == siteHost {
		p.add("sfdc_community_url", h.base())
		p.add("sfdc_community_id", h.site.ID)
	}
	return p, nil
}

// session begins a session, or finds the one that the same user, app and
// scopes have already: Salesforce answers with the same opaque token while it
// lives.
func (s *Salesforce) session(h host, app App, user member, scopes []string, now time.Time) (*session, error) {
	a := approval{user.Username, app.ConsumerKey}
	if !app.JWTAccessTokens && !app.FreshAccessTokens {
		for _, e := range s.sessions {
			if e.approval == a && e.timeout > 0 && now.Before(e.expires) && e.key == app.proven && sameScopes(e.scopes, scopes) {
				e.slide(now)
				return e, nil
			}
		}
	}
	e := &session{approval: a, scopes: scopes, issued: now, key: app.proven}
	if app.JWTAccessTokens {
		timeout := app.JWTTimeout
		if timeout == 0 {
			timeout = user.org.sessionTimeout()
		}
		e.expires = now.Add(timeout)
		var err error
		if e.token, err = s.accessToken(h, app, user, scopes, now, e.expires); err != nil {
			return nil, err
		}
	} else {
		e.timeout = user.org.sessionTimeout()
		e.expires = now.Add(e.timeout)
		e.token = user.org.ID[:15] + "!AQ" + randomText(94)
	}
	s.sessions[e.token] = e
	return e, nil
}

// tokenType is how the app is to show its access token.
func (a App) tokenType() string {
	if a.proven != "" {
		return "DPoP"
	}
	return "Bearer"
}

// sign proves to the app's holder that the identity URL came from Salesforce.
func sign(secret, message string) string {
	if secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func sameScopes(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
