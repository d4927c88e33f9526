package vault

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// The events of an instance are a chain: each one's hash covers the one before.
// Those that are committed together are a block.
//
//	events          blocks of all chains, by time: 17 digits of it, 10 letters of the chain,
//	                and 12 digits of the first event's place in it
//	chains          where each chain begins by now, and how far it had come at its last checkpoint
//	looseevents     events that were committed with what they tell of, until a block has them
//	logkeys         the key that signs anchors, checkpoints and ends
//
// An event's ID is made as a block's key is, so that it leads to its block.

// EventBlock are events that were committed together.
type EventBlock struct {
	forever
	ID    string // of its first event
	Chain string
	First uint64 // place of its first event in the chain, from 1
	Count uint64
	Time  time.Time
	Hash  [sha256.Size]byte // of its last event
	Bytes uint64            // of the chain's lines up to and with these
	Lines []byte            // each with a line break at its end
}

func (b EventBlock) Key() string { return b.ID }

// Place is a place in a chain: after so many events.
type Place struct {
	Seq   uint64
	Hash  [sha256.Size]byte
	Bytes uint64
	Time  time.Time
}

// Chain is what is known of a chain beside its events.
type Chain struct {
	forever
	ID         string
	Began      time.Time
	Follows    []string // the chains that were begun last before it
	Anchor     Place    // before the first event that is kept
	Head       Place    // at the last checkpoint
	Pruned     string   // the signed anchor, if events before it were pruned
	Checkpoint string   // the signed checkpoint
}

func (c Chain) Key() string { return c.ID }

// chainStart is the hash before a chain's first event.
func chainStart(id string) [sha256.Size]byte { return sha256.Sum256([]byte("sallyport chain " + id)) }

// LooseEvent is an event that is not yet in a block.
type LooseEvent struct {
	forever
	ID    string
	Event Event
	Since time.Time // somebody last set about it
}

func (l LooseEvent) Key() string { return l.ID }

// LogKey is the key that signs what the log says of itself (Ed25519, RFC 8032).
type LogKey struct {
	forever
	ID      string
	Private Secret // its seed, in base64url
	Created time.Time
}

func (k LogKey) Key() string { return k.ID }

// newLogKey makes a key of a seed of 32 bytes.
func newLogKey(seed []byte, now time.Time) LogKey {
	private := ed25519.NewKeyFromSeed(seed)
	return LogKey{ID: logKeyID(publicOf(private)), Private: NewSecret(base64.RawURLEncoding.EncodeToString(seed)), Created: now}
}

func (k LogKey) private() (ed25519.PrivateKey, error) {
	seed, err := base64.RawURLEncoding.DecodeString(k.Private.Reveal())
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("vault: the key that signs the log is damaged")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func publicOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// logKeyID names a key.
func logKeyID(public ed25519.PublicKey) string { return Hash(string(public))[:16] }

// PublicPEM is the key's public half, by which anybody can verify an export.
func (k LogKey) PublicPEM() (string, error) {
	private, err := k.private()
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(publicOf(private))
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// eventID names the event at a place of a chain, that was committed at a time.
func eventID(t time.Time, chain string, seq uint64) string {
	t = t.UTC()
	return fmt.Sprintf("%s%03d%s%012d", t.Format("20060102150405"), t.Nanosecond()/1e6, chain, seq)
}

const (
	chainLength = 10
	idLength    = 17 + chainLength + 12
)
