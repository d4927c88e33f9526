package vault

import "errors"

// TakeBack ends what a user allowed a client: its consents, and the grants that
// it has, with all that was issued under them.
func (tx *Tx) TakeBack(user, client string) error {
	given, err := tx.ConsentsOf(user)
	if err != nil {
		return err
	}
	for _, c := range given {
		if c.Client == client {
			err = errors.Join(err, tx.Consents.Delete(c.Key()))
		}
	}
	grants, failed := tx.GrantsOf(user, mostOfUser)
	for _, g := range grants {
		if g.Client == client {
			err = errors.Join(err, tx.Grants.Delete(g.ID))
		}
	}
	return errors.Join(err, failed)
}

// mostOfUser is more than any user's sessions or grants.
const mostOfUser = 100_000
