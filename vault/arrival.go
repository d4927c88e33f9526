package vault

import (
	"errors"
	"fmt"
	"regexp"
)

// arrivals checks the entries of a backup as they come, which need not be from a
// gateway of ours: each has a place that a vault has, none comes twice, and a header
// is among them.
type arrivals struct {
	last   Location
	marked bool
	header bool
}

const mostKey = 32 << 10 // bytes, which is what bbolt takes

var (
	bucketForm     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	ofAnotherStore = map[string]bool{moveKey: true, arrivalKey: true, originKey: true}
)

// check finds fault with the next entry. They come in the order of their buckets and
// keys, but for the mark of the backup, which is the first.
func (a *arrivals) check(e backupEntry) error {
	at := Location{e.Bucket, e.Key}
	switch {
	case !bucketForm.MatchString(at.Bucket), at.Key == "", len(at.Key) > mostKey:
		return fmt.Errorf("this is no backup that Sallyport writes: it has an entry in %.40q, which no vault has", at.Bucket)
	case at.Bucket == headerBucket && ofAnotherStore[at.Key]:
		return fmt.Errorf("this is no backup that Sallyport writes: it has the %s of the store that it is from", at.Key)
	}
	mark := at == Location{headerBucket, restoredKey}
	if mark && a.last == (Location{}) && !a.marked {
		a.marked = true
		return nil
	}
	if mark && a.marked || a.last.Bucket > at.Bucket || a.last.Bucket == at.Bucket && a.last.Key >= at.Key {
		return fmt.Errorf("this is no backup that Sallyport writes: an entry of %s comes twice, or out of order", at.Bucket)
	}
	a.header = a.header || at == Location{headerBucket, headerKey}
	a.last = at
	return nil
}

// end finds fault with a backup that is over.
func (a *arrivals) end() error {
	if !a.header {
		return errors.New("this is no backup of a vault: it has no header")
	}
	return nil
}
