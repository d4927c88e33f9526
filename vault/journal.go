package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// journal gathers the events of this instance, and commits those that come while
// the last commit is under way together, as one block. It never waits for
// company.
type journal struct {
	mu      sync.Mutex
	waiting []*entry
	later   []*entry // that could not be written, and nobody waits for; of whoever is at it
	writing bool     // somebody is at it, to whom alone the chain belongs
	chain   string
	place   Place    // that the chain has come to
	marked  Place    // at its last checkpoint
	unsure  string   // ID of a block of which the store did not say whether it was kept,
	held    []*entry // and its events
	lines   []byte   // room for the next block's; of whoever is at it
}

// entry is an event that waits for its commit.
type entry struct {
	event Event
	loose string     // key of the loose event that it is, or ""
	done  chan error // nil if nobody waits
}

const (
	mostTogether = 256              // events of a block
	mostLines    = 1 << 18          // bytes of them that room is kept for
	mostLater    = 10_000           // events that nobody waits for and that could not be written yet
	eventTime    = 10 * time.Second // that a block's commit may last
)

// ErrNotRecorded reports that an event could not be written: what it tells of
// must not be answered for.
var ErrNotRecorded = errors.New("vault: the event could not be recorded")

// Record writes an event, and returns when it is on disk.
func (v *Vault) Record(ctx context.Context, e Event) error {
	done := make(chan error, 1)
	v.enter(&entry{event: e, done: done})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RecordLater writes an event before any that is recorded after it, and waits for
// nothing. One that cannot be written is tried again with the next.
func (v *Vault) RecordLater(e Event) { v.enter(&entry{event: e}) }

func (v *Vault) enter(e *entry) {
	if e.event.Date.IsZero() {
		e.event.Date = v.Now()
	}
	j := &v.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, e)
	if !j.writing {
		j.writing = true
		v.flying.Go(v.writeEvents)
	}
}

// writeEvents writes the events that wait, until there are none or the store
// fails, which all are told who wait by then.
func (v *Vault) writeEvents() {
	for {
		runtime.Gosched() // whoever is about to record another can come along
		batch := v.journal.next()
		if len(batch) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), eventTime)
		err := v.writeBlock(ctx, batch)
		cancel()
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrNotRecorded, err)
			batch = append(batch, v.journal.giveUp()...)
		}
		for _, e := range batch {
			if e.done != nil {
				e.done <- err
			}
		}
		if err != nil {
			return
		}
	}
}

// next are the events of the next block, or none if nothing new waits.
func (j *journal) next() []*entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		j.writing = false
		return nil
	}
	all := append(j.later[:len(j.later):len(j.later)], j.waiting...)
	n := min(len(all), mostTogether)
	j.later, j.waiting = nil, all[n:]
	return all[:n]
}

// giveUp returns the events that wait, and keeps those for later that nobody waits
// for.
func (j *journal) giveUp() []*entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	waiting := j.waiting
	j.keep(waiting)
	j.waiting, j.writing = nil, false
	return waiting
}

// keep keeps events for later that nobody waits for. Loose ones lie in the store,
// and are taken up from there.
func (j *journal) keep(batch []*entry) {
	for _, e := range batch {
		if e.done == nil && e.loose == "" && len(j.later) < mostLater {
			j.later = append(j.later, e)
		}
	}
}

// writeBlock writes events as the next block of this instance's chain.
func (v *Vault) writeBlock(ctx context.Context, batch []*entry) error {
	j := &v.journal
	err := v.settleBlock(ctx)
	if err == nil && j.chain == "" {
		err = v.beginChain(ctx)
	}
	if err != nil {
		j.keep(batch)
		return err
	}
	after := j.place
	if now := v.Now(); now.After(after.Time) {
		after.Time = now
	}
	name := eventIDs(after.Time, j.chain)
	b := EventBlock{ID: name(after.Seq + 1), Chain: j.chain, First: after.Seq + 1, Count: uint64(len(batch)), Time: after.Time}
	b.Lines = j.lines[:0]
	for _, e := range batch {
		after.Seq++
		b.Lines, after.Hash = e.event.appendLine(b.Lines, position{name(after.Seq), j.chain, after.Seq}, after.Hash)
		b.Lines = append(b.Lines, '\n')
	}
	if after.Bytes += uint64(len(b.Lines)); cap(b.Lines) <= mostLines {
		j.lines = b.Lines
	}
	b.Hash, b.Bytes = after.Hash, after.Bytes
	err = v.Update(ctx, func(tx *Tx) error {
		for _, e := range batch {
			if e.loose != "" {
				if err := tx.LooseEvents.Delete(e.loose); err != nil {
					return err
				}
			}
		}
		return tx.Events.Put(b)
	})
	if err != nil {
		j.unsure, j.held = b.ID, batch
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.place = after
	return nil
}

// settleBlock finds out whether the last block was kept, if the store failed to
// say. Then the chain goes on after it: its events are to be in no other block.
func (v *Vault) settleBlock(ctx context.Context) error {
	j := &v.journal
	if j.unsure == "" {
		return nil
	}
	var b EventBlock
	err := v.View(ctx, func(tx *Tx) (err error) { b, err = tx.Events.Get(j.unsure); return err })
	kept, err := Exists(err)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if kept {
		j.place = b.end()
	} else {
		j.keep(j.held)
	}
	j.unsure, j.held = "", nil
	return nil
}

// end is the place that a chain has come to with a block.
func (b EventBlock) end() Place {
	return Place{Seq: b.First + b.Count - 1, Hash: b.Hash, Bytes: b.Bytes, Time: b.Time}
}
