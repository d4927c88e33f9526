package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// bearer authenticates the user by access token, from the Authorization header
// or, as RFC 6750 and older clients have it, a parameter. Using the token
// prolongs its session.
func (s *Salesforce) bearer(r *http.Request) (*session, member, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !slices.Contains([]string{"bearer", "oauth", "dpop"}, strings.ToLower(scheme)) {
		token = r.Form.Get("access_token")
		if token == "" {
			token = r.Form.Get("oauth_token")
		}
	}
	if token = strings.TrimSpace(token); token == "" {
		return nil, member{}, errMissingToken
	}
	now := s.now()
	e, user, ok := s.live(hostOf(r), token, now)
	if !ok || !s.possesses(r, e) {
		return nil, member{}, errBadToken
	}
	e.slide(now)
	return e, user, nil
}

// identityScopes are those that open userinfo and the identity URL.
var identityScopes = []string{"openid", "id", "profile", "email", "address", "phone", "api", "web", "full", "chatter_api"}

// identify is bearer for the identity endpoints, which answer all that is
// wrong with a token with 403 and a word.
func (s *Salesforce) identify(r *http.Request) (member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, user, err := s.bearer(r)
	if err == nil && !coversAny(e.scopes, identityScopes...) {
		err = errBadToken
	}
	return user, err
}

type photos struct {
	Picture   string `json:"picture"`
	Thumbnail string `json:"thumbnail"`
}

// userInfo is the UserInfo endpoint (OpenID Connect Core, section 5.3), whose
// updated_at is text and whose extra claims are Salesforce's own.
func (s *Salesforce) userInfo(w http.ResponseWriter, r *http.Request) error {
	u, err := s.identify(r)
	if err != nil {
		return err
	}
	h := hostOf(r)
	base := h.instance(u.org)
	writeJSON(w, http.StatusOK, struct {
		Subject           string            `json:"sub"`
		UserID            string            `json:"user_id"`
		OrganizationID    string            `json:"organization_id"`
		PreferredUsername string            `json:"preferred_username"`
		Nickname          string            `json:"nickname"`
		Name              string            `json:"name"`
		Email             string            `json:"email"`
		EmailVerified     bool              `json:"email_verified"`
		GivenName         string            `json:"given_name"`
		FamilyName        string            `json:"family_name"`
		Zoneinfo          string            `json:"zoneinfo"`
		Photos            photos            `json:"photos"`
		Profile           string            `json:"profile"`
		Picture           string            `json:"picture"`
		Address           map[string]string `json:"address"`
		URLs              any               `json:"urls"`
		Active            bool              `json:"active"`
		UserType          string            `json:"user_type"`
		Language          string            `json:"language"`
		Locale            string            `json:"locale"`
		UTCOffset         int               `json:"utcOffset"` // milliseconds
		UpdatedAt         string            `json:"updated_at"`
		IsAppInstalled    bool              `json:"is_app_installed"`
	}{
		h.identityURL(u), u.ID, u.org.ID, u.Username, u.nickname(), u.name(), u.Email, u.EmailVerified,
		u.FirstName, u.LastName, "Europe/London", photosOf(base), base + "/" + u.ID, photosOf(base).Picture,
		map[string]string{"country": "GB"}, urlsOf(base, u), !u.Inactive, "STANDARD", "en_US", "en_GB", 0,
		updatedAt.Format("2006-01-02T15:04:05Z"), true,
	})
	return nil
}

// updatedAt is when every record here was last changed.
var updatedAt = time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)

func photosOf(base string) photos {
	return photos{base + "/profilephoto/005/F", base + "/profilephoto/005/T"}
}
