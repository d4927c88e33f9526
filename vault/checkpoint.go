package vault

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What the log says of itself is signed: lines of JSON like an event's, whose
// last member is the signature of all before its comma.
//
//	{"anchor":{…},"key":"…","signature":"…"}       a chain begins here, after so many events
//	{"checkpoint":{…},"key":"…","signature":"…"}   a chain has come so far
//	{"end":{…},"key":"…","signature":"…"}          all that an export has
const signatureMember = `,"signature":"`

// signed is such a line, without a line break.
type signed struct {
	Anchor     *statement `json:"anchor,omitempty"`
	Checkpoint *statement `json:"checkpoint,omitempty"`
	End        *ending    `json:"end,omitempty"`
	PublicKey  string     `json:"public_key,omitempty"` // base64url of its 32 bytes; an anchor has it
	Key        string     `json:"key"`
}

// statement is what is said of a chain: how many events it has had up to a place,
// and the hash of the last of them.
type statement struct {
	Chain   string    `json:"chain"`
	Seq     uint64    `json:"seq"`
	Hash    string    `json:"hash"`
	Date    time.Time `json:"date"`
	Why     string    `json:"why,omitempty"`     // the events before are not here
	Follows []string  `json:"follows,omitempty"` // chains that were begun before
}

// ending is what an export has of each chain.
type ending struct {
	Date   time.Time `json:"date"`
	Events uint64    `json:"events"`
	Digest string    `json:"digest"` // SHA-256 of all lines before
	Chains []extent  `json:"chains"`
}

type extent struct {
	Chain string `json:"chain"`
	After uint64 `json:"after"` // the event before the first
	Last  uint64 `json:"last"`
	Hash  string `json:"hash"` // of the last
}

func (k LogKey) sign(s signed) (string, error) {
	private, err := k.private()
	if err != nil {
		return "", err
	}
	s.Key = k.ID
	if s.Anchor != nil {
		s.PublicKey = base64.RawURLEncoding.EncodeToString(publicOf(private))
	}
	b, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	b = b[:len(b)-1] // without its brace
	return string(b) + signatureMember + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, b)) + `"}`, nil
}

func (c Chain) at(p Place, now time.Time) *statement {
	return &statement{Chain: c.ID, Seq: p.Seq, Hash: showHash(p.Hash[:]), Date: now.UTC().Truncate(time.Millisecond)}
}

func showHash(h []byte) string { return base64.RawURLEncoding.EncodeToString(h) }

// Checkpoint signs how far this instance's chain has come, unless it did already or
// the store takes no writes, and returns what it signed, or "". Kept beside the chain, it makes it plain if
// later somebody cuts off its end.
func (v *Vault) Checkpoint(ctx context.Context) (line string, err error) {
	j := &v.journal
	j.mu.Lock()
	id, place, marked := j.chain, j.place, j.marked
	j.mu.Unlock()
	if id == "" || place.Seq == marked.Seq {
		return "", nil
	}
	err = v.Update(ctx, func(tx *Tx) error {
		key, err1 := tx.logKey()
		c, err2 := tx.Chains.Get(id)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if line, err = key.sign(signed{Checkpoint: c.at(place, tx.Now())}); err != nil {
			return err
		}
		c.Head, c.Checkpoint = place, line
		return tx.Chains.Put(c)
	})
	if errors.Is(err, ErrUnavailable) {
		return "", nil // as when the vault was moved away
	}
	if err != nil {
		return "", fmt.Errorf("vault: sign a checkpoint of the log: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marked = place
	return line, nil
}

// LogPublicKey is the public half of the key that signs, in PEM, or [ErrNotFound]
// while there are no events.
func (v *Vault) LogPublicKey(ctx context.Context) (pem string, err error) {
	err = v.View(ctx, func(tx *Tx) error {
		key, err := tx.logKey()
		if err == nil {
			pem, err = key.PublicPEM()
		}
		return err
	})
	return pem, err
}
