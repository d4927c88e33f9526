package vault

import "time"

// Lease is what one instance at a time may do. Taken within the transaction that
// does it, it needs nothing else to keep an instance that slept from doing it.
type Lease struct {
	forever
	Name   string
	Holder string    // the instance
	Until  time.Time // by the store's clock
}

func (l Lease) Key() string { return l.Name }

// Lead takes or renews a lease for this instance, and reports whether it has it:
// what another instance then does not begin within d.
func (tx *Tx) Lead(name string, d time.Duration) (mine bool, err error) {
	return tx.lease(name, tx.v.id, d)
}

// lease takes or renews a lease for this instance, and reports whether it has
// it. One that lasts longer than it may was made before the store's clock was
// put back, and is over.
func (tx *Tx) lease(name, holder string, d time.Duration) (mine bool, err error) {
	now, err := tx.kv.Now()
	if err != nil {
		return false, err
	}
	l, err := tx.Leases.Get(name)
	if ok, err := Exists(err); err != nil {
		return false, err
	} else if ok && l.Holder != holder && now.Before(l.Until) && !l.Until.After(now.Add(d)) {
		return false, nil
	}
	return true, tx.Leases.Put(Lease{Name: name, Holder: holder, Until: now.Add(d)})
}
