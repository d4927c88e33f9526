package api

import (
	"errors"
	"strings"
	"time"

	"sallyport/vault"
)

// User is a person, in Auth0's shape. No token is in it.
type User struct {
	ID            string         `json:"user_id"`
	Email         string         `json:"email,omitempty"`
	EmailVerified *bool          `json:"email_verified,omitempty"`
	Username      string         `json:"username,omitempty"`
	Name          string         `json:"name,omitempty"`
	Nickname      string         `json:"nickname,omitempty"`
	GivenName     string         `json:"given_name,omitempty"`
	FamilyName    string         `json:"family_name,omitempty"`
	Picture       string         `json:"picture,omitempty"`
	Locale        string         `json:"locale,omitempty"`
	CreatedAt     *time.Time     `json:"created_at,omitempty"`
	UpdatedAt     *time.Time     `json:"updated_at,omitempty"`
	LastLogin     *time.Time     `json:"last_login,omitempty"`
	Logins        int            `json:"logins_count"`
	Blocked       bool           `json:"blocked,omitempty"`
	Identities    []UserIdentity `json:"identities"`
}

// UserIdentity is an account of a user's, in Auth0's shape.
type UserIdentity struct {
	Connection string `json:"connection"`
	Provider   string `json:"provider"` // strategy
	UserID     string `json:"user_id"`
	IsSocial   bool   `json:"isSocial"`
	Org        string `json:"org_id,omitempty"` // ours
}

func userOf(tx *vault.Tx, u vault.User) (User, error) {
	p := u.Profile
	shown := User{ID: u.ID, Email: p.Email, Username: p.Username, Name: p.Name, Nickname: p.Nickname, GivenName: p.GivenName, FamilyName: p.FamilyName,
		Picture: p.Picture, Locale: p.Locale, CreatedAt: utc(u.Created), UpdatedAt: utc(u.Updated), LastLogin: utc(u.LastLogin), Logins: u.Logins,
		Blocked: u.Blocked, Identities: []UserIdentity{}}
	if p.Email != "" {
		shown.EmailVerified = &p.EmailVerified
	}
	if shown.UpdatedAt == nil {
		shown.UpdatedAt = shown.CreatedAt
	}
	for _, key := range u.Identities {
		i, err := tx.Identities.Get(key)
		switch {
		case errors.Is(err, vault.ErrNotFound):
			continue
		case err != nil:
			return shown, err
		}
		shown.Identities = append(shown.Identities, UserIdentity{i.Connection, i.Strategy, i.UserID, true, i.Org})
	}
	return shown, nil
}

// userQueries are what users are searched by, each exactly.
var userQueries = map[string]func(User, string) bool{
	"user_id":  func(u User, s string) bool { return u.ID == s },
	"email":    func(u User, s string) bool { return strings.EqualFold(u.Email, s) },
	"username": func(u User, s string) bool { return strings.EqualFold(u.Username, s) },
	"identities.user_id": func(u User, s string) bool {
		for _, i := range u.Identities {
			if i.UserID == s {
				return true
			}
		}
		return false
	},
}

// parseUserQuery reads one condition of those that Auth0's search has, such as
// email:"ada@example.com".
func parseUserQuery(q string) (func(User) bool, error) {
	if q == "" {
		return func(User) bool { return true }, nil
	}
	field, value, _ := strings.Cut(q, ":")
	matches, ok := userQueries[field]
	if quoted := len(value) > 1 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`); quoted {
		value = value[1 : len(value)-1]
	}
	if !ok || value == "" || strings.ContainsAny(value, `"* `) {
		return nil, invalidQuery(`q should be one of email, username, user_id and identities.user_id with a whole value, such as email:"ada@example.com".`)
	}
	return func(u User) bool { return matches(u, value) }, nil
}
