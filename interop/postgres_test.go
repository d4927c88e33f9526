package interop

import (
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// server runs PostgreSQL in the folder $1 until its standard input ends, which it
// does with the tests, however they end. Then nothing is left of it.
const server = `
cd "$1" || exit
"$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 </dev/null || exit
"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c max_connections=300 >>log 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -TERM $server # if it is not yet PostgreSQL
kill -INT $server
wait $server
cd / && rm -rf "$1"`

// database returns the URL of a PostgreSQL database of the test's own. Without
// PostgreSQL it skips the test, or fails it where that is required.
func database(t *testing.T) string {
	t.Helper()
	needPostgres(t)
	dir, err := startPostgres()
	if err != nil {
		t.Fatal(err)
	}
	return databaseOf(t, dir)
}

func needPostgres(t *testing.T) {
	t.Helper()
	if postgresPrograms() == "" {
		const missing = "PostgreSQL is not installed: run 'make tools', or 'apt-get install postgresql'"
		if os.Getenv("SALLYPORT_TEST_TOOLS") == "required" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
}

// databaseOf makes a database at the server in a folder.
func databaseOf(t *testing.T, dir string) string {
	t.Helper()
	bin := postgresPrograms()
	eventually(t, "PostgreSQL", func() bool { return exec.Command(filepath.Join(bin, "pg_isready"), "-h", dir).Run() == nil })
	name := filepath.Base(filepath.Dir(t.TempDir()))
	create := exec.Command(filepath.Join(bin, "createdb"), "-h", dir, "-U", "postgres", name)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("createdb: %v\n%s", err, out)
	}
	u := url.URL{Scheme: "postgres", Path: "/" + name, RawQuery: url.Values{"host": {dir}, "user": {"postgres"}}.Encode()}
	return u.String()
}

// postgresPrograms is the folder of PostgreSQL's programs, which Debian keeps out
// of PATH, or "".
func postgresPrograms() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

// alive is the server's standard input.
var alive any

// startPostgres starts the server, the first time, and returns its folder.
var startPostgres = sync.OnceValues(func() (dir string, err error) {
	dir, alive, err = newPostgres()
	return dir, err
})

// newPostgres starts a server that lives until its standard input is closed.
func newPostgres() (dir string, alive io.Closer, err error) {
	if dir, err = os.MkdirTemp("", "sallyport-postgres-"); err != nil {
		return "", nil, err
	}
	cmd := exec.Command("sh", "-c", server, "sh", dir, postgresPrograms())
	if err := asPostgres(cmd, dir); err != nil {
		return "", nil, err
	}
	if alive, err = cmd.StdinPipe(); err != nil {
		return "", nil, err
	}
	return dir, alive, cmd.Start()
}

// asPostgres has root run a command as the user postgres, in a folder that is
// theirs: neither PostgreSQL nor PgBouncer runs as root.
func asPostgres(cmd *exec.Cmd, dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return errors.Join(errUID, errGID, os.Chown(dir, uid, gid))
}
