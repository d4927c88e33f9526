package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sallyport/server/oidc"
	"sallyport/vault"
)

// A client that does not hear that a session has ended is told again: after a
// few seconds at first, and in the end every hour, for a day.
const (
	noticeFirst = 5 * time.Second
	noticeMost  = time.Hour
	noticeLife  = 24 * time.Hour
)

// endSession ends the session with a hash, and leaves notices for the clients that want to
// hear of it (OpenID Connect Back-Channel Logout 1.0). The IDs are made outside
// of the transaction.
func endSession(tx *vault.Tx, hash, notice string) (ended vault.Session, err error) {
	ended, err = tx.Sessions.Take(hash)
	if errors.Is(err, vault.ErrNotFound) {
		return ended, nil
	}
	if err != nil {
		return ended, err
	}
	for i, clientID := range ended.Clients {
		client, err := tx.Clients.Get(clientID)
		if ok, err := vault.Exists(err); err != nil {
			return ended, err
		} else if !ok || client.BackchannelLogoutURI == "" {
			continue
		}
		err = tx.LogoutNotices.Put(vault.LogoutNotice{
			ID: fmt.Sprint(notice, "-", i), Client: clientID, User: ended.User, SID: ended.SID, Next: tx.Now(), Expires: tx.Now().Add(noticeLife),
		})
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// tell delivers the notices that are due. Each is taken for a while before it is
// sent, so that of several instances one sends it.
func (s *Server) tell(ctx context.Context) error {
	for {
		var notice vault.LogoutNotice
		found := false
		err := s.Vault.Update(ctx, func(tx *vault.Tx) error {
			found = false
			for n, err := range tx.LogoutNotices.All("") {
				if err != nil {
					return err
				}
				if !tx.Now().Before(n.Next) {
					n.Attempts++
					n.Next = tx.Now().Add(min(noticeFirst<<min(n.Attempts, 20), noticeMost))
					notice, found = n, true
					return tx.LogoutNotices.Put(n)
				}
			}
			return nil
		})
		if err != nil || !found {
			return err
		}
		err = s.send(ctx, notice)
		s.Vault.RecordLater(noticeSent(notice, err))
		if err != nil {
			s.Log.WarnContext(ctx, "a client did not hear that a session has ended", "client", notice.Client, "attempt", notice.Attempts, "next", notice.Next, "error", err)
			continue
		}
		s.Log.InfoContext(ctx, "a client was told that a session has ended", "client", notice.Client, "attempt", notice.Attempts)
		if err := s.Vault.Update(ctx, func(tx *vault.Tx) error { return tx.LogoutNotices.Delete(notice.ID) }); err != nil {
			return err
		}
	}
}

// noticeSent tells whether a client heard that a session has ended.
func noticeSent(notice vault.LogoutNotice, err error) vault.Event {
	n := noteOf(context.Background())
	n.ofClient(notice.Client)
	n.byUser(notice.User)
	e := n.as("oidc_backchannel_logout_succeeded", vault.Count("attempt", int64(notice.Attempts)))
	if err != nil {
		e.Type, e.Reason, e.Description = "oidc_backchannel_logout_failed", vault.Said("not_heard"), vault.Said(err.Error())
	}
	return e
}

// send posts a logout token to a client (OpenID Connect Back-Channel Logout
// 1.0, section 2.5).
func (s *Server) send(ctx context.Context, notice vault.LogoutNotice) error {
	var client vault.Client
	err := s.Vault.View(ctx, func(tx *vault.Tx) (err error) { client, err = tx.Clients.Get(notice.Client); return err })
	if errors.Is(err, vault.ErrNotFound) || err == nil && client.BackchannelLogoutURI == "" {
		return nil // it no longer wants to hear
	}
	if err != nil {
		return err
	}
	token, err := s.sign(oidc.TypLogoutToken, client.IDTokenAlg, oidc.LogoutTokenClaims(s.Issuer, notice, rand.Text(), s.Now()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, client.BackchannelLogoutURI, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}
