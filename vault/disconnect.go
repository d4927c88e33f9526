package vault

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Disconnect takes a token set out of use, now, and has what its provider issued
// revoked there. It returns the ID of the revocation.
//
// A refresh under way may bring another refresh token, which nobody would know to
// revoke: then the set goes only when that has ended. Until then nothing may use
// it; see [TokenSet.Connected].
func (tx *Tx) Disconnect(ts TokenSet) (id string, err error) {
	r := Revocation{Tokens: ts}
	d, err := tx.Disconnections.Get(r.Connection())
	if found, err := Exists(err); err != nil {
		return "", err
	} else if !found || ts.Generation >= d.Generation || ts.Disconnected {
		return tx.disconnect(ts, 0)
	}
	d.Accounts++ // it would have been found
	if err := tx.Disconnections.Put(d); err != nil {
		return "", err
	}
	return tx.disconnect(ts, d.Generation)
}

func (tx *Tx) disconnect(ts TokenSet, generation int) (id string, err error) {
	r := tx.newRevocation("disconnected "+ts.ID, ts)
	r.Disconnect, r.Generation = true, generation
	wait, err := tx.busy(ts)
	if err != nil {
		return "", err
	}
	if wait > 0 {
		ts.Disconnected = true
		r.Awaits, r.Tokens, r.Next = true, TokenSet{Identity: ts.Identity, ID: ts.ID}, tx.now.Add(wait)
		return r.ID, errors.Join(tx.TokenSets.Put(ts), tx.Revocations.Put(r))
	}
	return r.ID, errors.Join(tx.forgetTokens(ts.Identity), tx.Revocations.Put(r))
}

// busy is for how long a refresh of a token set may be under way.
func (tx *Tx) busy(ts TokenSet) (time.Duration, error) {
	if ts.Attempt == nil {
		return 0, nil
	}
	now, err := tx.kv.Now()
	if err != nil {
		return 0, err
	}
	return ts.Attempt.underWay(now, tx.v.steady.look(now, tx.v.Now())), nil
}

// lostRefresh says what became of tokens that cannot be revoked any more.
const lostRefresh = "A refresh was under way when the account was disconnected, and its user connected again before it had ended. What it brought is not known here, and expires by itself or can be ended at the provider."

// Collect takes the tokens of an account that was disconnected while a refresh of
// it was under way, if that has ended. A revocation that awaits them still has
// its next attempt then; one whose tokens are not there any more is given up.
func (tx *Tx) Collect(r Revocation) (Revocation, error) {
	ts, err := tx.TokenSets.Get(r.Tokens.Identity)
	found, err := Exists(err)
	if err != nil {
		return r, err
	}
	if !found || ts.ID != r.Tokens.ID {
		return r.GiveUp(lostRefresh), nil
	}
	wait, err := tx.busy(ts)
	if err != nil {
		return r, err
	}
	if wait > 0 {
		r.Next = tx.now.Add(wait)
		return r, nil
	}
	r.Awaits, r.Tokens = false, ts
	return r, tx.forgetTokens(ts.Identity)
}

// forgetTokens forgets an account's token set, and how it was refreshed.
func (tx *Tx) forgetTokens(identity string) error {
	return errors.Join(tx.TokenSets.Delete(identity), tx.Refreshes.Delete(identity))
}

// Disconnection is how far it has come to disconnect all accounts of a
// connection at once. That none of them may be used any more holds from its
// first moment: see [Connection.Generation].
type Disconnection struct {
	forever
	Connection string // name
	Generation int    // of the connection from then on
	Began      time.Time
	After      string // key of the last token set that was looked at
	Swept      bool   // all have been
	Accounts   int    // that were found
	Revoked    int    // of which the provider has said so
	Ended      int    // that were over there already
	Failed     int    // that were given up
}

func (d Disconnection) Key() string { return d.Connection }

// DisconnectAll takes all token sets of a connection out of use that there are
// now, by one small change. They are taken away by [Vault.DisconnectSome].
func (tx *Tx) DisconnectAll(connection string) (Disconnection, error) {
	c, err := tx.Connections.Get(connection)
	if err != nil {
		return Disconnection{}, err
	}
	c.Generation++
	d := Disconnection{Connection: c.Name, Generation: c.Generation, Began: tx.now}
	return d, errors.Join(tx.Connections.Put(c), tx.Disconnections.Put(d))
}

const (
	disconnectBatch = 100         // token sets in one transaction
	disconnectLease = time.Minute // that others leave it to the instance that was at it last
)

// DisconnectSome takes some of the token sets away that [Tx.DisconnectAll] put out
// of use, and has them revoked. It returns true once there are none left, or
// another instance is at it. It goes on where whoever was at it before has ended.
func (v *Vault) DisconnectSome(ctx context.Context, connection string) (done bool, err error) {
	err = v.Update(ctx, func(tx *Tx) error {
		done = true
		mine, err := tx.lease("disconnect "+connection, v.id, disconnectLease)
		if err != nil || !mine {
			return err
		}
		d, err := tx.Disconnections.Get(connection)
		if err != nil || d.Swept {
			return err
		}
		begin := connection + "|"
		if d.After == "" {
			d.After = connection + "{" // the last before that
		}
		looked := 0
		for ts, err := range tx.TokenSets.All(d.After) {
			if err != nil {
				return err
			}
			if !strings.HasPrefix(ts.Identity, begin) {
				break
			}
			if looked++; looked > disconnectBatch {
				done = false
				break
			}
			d.After = ts.Identity
			if ts.Generation >= d.Generation || ts.Disconnected {
				continue // connected since, or disconnected before
			}
			d.Accounts++
			if _, err := tx.disconnect(ts, d.Generation); err != nil {
				return err
			}
		}
		d.Swept = done
		return tx.Disconnections.Put(d)
	})
	return done, err
}
