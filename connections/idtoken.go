package connections

import (
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// clockSkew is how far the clocks of an identity provider and of the gateway may
// be apart. Some ID tokens are good for two minutes.
const clockSkew = 5 * time.Minute

// checkTimes finds fault with an ID token by its times (OpenID Connect Core 1.0,
// section 3.1.3.7, numbers 9 and 10).
func checkTimes(token *oidc.IDToken, now time.Time) error {
	const cure = ": set the clock of the gateway's machine"
	var claims struct {
		NotBefore float64 `json:"nbf"` // RFC 7519, section 4.1.5: seconds since 1970
	}
	if err := token.Claims(&claims); err != nil {
		return err
	}
	begins := token.IssuedAt
	if nbf := time.Unix(int64(claims.NotBefore), 0); nbf.After(begins) {
		begins = nbf
	}
	switch {
	case token.Expiry.Before(now.Add(-clockSkew)):
		return fmt.Errorf("it expired %v ago%s", now.Sub(token.Expiry).Round(time.Second), cure)
	case begins.After(now.Add(clockSkew)):
		return fmt.Errorf("it is good from %v ahead%s", begins.Sub(now).Round(time.Second), cure)
	}
	return nil
}
