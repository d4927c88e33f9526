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
	Mark         string      // of the backup that the vault was restored from when this was written, or ""
}

func (t TokenSet) Key() string { return t.Identity }

// Rotation is what is known of a provider's refresh tokens.
type Rotation string

const (
	RotationUnknown Rotation = ""        // to be treated as rotating
	Rotates         Rotation = "rotates" // a refresh replaced the refresh token
	Static          Rotation = "static"  // a refresh left it as it was
)

// Attempt is one refresh of a token set. It is written before the request
// leaves and taken away with the answer, so one that is found afterwards had no
// answer: the refresh token may or may not be spent.
type Attempt struct {
	ID    string
	Until time.Time // its request is surely over, by the store's clock
	Ended bool      // its request is over already, without a useful answer
	// Unheard means that its request is waited for no more, and may still be on
	// its way: a connection broke, or a proxy answered for the provider.
	Unheard bool
	// Restored means that no attempt is known of, and that the token set is from
	// a backup, after which there may have been some.
	Restored bool
}

// live reports whether the attempt's request may still be on its way, at a time
// by the store's clock. One whose time is further off than an attempt lasts was
// made before the clock was put back, and is over.
func (a *Attempt) live(now time.Time) bool {
	return !a.Ended && now.Before(a.Until) && !a.Until.After(now.Add(attemptTime))
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
