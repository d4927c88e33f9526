package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// A signing key is published for a while before it signs, so that everybody who
// keeps a copy of the keys has it by then, and after, for as long as a token
// that it signed can live.
const (
	keyPeriod = 90 * 24 * time.Hour // that a key signs
	keyLead   = 24 * time.Hour      // that it is published before
	keyAfter  = 31 * 24 * time.Hour // that it is published afterwards
)

// ring are the signing keys as this instance last read them.
type ring struct {
	keys    *oidc.KeySet
	signers oidc.Signers
	jwks    echo.HandlerFunc
}

// sign signs claims with the key of an algorithm, or of the default.
func (s *Server) sign(typ, alg string, claims oidc.Claims) (string, error) {
	signer, err := s.ring.Load().signers.For(alg, s.Now())
	if err != nil {
		return "", err
	}
	return signer.Sign(typ, claims)
}

// jwks publishes the keys that verify the gateway's tokens (RFC 7517).
func (s *Server) jwks(c echo.Context) error { return s.ring.Load().jwks(c) }

// publish answers with what is the same for everybody for a while. Its length is
// told, since longer answers would be sent in chunks without.
func publish(b []byte) echo.HandlerFunc {
	tag := `"` + vault.Hash(string(b))[:22] + `"`
	headers := http.Header{"Cache-Control": {"public, max-age=300"}, "Etag": {tag}}
	length := []string{strconv.Itoa(len(b))}
	return func(c echo.Context) error {
		h := c.Response().Header()
		maps.Copy(h, headers)
		if c.Request().Header.Get("If-None-Match") == tag {
			return c.NoContent(http.StatusNotModified)
		}
		h["Content-Length"] = length
		return c.Blob(http.StatusOK, "application/json", b)
	}
}

// loadKeys reads the signing keys, after making those that are due.
func (s *Server) loadKeys(ctx context.Context) error {
	for _, alg := range s.algsInUse(ctx) {
		if err := rotate(ctx, s.Vault, alg, func(keys []vault.SigningKey, now time.Time) bool { return due(keys, alg, now) }, keyLead, keyMade); err != nil {
			return err
		}
	}
	keys, err := signingKeys(ctx, s.Vault)
	if err != nil {
		return err
	}
	r := &ring{}
	if r.signers, err = oidc.NewSigners(keys); err != nil {
		return err
	}
	if r.keys, err = oidc.NewKeySet(r.signers...); err != nil {
		return err
	}
	r.jwks = publish(r.keys.JWKS())
	s.ring.Store(r)
	return nil
}

// algsInUse are the algorithms that some client or API wants, and the default.
func (s *Server) algsInUse(ctx context.Context) []string {
	algs := []string{oidc.DefaultAlg}
	add := func(alg string) {
		if alg != "" && !slices.Contains(algs, alg) {
			algs = append(algs, alg)
		}
	}
	s.Vault.View(ctx, func(tx *vault.Tx) error {
		for c, err := range tx.Clients.All("") {
			if err != nil {
				return err
			}
			add(c.IDTokenAlg)
		}
		for r, err := range tx.ResourceServers.All("") {
			if err != nil {
				return err
			}
			add(r.Alg)
		}
		return nil
	})
	return algs
}

// signingKeys are the keys that are kept, newest first.
func signingKeys(ctx context.Context, v *vault.Vault) (keys []vault.SigningKey, err error) {
	err = v.View(ctx, func(tx *vault.Tx) (err error) { keys, err = readKeys(tx); return err })
	if err != nil {
		err = fmt.Errorf("read the signing keys: %w", err)
	}
	return keys, err
}

func readKeys(tx *vault.Tx) (keys []vault.SigningKey, err error) {
	for k, err := range tx.Keys.All("") {
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b vault.SigningKey) int { return b.NotBefore.Compare(a.NotBefore) })
	return keys, nil
}

// due reports whether the next key of an algorithm is to be made.
func due(keys []vault.SigningKey, alg string, now time.Time) bool {
	i := slices.IndexFunc(keys, func(k vault.SigningKey) bool { return k.Alg == alg })
	return i < 0 || !now.Before(nextDue(keys[i]))
}

// nextDue is when the key that follows on one is to be made.
func nextDue(k vault.SigningKey) time.Time { return k.NotBefore.Add(keyPeriod - keyLead) }

// keyMade tells that the gateway, or whoever runs it, has made a key.
func keyMade(k vault.SigningKey) vault.Event {
	return noteOf(context.Background()).as("sallyport_signing_key_made", vault.Say("kid", k.ID), vault.Say("alg", k.Alg))
}

// defaultDue is nextDue of keys of the default algorithm, which is always in use;
// of others it is zero.
func defaultDue(k vault.SigningKey) time.Time {
	if k.Alg != oidc.DefaultAlg {
		return time.Time{}
	}
	return nextDue(k)
}

// RotateKeys makes the next signing key of each algorithm that has one. They
// sign after lead, and are published at once. Each is recorded as the event that
// rotated makes of it, which may be nil.
func RotateKeys(ctx context.Context, v *vault.Vault, lead time.Duration, rotated func(vault.SigningKey) vault.Event) ([]vault.SigningKey, error) {
	if rotated == nil {
		rotated = keyMade
	}
	keys, err := signingKeys(ctx, v)
	if err != nil {
		return nil, err
	}
	var algs []string
	for _, k := range keys {
		if !slices.Contains(algs, k.Alg) {
			algs = append(algs, k.Alg)
		}
	}
	for _, alg := range algs {
		if err := rotate(ctx, v, alg, func([]vault.SigningKey, time.Time) bool { return true }, lead, rotated); err != nil {
			return nil, err
		}
	}
	return signingKeys(ctx, v)
}

// rotateKeys is RotateKeys, after which this instance has the keys.
func (s *Server) rotateKeys(ctx context.Context, lead time.Duration, rotated func(vault.SigningKey) vault.Event) ([]vault.SigningKey, error) {
	keys, err := RotateKeys(ctx, s.Vault, lead, rotated)
	if err != nil {
		return nil, err
	}
	return keys, s.loadKeys(ctx)
}

// rotate makes the next key of an algorithm if it is wanted, and has the ones
// before forgotten once nothing that they signed is good any more. The first
// key of all signs at once.
func rotate(ctx context.Context, v *vault.Vault, alg string, wanted func([]vault.SigningKey, time.Time) bool, lead time.Duration, made func(vault.SigningKey) vault.Event) error {
	keys, err := signingKeys(ctx, v)
	if err != nil || !wanted(keys, v.Now()) {
		return err
	}
	fresh, err := oidc.GenerateKey(alg, v.Now()) // takes its time: not in the transaction
	if err != nil {
		return err
	}
	event, message := made(fresh), vault.NewMessageID()
	err = v.Update(ctx, func(tx *vault.Tx) error {
		keys, err := readKeys(tx)
		if err != nil || !wanted(keys, tx.Now()) {
			return err // another instance was first
		}
		fresh := fresh
		fresh.NotBefore = tx.Now()
		if slices.ContainsFunc(keys, func(k vault.SigningKey) bool { return k.Alg == alg }) {
			fresh.NotBefore = tx.Now().Add(lead)
		}
		from := fresh.NotBefore.UTC()
		errs := []error{tx.Keys.Put(fresh), tx.Record(event), tx.Notify(vault.Message{ID: message, Type: vault.KeyRotated,
			Data: vault.KeyMessage{Kind: "signing", ID: fresh.ID, Alg: alg, From: &from}})}
		for _, k := range keys {
			if k.Alg == alg && k.Expires.IsZero() {
				k.Expires = fresh.NotBefore.Add(keyAfter)
				errs = append(errs, tx.Keys.Put(k))
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("keep a signing key: %w", err)
	}
	return nil
}
