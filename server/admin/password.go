package admin

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"sallyport/vault"
)

// hashing is Argon2id by OWASP's password storage cheat sheet: 19 MiB, two
// passes. One is made at a time, so that strangers who try passwords cannot have
// the gateway use memory without end.
var (
	hashing = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	turn    = make(chan struct{}, 1)
)

func inTurn[T any](ctx context.Context, fn func() (T, error)) (result T, err error) {
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
		return fn()
	case <-ctx.Done():
		return result, ctx.Err()
	}
}

// checkPassword finds fault with a password that is chosen (NIST SP 800-63B,
// section 3.1.1: its length is what counts).
func checkPassword(password, name string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < 12:
		return &vault.Invalid{Field: "password", Problem: "should have at least 12 characters; four words that have nothing to do with each other are good"}
	case n > 256:
		return &vault.Invalid{Field: "password", Problem: "should have at most 256 characters"}
	case strings.Count(password, password[:1]) == len(password), strings.EqualFold(password, name):
		return &vault.Invalid{Field: "password", Problem: "is too easy to guess"}
	}
	return nil
}

func hashPassword(ctx context.Context, password string) (vault.Secret, error) {
	hash, err := inTurn(ctx, func() (string, error) { return argon2id.CreateHash(password, hashing) })
	if err != nil {
		return vault.Secret{}, fmt.Errorf("hash a password: %w", err)
	}
	return vault.NewSecret(hash), nil
}

// nobody is what the password of somebody is held against who is not there or
// has none: it takes as long.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches reports whether a password is an administrator's.
func matches(ctx context.Context, admin vault.Admin, password string) (bool, error) {
	hash := admin.Password.Reveal()
	if hash == "" {
		hash = nobody
	}
	ok, err := inTurn(ctx, func() (bool, error) { return argon2id.ComparePasswordAndHash(password, hash) })
	return ok && !admin.Password.IsZero(), err
}

// oneTime are the one-time passwords that authenticator apps make (RFC 6238).
var oneTime = totp.ValidateOpts{Period: 30, Skew: 1, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// step is the time step that a one-time password is of, if it is one of about
// now, and later than the last that was used.
func step(secret vault.Secret, code string, last int64, now time.Time) (used int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	period := int64(oneTime.Period)
	for _, at := range []int64{-1, 0, 1} {
		n := now.Unix()/period + at
		exact := oneTime
		exact.Skew = 0
		if n <= last {
			continue
		}
		if good, err := totp.ValidateCustom(code, secret.Reveal(), time.Unix(n*period, 0), exact); err == nil && good {
			return n, true
		}
	}
	return 0, false
}
