package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
)

// role is what a process of bench is to be.
type role struct {
	Is       string // "bare", "gateway", or "filler" of a store
	Tenant   tenant
	Accounts int
	Profile  string // file to write a CPU profile to, or ""
}

// child is a process of bench's.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string        // that it listens at
	ready   time.Duration // that it took until it did
}

// start starts a server, and returns once it listens.
func start(r role) (*child, error) {
	cmd, err := r.command()
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, in: in, out: bufio.NewReader(out)}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", r.Is, err)
	}
	c.address, c.ready = strings.TrimSpace(line), time.Since(began)
	return c, nil
}

// command runs this program in a role, on one core.
func (r role) command() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	arg, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-child", string(arg))
	cmd.Env = append([]string{"GOGC=300"}, append(os.Environ(), "GOMAXPROCS=1")...) // GOGC is what serve sets
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// ask asks the server for a figure: "cpu", nanoseconds used so far; "memory",
// bytes resident without the store's mapped file; "warm", nothing, after it has
// read the whole store; "codes N CLIENT", that many new authorization codes, of
// which it tells the number of the first; "tokens N FILE", that many new access
// tokens in the form of JWTs, a line each; or "invite FILE", a link for an
// administrator.
func (c *child) ask(what string) (int64, error) {
	if _, err := fmt.Fprintln(c.in, what); err != nil {
		return 0, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the server ended: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}

func (c *child) stop() {
	c.in.Close()
	c.cmd.Wait()
}

// be plays the role: a server serves until its standard input ends.
func (r role) be() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.Is == "filler" {
		return r.Tenant.fill(ctx, r.Accounts)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := bareEcho()
	var g *gateway
	if r.Is == "gateway" {
		if g, err = r.Tenant.open(ctx, "http://"+l.Addr().String()+"/"); err != nil {
			return err
		}
		defer g.vault.Close()
		handler = g.server
		go g.server.Work(ctx)
	}
	go http.Serve(l, handler)
	fmt.Println(l.Addr())
	if r.Profile != "" {
		f, err := os.Create(r.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		figure, err := answer(in.Text(), g, r.Accounts)
		if err != nil {
			return err
		}
		fmt.Println(figure)
	}
	return nil
}

// answer is the other end of [child.ask].
func answer(question string, g *gateway, accounts int) (int64, error) {
	words := strings.Fields(question)
	switch words[0] {
	case "cpu":
		var u syscall.Rusage
		err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano(), err
	case "memory":
		return anonymous()
	case "warm":
		return 0, g.warm()
	case "invite":
		return 0, g.invite(words[1])
	case "codes", "tokens":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return 0, err
		}
		if words[0] == "codes" {
			return g.makeCodes(n, words[2])
		}
		return 0, g.makeTokens(n, accounts, words[2])
	}
	return 0, fmt.Errorf("unknown question %q", question)
}

// anonymous is the memory of this process that no file lies behind, in bytes.
func anonymous() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no RssAnon")
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
