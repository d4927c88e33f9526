package vault

import (
	"bytes"
	"context"
	"iter"
	"math"
	"time"
)

// LogEntry is an event as it is kept.
type LogEntry struct {
	ID   string
	Line []byte // JSON, with its hash
}

// entries are the events of a block, whose IDs follow from the first one's.
func (b EventBlock) entries() iter.Seq[LogEntry] {
	return func(yield func(LogEntry) bool) {
		seq, name := b.First, eventIDs(b.Time, b.Chain)
		for line := range bytes.Lines(b.Lines) {
			if !yield(LogEntry{name(seq), bytes.TrimSuffix(line, []byte{'\n'})}) {
				return
			}
			seq++
		}
	}
}

// settled is how old a block is when no older one can come any more: where
// several instances write, one may be slower than another.
const settled = 5 * time.Second

// LogsAfter are at most n events after the one with an ID, the oldest first; all
// if it is "". Of instances that share a store, events of the last seconds are
// held back, so that whoever goes on from the last ID misses none.
func (v *Vault) LogsAfter(ctx context.Context, id string, n int) (list []LogEntry, err error) {
	before := eventID(v.Now().Add(-settled), "", 0)
	_, shared := v.store.(Shared)
	err = v.View(ctx, func(tx *Tx) error {
		list = nil
		for b, err := range tx.Events.All(id[:min(len(id), idLength-seqLength)]) {
			if err != nil {
				return err
			}
			if shared && b.ID > before {
				return nil
			}
			for e := range b.entries() {
				if e.ID > id && len(list) < n {
					list = append(list, e)
				}
			}
			if len(list) == n {
				return nil
			}
		}
		return nil
	})
	return list, err
}

// Log is the event with an ID, or [ErrNotFound].
func (v *Vault) Log(ctx context.Context, id string) (found LogEntry, err error) {
	if len(id) != idLength {
		return found, ErrNotFound
	}
	err = v.View(ctx, func(tx *Tx) error {
		for b, err := range tx.Events.All(id[:idLength-seqLength]) {
			if err != nil {
				return err
			}
			if b.ID > id {
				break
			}
			for e := range b.entries() {
				if e.ID == id {
					found = e
					return nil
				}
			}
		}
		return ErrNotFound
	})
	return found, err
}

// LogsNewest are at most n events that match, the newest first. It looks at ever
// older ones until it has them.
func (v *Vault) LogsNewest(ctx context.Context, n int, match func(line []byte) bool) ([]LogEntry, error) {
	found, err := v.SearchLogs(ctx, LogSearch{Match: match, Most: n, Look: math.MaxInt})
	return found.Entries, err
}
