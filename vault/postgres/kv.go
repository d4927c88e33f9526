package postgres

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sallyport/vault"
)

// kv is a transaction.
type kv struct {
	transaction
	ctx   context.Context
	store *Store
	told  []string                        // topics
	ahead map[vault.Location]*vault.Value // that were read with others; nil are not there
	err   error                           // the first of the database's, after which the transaction is lost
	fault error                           // the first that a guard found; it is the err too
}

func (kv *kv) failed(err error) error {
	if kv.err == nil {
		kv.err = err
	}
	return err
}

func (kv *kv) write(sql string, arguments ...any) error {
	if kv.err != nil {
		return kv.err
	}
	kv.queue(sql, arguments...)
	if kv.waiting.Len() < most {
		return nil
	}
	return kv.failed(kv.send(kv.ctx))
}

// read sends a query, after what waits, and has its rows collected.
func (kv *kv) read(collect func(pgx.Rows) error, sql string, arguments ...any) error {
	if kv.err != nil {
		return kv.err
	}
	kv.queue(sql, arguments...).Query(collect)
	return kv.failed(kv.send(kv.ctx))
}

func (kv *kv) commit() error {
	if kv.err != nil {
		return kv.err
	}
	return kv.failed(kv.transaction.commit(kv.ctx))
}

func (kv *kv) Get(bucket, key string) (vault.Value, error) {
	at := vault.Location{Bucket: bucket, Key: key}
	if err := kv.Foresee(at); err != nil {
		return vault.Value{}, err
	}
	if v := kv.ahead[at]; v != nil {
		return *v, nil
	}
	return vault.Value{}, vault.ErrNotFound
}

// Foresee implements [vault.Foreseer].
func (kv *kv) Foresee(places ...vault.Location) error {
	if kv.err != nil {
		return kv.err
	}
	if kv.ahead == nil {
		kv.ahead = map[vault.Location]*vault.Value{}
	}
	unknown := false
	for _, at := range places {
		if _, known := kv.ahead[at]; known {
			continue
		}
		unknown = true
		kv.queue(`SELECT sealed, expires FROM sallyport_records WHERE bucket = $1 AND key = $2`,
			[]byte(at.Bucket), []byte(at.Key)).QueryRow(func(row pgx.Row) error {
			var v vault.Value
			var expires *int64
			err := row.Scan(&v.Sealed, &expires)
			if errors.Is(err, pgx.ErrNoRows) {
				kv.ahead[at] = nil
				return nil
			}
			v.Expires = fromUnix(expires)
			kv.ahead[at] = &v
			return err
		})
	}
	if !unknown {
		return nil
	}
	return kv.failed(kv.send(kv.ctx))
}

func (kv *kv) Put(bucket, key string, v vault.Value) error {
	delete(kv.ahead, vault.Location{Bucket: bucket, Key: key})
	sealed := v.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	return kv.write(`INSERT INTO sallyport_records (bucket, key, sealed, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (bucket, key) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires`,
		[]byte(bucket), []byte(key), sealed, toUnix(v.Expires))
}

func (kv *kv) Delete(bucket, key string) error {
	delete(kv.ahead, vault.Location{Bucket: bucket, Key: key})
	return kv.write(`DELETE FROM sallyport_records WHERE bucket = $1 AND key = $2`, []byte(bucket), []byte(key))
}

// mostAhead is how many entries are read ahead at the most.
const mostAhead = 100

// Scan reads ahead, so that fn may read and write while it goes on.
func (kv *kv) Scan(bucket, after string) iter.Seq2[vault.Entry, error] {
	return ahead(kv.page, bucket, after, mostAhead)
}

// ScanBack reads ahead, more and more: who scans back often wants a few.
func (kv *kv) ScanBack(bucket, before string) iter.Seq2[vault.Entry, error] {
	return ahead(kv.pageBack, bucket, before, 10)
}

// ahead are the entries from somewhere on, which are read page by page, the first of
// so many.
func ahead(page func(bucket, from string, n int) ([]vault.Entry, error), bucket, from string, n int) iter.Seq2[vault.Entry, error] {
	return func(yield func(vault.Entry, error) bool) {
		for from, n := from, n; ; n = min(2*n, mostAhead) {
			entries, err := page(bucket, from, n)
			if err != nil {
				yield(vault.Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) < n {
				return
			}
			from = entries[len(entries)-1].Key
		}
	}
}

func (kv *kv) page(bucket, after string, n int) ([]vault.Entry, error) {
	return kv.entries(`SELECT key, sealed, expires FROM sallyport_records
		WHERE bucket = $1 AND key > $2 ORDER BY key LIMIT $3`, []byte(bucket), []byte(after), n)
}

func (kv *kv) pageBack(bucket, before string, n int) ([]vault.Entry, error) {
	if before == "" {
		return kv.entries(`SELECT key, sealed, expires FROM sallyport_records
			WHERE bucket = $1 ORDER BY key DESC LIMIT $2`, []byte(bucket), n)
	}
	return kv.entries(`SELECT key, sealed, expires FROM sallyport_records
		WHERE bucket = $1 AND key < $2 ORDER BY key DESC LIMIT $3`, []byte(bucket), []byte(before), n)
}

func (kv *kv) entries(sql string, arguments ...any) (entries []vault.Entry, err error) {
	err = kv.read(func(rows pgx.Rows) (err error) {
		entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e vault.Entry, err error) {
			var key []byte
			var expires *int64
			err = row.Scan(&key, &e.Sealed, &expires)
			e.Key, e.Expires = string(key), fromUnix(expires)
			return e, err
		})
		return err
	}, sql, arguments...)
	return entries, err
}

func (kv *kv) Buckets() (names []string, err error) {
	err = kv.read(func(rows pgx.Rows) (err error) {
		names, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
			var name []byte
			err := row.Scan(&name)
			return string(name), err
		})
		return err
	}, `SELECT DISTINCT bucket FROM sallyport_records ORDER BY bucket`)
	return names, err
}

func (kv *kv) Sweep(t time.Time, n int) (int, error) {
	clear(kv.ahead)
	swept := 0
	err := kv.read(func(rows pgx.Rows) error {
		rows.Close()
		swept = int(rows.CommandTag().RowsAffected())
		return nil
	}, `DELETE FROM sallyport_records WHERE (bucket, key) IN
		(SELECT bucket, key FROM sallyport_records WHERE expires < $1 ORDER BY expires LIMIT $2)`, t.Unix(), n)
	return swept, err
}

func (kv *kv) Now() (now time.Time, err error) {
	err = kv.read(func(rows pgx.Rows) (err error) {
		now, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[time.Time])
		return err
	}, `SELECT clock_timestamp()`)
	return now, err
}

// Guard asks together with what is read or written next. It sees the database as
// the rest of the transaction does: of what is kept meanwhile, being serializable
// tells.
func (kv *kv) Guard(bucket, key string, check func(sealed []byte, now time.Time) error) error {
	if kv.err != nil {
		return kv.err
	}
	kv.guard(func(row pgx.Row) error {
		var now time.Time
		var sealed []byte
		if err := row.Scan(&now, &sealed); err != nil {
			return err
		}
		kv.fault = check(sealed, now)
		return kv.fault
	}, `SELECT clock_timestamp(), (SELECT sealed FROM sallyport_records WHERE bucket = $1 AND key = $2)`, []byte(bucket), []byte(key))
	return nil
}

// Origin asks together with what is read or written next.
func (kv *kv) Origin(check func(origin string) error) error {
	if kv.err != nil {
		return kv.err
	}
	if !kv.store.knowsOrigin {
		kv.fault = check("")
		return kv.failed(kv.fault)
	}
	kv.guard(func(row pgx.Row) error {
		var from string
		if err := row.Scan(&from); err != nil {
			return err
		}
		kv.fault = check(from)
		return kv.fault
	}, origin)
	return nil
}

func (kv *kv) Tell(topic string) error {
	if !kv.store.tells || slices.Contains(kv.told, topic) {
		return nil
	}
	kv.told = append(kv.told, topic)
	return kv.write(`SELECT pg_notify($1, $2)`, channel, topic)
}

func toUnix(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}

func fromUnix(s *int64) time.Time {
	if s == nil {
		return time.Time{}
	}
	return time.Unix(*s, 0)
}
