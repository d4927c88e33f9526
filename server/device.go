package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// authorizeDevice is the device authorization endpoint (RFC 8628, section 3.1).
func (s *Server) authorizeDevice(c echo.Context) error {
	ctx := c.Request().Context()
	form, err := body(c)
	if err != nil {
		return err
	}
	req, err := oidc.ParseDeviceRequest(form, c.Request().Header.Get("Authorization"))
	if err != nil {
		return err
	}
	client, _, err := s.authenticate(c, req.Credentials)
	if err != nil {
		return err
	}
	if err := oidc.CheckDeviceRequest(client, req); err != nil {
		return err
	}
	var random [8]byte
	rand.Read(random[:])
	deviceCode, userCode := rand.Text(), oidc.UserCode(binary.BigEndian.Uint64(random[:]))
	err = s.Vault.Update(ctx, func(tx *vault.Tx) error {
		api, err := userAPI(tx, s.Issuer, req.Audience)
		if err != nil {
			return err
		}
		taken, err := vault.Exists(errOf(tx.UserCodes.Get(vault.Hash(userCode))))
		if err != nil || taken {
			return errors.Join(err, vault.ErrConflict) // once in 25 milliards, and the device asks again
		}
		device := vault.DeviceCode{
			Hash: vault.Hash(deviceCode), UserHash: vault.Hash(userCode), Client: client.ID, Scopes: oidc.GrantedScopes(client, api, req.Scopes),
			Audience: req.Audience, Interval: oidc.PollInterval, Expires: tx.Now().Add(oidc.DeviceLifetime), Kept: tx.Now().Add(2 * oidc.DeviceLifetime),
		}
		return errors.Join(tx.DeviceCodes.Put(device), tx.UserCodes.Put(vault.UserCode{Hash: device.UserHash, Device: device.Hash, Expires: device.Expires}))
	})
	if err != nil {
		return err
	}
	return answerJSON(c, http.StatusOK, oidc.NewDeviceResponse(s.Issuer, deviceCode, userCode))
}

func errOf[T any](_ T, err error) error { return err }

// activate is the page on which a user types the code of a device, or confirms
// the one in the link.
func (s *Server) activate(c echo.Context) error {
	if c.QueryParam("user_code") == "" {
		return s.page(c, http.StatusOK, "device", templates.Device{Action: "/activate"})
	}
	return s.confirmDevice(c, c.QueryParam("user_code"))
}

// enterCode takes a code that a user typed.
func (s *Server) enterCode(c echo.Context) error {
	form, err := parameters(c)
	if err != nil {
		return err
	}
	return s.confirmDevice(c, form.Get("user_code"))
}

// confirmDevice shows whose code it is, and asks whether to go on: whoever began
// it may have sent the code to somebody else (RFC 8628, section 5.4).
func (s *Server) confirmDevice(c echo.Context, typed string) error {
	device, client, api, err := s.tryCode(c, typed)
	if errors.Is(err, vault.ErrNotFound) || errors.Is(err, errWrongCodes) {
		e := noteOf(c.Request().Context()).as("fdeac")
		e.Reason = vault.Said("wrong_user_code")
		if failed := s.recordOnce(c.Request().Context(), e, false); failed != nil {
			return failed
		}
	}
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return s.page(c, http.StatusOK, "device", templates.Device{Action: "/activate",
			Problem: languageOf(c).Say("device.unknown", "code", typed)})
	case errors.Is(err, errWrongCodes):
		return s.page(c, errWrongCodes.Status(), "device", templates.Device{Action: "/activate", Problem: languageOf(c).Say(errWrongCodes.Words + ".message")})
	case err != nil:
		return err
	}
	showAs(c, client, nil)
	code, _ := oidc.ParseUserCode(typed)
	allowForm(c, s.Issuer)
	return s.page(c, http.StatusOK, "deviceconfirm", templates.DeviceConfirm{
		Client: client.Name, UserCode: oidc.ShowUserCode(code), Scopes: plainWords(languageOf(c), api, device.Scopes), Action: "/activate/decide",
		Fields: []templates.Field{{Name: "user_code", Value: code}},
	})
}

var errWrongCodes = told("problem.wrong-codes", oidc.TooManyRequests, http.StatusTooManyRequests)

// tryCode finds the device of a code that somebody typed. Codes are short, so
// guesses are limited (RFC 8628, section 5.1): after too many that were wrong
// nobody is told whether the next is right.
func (s *Server) tryCode(c echo.Context, typed string) (device vault.DeviceCode, client vault.Client, api *vault.ResourceServer, err error) {
	guesser := "address " + whence(c.RealIP()) + " user code"
	if s.limits.wait(guesser, perClient) > 0 {
		return device, client, nil, errWrongCodes
	}
	device, client, api, err = s.findDevice(c.Request().Context(), typed)
	if errors.Is(err, vault.ErrNotFound) {
		s.limits.take(guesser, perClient)
	}
	return device, client, api, err
}

// findDevice is the sign-in of a device that waits for a user with its code.
func (s *Server) findDevice(ctx context.Context, typed string) (device vault.DeviceCode, client vault.Client, api *vault.ResourceServer, err error) {
	code, ok := oidc.ParseUserCode(typed)
	if !ok {
		return device, client, nil, vault.ErrNotFound
	}
	err = s.Vault.View(ctx, func(tx *vault.Tx) error {
		user, err := tx.UserCodes.Get(vault.Hash(code))
		if err != nil {
			return err
		}
		if device, err = tx.DeviceCodes.Get(user.Device); err != nil {
			return err
		}
		if api, err = userAPI(tx, s.Issuer, device.Audience); err != nil {
			return err
		}
		client, err = tx.Clients.Get(device.Client)
		return err
	})
	return device, client, api, err
}

// decideDevice takes the user's decision. Who allows it signs in next, and the
// device gets its tokens at its next poll.
func (s *Server) decideDevice(c echo.Context) error {
	form, err := parameters(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	device, client, _, err := s.tryCode(c, form.Get("user_code"))
	if errors.Is(err, vault.ErrNotFound) {
		return errInteraction
	}
	if err != nil {
		return err
	}
	showAs(c, client, nil)
	noteOf(ctx).forClient(client)
	if form.Get("decision") != "allow" {
		err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
			device, err := tx.DeviceCodes.Get(device.Hash)
			if err != nil {
				return err
			}
			device.Denied = true
			return errors.Join(tx.DeviceCodes.Put(device), tx.UserCodes.Delete(device.UserHash), tx.Record(noteOf(ctx).as("fdecc")))
		})
		if err != nil {
			return err
		}
		return s.page(c, http.StatusOK, "devicedone", templates.DeviceDone{Client: client.Name, Denied: true})
	}
	req := vault.AuthorizationRequest{ClientID: client.ID, Scopes: device.Scopes, Audience: device.Audience, Device: device.Hash}
	return s.authorized(c, client, req, oidc.Reference{}, url.Values{})
}

// allowDevice answers a device in place of a client that waits for a code.
func allowDevice(tx *vault.Tx, code vault.Code) error {
	device, err := tx.DeviceCodes.Get(code.Request.Device)
	if err == nil {
		_, err = tx.UserCodes.Take(device.UserHash)
	}
	if errors.Is(err, vault.ErrNotFound) {
		return errInteraction // answered already, or expired
	}
	if err != nil {
		return err
	}
	device.Answer = &code
	return tx.DeviceCodes.Put(device)
}

// pollDevice is the device code grant (RFC 8628, section 3.4).
func (s *Server) pollDevice(ctx context.Context, client vault.Client, req oidc.TokenRequest, proof *oidc.Proof) (oidc.TokenResponse, error) {
	hash, opaque := vault.Hash(req.DeviceCode.Reveal()), rand.Text()+rand.Text()
	secret := oidc.NextSecret(s.refreshKey, hash, rand.Text())
	var t tokens
	var refused error
	err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
		refused = nil
		device, err := tx.DeviceCodes.Get(hash)
		if errors.Is(err, vault.ErrNotFound) {
			refused = oidc.DeviceError(err)
			return nil
		}
		if err != nil {
			return err
		}
		if device, refused = oidc.CheckPoll(device, client, tx.Now()); refused != nil {
			if device.Client != client.ID {
				return nil
			}
			return tx.DeviceCodes.Put(device)
		}
		var key string
		if key, refused = oidc.CheckSenderKey(client, proof); refused != nil {
			return nil
		}
		if err := tx.DeviceCodes.Delete(hash); err != nil {
			return err
		}
		code := *device.Answer
		code.Hash = hash // the grant is kept under it
		if t, refused, err = s.begun(tx, client, code, secret, key); err != nil || refused != nil {
			return err
		}
		if err := t.put(tx, opaque); err != nil {
			return err
		}
		return tx.Record(t.event(ctx, "sede"))
	})
	if err = errors.Join(err, refused); err != nil {
		return oidc.TokenResponse{}, err
	}
	return s.answer(t, opaque, secret)
}
