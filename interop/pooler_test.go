package interop

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pooler runs PgBouncer in the folder $1, as it was asked to, until its standard
// input ends.
const pooler = `
cd "$1" || exit
pgbouncer pgbouncer.ini >>pooler.log 2>&1 </dev/null &
pooler=$!
cat >/dev/null
kill -INT $pooler
wait $pooler`

// pooled returns the URL of a database behind PgBouncer in transaction mode, which
// has fewer connections than the gateways. Without PgBouncer it skips the test, or
// fails it where that is required.
func pooled(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("pgbouncer"); err != nil {
		const missing = "PgBouncer is not installed: run 'make tools', or 'apt-get install pgbouncer'"
		if os.Getenv("SALLYPORT_TEST_TOOLS") == "required" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	direct, err := url.Parse(database(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sallyport-pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	settings := fmt.Sprintf(`[databases]
* = host=%s
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = trust
auth_file = users
pool_mode = transaction
default_pool_size = 3
`, direct.Query().Get("host"), dir)
	for name, content := range map[string]string{"pgbouncer.ini": settings, "users": `"postgres" ""` + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", pooler, "sh", dir)
	if err := asPostgres(cmd, dir); err != nil {
		t.Fatal(err)
	}
	alive, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		alive.Close()
		cmd.Wait()
		log, _ := os.ReadFile(filepath.Join(dir, "pooler.log"))
		keepIfFailed(t, "PgBouncer", string(log))
	})
	eventually(t, "PgBouncer", func() bool {
		_, err := os.Stat(filepath.Join(dir, ".s.PGSQL.6432"))
		return err == nil
	})
	query := direct.Query()
	query.Set("host", dir)
	query.Set("port", "6432")
	direct.RawQuery = query.Encode()
	return direct.String()
}

// TestInstancesBehindAPoolerAreOneGateway does what instances do together, where
// no connection stays with one server and no notification comes.
func TestInstancesBehindAPoolerAreOneGateway(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(binary, "vault", "backup", "--store", pooled(t), filepath.Join(t.TempDir(), "b.db")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "behind a pooler, add default_query_exec_mode=exec to --store") {
		t.Errorf("it does not say what is missing: %v\n%s", err, out)
	}
	const parameter = "&default_query_exec_mode=exec"
	t.Run("refresh", func(t *testing.T) { refreshOnce(t, pooled(t)+parameter, 4, 300) })
	t.Run("keys", func(t *testing.T) { newKeyReachesAll(t, pooled(t)+parameter) })
}
