package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// loadKeys reads the signing keys, of which the newest signs, and makes the
// first.
func (s *Server) loadKeys(ctx context.Context) error {
	var keys []vault.SigningKey
	read := func(tx *vault.Tx) error {
		keys = nil
		for k, err := range tx.Keys.All("") {
			if err != nil {
				return err
			}
			keys = append(keys, k)
		}
		return nil
	}
	if err := s.Vault.View(ctx, read); err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	if len(keys) == 0 {
		first, err := oidc.GenerateKey("RS256", s.Now())
		if err != nil {
			return fmt.Errorf("make a signing key: %w", err)
		}
		err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
			if err := read(tx); err != nil || len(keys) > 0 {
				return err // another instance was first
			}
			keys = []vault.SigningKey{first}
			return tx.Keys.Put(first)
		})
		if err != nil {
			return fmt.Errorf("keep a signing key: %w", err)
		}
	}
	slices.SortFunc(keys, func(a, b vault.SigningKey) int { return b.Created.Compare(a.Created) })
	var signers []*oidc.Signer
	for _, k := range keys {
		signer, err := oidc.NewSigner(k)
		if err != nil {
			return err
		}
		signers = append(signers, signer)
	}
	s.signer = signers[0]
	var err error
	s.keys, err = oidc.NewKeySet(signers...)
	return err
}

// publish answers with what is the same for everybody for a while: the metadata
// (OpenID Connect Discovery 1.0, section 4; RFC 8414) and the keys (RFC 7517).
func publish(b []byte) echo.HandlerFunc {
	tag := `"` + vault.Hash(string(b))[:22] + `"`
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=300")
		c.Response().Header().Set("ETag", tag)
		if c.Request().Header.Get("If-None-Match") == tag {
			return c.NoContent(http.StatusNotModified)
		}
		return c.Blob(http.StatusOK, "application/json", b)
	}
}
