package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// schemaVersion is the version of the tables that this program knows.
const schemaVersion = 1

// schema makes the tables. Buckets and keys are bytes: text would hold no 0, and
// its order depends on the database's collation.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS sallyport_schema (version int8 PRIMARY KEY)`,
	`CREATE TABLE IF NOT EXISTS sallyport_records (
		bucket  bytea NOT NULL,
		key     bytea NOT NULL,
		sealed  bytea NOT NULL,
		expires int8, -- seconds since 1970; null never
		PRIMARY KEY (bucket, key))`,
	`CREATE INDEX IF NOT EXISTS sallyport_records_expires ON sallyport_records (expires) WHERE expires IS NOT NULL`,
	`INSERT INTO sallyport_schema (version) VALUES (1) ON CONFLICT DO NOTHING`,
}

// makeSchema makes the tables that are not there. Of many instances that begin
// at once all but one fail to, and find them made when they look again.
func makeSchema(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, retryTime)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		version, err := readVersion(ctx, pool)
		if err == nil && version > schemaVersion {
			return fmt.Errorf("its tables were made by a newer version of Sallyport (they are of version %d, this program knows %d): use that version", version, schemaVersion)
		}
		if err == nil && version > 0 || err != nil && !isCode(err, "42P01") { // undefined table
			return err
		}
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			for _, statement := range schema {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
		// Duplicates of what another instance makes at this moment.
		if err != nil && !met(err) && !isCode(err, "23505", "42P07", "42710", "XX000") {
			return err
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("make the tables: %w", err)
		case <-time.After(wait):
		}
	}
}

// readVersion returns 0 if the tables are not all made.
func readVersion(ctx context.Context, pool *pgxpool.Pool) (version int, err error) {
	err = pool.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM sallyport_schema`).Scan(&version)
	return version, err
}

func isCode(err error, codes ...string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains(codes, pg.Code)
}
