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

// kv is a transaction. What it writes is sent together, before the next read or
// the commit.
type kv struct {
	ctx    context.Context
	tx     pgx.Tx
	writes pgx.Batch
	store  *Store
	told   []string // topics
	err    error    // the first of the database's, after which the transaction is lost
	fault  error    // the first that a guard found; it is the err too
}

// most is how many writes are sent together.
const most = 500

func (kv *kv) failed(err error) error {
	if kv.err == nil {
		kv.err = err
	}
	return err
}

func (kv *kv) write(sql string, arguments ...any) error {
	kv.writes.Queue(sql, arguments...)
	if kv.writes.Len() < most {
		return kv.err
	}
	return kv.flush()
}

func (kv *kv) flush() error {
	if kv.err != nil || kv.writes.Len() == 0 {
		return kv.err
	}
	err := kv.tx.SendBatch(kv.ctx, &kv.writes).Close()
	kv.writes = pgx.Batch{}
	return kv.failed(err)
}

func (kv *kv) Get(bucket, key string) (v vault.Value, err error) {
	if err := kv.flush(); err != nil {
		return v, err
	}
	var expires *int64
	err = kv.tx.QueryRow(kv.ctx, `SELECT sealed, expires FROM sallyport_records WHERE bucket = $1 AND key = $2`,
		[]byte(bucket), []byte(key)).Scan(&v.Sealed, &expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, vault.ErrNotFound
	}
	v.Expires = fromUnix(expires)
	return v, kv.failed(err)
}

func (kv *kv) Put(bucket, key string, v vault.Value) error {
	sealed := v.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	return kv.write(`INSERT INTO sallyport_records (bucket, key, sealed, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (bucket, key) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires`,
		[]byte(bucket), []byte(key), sealed, toUnix(v.Expires))
}

func (kv *kv) Delete(bucket, key string) error {
	return kv.write(`DELETE FROM sallyport_records WHERE bucket = $1 AND key = $2`, []byte(bucket), []byte(key))
}

// Scan reads ahead, so that fn may read and write while it goes on.
func (kv *kv) Scan(bucket, after string) iter.Seq2[vault.Entry, error] {
	const ahead = 100
	return func(yield func(vault.Entry, error) bool) {
		for {
			entries, err := kv.page(bucket, after, ahead)
			if err != nil {
				yield(vault.Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) < ahead {
				return
			}
			after = entries[len(entries)-1].Key
		}
	}
}

func (kv *kv) page(bucket, after string, n int) ([]vault.Entry, error) {
	if err := kv.flush(); err != nil {
		return nil, err
	}
	rows, _ := kv.tx.Query(kv.ctx, `SELECT key, sealed, expires FROM sallyport_records
		WHERE bucket = $1 AND key > $2 ORDER BY key LIMIT $3`, []byte(bucket), []byte(after), n)
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e vault.Entry, err error) {
		var key []byte
		var expires *int64
		err = row.Scan(&key, &e.Sealed, &expires)
		e.Key, e.Expires = string(key), fromUnix(expires)
		return e, err
	})
	return entries, kv.failed(err)
}

func (kv *kv) Buckets() ([]string, error) {
	if err := kv.flush(); err != nil {
		return nil, err
	}
	rows, _ := kv.tx.Query(kv.ctx, `SELECT DISTINCT bucket FROM sallyport_records ORDER BY bucket`)
	names, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var name []byte
		err := row.Scan(&name)
		return string(name), err
	})
	return names, kv.failed(err)
}

func (kv *kv) Sweep(t time.Time, n int) (int, error) {
	if err := kv.flush(); err != nil {
		return 0, err
	}
	tag, err := kv.tx.Exec(kv.ctx, `DELETE FROM sallyport_records WHERE (bucket, key) IN
		(SELECT bucket, key FROM sallyport_records WHERE expires < $1 ORDER BY expires LIMIT $2)`, t.Unix(), n)
	return int(tag.RowsAffected()), kv.failed(err)
}

func (kv *kv) Now() (now time.Time, err error) {
	err = kv.tx.QueryRow(kv.ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now, kv.failed(err)
}

// Guard asks together with what is written. It sees the database as the rest of
// the transaction does: of what is kept meanwhile, being serializable tells.
func (kv *kv) Guard(bucket, key string, check func(sealed []byte, now time.Time) error) error {
	kv.writes.Queue(`SELECT clock_timestamp(), (SELECT sealed FROM sallyport_records WHERE bucket = $1 AND key = $2)`,
		[]byte(bucket), []byte(key)).QueryRow(func(row pgx.Row) error {
		var now time.Time
		var sealed []byte
		if err := row.Scan(&now, &sealed); err != nil {
			return err
		}
		kv.fault = check(sealed, now)
		return kv.fault
	})
	return kv.err
}

// Origin asks together with what is written.
func (kv *kv) Origin(check func(origin string) error) error {
	if !kv.store.knowsOrigin {
		kv.fault = check("")
		return kv.failed(kv.fault)
	}
	kv.writes.Queue(origin).QueryRow(func(row pgx.Row) error {
		var from string
		if err := row.Scan(&from); err != nil {
			return err
		}
		kv.fault = check(from)
		return kv.fault
	})
	return kv.err
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
