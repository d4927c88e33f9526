// Bench measures the gateway beside the least that its work can cost: a bare
// Echo handler that parses the same form and answers as many bytes. The servers
// run on one core each, in processes of their own, loaded from this one, which
// is also what is upstream of the gateway.
//
//	go run ./cmd/bench
//	go run ./cmd/bench -accounts 1000,100000,1000000 -stores bolt -dir /var/tmp/bench
//	go run ./cmd/bench -accounts 10000 -stores bolt -dir /var/tmp/bench -fill
//	go run ./cmd/bench -only '^exchange$' -cpuprofile exchange.prof
//
// CPU microseconds are the figure to compare, and times a second of one core
// follow from them: what a clock on the wall says depends on whatever else the
// machine does. A flush to the disk costs time, and no CPU.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/vault/postgres/pgtest"
)

// settings are how to measure.
type settings struct {
	accounts    []int
	stores      []string
	only        *regexp.Regexp
	length      time.Duration
	rounds      int
	connections int
	dir         string
	profile     string
	pages       bool
	fill        bool // and no more

	growth map[string][]growth // of an exchange, by store
}

func main() {
	accounts := flag.String("accounts", "1000", "connected accounts in the store; several numbers with commas between are measured one after another")
	stores := flag.String("stores", "bolt,postgres", "where to keep them; PostgreSQL is a server of bench's own, which flushes nothing to the disk")
	only := flag.String("only", "", "measure the operations alone whose name this regular expression matches")
	seconds := flag.Float64("seconds", 1, "length of a round")
	rounds := flag.Int("rounds", 3, "rounds of each operation; the one that took the least CPU time counts")
	connections := flag.Int("connections", 16, "connections that send at once")
	dir := flag.String("dir", "", "folder to keep filled bolt stores in, for the next time; none is kept without")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the gateway to this file")
	pages := flag.Bool("pages", true, "measure the console's pages, too")
	fill := flag.Bool("fill", false, "only fill the stores that -dir keeps; their root keys lie beside them")
	child := flag.String("child", "", "for bench itself: what to be")
	flag.Parse()
	var err error
	if *child != "" {
		var r role
		if err = json.Unmarshal([]byte(*child), &r); err == nil {
			err = r.be()
		}
	} else {
		s := settings{stores: strings.Split(*stores, ","), length: time.Duration(*seconds * float64(time.Second)),
			rounds: *rounds, connections: *connections, dir: *dir, profile: *profile, pages: *pages, fill: *fill, growth: map[string][]growth{}}
		var errOnly error
		s.accounts, err = numbers(*accounts)
		s.only, errOnly = regexp.Compile(*only)
		if err = errors.Join(err, errOnly); err == nil {
			err = s.run()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func numbers(list string) (numbers []int, err error) {
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-accounts: %q is no number of accounts", word)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// run measures all stores, one after another.
func (s settings) run() error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "sallyport-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	up, err := startUpstream()
	if err != nil {
		return err
	}
	for _, kind := range s.stores {
		for _, n := range s.accounts {
			t, done, err := s.filled(kind, n, up)
			if errors.Is(err, pgtest.ErrMissing) {
				fmt.Fprintf(os.Stderr, "%s is left out: %v\n", kind, err)
				continue
			}
			if err == nil {
				if !s.fill {
					err = s.measure(t, kind, n, up)
				}
				done()
			}
			if err != nil {
				return fmt.Errorf("%s, %d accounts: %w", kind, n, err)
			}
		}
	}
	return nil
}

// measure runs all operations in rounds, so that a busy moment of the machine
// hits all of them, and prints the medians.
func (s settings) measure(t tenant, kind string, accounts int, up *upstream) error {
	bare, err := start(role{Is: "bare"})
	if err != nil {
		return err
	}
	defer bare.stop()
	other, done, err := t.withoutEvents(kind)
	if err != nil {
		return err
	}
	defer done()
	gateway, err := start(role{Is: "gateway", Tenant: t, Accounts: accounts, Profile: s.profile})
	if err != nil {
		return err
	}
	defer gateway.stop()
	unaudited, err := start(role{Is: "gateway", Tenant: other, Accounts: accounts})
	if err != nil {
		return err
	}
	defer unaudited.stop()
	up.admit(gateway.address)
	idle, err := gateway.ask("memory")
	if err != nil {
		return err
	}
	for _, c := range []*child{gateway, unaudited} {
		if _, err := c.ask("warm"); err != nil {
			return err
		}
	}
	ops := operations(bare, gateway, unaudited, accounts, other.Store != t.Store)
	ops = append(ops[:1], slices.DeleteFunc(ops[1:], func(o operation) bool { return !s.only.MatchString(o.name) })...)
	results := make([][]result, len(ops))
	for round := range s.rounds {
		for i, op := range ops {
			fmt.Fprintf(os.Stderr, "%s, %d accounts, round %d of %d: %s\n", kind, accounts, round+1, s.rounds, op.name)
			r, err := load(op, s.connections, s.length, 0)
			if err != nil {
				return fmt.Errorf("%s: %w", op.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	loaded, err := gateway.ask("memory")
	if err != nil {
		return err
	}
	floor := best(results[0])
	heading(fmt.Sprintf("%s, %d accounts", kind, accounts))
	for i, op := range ops {
		r := best(results[i])
		// At the peak itself everybody waits for everybody.
		paced, err := load(op, s.connections, s.length, 0.8*r.peak)
		if err != nil {
			return fmt.Errorf("%s: %w", op.name, err)
		}
		op.print(r, floor, paced, op.goalOf(kind))
		if op.name == "exchange" {
			s.grown(kind, growth{accounts, r.cpu})
		}
	}
	if s.pages {
		if err := consolePages(gateway, accounts); err != nil {
			return err
		}
	}
	fmt.Printf("ready after %d ms (goal 100); %d MB resident at first (goal 30) and %d MB after the load (goal 60), beside the store's mapped file\n\n",
		gateway.ready.Milliseconds(), idle>>20, loaded>>20)
	return nil
}

// best is the round that took the least CPU time: what else the machine does
// only ever adds to it.
func best(rounds []result) result {
	return slices.MinFunc(rounds, func(a, b result) int { return cmp.Compare(a.cpu, b.cpu) })
}
