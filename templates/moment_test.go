package templates

import (
	"testing"
	"time"
)

func TestMomentsAreToldInTheirLargestUnit(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "in less than a minute", -10 * time.Second: "just now", time.Minute: "in 1 minute", -89 * time.Second: "1 minute ago", 10 * time.Minute: "in 10 minutes",
		time.Hour: "in 1 hour", 119 * time.Minute: "in 2 hours", -day: "1 day ago", 40 * day: "in 40 days", -800 * day: "2 years ago",
	} {
		if got := (Moment{now.Add(d), now}).Far(); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
