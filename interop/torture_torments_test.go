package interop

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// torment is something bad that happens to a site. It may take its time.
type torment struct {
	name string
	do   func(s *site, random *rand.Rand)
}

// torments are those of all sites.
func torments() []torment {
	all := []torment{
		{"kill -9", kill}, {"kill -9", kill}, {"kill -9", kill},
		{"paused for seconds", paused(1*time.Second, 6*time.Second)},
		{"paused past the lease", paused(17*time.Second, 20*time.Second)},
	}
	for _, st := range strikes {
		all = append(all, torment{st.name, func(s *site, _ *rand.Rand) { s.wire.prepare(st) }})
	}
	for _, f := range []string{
		"maintenance?times=5", "bad-gateway?times=5", "response-lost", "answer-truncated", "answer-empty", "answer-is-html",
		"slow?for=3s", "slow?for=12s", "refresh-held?for=4s",
	} {
		all = append(all, torment{"Salesforce: " + f, func(s *site, _ *rand.Rand) { s.inject("POST", f, "endpoint=token:refresh_token") }})
	}
	for _, f := range []string{"clock-ahead", "clock-behind"} {
		all = append(all, torment{"Salesforce: " + f, func(s *site, _ *rand.Rand) {
			s.inject("POST", f, "")
			time.Sleep(2 * time.Second)
			s.inject("DELETE", f, "")
		}})
	}
	return append(all, clocks()...)
}

func (s *site) anyLife(random *rand.Rand) *life {
	return s.instances[random.IntN(len(s.instances))].current.Load()
}

func kill(s *site, random *rand.Rand) { s.anyLife(random).die() }

func paused(least, most time.Duration) func(*site, *rand.Rand) {
	return func(s *site, random *rand.Rand) { s.anyLife(random).pause(least + rand.N(most-least)) }
}

// diskFull has the gateway's file find the disk full.
func diskFull(s *site, random *rand.Rand) {
	defer s.ledger.troubled()()
	pids := []int{s.anyLife(random).cmd.Process.Pid}
	noRoom(pids, true)
	time.Sleep(time.Second + rand.N(2*time.Second))
	noRoom(pids, false)
}

// noRoom lets no file of some processes grow, nor be written beyond its first
// page, or lets them again. Those that have just been killed do not matter.
func noRoom(pids []int, full bool) {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if full {
		limit.Cur = 4096
	}
	for _, pid := range pids {
		unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
	}
}

// cluster is a PostgreSQL server that bad things happen to.
type cluster struct{ url string }

func (c cluster) query(sql string) (string, error) {
	psql := exec.Command(filepath.Join(postgresPrograms(), "psql"), "-At", "-c", sql, c.url)
	psql.Env = append(os.Environ(), "PGOPTIONS=-c default_transaction_read_only=off")
	out, err := psql.Output()
	return strings.TrimSpace(string(out)), err
}

func (c cluster) torments() []torment {
	return []torment{
		{"PostgreSQL: connections broken", func(s *site, _ *rand.Rand) {
			defer s.ledger.troubled()()
			c.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport'")
		}},
		{"PostgreSQL: crash and recovery", func(s *site, _ *rand.Rand) {
			defer s.ledger.troubled()()
			out, _ := c.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'sallyport' LIMIT 1")
			if pid, err := strconv.Atoi(out); err == nil {
				syscall.Kill(pid, syscall.SIGKILL) // upon which the server ends all others, and starts anew
				time.Sleep(time.Second)
			}
		}},
		{"PostgreSQL: disk full", func(s *site, random *rand.Rand) {
			defer s.ledger.troubled()()
			// Of what it can write no more of to its log PostgreSQL makes a crash.
			out, _ := c.query("SELECT pid FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walwriter', 'checkpointer', 'background writer')")
			var pids []int
			for pid := range strings.FieldsSeq(out) {
				if n, err := strconv.Atoi(pid); err == nil {
					pids = append(pids, n)
				}
			}
			noRoom(pids, true)
			time.Sleep(time.Second + rand.N(2*time.Second))
			noRoom(pids, false)
		}},
		{"PostgreSQL: takes no writes", func(s *site, random *rand.Rand) {
			defer s.ledger.troubled()()
			c.readOnly(s, "on")
			time.Sleep(time.Second + rand.N(2*time.Second))
			c.readOnly(s, "off")
		}},
	}
}

// readOnly makes the server a reader, or a writer again.
func (c cluster) readOnly(s *site, value string) {
	eventually(s.t, "PostgreSQL that takes a setting", func() bool {
		_, err1 := c.query("ALTER SYSTEM SET default_transaction_read_only = " + value)
		_, err2 := c.query("SELECT pg_reload_conf()")
		return err1 == nil && err2 == nil
	})
}
