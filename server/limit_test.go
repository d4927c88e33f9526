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

func TestLimitsDoNotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	l := &limits{now: time.Now}
	for i := range mostBuckets + 100 {
		l.take(fmt.Sprint(i), budget{1, time.Hour})
	}
	if len(l.buckets) > mostBuckets {
		t.Errorf("%d buckets", len(l.buckets))
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
