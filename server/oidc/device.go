package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sallyport/vault"
)

// GrantDeviceCode is the grant type of devices (RFC 8628, section 3.4).
const GrantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"

// DeviceRequest is a device's request to have its user sign in elsewhere (RFC
// 8628, section 3.1).
type DeviceRequest struct {
	Credentials
	Scopes   []string
	Audience string
}

// ParseDeviceRequest reads a form, and the Authorization header beside it.
func ParseDeviceRequest(form url.Values, authorization string) (DeviceRequest, error) {
	p := &parameters{values: form}
	r := DeviceRequest{
		Credentials: readCredentials(p, authorization),
		Scopes:      ParseScopes(p.get("scope", maxState)),
		Audience:    p.audience(p.resource()),
	}
	return r, p.err()
}

// CheckDeviceRequest finds fault with what a client may not ask for a device.
// FAPI 2.0 has no sign-in but by authorization code.
func CheckDeviceRequest(c vault.Client, r DeviceRequest) error {
	if !c.May(GrantDeviceCode) || c.FAPI {
		return notAllowed(GrantDeviceCode)
	}
	return checkScopeSyntax(r.Scopes)
}

// DeviceLifetime is how long a user has to allow a device, and PollInterval how
// long the device waits between polls to begin with (RFC 8628, section 3.2).
const (
	DeviceLifetime = 15 * time.Minute
	PollInterval   = 5 * time.Second
)

// DeviceResponse answers a device (RFC 8628, section 3.2).
type DeviceResponse struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int    `json:"expires_in"` // seconds
	Interval                int    `json:"interval"`   // seconds
}

// NewDeviceResponse answers a device with its two codes. The user types the one
// at VerificationURI, in the form of [ShowUserCode].
func NewDeviceResponse(issuer, deviceCode, userCode string) DeviceResponse {
	shown := ShowUserCode(userCode)
	return DeviceResponse{
		DeviceCode: deviceCode, UserCode: shown,
		VerificationURI:         issuer + "activate",
		VerificationURIComplete: withParams(issuer+"activate", Param{"user_code", shown}),
		ExpiresIn:               int(DeviceLifetime.Seconds()),
		Interval:                int(PollInterval.Seconds()),
	}
}

// User codes have 8 of 20 letters, none of which is a vowel, so that they spell
// nothing (RFC 8628, section 6.1): 34 bits, for which guesses must be limited
// (section 5.1).
const (
	userLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userLength  = 8
)

// UserCode is the user code that a random number stands for.
func UserCode(random uint64) string {
	code := make([]byte, userLength)
	for i := range code {
		code[i] = userLetters[random%uint64(len(userLetters))]
		random /= uint64(len(userLetters))
	}
	return string(code)
}

// ShowUserCode is a user code as people see it: XXXX-XXXX.
func ShowUserCode(code string) string {
	if len(code) != userLength {
		return code
	}
	return code[:userLength/2] + "-" + code[userLength/2:]
}

// ParseUserCode reads a user code as people type it, in any case, and with any
// spaces and dashes (RFC 8628, section 6.1).
func ParseUserCode(typed string) (code string, ok bool) {
	if len(typed) > maxName {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.', '_', '\t', '\u00a0', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212':
			return -1
		}
		return r
	}, strings.ToUpper(typed))
	if len(code) != userLength || !madeOf(code, userLetters) {
		return "", false
	}
	return code, true
}

// CheckPoll finds fault with a device's poll for its tokens (RFC 8628, section
// 3.5), and returns the record of it as it is to be kept from now on. Without a
// fault the user has allowed the device, the record's Answer is to be redeemed,
// and the record to be forgotten. The statuses are Auth0's, and so is that an
// expiry is told once.
func CheckPoll(d vault.DeviceCode, c vault.Client, now time.Time) (vault.DeviceCode, error) {
	expired := !now.Before(d.Expires)
	soon := !d.Polled.IsZero() && now.Before(d.Polled.Add(d.Interval-pollGrace))
	switch {
	case d.Client != c.ID:
		return d, DeviceError(errors.New("the device code is another client's"))
	case expired && d.Told:
		return d, DeviceError(errors.New("the device code has expired"))
	case expired:
		d.Told = true
		return d, errorf(ExpiredToken, "The device code has expired: begin again with a new one.")
	case d.Denied:
		return d, errorf(AccessDenied, "User cancelled the confirmation prompt.")
	case d.Answer != nil:
		return d, nil
	}
	d.Polled = now
	if soon {
		d.Interval += slowDown
		return d, errorf(SlowDown, "You are polling faster than the specified interval: wait %d seconds from now on.", int(d.Interval.Seconds()))
	}
	return d, errorf(AuthorizationPending, "User has yet to authorize device code.")
}

const (
	slowDown  = 5 * time.Second // added to the interval at each slow_down (RFC 8628, section 3.5)
	pollGrace = time.Second     // by which a poll may be early, since networks are not even
)

// DeviceError is the error of a device code that is unknown, expired, used
// already or another client's. Only the log learns why.
func DeviceError(why error) *Error {
	return &Error{
		Code:        InvalidGrant,
		Description: "Invalid or expired device code.",
		Err:         why,
		HTTPStatus:  http.StatusForbidden,
	}
}
