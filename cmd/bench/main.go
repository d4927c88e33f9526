// Bench measures the gateway beside the least that its work can cost: a bare
// Echo handler that parses the same form and answers as many bytes. Both run on
// one core each in turn, in processes of their own, loaded from this one.
//
//	go run ./cmd/bench
//	go run ./cmd/bench -accounts 100000 -seconds 5
//
// CPU microseconds a request is the figure to compare: requests a second depend
// on whatever else the machine does.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

func main() {
	accounts := flag.Int("accounts", 1000, "connected accounts in the store")
	seconds := flag.Float64("seconds", 3, "length of a round")
	rounds := flag.Int("rounds", 3, "rounds of each operation; the median counts")
	connections := flag.Int("connections", 32, "connections that send at once")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the gateway to this file")
	child := flag.String("child", "", "for bench itself: which server to be")
	flag.Parse()
	if *child != "" {
		if err := serve(*child, *accounts, *profile); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := measure(*accounts, *rounds, *connections, time.Duration(*seconds*float64(time.Second)), *profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure runs all operations in rounds, so that a busy moment of the machine
// hits all of them, and prints the medians.
func measure(accounts, rounds, connections int, length time.Duration, profile string) error {
	fmt.Fprintf(os.Stderr, "filling a store with %d accounts…\n", accounts)
	bare, err := start("bare", accounts, "")
	if err != nil {
		return err
	}
	defer bare.stop()
	gateway, err := start("gateway", accounts, profile)
	if err != nil {
		return err
	}
	defer gateway.stop()
	ops := operations(bare, gateway, accounts)
	results := make([][]result, len(ops))
	for round := range rounds {
		for i, op := range ops {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, rounds, op.name)
			r, err := load(op, connections, length)
			if err != nil {
				return fmt.Errorf("%s: %w", op.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	memory, err := gateway.ask("memory")
	if err != nil {
		return err
	}
	floor := median(results[0])
	fmt.Printf("%-34s %12s %12s %10s %10s %8s\n", "", "CPU µs", "requests/s", "p50 ms", "p99 ms", "ratio")
	for i, op := range ops {
		r := median(results[i])
		fmt.Printf("%-34s %12.1f %12.0f %10.2f %10.2f %8.2f\n", op.name, r.cpu, r.rate, r.p50, r.p99, floor.cpu/r.cpu)
	}
	fmt.Printf("\nratio: CPU of the bare handler / CPU of the operation. Gateway with %d accounts: %d MB resident.\n", accounts, memory>>20)
	return nil
}

// median is the round whose CPU time is in the middle.
func median(rounds []result) result {
	slices.SortFunc(rounds, func(a, b result) int { return int((a.cpu - b.cpu) * 1000) })
	return rounds[len(rounds)/2]
}
