package interop

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// replicated runs PostgreSQL in the folder $1, of which the primary is in the folder
// $3, if there is one, until its standard input ends.
const replicated = `
cd "$1" || exit
if [ -z "$3" ]; then
	"$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 </dev/null || exit
else
	"$2/pg_basebackup" -h "$3" -U postgres -D data -R -X stream --no-sync --checkpoint=fast >log 2>&1 </dev/null || exit
fi
"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off >>log 2>&1 </dev/null &
echo $! >pid
cat >/dev/null
kill -QUIT $(cat pid)
wait
cd / && rm -rf "$1"`

// node is a PostgreSQL server of a pair.
type node struct {
	t   *testing.T
	dir string
}

// newNode starts a primary, or a standby of one.
func newNode(t *testing.T, of *node) *node {
	t.Helper()
	needPostgres(t)
	dir, err := os.MkdirTemp("", "sallyport-node-")
	if err != nil {
		t.Fatal(err)
	}
	primary := ""
	if of != nil {
		primary = of.dir
	}
	cmd := exec.Command("sh", "-c", replicated, "sh", dir, postgresPrograms(), primary)
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
	n := &node{t, dir}
	t.Cleanup(func() {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		keepIfFailed(t, "PostgreSQL in "+dir, string(log))
		alive.Close()
		cmd.Wait()
	})
	eventually(t, "PostgreSQL", func() bool {
		return exec.Command(filepath.Join(postgresPrograms(), "pg_isready"), "-h", dir).Run() == nil
	})
	return n
}

// do has the server do something, and returns what it says.
func (n *node) do(sql string) string {
	n.t.Helper()
	out, err := exec.Command(filepath.Join(postgresPrograms(), "psql"), "-h", n.dir, "-U", "postgres", "-Atc", sql).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

// kill ends the server as a power cut would.
func (n *node) kill() {
	n.t.Helper()
	if out, err := exec.Command("sh", "-c", `kill -KILL $(cat "$1/pid") $(pgrep -P $(cat "$1/pid"))`, "sh", n.dir).CombinedOutput(); err != nil {
		n.t.Fatalf("%v\n%s", err, out)
	}
}

// TestStandbyTakesOver kills the primary under load, and promotes the standby.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ behind bool }{"with all that was kept": {}, "without what was kept last": {behind: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary := newNode(t, nil)
			standby := newNode(t, primary)
			eventually(t, "replication", func() bool {
				return primary.do("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1"
			})
			if !tt.behind {
				primary.do("ALTER SYSTEM SET synchronous_standby_names = '*'")
				primary.do("SELECT pg_reload_conf()")
			}
			query := url.Values{"host": {primary.dir + "," + standby.dir}, "port": {"5432,5432"}, "user": {"postgres"}, "target_session_attrs": {"read-write"}}
			m := newMover(t, (&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: query.Encode()}).String())
			other := m.instance()
			for _, u := range m.users {
				u.use(t, m.gateway)
			}
			spent := m.users[0]
			if tt.behind { // from here on the standby hears of nothing
				standby.do("ALTER SYSTEM SET primary_conninfo = ''")
				standby.do("SELECT pg_reload_conf()")
				eventually(t, "end of replication", func() bool { return primary.do("SELECT count(*) FROM pg_stat_replication") == "0" })
				l := m.mustExchange(spent.refreshToken, "rejected_token", spent.accessToken)
				spent.accessToken = l.AccessToken
				primary.kill()
				standby.do("SELECT pg_promote()")
				eventually(t, "recovery", func() bool { return status(t, m.issuer+"readyz") == http.StatusOK })
			} else { // which is replicated synchronously
				m.underLoad([]*gateway{m.gateway, other}, func() {
					primary.kill()
					eventually(t, "refusal", func() bool { return status(t, m.issuer+"readyz") == http.StatusServiceUnavailable })
					standby.do("SELECT pg_promote()")
					eventually(t, "recovery", func() bool { return status(t, m.issuer+"readyz") == http.StatusOK })
				})
			}

			for i, u := range m.users {
				if tt.behind && i == 0 {
					l, err := m.exchange(u.refreshToken, "rejected_token", u.accessToken)
					if err != nil || l.Reason != "reauthorization_required" || !strings.Contains(l.Description, "restored from a backup") {
						t.Errorf("a refresh token that was spent after the standby heard of nothing: %+v, %v", l, err)
					}
					continue
				}
				u.use(t, m.gateway) // hears what it did not hear
				l := m.mustExchange(u.refreshToken, "rejected_token", u.accessToken)
				m.accounts(l)
			}
			if !strings.Contains(m.process.out.String()+other.process.out.String(), "another copy of the database has taken its place") {
				t.Error("no instance says that another server has taken over")
			}
			m.noneSpent()
		})
	}
}

func status(t *testing.T, address string) int {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}
