// Package pgtest runs a PostgreSQL server for tests: one for each program,
// in a folder of its own, reached by a Unix socket.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable is the environment variable that makes a machine without PostgreSQL
// fail the tests, if it is "required". Else they are skipped there.
const Variable = "SALLYPORT_TEST_TOOLS"

// Open returns the URL of a database schema of the test's own. It skips the
// test, or fails it, if PostgreSQL is not installed.
func Open(t testing.TB) string {
	t.Helper()
	dir := server(t)
	schema := "t" + strings.ToLower(rand.Text())
	Exec(t, at(dir, "postgres", nil), "CREATE SCHEMA "+schema)
	return at(dir, "postgres", url.Values{"search_path": {schema}})
}

// OpenDatabase returns the URL of a database of the test's own.
func OpenDatabase(t testing.TB) string {
	t.Helper()
	dir := server(t)
	name := "t" + strings.ToLower(rand.Text())
	Exec(t, at(dir, "postgres", nil), "CREATE DATABASE "+name)
	return at(dir, name, nil)
}

// OpenWithPassword is OpenDatabase for a user who has to show a password.
func OpenWithPassword(t testing.TB, password string) string {
	t.Helper()
	address := OpenDatabase(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	Exec(t, address, "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"'", "ALTER DATABASE "+name+" OWNER TO "+name, "GRANT known TO "+name)
	query := u.Query()
	query.Set("user", name)
	query.Set("password", password)
	u.RawQuery = query.Encode()
	return u.String()
}

// ErrMissing reports that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is not installed: run 'make tools', or 'apt-get install postgresql'")

// Start is OpenDatabase for what is no test, such as a benchmark.
func Start(ctx context.Context) (string, error) {
	if programs() == "" {
		return "", ErrMissing
	}
	dir, err := start()
	if err != nil {
		return "", err
	}
	c, err := pgx.Connect(ctx, at(dir, "postgres", nil))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	name := "t" + strings.ToLower(rand.Text())
	_, err = c.Exec(ctx, "CREATE DATABASE "+name)
	return at(dir, name, nil), err
}

// Exec runs statements at a URL of the server.
func Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, statement := range statements {
		if _, err := c.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func at(dir, database string, more url.Values) string {
	query := url.Values{"host": {dir}, "user": {"postgres"}}
	for k, v := range more {
		query[k] = v
	}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

func server(t testing.TB) (dir string) {
	t.Helper()
	if programs() == "" {
		if os.Getenv(Variable) == "required" {
			t.Fatal(ErrMissing)
		}
		t.Skip(ErrMissing)
	}
	dir, err := start()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// programs is the folder of PostgreSQL's programs, which Debian keeps out of
// PATH, or "".
func programs() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // fails for no such pattern
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.Max(found))
}

// script runs a server in the folder $1 until its standard input ends, which it
// does with the test binary, however that ends. Then nothing is left of it.
const script = `
cd "$1" || exit
"$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 </dev/null || exit
printf 'local all +known scram-sha-256\nlocal all all trust\n' >data/pg_hba.conf
"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c max_connections=300 -c shared_buffers=32MB >>log 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -TERM $server # if it is not yet PostgreSQL
kill -INT $server
wait $server
cd / && rm -rf "$1"`

// alive is the script's standard input.
var alive io.Closer

// start starts the server, the first time, and returns the folder of its socket.
var start = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sallyport-postgres-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("sh", "-c", script, "sh", dir, programs())
	if err := asPostgres(cmd, dir); err != nil {
		return "", err
	}
	if alive, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start PostgreSQL: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, at(dir, "postgres", nil))
		if err == nil {
			_, err = c.Exec(ctx, "CREATE ROLE known") // who has to show a password
			return dir, errors.Join(err, c.Close(ctx))
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return "", fmt.Errorf("PostgreSQL did not start: %w\n%s", err, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
})

// asPostgres has root run a command as the user postgres, since PostgreSQL does
// not run as root.
func asPostgres(cmd *exec.Cmd, dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w", err)
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return errors.Join(errUID, errGID, os.Chown(dir, uid, gid))
}
