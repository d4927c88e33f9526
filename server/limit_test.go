package server

import (
	"fmt"
	"testing"
	"time"
)

func TestFailuresAreForgivenWithTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(2_000_000_000, 0)
	l := &limits{now: func() time.Time { return now }}
	b := budget{3, time.Second}
	for i := range 3 {
		if l.take("k", b).wait != 0 {
			t.Fatalf("made to wait after %d failures", i)
		}
	}
	if wait := l.take("k", b).wait; wait <= 0 || wait > time.Second {
		t.Errorf("wait %v", wait)
	}
	if l.take("another", b).wait != 0 {
		t.Error("another is made to wait")
	}
	now = now.Add(time.Second)
	if l.take("k", b).wait != 0 {
		t.Error("not forgiven")
	}
}

func TestBudgetsComeBackByAndBy(t *testing.T) {
	t.Parallel()
	now := time.Unix(2_000_000_000, 0)
	l := &limits{now: func() time.Time { return now }}
	b := budget{3, time.Second}
	for i, tt := range []struct {
		passed      time.Duration
		left        int
		whole, wait time.Duration
	}{
		{0, 2, time.Second, 0},
		{0, 1, 2 * time.Second, 0},
		{500 * time.Millisecond, 0, 2500 * time.Millisecond, 0},
		{0, 0, 2500 * time.Millisecond, 500 * time.Millisecond},
		{499 * time.Millisecond, 0, 2001 * time.Millisecond, time.Millisecond},
		{time.Millisecond, 0, 3 * time.Second, 0},
		{time.Hour, 2, time.Second, 0},
		{-2 * time.Hour, 0, 3 * time.Second, time.Second}, // the clock is set back: nobody waits for hours
		{time.Second, 0, 3 * time.Second, 0},
	} {
		now = now.Add(tt.passed)
		a := l.take("k", b)
		if a.limit != 3 || a.left != tt.left || a.whole != tt.whole || a.wait != tt.wait {
			t.Errorf("%d: %+v, want %+v", i, a, tt)
		}
		if wait := max(0, l.wait("k", b)); a.left == 0 != (wait > 0) {
			t.Errorf("%d: %d are left, and wait is %v", i, a.left, wait)
		}
	}
}

func TestLimitsDoNotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	l := &limits{now: time.Now}
	for i := range mostRemembered + 100 {
		l.take(fmt.Sprint(i), budget{1, time.Hour})
	}
	if len(l.whole) > mostRemembered {
		t.Errorf("%d are remembered", len(l.whole))
	}
}

// TestOnlyWhoHasUsedSomethingIsRemembered has each of many come once, and none
// within another's time.
func TestOnlyWhoHasUsedSomethingIsRemembered(t *testing.T) {
	t.Parallel()
	now := time.Unix(2_000_000_000, 0)
	l := &limits{now: func() time.Time { return now }}
	l.take("busy", budget{1, time.Hour})
	for i := range 20 * fewRemembered {
		l.take(fmt.Sprint(i), budget{10, time.Second})
		now = now.Add(time.Millisecond)
	}
	if len(l.whole) > 3*fewRemembered {
		t.Errorf("%d are remembered", len(l.whole))
	}
	if l.take("busy", budget{1, time.Hour}).wait == 0 {
		t.Error("who used it all is forgotten")
	}
}

func TestH50AddressesOfOneSiteFailTogether(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::2%eth0", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"", "not an address", false},
	} {
		if same := whence(tt.a) == whence(tt.b); same != tt.same {
			t.Errorf("%q and %q: %q, %q", tt.a, tt.b, whence(tt.a), whence(tt.b))
		}
	}
}
