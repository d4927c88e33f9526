package vault

import (
	"crypto/sha256"
	"fmt"
	"strconv"
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

// eventID names the event at a place of a chain, that was committed at a time.
func eventID(t time.Time, chain string, seq uint64) string { return eventIDs(t, chain)(seq) }

// eventIDs names the events of a chain that were committed together, by their
// places.
func eventIDs(t time.Time, chain string) func(seq uint64) string {
	t = t.UTC()
	together := fmt.Sprintf("%s%03d%s", t.Format("20060102150405"), t.Nanosecond()/1e6, chain)
	return func(seq uint64) string {
		digits := strconv.FormatUint(seq, 10)
		return together + "000000000000"[:max(0, seqLength-len(digits))] + digits
	}
}

const (
	chainLength = 10
	seqLength   = 12
	idLength    = 17 + chainLength + seqLength
)
