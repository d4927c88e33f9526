package vault

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// LogState is how the log of events is.
type LogState struct {
	Key       string       // that signs, by its ID; "" while there are no events
	PublicKey string       // in PEM
	Created   time.Time    // the key
	Chains    []ChainState // the newest first
	Retention LogRetention // zero if none was set yet
	Oldest    time.Time    // when the oldest event that is kept was recorded; zero if there is none
	Events    uint64       // that are kept
	Bytes     uint64       // that they take, before they are sealed
}

// ChainState is how a chain is.
type ChainState struct {
	ID       string
	Here     bool // it is this instance's
	Began    time.Time
	Pruned   uint64 // events that were forgotten at its beginning
	Last     Place  // as far as is known: see [Vault.LogState]
	Checked  Place  // of its last checkpoint
	Signed   time.Time
	SignedBy string // the checkpoint, by a key's ID
}

// Kept is how many events of it are kept.
func (c ChainState) Kept() uint64 { return c.Last.Seq - min(c.Pruned, c.Last.Seq) }

// mostRecent is how many blocks are looked at for what came after checkpoints.
const mostRecent = 50

// LogState tells how the log is, without reading all of it: where a chain has come
// to, by its last checkpoint, and by the newest blocks of all.
func (v *Vault) LogState(ctx context.Context) (s LogState, err error) {
	v.journal.mu.Lock()
	mine := v.journal.chain
	v.journal.mu.Unlock()
	err = v.View(ctx, func(tx *Tx) error {
		s = LogState{}
		if err := tx.keyState(&s); err != nil {
			return err
		}
		settings, err := tx.LogSettings.Get(LogSettings{}.Key())
		if _, err := Exists(err); err != nil {
			return err
		}
		s.Retention = settings.Retention
		for b, err := range tx.Events.All("") {
			if err != nil {
				return err
			}
			s.Oldest = b.Time
			break
		}
		recent, err := tx.recentEnds()
		if err != nil {
			return err
		}
		list, err := tx.chains()
		if err != nil {
			return err
		}
		for _, c := range slices.Backward(list) {
			state, err := c.state(recent[c.ID])
			if err != nil {
				return err
			}
			state.Here = c.ID == mine
			s.Chains = append(s.Chains, state)
			s.Events += state.Kept()
			s.Bytes += state.Last.Bytes - min(c.Anchor.Bytes, state.Last.Bytes)
		}
		return nil
	})
	return s, err
}

func (tx *Tx) keyState(s *LogState) error {
	key, err := tx.logKey()
	if found, err := Exists(err); !found {
		return err
	}
	s.Key, s.Created = key.ID, key.Created
	s.PublicKey, err = key.PublicPEM()
	return err
}

// recentEnds are the ends of the chains that wrote the newest blocks.
func (tx *Tx) recentEnds() (map[string]Place, error) {
	ends, blocks := map[string]Place{}, 0
	for b, err := range tx.Events.Back("") {
		if err != nil {
			return nil, err
		}
		if _, known := ends[b.Chain]; !known {
			ends[b.Chain] = b.end()
		}
		if blocks++; blocks == mostRecent {
			break
		}
	}
	return ends, nil
}

func (c Chain) state(recent Place) (ChainState, error) {
	s := ChainState{ID: c.ID, Began: c.Began, Pruned: c.Anchor.Seq, Last: c.Anchor}
	for _, p := range []Place{c.Head, recent} {
		if p.Seq > s.Last.Seq {
			s.Last = p
		}
	}
	if c.Checkpoint == "" {
		return s, nil
	}
	var said signed
	if err := json.Unmarshal([]byte(c.Checkpoint), &said); err != nil || said.Checkpoint == nil {
		return s, errors.New("vault: the checkpoint of chain " + c.ID + " is damaged")
	}
	s.Checked, s.Signed, s.SignedBy = c.Head, said.Checkpoint.Date, said.Key
	return s, nil
}
