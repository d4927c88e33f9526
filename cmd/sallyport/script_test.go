package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"sallyport/vault"
	"sallyport/vault/bolt"
	"sallyport/vault/postgres/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main})
}

// TestScripts runs the program as shell sessions.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: commands})
}

// TestPostgresScripts runs scripts that have a PostgreSQL database at $DATABASE.
func TestPostgresScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/postgres", Cmds: commands, Setup: func(env *testscript.Env) error {
		env.Setenv("DATABASE", pgtest.OpenWithPassword(t, "s3cret"))
		return nil
	}})
}

var commands = map[string]func(*testscript.TestScript, bool, []string){
	"append":    appendTo,
	"damage":    damage,
	"foreign":   foreignStore,
	"freeport":  freePort,
	"get":       get,
	"newer":     newerStore,
	"sparse":    sparse,
	"status":    exitStatus,
	"truncated": truncated,
}

// nextPort counts up below the ports that the system gives to whoever asks for any,
// and to clients: none of them takes one before the program that it is meant for.
var nextPort atomic.Int32

func init() { nextPort.Store(10_000 + rand.Int32N(20_000)) }

// freePort puts a port that nobody listens on into a variable: freeport NAME.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	for {
		port := strconv.Itoa(int(nextPort.Add(1)))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		ts.Check(l.Close())
		ts.Setenv(args[0], port)
		return
	}
}

// get asks for a URL until somebody answers, which has to be with a status: get
// URL STATUS. The body is to be read as standard output.
func get(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, err := http.Get(args[0])
		if err != nil && time.Now().Before(deadline) {
			runtime.Gosched()
			continue
		}
		ts.Check(err)
		defer resp.Body.Close()
		_, err = io.Copy(ts.Stdout(), resp.Body)
		ts.Check(err)
		if fmt.Sprint(resp.StatusCode) != args[1] {
			ts.Fatalf("answered %s, want %s", resp.Status, args[1])
		}
		return
	}
}

// truncated copies the beginning of a store: truncated TO FROM.
func truncated(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b[:12<<10], 0o600))
}

// appendTo writes text at the end of a file: append FILE TEXT.
func appendTo(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_APPEND, 0)
	ts.Check(err)
	_, err = f.WriteString(args[1])
	ts.Check(errors.Join(err, f.Close()))
}

// damage changes the last byte of each record of a bucket: damage STORE BUCKET.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	s, err := bolt.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(s.Update(context.Background(), func(kv vault.KV) error {
		for e, err := range kv.Scan(args[1], "") {
			if err != nil {
				return err
			}
			e.Sealed[len(e.Sealed)-1] ^= 1
			if err := kv.Put(args[1], e.Key, e.Value); err != nil {
				return err
			}
		}
		return nil
	}))
	ts.Check(s.Close())
}

// foreignStore makes a bbolt file of another program's: foreign FILE.
func foreignStore(ts *testscript.TestScript, _ bool, args []string) {
	s, err := bolt.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(s.Update(context.Background(), func(kv vault.KV) error {
		return kv.Put("widgets", "1", vault.Value{Sealed: []byte("a widget")})
	}))
	ts.Check(s.Close())
}

// sparse makes a file of 10 GiB that takes no room: sparse FILE.
func sparse(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(errors.Join(f.Truncate(10<<30), f.Close()))
}

// exitStatus runs a command that has to end with a status: status N COMMAND….
func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || fmt.Sprint(exit.ExitCode()) != args[0] {
		ts.Fatalf("ended with %v, want status %s", err, args[0])
	}
}

// newerStore makes a store of a format that this program does not know yet.
func newerStore(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	key, err := vault.ParseKey(string(b))
	ts.Check(err)
	header, err := cbor.Marshal(vault.Header{Version: vault.Version + 1, RootKey: key.ID()})
	ts.Check(err)
	s, err := bolt.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(s.Update(context.Background(), func(kv vault.KV) error {
		if err := kv.Put("vault", "derive", vault.Value{Sealed: []byte("of a format to come")}); err != nil {
			return err
		}
		return kv.Put("vault", "header", vault.Value{Sealed: header})
	}))
	ts.Check(s.Close())
}
