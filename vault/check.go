package vault

import (
	"context"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Report is what [Vault.Check] found.
type Report struct {
	Records  map[string]int // that are in order, by bucket
	Restored bool           // the vault is marked as restored from a backup
	Root     string         // the ID of the root key
	DataKey  string         // the ID of the data key that seals
	Under    map[string]int // records, by the data key that they are under
	Faults   []Finding      // records that cannot be read
	Warnings []Finding      // records that speak of others which are not there
	// Of each kind the first are listed, and all counted.
	FaultCount, WarningCount int
}

// Finding is something to be said of a record.
type Finding struct {
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Problem string `json:"problem"`
}

// mostFindings are listed of each kind.
const mostFindings = 100

// Check opens every record of a vault, as it is at one moment, also those that
// have expired, and looks whether the records that it speaks of are there.
// Whatever the store keeps is written to raw, and progress is told the number of
// records so far, every now and then.
func (v *Vault) Check(ctx context.Context, raw io.Writer, progress func(records int)) (Report, error) {
	c := &checker{ctx: ctx, raw: raw, progress: progress, report: Report{Records: map[string]int{}, Under: map[string]int{}, Restored: v.Restored()}}
	err := v.store.Snapshot(ctx, func(kv KV) error {
		c.kv = kv
		tx := v.newTx(kv)
		if err := tx.look(); err != nil {
			return err
		}
		c.report.Root, c.report.DataKey = tx.ring.header.RootKey, dataKey(tx.ring.seals)
		if err := c.checkDerive(tx); err != nil {
			return err
		}
		known := []string{headerBucket}
		schema := reflect.ValueOf(*tx) // no kind can be forgotten
		for i := range schema.NumField() {
			if !schema.Type().Field(i).IsExported() {
				continue
			}
			kind := schema.Field(i).Interface().(interface {
				check(*checker) (bucket string, err error)
			})
			bucket, err := kind.check(c)
			if err != nil {
				return err
			}
			known = append(known, bucket)
		}
		buckets, err := kv.Buckets()
		for _, b := range buckets {
			if !slices.Contains(known, b) {
				c.warn(b, "", "records of a kind that this version does not know")
			}
		}
		return err
	})
	return c.report, err
}

// checker is a check under way.
type checker struct {
	ctx      context.Context
	kv       KV
	raw      io.Writer
	progress func(int)
	seen     int
	report   Report
}

// checkDerive opens the one record that is of no kind.
func (c *checker) checkDerive(tx *Tx) error {
	derive, err := c.kv.Get(headerBucket, deriveKey)
	if err != nil {
		return err
	}
	if _, err := tx.open(headerBucket, deriveKey, derive.Sealed); err != nil {
		c.fault(headerBucket, deriveKey, strings.TrimPrefix(err.Error(), "vault: "))
	}
	c.report.Under[dataKey(sealedUnder(derive.Sealed))]++
	return nil
}

func (rs Records[R]) check(c *checker) (string, error) {
	for e, err := range rs.tx.kv.Scan(rs.bucket, "") {
		if err != nil {
			c.fault(rs.bucket, "", err.Error())
			break
		}
		if c.seen++; c.seen%10_000 == 0 {
			c.progress(c.seen)
		}
		if err := c.ctx.Err(); err != nil {
			return rs.bucket, err
		}
		for _, part := range [][]byte{[]byte(e.Key), e.Sealed} {
			if _, err := c.raw.Write(part); err != nil {
				return rs.bucket, err
			}
		}
		c.report.Under[dataKey(sealedUnder(e.Sealed))]++
		r, err := rs.decode(e.Key, e.Value)
		switch {
		case err != nil:
			c.fault(rs.bucket, e.Key, strings.TrimPrefix(err.Error(), "vault: "))
			continue
		case r.Key() != e.Key:
			c.fault(rs.bucket, e.Key, "the record belongs under another key")
			continue
		}
		c.report.Records[rs.bucket]++
		for _, to := range references(r) {
			found, err := Exists(errOf(c.kv.Get(to.bucket, to.key)))
			if err != nil {
				return rs.bucket, err
			}
			if !found {
				c.warn(rs.bucket, e.Key, to.missing)
			}
		}
	}
	return rs.bucket, nil
}

// reference is a record that another one speaks of.
type reference struct{ bucket, key, missing string }

// references are the records that one needs to be of use. Those that only make
// one void, as a grant's that is gone does its tokens, are none.
func references(r any) (list []reference) {
	switch r := r.(type) {
	case User:
		for _, key := range r.Identities {
			list = append(list, reference{"identities", key, "an identity of the user is not there"})
		}
	case Identity:
		list = append(list, reference{"users", r.User, "the identity's user is not there"},
			reference{"connections", r.Connection, "the identity's connection is not there"})
	case TokenSet:
		connection, subject, _ := strings.Cut(r.Identity, "|")
		if subject == "" { // the connection's own
			return []reference{{"connections", connection, "the token set's connection is not there"}}
		}
		list = append(list, reference{"identities", r.Identity, "the token set's identity is not there"})
	case Refreshes:
		list = append(list, reference{"tokensets", r.Identity, "the account of the refreshes is not there"})
	case Grant:
		list = append(list, reference{"users", r.User, "the grant's user is not there"}, reference{"clients", r.Client, "the grant's client is not there"})
	case Consent:
		list = append(list, reference{"users", r.User, "the consent's user is not there"}, reference{"clients", r.Client, "the consent's client is not there"})
	case ClientGrant:
		list = append(list, reference{"clients", r.Client, "the client grant's client is not there"})
	}
	return list
}

func (c *checker) fault(bucket, key, problem string) {
	if c.report.FaultCount++; c.report.FaultCount <= mostFindings {
		c.report.Faults = append(c.report.Faults, Finding{bucket, key, problem})
	}
}

func (c *checker) warn(bucket, key, problem string) {
	if c.report.WarningCount++; c.report.WarningCount <= mostFindings {
		c.report.Warnings = append(c.report.Warnings, Finding{bucket, key, problem})
	}
}
