package connections

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"sallyport/vault"
)

// orgUser is the org and the user that an identity URL names: the last two
// parts of its path, in their form of 18 characters. The host before them
// varies, and means nothing.
func orgUser(id string) (org, user string, err error) {
	u, err := url.Parse(id)
	if err != nil {
		return "", "", errors.New("the identity URL is no URL")
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 3 || parts[len(parts)-3] != "id" {
		return "", "", errors.New("the identity URL names no org and user")
	}
	org, user = id18(parts[len(parts)-2]), id18(parts[len(parts)-1])
	if !strings.HasPrefix(org, "00D") || !strings.HasPrefix(user, "005") {
		return "", "", errors.New("the identity URL names no org and user")
	}
	return org, user, nil
}

// id18 is a Salesforce ID in its form of 18 characters: the last three tell
// which of the first 15 are upper case, five a character. It is "" for what is
// no ID.
func id18(id string) string {
	if len(id) != 15 && len(id) != 18 {
		return ""
	}
	suffix := ""
	for chunk := range slices.Chunk([]byte(id[:15]), 5) {
		bits := 0
		for i, c := range chunk {
			switch {
			case 'A' <= c && c <= 'Z':
				bits |= 1 << i
			case !('a' <= c && c <= 'z' || '0' <= c && c <= '9'):
				return ""
			}
		}
		suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits : bits+1]
	}
	return id[:15] + suffix
}

// pinnedOrg is the org that a connection is for, in 18 characters, or "" if it
// is for any.
func pinnedOrg(c vault.Connection) (string, error) {
	id := strings.TrimSpace(c.Options["org_id"])
	org := id18(id)
	invalid := func(problem string) (string, error) {
		return "", &vault.Invalid{Field: "options.org_id", Problem: problem + " (Setup, Company Information, Salesforce.com Organization ID)"}
	}
	switch {
	case id == "":
		return "", nil
	case org == "" || !strings.HasPrefix(org, "00D"):
		return invalid("should be the ID of an org: 15 or 18 letters and digits, beginning with 00D")
	case len(id) == 18 && id != org:
		return invalid("is misspelt: its last three characters, which tell upper case from lower, do not fit the others. Copy it anew")
	}
	return org, nil
}

// Admits reports whether the users of an identity's org may use a connection:
// the identity may be older than the setting that holds it to one.
func Admits(c vault.Connection, i vault.Identity) bool {
	org, err := pinnedOrg(c)
	return err == nil && (org == "" || org == i.Org)
}

// otherOrg is the error of a sign-in to another org than the connection's.
func (s *salesforceOrg) otherOrg(org string) *Error {
	return &Error{Connection: s.connection.Name, Kind: Denied,
		Description: "The user signed in to the org " + org + " at " + s.title() + ", and the connection is for users of the org " + s.org +
			" alone (its option org_id). Nothing was kept. Sign out at Salesforce, and sign in again as a user of that org.",
		Err: errors.New("a user of the org " + org)}
}
