package main

import "fmt"

// heading begins a table. Goals stand in brackets beside what was measured; p50
// and p99 are at 80 % of the greatest rate, and should be less than ten times
// apart.
func heading(store string) {
	fmt.Printf("%-36s %9s %8s %7s %7s %9s %9s %8s\n", store, "CPU µs", "(goal)", "ratio", "(goal)", "a second", "p50 ms", "p99 ms")
}

func (o operation) print(r, floor, paced result, g goal) {
	fmt.Printf("%-36s %9.1f %8s %7.2f %7s %9.0f %9.2f %8.2f\n", o.name, r.cpu, bracketed("%.0f", g.cpu), floor.cpu/r.cpu, bracketed("%.2f", g.ratio), r.rate, paced.p50, paced.p99)
}

func bracketed(format string, goal float64) string {
	if goal == 0 {
		return ""
	}
	return fmt.Sprintf("("+format+")", goal)
}

// growth is the CPU time of an exchange with so many accounts.
type growth struct {
	accounts int
	cpu      float64
}

// grown prints how much more an exchange costs than with the first number of
// accounts that was measured.
func (s settings) grown(store string, now growth) {
	s.growth[store] = append(s.growth[store], now)
	if first := s.growth[store][0]; first != now {
		fmt.Printf("%-36s %9.2f times that with %d accounts (goal 1.2, from 1000 to 1000000)\n", "", now.cpu/first.cpu, first.accounts)
	}
}
