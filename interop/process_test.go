// Package interop has strangers' clients sign in at a running Sallyport: they
// share no code with it, and know it by its documentation alone.
package interop

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sallyport-interop-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sallyport")
		build := exec.Command("go", "build", "-o", binary, "./cmd/sallyport")
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// process is a run of the program. It ends with its test, if not before. If the test
// fails, what it wrote is kept, and the end of it shown.
type process struct {
	program string   // "": the one under test as it is
	env     []string // further variables
	cmd     *exec.Cmd
	out     buffer
	exited  chan struct{} // closed once it has
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{}
	if err := p.launch(&p.out, args...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		keepIfFailed(t, "sallyport "+args[0], p.out.String())
	})
	return p
}

// keepIfFailed writes what a process wrote to a file that outlives the failed test,
// and shows its end: all of it would hide why the test failed.
func keepIfFailed(t *testing.T, who, wrote string) {
	t.Helper()
	if !t.Failed() {
		return
	}
	f, err := os.CreateTemp("", "sallyport-interop-failed-*.log")
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if _, err := f.WriteString(wrote); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(wrote), "\n")
	t.Logf("%s wrote %s, which ends:\n%s", who, f.Name(), strings.Join(lines[max(0, len(lines)-3):], "\n"))
}

// launch starts the process, which writes to out.
func (p *process) launch(out io.Writer, args ...string) error {
	p.cmd, p.exited = exec.Command(cmp.Or(p.program, binary), args...), make(chan struct{})
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return nil
}

// kill ends the process as a power cut would, and returns when it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// patience is how long a test waits for something that should be a moment away.
const patience = 20 * time.Second

// answers waits until the process answers 200 at a URL.
func (p *process) answers(t *testing.T, address string) {
	t.Helper()
	eventually(t, "an answer of "+address, func() bool {
		select {
		case <-p.exited:
			t.Fatalf("sallyport ended with %v:\n%s", p.cmd.ProcessState, &p.out)
		default:
		}
		resp, err := http.Get(address)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !so(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no %s after %v", what, patience)
		}
	}
}

// run runs a command of the program that ends by itself.
func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("sallyport %v: %v\n%s", args, err, out)
	}
}

// nextPort counts up below the ports that the system gives to whoever asks for any,
// and to clients: none of them takes one before the program that it is meant for.
var nextPort atomic.Int32

func init() { nextPort.Store(10_000 + rand.Int32N(20_000)) }

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t *testing.T) (address, port string) {
	t.Helper()
	for {
		port = strconv.Itoa(int(nextPort.Add(1)))
		address = "127.0.0.1:" + port
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return address, port
	}
}

// buffer may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
