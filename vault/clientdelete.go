package vault

import (
	"context"
	"slices"
)

// grantBatch is how many grants are looked at in one transaction.
const grantBatch = 500

// DeleteClient deletes a client, its place at connections, and what it may ask of
// APIs, after before has had its say in the same transaction; and then, in others,
// what users allowed it, so that nothing of it is good for a client that gets its
// ID later. It fails with [ErrNotFound].
func (v *Vault) DeleteClient(ctx context.Context, id string, before func(*Tx, Client) error) error {
	err := v.Update(ctx, func(tx *Tx) error {
		c, err := tx.Clients.Get(id)
		if err != nil {
			return err
		}
		if err := before(tx, c); err != nil {
			return err
		}
		if err := tx.withdraw(id); err != nil {
			return err
		}
		return tx.Clients.Delete(id)
	})
	for after, more := "", true; more && err == nil; {
		err = v.Update(ctx, func(tx *Tx) (err error) {
			after, more, err = tx.deleteGrants(id, after)
			return err
		})
	}
	return err
}

// withdraw takes a client out of the connections and client grants that name it.
func (tx *Tx) withdraw(client string) error {
	var connections []Connection
	for c, err := range tx.Connections.All("") {
		if err != nil {
			return err
		}
		if c.Allows(client) {
			connections = append(connections, c)
		}
	}
	for _, c := range connections {
		c.Clients = slices.DeleteFunc(slices.Clone(c.Clients), func(id string) bool { return id == client })
		if err := tx.Connections.Put(c); err != nil {
			return err
		}
	}
	var grants []string
	for g, err := range tx.ClientGrants.All("") {
		if err != nil {
			return err
		}
		if g.Client == client {
			grants = append(grants, g.Key())
		}
	}
	for _, key := range grants {
		if err := tx.ClientGrants.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// deleteGrants deletes those of a client out of a batch of grants, and returns
// the last key of the batch, and whether there are more behind it.
func (tx *Tx) deleteGrants(client, after string) (last string, more bool, err error) {
	var mine []string
	n := 0
	for g, err := range tx.Grants.All(after) {
		if err != nil {
			return after, false, err
		}
		if n == grantBatch {
			more = true
			break
		}
		n++
		last = g.ID
		if g.Client == client {
			mine = append(mine, g.ID)
		}
	}
	for _, id := range mine {
		if err := tx.Grants.Delete(id); err != nil {
			return after, false, err
		}
	}
	return last, more, nil
}

// CountGrants is how many sign-ins to a client are in force, out of the first
// most grants that are kept; all is whether those are all there are.
func (tx *Tx) CountGrants(client string, most int) (n int, all bool, err error) {
	looked := 0
	for g, err := range tx.Grants.All("") {
		if err != nil {
			return n, false, err
		}
		if looked == most {
			return n, false, nil
		}
		looked++
		if g.Client == client {
			n++
		}
	}
	return n, true, nil
}
