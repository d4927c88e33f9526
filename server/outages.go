package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/vault"
)

const (
	outageRecent = 2 * time.Minute // since the last failure, in which a provider counts as silent
	outageRenew  = 30 * time.Second
)

// silence is a provider that has not answered for some requests in a row, as this
// instance saw it.
type silence struct {
	failures    int
	since, last time.Time
}

// silences are those of late, by connection.
func (b *breakers) silences(now time.Time) map[string]silence {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := map[string]silence{}
	for name, at := range b.of {
		if at.failures >= breakAfter && now.Sub(at.last) < outageRecent {
			list[name] = silence{at.failures, at.since, at.last}
		}
	}
	return list
}

// answeredSince reports whether a provider has answered this instance after a time.
func (b *breakers) answeredSince(conn string, t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answered[conn].After(t)
}

// noticeOutages has webhooks told of providers that fell silent, and of those that
// answer again. Where several instances disagree, one of them may be cut off: then
// it is an outage for as long as one of them sees it.
func (s *Server) noticeOutages(ctx context.Context) error {
	silent := s.breakers.silences(s.Now())
	var renew, end []vault.Outage
	err := s.Vault.View(ctx, func(tx *vault.Tx) error {
		renew, end = nil, nil
		known := map[string]vault.Outage{}
		for o, err := range tx.Outages.All("") {
			if err != nil {
				return err
			}
			if o.Reason == vault.NoAnswer {
				known[o.Connection] = o
			}
		}
		for name, at := range silent {
			if o, ok := known[name]; !ok || at.last.Sub(o.Seen) >= outageRenew {
				renew = append(renew, vault.Outage{Connection: name, Reason: vault.NoAnswer, Since: at.since, Seen: at.last})
			}
		}
		for name, o := range known {
			_, still := silent[name]
			lone := tx.SeenHere(o) || tx.Now().Sub(o.Seen) >= outageRecent
			if !still && lone && s.breakers.answeredSince(name, o.Seen) {
				end = append(end, o)
			}
		}
		return nil
	})
	for _, o := range renew {
		err = errors.Join(err, s.beginOutage(ctx, o, silent[o.Connection].failures))
	}
	for _, o := range end {
		id := vault.NewMessageID()
		err = errors.Join(err, s.Vault.Update(ctx, func(tx *vault.Tx) error {
			_, err := tx.EndOutage(id, o.Connection, o.Reason)
			return err
		}))
	}
	return err
}

func (s *Server) beginOutage(ctx context.Context, o vault.Outage, failures int) error {
	id := vault.NewMessageID()
	return s.Vault.Update(ctx, func(tx *vault.Tx) error {
		conn, err := tx.Connections.Get(o.Connection)
		if found, err := vault.Exists(err); !found {
			return err
		}
		_, err = tx.BeginOutage(id, o, fmt.Sprintf("%s did not answer the last %d requests.", conn.Title(), failures),
			"Nothing is lost, and it is asked again by itself. If it lasts, see whether the gateway may connect to it, and what its operator says of its state.")
		return err
	})
}
