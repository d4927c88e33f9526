package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// endSession signs the browser out (OpenID Connect RP-Initiated Logout,
// section 2). Tokens stay alive. It sends the browser on only to a logout URL
// of the app that the ID token was issued to.
func (s *Salesforce) endSession(w http.ResponseWriter, r *http.Request) error {
	s.forget(w, r)
	target := r.Form.Get("post_logout_redirect_uri")
	app, ok := s.hinted(r)
	if !ok || !slices.Contains(app.LogoutURLs, target) {
		render(w, http.StatusOK, "signedout", view{Title: "You are logged out", Org: hostOf(r).title()})
		return nil
	}
	if r.Form.Has("state") {
		to, err := url.Parse(target)
		if err != nil {
			return errMalformed
		}
		q := to.Query()
		q.Set("state", r.Form.Get("state"))
		to.RawQuery = q.Encode()
		target = to.String()
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusFound)
	return nil
}

func (s *Salesforce) forget(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.knownBrowser(r)
	if !ok {
		return
	}
	b.user = "" // a page that still waits in another tab must not go on as this user
	delete(s.browsers, b.id)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: b.path + "/", HttpOnly: true, MaxAge: -1, SameSite: http.SameSiteLaxMode})
}

// hinted finds the app that id_token_hint was issued to. The token may have
// expired, but must be ours.
func (s *Salesforce) hinted(r *http.Request) (App, bool) {
	token, err := jwt.ParseSigned(r.Form.Get("id_token_hint"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return App{}, false
	}
	var claims idTokenClaims
	for _, k := range s.signing().published {
		if k.kid == token.Headers[0].KeyID {
			err = token.Claims(s.keyring()[k.place]().Public(), &claims)
		}
	}
	if err != nil || !strings.HasPrefix(claims.Issuer, hostOf(r).root) {
		return App{}, false
	}
	app, err := s.app(claims.Audience)
	return app, err == nil
}
