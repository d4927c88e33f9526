package vault

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

// ExportLogs writes the events since a time, as they are at one moment, so that
// [VerifyLogs] can tell whether it has them as they were recorded: first where
// each chain begins, then the events by time with the last checkpoint of each
// chain among them, and in the end what there is of each. It returns how many
// events it wrote.
func (v *Vault) ExportLogs(ctx context.Context, w io.Writer, since time.Time) (events uint64, err error) {
	buffered, digest := bufio.NewWriterSize(w, 256<<10), sha256.New()
	x := &logExport{to: io.MultiWriter(buffered, digest), digest: digest, chains: map[string]*exported{}}
	err = v.store.Snapshot(ctx, func(kv KV) error { return x.write(ctx, v.newTx(kv), since) })
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return x.events, fmt.Errorf("export the log: %w", err)
	}
	return x.events, nil
}

// logExport is an export under way.
type logExport struct {
	to     io.Writer
	digest hash.Hash // of all that was written
	key    LogKey
	chains map[string]*exported
	order  []*exported
	events uint64
}

// exported is a chain, and how far the export has come with it.
type exported struct {
	Chain
	from, last Place
	why        string // events before are not here
}

func (x *logExport) write(ctx context.Context, tx *Tx, since time.Time) (err error) {
	if x.key, err = tx.logKey(); errors.Is(err, ErrNotFound) {
		return errors.New("there are no events yet")
	} else if err != nil {
		return err
	}
	list, err := tx.chains()
	if err != nil {
		return err
	}
	for _, c := range list {
		e := &exported{Chain: c, from: c.Anchor}
		if c.Pruned != "" {
			e.why = "pruned"
		}
		x.chains[c.ID], x.order = e, append(x.order, e)
	}
	if !since.IsZero() {
		if err := x.skip(tx, since); err != nil {
			return err
		}
	}
	if err := x.anchors(tx); err != nil {
		return err
	}
	for b, err := range tx.Events.All(eventsSince(since)) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := x.block(b); err != nil {
			return err
		}
	}
	return x.end(tx)
}

// eventsSince is what comes before the blocks since a time.
func eventsSince(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return eventID(t, "", 0)[:17]
}

// skip finds where each chain begins that is not wanted from its beginning.
func (x *logExport) skip(tx *Tx, since time.Time) error {
	begin := eventsSince(since)
	for b, err := range tx.Events.All("") {
		if err != nil {
			return err
		}
		if b.ID > begin {
			return nil
		}
		if e := x.chains[b.Chain]; e != nil {
			e.from, e.why = b.end(), "not asked for"
		}
	}
	return nil
}

// anchors are where the chains begin.
func (x *logExport) anchors(tx *Tx) error {
	for _, e := range x.order {
		s := e.at(e.from, tx.now)
		s.Why, s.Follows = e.why, e.Follows
		if err := x.sign(signed{Anchor: s}); err != nil {
			return err
		}
		e.last = e.from
	}
	return nil
}

// block writes the events of a block, and its chain's checkpoint where it belongs.
func (x *logExport) block(b EventBlock) error {
	e := x.chains[b.Chain]
	if e == nil { // the record of its chain is gone: let it be seen
		e = &exported{Chain: Chain{ID: b.Chain}}
		x.chains[b.Chain], x.order = e, append(x.order, e)
	}
	if _, err := x.to.Write(b.Lines); err != nil {
		return err
	}
	x.events += b.Count
	e.last = b.end()
	if e.Checkpoint != "" && e.last.Seq == e.Head.Seq {
		return x.checkpoint(e)
	}
	return nil
}

func (x *logExport) checkpoint(e *exported) error {
	_, err := io.WriteString(x.to, e.Checkpoint+"\n")
	e.Checkpoint = ""
	return err
}

// end writes the checkpoints of chains that do not reach them, and what there is
// of each.
func (x *logExport) end(tx *Tx) error {
	end := &ending{Date: tx.now.UTC().Truncate(time.Millisecond), Events: x.events, Chains: []extent{}}
	for _, e := range x.order {
		if e.Checkpoint != "" && e.Head.Seq > e.last.Seq {
			if err := x.checkpoint(e); err != nil {
				return err
			}
		}
		end.Chains = append(end.Chains, extent{Chain: e.ID, After: e.from.Seq, Last: e.last.Seq, Hash: showHash(e.last.Hash[:])})
	}
	end.Digest = showHash(x.digest.Sum(nil))
	return x.sign(signed{End: end})
}

func (x *logExport) sign(s signed) error {
	line, err := x.key.sign(s)
	if err != nil {
		return err
	}
	_, err = io.WriteString(x.to, line+"\n")
	return err
}
