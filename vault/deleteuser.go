package vault

import (
	"context"
	"errors"
	"fmt"
)

// DeleteUser forgets a user and all that is theirs, and has revoked what
// providers issued for their accounts. It returns the IDs of the revocations. A
// user who is not there is no error; what an attempt that failed has left is
// forgotten then.
//
// The user is blocked first, so that nothing new comes while the rest is looked
// for, and goes last, with the event: whoever signs in as the same later begins
// anew.
func (v *Vault) DeleteUser(ctx context.Context, e Event, id string) (revocations []string, err error) {
	err = v.Update(ctx, func(tx *Tx) error {
		u, err := tx.Users.Get(id)
		if found, err := Exists(err); !found {
			return err
		}
		u.Blocked = true
		return tx.Users.Put(u)
	})
	if err != nil {
		return nil, err
	}
	// What brings something comes before what it brings.
	for _, forget := range []func() error{
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[Login] { return tx.Logins }, func(l Login) bool { return l.User == id })
		},
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[Ticket] { return tx.Tickets }, func(t Ticket) bool { return t.User == id })
		},
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[Session] { return tx.Sessions }, func(s Session) bool { return s.User == id })
		},
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[DeviceCode] { return tx.DeviceCodes }, func(d DeviceCode) bool { return d.Answer != nil && d.Answer.User == id })
		},
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[Code] { return tx.Codes }, func(c Code) bool { return c.User == id })
		},
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[Grant] { return tx.Grants }, func(g Grant) bool { return g.User == id })
		},
		func() error {
			return forgetAll(ctx, v, func(tx *Tx) Records[AccessToken] { return tx.AccessTokens }, func(t AccessToken) bool { return t.User == id })
		},
	} {
		if err := forget(); err != nil {
			return nil, err
		}
	}
	message := NewMessageID()
	err = v.Update(ctx, func(tx *Tx) (err error) {
		if revocations, err = tx.deleteUser(id, message); err != nil {
			return err
		}
		return tx.Record(e)
	})
	return revocations, err
}

// deleteUser forgets a user with accounts and consents. Of the accounts, webhooks
// are told under IDs that begin with a message's.
func (tx *Tx) deleteUser(id, message string) (revocations []string, err error) {
	given, err := tx.ConsentsOf(id)
	for _, c := range given {
		err = errors.Join(err, tx.Consents.Delete(c.Key()))
	}
	if err != nil {
		return nil, err
	}
	u, err := tx.Users.Get(id)
	if found, err := Exists(err); !found {
		return nil, err
	}
	for n, key := range u.Identities {
		ts, err := tx.TokenSets.Get(key)
		found, err := Exists(err)
		if err != nil {
			return nil, err
		}
		if found {
			if err := tx.NotifyAccount(fmt.Sprint(message, n), AccountDisconnected, ts); err != nil {
				return nil, err
			}
			revocation, err := tx.Disconnect(ts)
			if err != nil {
				return nil, err
			}
			revocations = append(revocations, revocation)
		}
		if err := tx.Identities.Delete(key); err != nil {
			return nil, err
		}
	}
	return revocations, tx.Users.Delete(id)
}

// forgetAll forgets the records of a kind that are of somebody, a bounded number
// a transaction.
func forgetAll[R Record](ctx context.Context, v *Vault, kind func(*Tx) Records[R], theirs func(R) bool) error {
	const batch = 500
	for after, more := "", true; more; {
		var keys []string
		err := v.View(ctx, func(tx *Tx) error {
			keys, more = nil, false
			for r, err := range kind(tx).All(after) {
				if err != nil {
					return err
				}
				if !theirs(r) {
					continue
				}
				if more = len(keys) == batch; more {
					break
				}
				keys = append(keys, r.Key())
			}
			return nil
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		after = keys[len(keys)-1]
		err = v.Update(ctx, func(tx *Tx) error {
			for _, key := range keys {
				if err := kind(tx).Delete(key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
