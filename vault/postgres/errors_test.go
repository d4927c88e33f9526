package postgres_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
)

// with is a URL with another database, and more parameters in its query.
func with(t *testing.T, address, database string, more ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if database != "" {
		u.Path = "/" + database
	}
	query := u.Query()
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// TestErrorsSayWhatToDo opens what cannot be opened. The password is in every
// URL and in no error.
func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	address := pgtest.OpenDatabase(t)
	pgtest.Exec(t, address,
		"DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN",
		"CREATE SCHEMA newer", "CREATE TABLE newer.sallyport_schema (version int8)", "INSERT INTO newer.sallyport_schema VALUES (2)")
	const password = "s3cret/pass"
	for name, tt := range map[string]struct{ url, want string }{
		"no URL":            {"postgres://sallyport:" + password + "@localhost/db", "--store is not a URL of a PostgreSQL database"},
		"unknown parameter": {with(t, address, "", "password", password, "pool_max_conns", "many"), "--store is not a URL of a PostgreSQL database"},
		"nobody listens":    {"postgres://sallyport:s3cret%2Fpass@127.0.0.1:1/db", "the PostgreSQL database db at 127.0.0.1:1: connect: connection refused: check that it is running"},
		"no such host":      {"postgres://sallyport:s3cret%2Fpass@nobody.invalid/db", "check that it is running, and that --store has its host and port"},
		"no such database":  {with(t, address, "nothing", "password", password), `database "nothing" does not exist: make it with CREATE DATABASE`},
		"no such user":      {with(t, address, "", "user", "nobody", "password", password), `role "nobody" does not exist: check the user in --store`},
		"may not":           {with(t, address, "", "user", "guest", "password", password), "permission denied for schema public: the user has to own its tables"},
		"no such schema":    {with(t, address, "", "search_path", "nowhere", "password", password), "no schema has been selected to create in: check search_path"},
		"newer":             {with(t, address, "", "search_path", "newer", "password", password), "made by a newer version of Sallyport (they are of version 2, this program knows 1): use that version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), tt.url)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v\nwant %s", err, tt.want)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error tells the password: %v", err)
				}
			}
		})
	}
}

// TestDatabaseThatDoesNotAnswerMayLater tells what may pass from what a setting
// mends.
func TestDatabaseThatDoesNotAnswerMayLater(t *testing.T) {
	t.Parallel()
	address := pgtest.OpenDatabase(t)
	for name, tt := range map[string]struct {
		url   string
		later bool
	}{
		"nobody listens":    {"postgres://127.0.0.1:1/db", true},
		"no such database":  {with(t, address, "nothing"), false},
		"unknown parameter": {with(t, address, "", "pool_max_conns", "many"), false},
	} {
		if _, err := postgres.Open(t.Context(), tt.url); errors.Is(err, vault.ErrUnavailable) != tt.later {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongPasswordIsNotTold asks a server that wants one.
func TestWrongPasswordIsNotTold(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), with(t, pgtest.OpenWithPassword(t, "right"), "", "password", "s3cret"))
	if err == nil || !strings.Contains(err.Error(), "password authentication failed") || !strings.Contains(err.Error(), "check the user and the password") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("Open = %v", err)
	}
}
