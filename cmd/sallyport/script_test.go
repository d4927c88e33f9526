package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main})
}

// TestScripts runs the program as shell sessions.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"newer":  newerStore,
			"status": exitStatus,
		},
	})
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
