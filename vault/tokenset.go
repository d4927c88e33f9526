package vault

import "time"

// TokenSet is what an identity provider issued for one identity: a connected
// account, as applications see it.
type TokenSet struct {
	forever
	Identity     string // key of the identity
	ID           string // "cac_…", for applications
	AccessToken  Secret
	RefreshToken Secret // none if the provider gave none
	IDToken      Secret // the last one, to be shown there when the user signs out
	Scopes       []string
	Issued       time.Time
	Expires      time.Time         // of the access token, by the best knowledge there is
	Params       map[string]string // what else calling the provider's API takes, as "instance_url"
	Rotation     Rotation
	Attempt      *Attempt // the refresh under way, if any
	Refusal      *Refusal // why no refresh can help any more, if so
	Created      time.Time
	Approved     []time.Time // sign-ins of late that brought a refresh token
	Generation   int         // of the connection, when its user connected
	Disconnected bool        // it is not to be used any more, and goes when a refresh under way has ended
	Mark         string      // of the backup that the vault was restored from when this was written, or ""
}

func (t TokenSet) Key() string { return t.Identity }

// Connected reports whether the account is connected still: it was not
// disconnected, neither alone nor with all others of its connection.
func (t TokenSet) Connected(c Connection) bool {
	return !t.Disconnected && t.Generation >= c.Generation
}

// Rotation is what is known of a provider's refresh tokens.
type Rotation string

const (
	RotationUnknown Rotation = ""        // to be treated as rotating
	Rotates         Rotation = "rotates" // a refresh replaced the refresh token
	Static          Rotation = "static"  // a refresh left it as it was
)

// begins reports whether a refresh of the token set begins when it is written, or
// may be under way.
func (t TokenSet) begins() bool {
	return t.Attempt != nil && !t.Attempt.Ended && !t.Attempt.Unheard
}

// Refusal is a provider's word that a refresh token is dead. It is an error,
// and an [ErrReauthorize].
type Refusal struct {
	At  time.Time
	Why string // for people: what the provider said and what to do
	// Quarantine means that the provider answered for somebody else: none of
	// the account's tokens is to be used any more, also those that still live.
	Quarantine bool
}

func (r *Refusal) Error() string { return "refused for good: " + r.Why }
func (r *Refusal) Unwrap() error { return ErrReauthorize }

// refused is the token set once its provider has refused it for good.
func (t TokenSet) refused(r *Refusal, now time.Time) TokenSet {
	r.At = now
	t.Attempt, t.Refusal = nil, r
	if r.Quarantine {
		t.AccessToken, t.RefreshToken, t.IDToken = Secret{}, Secret{}, Secret{}
	}
	return t
}

// keep takes over into a token set what a refresh brought. What the answer left
// out stays as it was (RFC 6749, section 6).
func (t TokenSet) keep(fresh TokenSet, now time.Time) TokenSet {
	t.AccessToken, t.Issued, t.Expires = fresh.AccessToken, now, fresh.Expires
	switch {
	case fresh.RefreshToken.IsZero() || fresh.RefreshToken == t.RefreshToken:
		if t.Rotation == RotationUnknown {
			t.Rotation = Static
		}
	default:
		t.RefreshToken, t.Rotation = fresh.RefreshToken, Rotates
	}
	if !fresh.IDToken.IsZero() {
		t.IDToken = fresh.IDToken
	}
	if len(fresh.Scopes) > 0 {
		t.Scopes = fresh.Scopes
	}
	if len(fresh.Params) > 0 {
		params := make(map[string]string, len(t.Params)+len(fresh.Params))
		for k, v := range t.Params {
			params[k] = v
		}
		for k, v := range fresh.Params {
			params[k] = v
		}
		t.Params = params
	}
	t.Attempt, t.Refusal = nil, nil
	return t
}
