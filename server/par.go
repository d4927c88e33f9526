package server

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// pushedLifetime is how long a pushed request waits for its user.
const pushedLifetime = time.Minute

// pushRequest is the pushed authorization request endpoint (RFC 9126). What is
// wrong with a request is told here, where nobody but the client hears it.
func (s *Server) pushRequest(c echo.Context) error {
	ctx := c.Request().Context()
	form, err := body(c)
	if err != nil {
		return err
	}
	pushed, err := oidc.ParsePushedRequest(form, c.Request().Header.Get("Authorization"))
	if err != nil {
		return err
	}
	client, proof, err := s.authenticate(c, pushed.Credentials)
	if err != nil {
		return err
	}
	if err := oidc.CheckPushedRequest(client, pushed); err != nil {
		return err
	}
	params := pushed.Params
	if pushed.Object != "" {
		if params, err = s.requestObject(ctx, client, pushed.Object); err != nil {
			return err
		}
	}
	req, err := oidc.ParseAuthorizationRequest(params)
	if err == nil {
		err = oidc.CheckRedirectURI(client, req.RedirectURI)
	}
	if err == nil {
		err = oidc.CheckAuthorizationRequest(client, req)
	}
	if err != nil {
		return err
	}
	key, err := oidc.CheckPushedKey(req, proof)
	if err != nil {
		return err
	}
	uri := oidc.RequestURI(rand.Text())
	err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
		return tx.Pushed.Put(vault.PushedRequest{Hash: vault.Hash(uri), Client: client.ID, Params: params, DPoPKey: key, Expires: tx.Now().Add(pushedLifetime)})
	})
	if err != nil {
		return err
	}
	return answerJSON(c, http.StatusCreated, oidc.PushedResponse{RequestURI: uri, ExpiresIn: int(pushedLifetime.Seconds())})
}

// requestObject reads a request object with the keys of its client.
func (s *Server) requestObject(ctx context.Context, client vault.Client, object string) (params url.Values, err error) {
	err = s.withClientKeys(ctx, client, func(keys *oidc.ClientKeys) (err error) {
		params, err = oidc.ParseRequestObject(object, client, keys, s.Issuer, s.Now())
		return err
	})
	return params, err
}

// spendPushed takes a pushed request that is being answered, which is to happen once
// (RFC 9126, section 7.3). It is nobody's business if it is "".
func spendPushed(tx *vault.Tx, requestURI string) error {
	if requestURI == "" {
		return nil
	}
	_, err := tx.Pushed.Take(vault.Hash(requestURI))
	if errors.Is(err, vault.ErrNotFound) {
		return oidc.RequestURIError(err)
	}
	return err
}

// resolve finds the parameters of an authorization request where its client
// keeps them: in the request, in a request object, or in what it pushed. The
// key is the one that the client proved to have when it pushed.
func (s *Server) resolve(ctx context.Context, client vault.Client, ref oidc.Reference, params url.Values) (found url.Values, key string, err error) {
	switch {
	case ref.Object != "":
		found, err = s.requestObject(ctx, client, ref.Object)
		return found, "", err
	case ref.RequestURI == "":
		return params, "", nil
	}
	var pushed vault.PushedRequest
	err = s.Vault.View(ctx, func(tx *vault.Tx) (err error) {
		pushed, err = tx.Pushed.Get(vault.Hash(ref.RequestURI))
		return err
	})
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return nil, "", oidc.RequestURIError(err)
	case err != nil:
		return nil, "", err
	case pushed.Client != client.ID:
		return nil, "", oidc.RequestURIError(errors.New("it was pushed by another client"))
	}
	return pushed.Params, pushed.DPoPKey, nil
}
