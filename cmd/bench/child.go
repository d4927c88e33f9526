package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"

	"github.com/labstack/echo/v4"

	"sallyport/server"
)

// child is a server in a process of its own.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string
}

// start starts a server, and returns once it listens.
func start(name string, accounts int, profile string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-child", name, "-accounts", strconv.Itoa(accounts), "-cpuprofile", profile)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, in: in, out: bufio.NewReader(out)}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	c.address = strings.TrimSpace(line)
	return c, nil
}

// ask asks the server for a figure: "cpu", nanoseconds used so far, or
// "memory", bytes resident.
func (c *child) ask(what string) (int64, error) {
	if _, err := fmt.Fprintln(c.in, what); err != nil {
		return 0, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}

func (c *child) stop() {
	c.in.Close()
	c.cmd.Wait()
}

// plenty is a rate limit that is counted, and never reached.
const plenty = 1_000_000

// serve is a server's process: it serves until its standard input ends.
func serve(name string, accounts int, profile string) error {
	dir, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var handler http.Handler = bareEcho()
	if name == "gateway" {
		v, err := fill(filepath.Join(dir, "bench.db"), accounts)
		if err != nil {
			return err
		}
		defer v.Close()
		handler, err = server.New(context.Background(), server.Config{Issuer: benchIssuer, Vault: v, Pace: server.Pace{Address: plenty, Client: plenty, User: plenty},
			Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
		if err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(l, handler)
	runtime.GC()
	debug.FreeOSMemory()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println(l.Addr())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "cpu":
			var u syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
				return err
			}
			fmt.Println(u.Utime.Nano() + u.Stime.Nano())
		case "memory":
			b, err := os.ReadFile("/proc/self/statm")
			if err != nil {
				return err
			}
			pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
			if err != nil {
				return err
			}
			fmt.Println(pages * int64(os.Getpagesize()))
		}
	}
	return nil
}

// bareEcho parses a form, and answers as many bytes as an exchange.
func bareEcho() http.Handler {
	body := []byte(`{"access_token":"` + strings.Repeat("x", 112) + `","token_type":"Bearer","expires_in":7199,"scope":"` + strings.Repeat("s", 90) +
		`","issued_token_type":"` + strings.Repeat("t", 76) + `","instance_url":"https://acme.my.salesforce.com","id":"` + strings.Repeat("i", 79) +
		`","connection":"salesforce","account":"005000000000000AAA"}`)
	e := echo.New()
	e.POST("/oauth/token", func(c echo.Context) error {
		if _, err := c.FormParams(); err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/json", body)
	})
	return e
}
