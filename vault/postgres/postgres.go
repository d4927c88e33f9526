// Package postgres keeps a vault in a PostgreSQL database, which many instances
// share.
//
// Records are rows of one table, sealed before they come here, so there is
// nothing in them that SQL could look for. What it does use is common to
// PostgreSQL and CockroachDB, and what is not is done without where it is missing.
package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sallyport/vault"
)

// Store is a [vault.Store] in a PostgreSQL database.
type Store struct {
	pool   *pgxpool.Pool
	name   string
	tells  bool // it has NOTIFY, which CockroachDB has not
	pooled bool // no connection is to one server: there is a pooler in between

	knowsOrigin bool // the server tells which one it is
}

var (
	_ vault.Store  = (*Store)(nil)
	_ vault.Shared = (*Store)(nil)
)

const (
	connectTime = 10 * time.Second // until a server that does not answer is given up
	tryTime     = 10 * time.Second // that one try of a transaction may last
	retryTime   = 30 * time.Second // that a transaction which others get in the way of is tried again for
)

// Open connects to the database at a URL, such as
// postgres://sallyport@db.example.com/sallyport?sslmode=verify-full, and makes
// its tables if they are not there. What the URL leaves out comes from
// PostgreSQL's own variables and files, as PGPASSWORD or ~/.pgpass. No error
// tells the password.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errNoURL // the cause may quote the password
	}
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > connectTime {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = "sallyport"
	s := &Store{name: name(config), pooled: config.ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement}
	if !s.pooled {
		for _, p := range parameters {
			params[p.name] = p.value
		}
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, s.explain(err)
	}
	var version string
	err = makeSchema(ctx, s.pool)
	if err == nil {
		err = s.pool.QueryRow(ctx, "SELECT version()").Scan(&version)
	}
	if err != nil {
		s.pool.Close()
		return nil, s.explain(err)
	}
	s.tells = strings.HasPrefix(version, "PostgreSQL")
	var from string
	err = s.pool.QueryRow(ctx, origin).Scan(&from)
	s.knowsOrigin = !isCode(err, "42501", "42883", "0A000") // may not, has no such function, cannot; else it may later
	return s, nil
}

// parameters are those of a transaction. Where a connection is to one server, they
// are the session's.
var parameters = []struct{ name, value string }{
	// An instance that sleeps in a transaction, or whose machine is gone, must
	// not hold the others up.
	{"idle_in_transaction_session_timeout", "10s"},
	// Reading a whole small table, which PostgreSQL prefers to looking in its
	// index, would conflict with every write.
	{"enable_seqscan", "off"},
}

// begin is a transaction that begins with a statement, once it asks something.
// With a pooler in between, each has to set its parameters.
func (s *Store) begin(ctx context.Context, statement string, acquire func() (*pgxpool.Conn, error)) *kv {
	statements := []string{statement}
	if s.pooled {
		for _, p := range parameters {
			statements = append(statements, "SET LOCAL "+p.name+" = '"+p.value+"'")
		}
	}
	return &kv{ctx: ctx, store: s, transaction: transaction{begin: statements, acquire: acquire}}
}

// origin asks for the cluster, its timeline, which begins anew when a standby is
// promoted or a base backup recovered, and the database, which is another one
// when a dump is restored. The timeline is that of what is being written: the
// control file still has the former one for a while.
const origin = `SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
	substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), (SELECT oid FROM pg_database WHERE datname = current_database()))`

// Shared implements [vault.Shared].
func (s *Store) Shared() {}

// Close implements [vault.Store]. It waits for the transactions under way.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// View implements [vault.Store]. It sees the database as it was at one moment,
// that of the first read, and neither waits for transactions that write nor makes
// them wait.
func (s *Store) View(ctx context.Context, fn func(vault.KV) error) error {
	return s.run(ctx, reading, fn)
}

// Update implements [vault.Store].
func (s *Store) Update(ctx context.Context, fn func(vault.KV) error) error {
	return s.run(ctx, writing, fn)
}

// run runs fn in a transaction, again if it met another one, or if the
// connection broke before its end.
func (s *Store) run(ctx context.Context, begin string, fn func(vault.KV) error) error {
	began, wait := time.Now(), time.Millisecond
	for {
		err := s.try(ctx, begin, fn)
		if !errors.Is(err, errAgain) || time.Since(began) > retryTime {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(wait)):
		}
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// errAgain marks the error of a transaction that is to be tried again.
var errAgain = errors.New("postgres: the transaction met another")

// try runs fn in a transaction once. A context that ends meanwhile does not stop
// one that has begun: whether it was kept could not be told then.
func (s *Store) try(ctx context.Context, begin string, fn func(vault.KV) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tried, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTime)
	defer cancel()
	kv := s.begin(tried, begin, func() (*pgxpool.Conn, error) { return s.pool.Acquire(ctx) })
	defer kv.end()
	var err error
	if begin == writing { // while the context lasts
		if kv.conn, err = kv.acquire(); err != nil {
			return s.explain(err)
		}
	}
	err = fn(kv)
	if err == nil {
		err = kv.commit()
	}
	switch {
	case kv.fault != nil:
		return kv.fault
	case kv.err != nil: // whatever fn made of it
		return s.again(kv)
	}
	return err
}

// again is the error of a transaction that the database did not keep, marked if
// it may be tried again.
func (s *Store) again(kv *kv) error {
	broken := kv.conn != nil && kv.conn.Conn().IsClosed() && !pgconn.Timeout(kv.err)
	// A connection that broke without a word may have brought the commit.
	var word *pgconn.PgError
	if met(kv.err) || broken && (!kv.committing || errors.As(kv.err, &word) || pgconn.SafeToRetry(kv.err)) {
		return errors.Join(errAgain, s.explain(kv.err))
	}
	return s.explain(kv.err)
}

// met reports whether a transaction failed because of another one: a
// serialization failure or a deadlock.
func met(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
