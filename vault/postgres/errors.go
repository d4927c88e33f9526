package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sallyport/vault"
)

var errNoURL = errors.New("--store is not a URL of a PostgreSQL database: it should be such as postgres://user@host:5432/database?sslmode=verify-full; in a password, characters other than letters and digits are percent-encoded")

// Name is the database at a URL as people know it, without the password.
func Name(url string) string {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return "the PostgreSQL database"
	}
	return name(config)
}

func name(config *pgxpool.Config) string {
	c := config.ConnConfig
	if strings.HasPrefix(c.Host, "/") {
		return fmt.Sprintf("the PostgreSQL database %s at the socket in %s", c.Database, c.Host)
	}
	return fmt.Sprintf("the PostgreSQL database %s at %s", c.Database, net.JoinHostPort(c.Host, fmt.Sprint(c.Port)))
}

// explain says which database an error is of, and what to do.
func (s *Store) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &storeError{s.name, advice(err), err}
}

// storeError is an error of the database.
type storeError struct {
	name, advice string
	err          error
}

func (e *storeError) Error() string {
	text := e.name + ": " + cause(e.err)
	if e.advice != "" {
		text += ": " + e.advice
	}
	return text
}

func (e *storeError) Unwrap() error { return e.err }

// Is tells of [vault.ErrUnavailable]: the database did not answer, or cannot
// write, which another server or another moment may mend.
func (e *storeError) Is(target error) bool {
	var pg *pgconn.PgError
	if target != vault.ErrUnavailable {
		return false
	}
	if errors.As(e.err, &pg) {
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "57P") || pg.Code == "53300" || pg.Code == "25006"
	}
	var refused *pgconn.ConnectError
	var op *net.OpError
	return errors.As(e.err, &refused) || errors.As(e.err, &op) || pgconn.Timeout(e.err) || pgconn.SafeToRetry(e.err) || errors.Is(e.err, io.ErrUnexpectedEOF) || errors.Is(e.err, io.EOF)
}

// cause is what is at the bottom of an error: the driver's own text tells the
// address of each of its tries.
func cause(err error) string {
	var pg *pgconn.PgError
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &pg):
		return pg.Message
	case errors.As(err, &dns):
		return dns.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// advice says what to do about an error, if that is known.
func advice(err error) string {
	var pg *pgconn.PgError
	var op *net.OpError
	var dns *net.DNSError
	var untrusted x509.UnknownAuthorityError
	var misnamed x509.HostnameError
	switch {
	case errors.As(err, &pg):
		return adviceOn[pg.Code]
	case errors.As(err, &untrusted):
		return "name the authority of its certificate in --store, with sslrootcert=FILE"
	case errors.As(err, &misnamed):
		return "name in --store the host that its certificate is for"
	case errors.As(err, &op), errors.As(err, &dns), pgconn.Timeout(err):
		return "check that it is running, and that --store has its host and port"
	}
	return ""
}

const behindPooler = "behind a pooler, add default_query_exec_mode=exec to --store"

// adviceOn is by PostgreSQL's error codes (Appendix A of its manual).
var adviceOn = map[string]string{
	"28P01": "check the user and the password in --store, or in PGPASSWORD or ~/.pgpass",
	"28000": "check the user in --store, and that pg_hba.conf lets it in from this machine",
	"3D000": "make it with CREATE DATABASE, or check --store",
	"3F000": "check search_path in --store",
	"42501": "the user has to own its tables: let it make them, with GRANT USAGE, CREATE ON SCHEMA public, or give it a database of its own",
	"53300": "raise max_connections, or give each instance fewer with pool_max_conns=N in --store",
	"25006": "the server is a standby: name the primary in --store, or all hosts with target_session_attrs=read-write",
	"08P01": behindPooler,
	"26000": behindPooler,
	"42P05": behindPooler,
	"57P03": "it is starting or stopping",
}
