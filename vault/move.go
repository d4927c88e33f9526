package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A refresh token that is replaced after a vault was copied is a spent one in the
// copy. So a vault is moved, and not only copied: from the moment that is copied
// nothing is written to the old store, by any instance, until the move is given
// up. Each transaction that writes looks for the move's record itself, so no
// instance has to be told of it, or to be trusted to have heard.
//
//	draining   no refresh begins; those under way are kept, and all else goes on
//	still      nothing is written: what is copied is all there is
//	moved      for good. The copy becomes a vault after this, and not before
//
// A move that nobody carries on is given up by itself, but for one that is done:
// only [ReleaseMove] undoes it, and has the vault marked as restored, since the
// copy may have been at work. The record lies in the clear, as the mark does.
const moveKey = "move"

// arrivalKey is, in a store that is copied to, the ID of the move that fills it.
const arrivalKey = "arrival"

// MoveState is how far a move has come.
type MoveState string

const (
	AsItIs   MoveState = "" // whatever it is, for longer
	Draining MoveState = "draining"
	Still    MoveState = "still"
	Moved    MoveState = "moved"
)

const (
	// DrainTime is how long refreshes under way may take to be kept.
	DrainTime = attemptTime
	// moveLease is how long a move lasts that nobody carries on.
	moveLease = time.Minute
	// moveGrace is how much longer writing is refused than the move can be carried
	// on: a transaction may look at the clock and be kept so much later.
	moveGrace = 15 * time.Second
)

// Move is a vault's being moved to another store.
type Move struct {
	ID    string
	To    string // the other store, as people know it
	State MoveState
	Since time.Time // when the state began; this and Until are by the store's clock
	Until time.Time // when it is given up if nobody carries it on
}

// ErrUnavailable reports that a store does not take writes, or does not answer,
// for a while.
var ErrUnavailable = errors.New("vault: the store is not available")

// ErrMoveOver reports that a move cannot be carried on: it was given up.
var ErrMoveOver = errors.New("the move was given up meanwhile, since nobody carried it on or by 'sallyport vault release': begin it again")

// Moving is the error of what cannot be written because of a move. It is an
// [ErrUnavailable].
type Moving struct{ Move }

func (m *Moving) Error() string {
	if m.State == Moved {
		return fmt.Sprintf("the vault was moved to %s on %s: start the gateway on that; or, if the copy came to nothing, have this one go on by 'sallyport vault release'",
			m.To, m.Since.UTC().Format("2006-01-02 at 15:04 UTC"))
	}
	return fmt.Sprintf("the vault is being moved to %s: nothing is written until that is done, or is given up, which it is by itself at %s unless it goes on",
		m.To, m.Until.Add(moveGrace).UTC().Format("15:04:05 UTC"))
}

func (m *Moving) Unwrap() error { return ErrUnavailable }

// lasts reports whether the move is done or under way, at a time by the store's
// clock. One that lasts longer than it may was made before the clock was put back.
func (m Move) lasts(now time.Time, grace time.Duration) bool {
	return m.State == Moved || now.Before(m.Until.Add(grace)) && !m.Until.After(now.Add(moveLease))
}

// BeginMove begins to move the vault in a store to another one, of that name. A
// move that is done already is returned if it is the one with the ID again.
func BeginMove(ctx context.Context, store Store, to, again string) (m Move, err error) {
	id := rand.Text()
	err = store.Update(ctx, func(kv KV) error {
		if _, err := kv.Get(headerBucket, headerKey); err != nil {
			return fmt.Errorf("there is no vault to copy: %w", err)
		}
		now, err := kv.Now()
		if err != nil {
			return err
		}
		old, err := readMove(kv)
		switch found, err := Exists(err); {
		case err != nil:
			return err
		case found && old.State == Moved && old.ID == again:
			m = old
			return nil
		case found && old.lasts(now, 0):
			return &Moving{old}
		}
		m = Move{ID: id, To: to, State: Draining, Since: now, Until: now.Add(moveLease)}
		return m.put(kv)
	})
	return m, err
}

// CarryOn has a move come to a state, or stay there for longer.
func CarryOn(ctx context.Context, store Store, id string, state MoveState) error {
	return store.Update(ctx, func(kv KV) error {
		now, err := kv.Now()
		if err != nil {
			return err
		}
		m, err := readMove(kv)
		switch found, err := Exists(err); {
		case err != nil:
			return err
		case !found || m.ID != id || !m.lasts(now, 0):
			return ErrMoveOver
		case state == AsItIs || m.State == state || m.State == Draining && state == Still || m.State == Still && state == Moved:
		default:
			return fmt.Errorf("a move that is %s cannot be %s next", m.State, state)
		}
		if state != AsItIs && m.State != state {
			m.State, m.Since = state, now
		}
		m.Until = now.Add(moveLease)
		return m.put(kv)
	})
}

// ReleaseMove has a vault that is being moved, or was, go on where it is. It
// returns the move that was. Of one that was done, the vault is marked as
// restored.
func ReleaseMove(ctx context.Context, store Store) (m Move, err error) {
	mark := newMark()
	err = store.Update(ctx, func(kv KV) (err error) {
		if m, err = readMove(kv); err != nil {
			return err
		}
		if m.State == Moved {
			if err := kv.Put(headerBucket, restoredKey, mark); err != nil {
				return err
			}
		}
		return kv.Delete(headerBucket, moveKey)
	})
	return m, err
}

// Contents writes the vault that is moved, as it is for good, in the form of a
// backup without a mark.
func Contents(ctx context.Context, store Store, id string, w io.Writer) (entries int, err error) {
	return send(ctx, store, w, func(kv KV) (*Value, error) {
		m, err := readMove(kv)
		if ok, err := Exists(err); err != nil {
			return nil, err
		} else if !ok || m.ID != id || m.State == Draining {
			return nil, ErrMoveOver
		}
		return nil, nil
	})
}

// MoveOf is the move of the vault in a store, or [ErrNotFound].
func MoveOf(ctx context.Context, store Store) (m Move, err error) {
	err = store.View(ctx, func(kv KV) (err error) { m, err = readMove(kv); return err })
	return m, err
}

// BeginMove, CarryOn, Contents and ReleaseMove are those of the vault's store.
func (v *Vault) BeginMove(ctx context.Context, to, again string) (Move, error) {
	return BeginMove(ctx, v.store, to, again)
}

func (v *Vault) CarryOn(ctx context.Context, id string, state MoveState) error {
	return CarryOn(ctx, v.store, id, state)
}

func (v *Vault) Contents(ctx context.Context, id string, w io.Writer) (entries int, err error) {
	return Contents(ctx, v.store, id, w)
}

func (v *Vault) ReleaseMove(ctx context.Context) (Move, error) { return ReleaseMove(ctx, v.store) }

// guard has the transaction look whether the vault is being moved, together with
// the first that it reads, or else before what it writes is kept.
func (tx *Tx) guard() error {
	return tx.kv.Guard(headerBucket, moveKey, func(sealed []byte, now time.Time) error {
		if sealed == nil {
			return nil
		}
		var m Move
		if err := cbor.Unmarshal(sealed, &m); err != nil {
			return fmt.Errorf("vault: read whether the vault is being moved: %w", err)
		}
		if m.lasts(now, moveGrace) {
			tx.move = &Moving{m}
		}
		return tx.moving()
	})
}

// writes has the transaction fail if the vault is being moved. While refreshes
// drain, that is one that begins another.
func (tx *Tx) writes(begins bool) error {
	tx.written, tx.begun = true, tx.begun || begins
	return tx.moving()
}

// moving is what keeps the transaction from being kept, as far as is known.
func (tx *Tx) moving() error {
	if tx.move != nil && (tx.begun || tx.written && tx.move.State != Draining) {
		return tx.move
	}
	return nil
}

func readMove(kv KV) (m Move, err error) {
	v, err := kv.Get(headerBucket, moveKey)
	if err != nil {
		return m, err
	}
	return m, cbor.Unmarshal(v.Sealed, &m)
}

func (m Move) put(kv KV) error {
	b, err := encoding.Marshal(m)
	if err != nil {
		return err
	}
	return kv.Put(headerBucket, moveKey, Value{Sealed: b})
}
