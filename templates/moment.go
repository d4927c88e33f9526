package templates

import (
	"fmt"
	"time"
)

// Moment is a time as pages show it: how far from the page's own, with the time
// itself beside it.
type Moment struct{ At, Now time.Time }

// IsZero reports whether there is none to show.
func (m Moment) IsZero() bool { return m.At.IsZero() }

// Machine is the time for the attribute datetime.
func (m Moment) Machine() string { return m.At.UTC().Format(time.RFC3339) }

// Exact is the time, to the minute.
func (m Moment) Exact() string { return m.At.UTC().Format("2006-01-02 15:04 UTC") }

// Second is the time, to the second.
func (m Moment) Second() string { return m.At.UTC().Format("2006-01-02 15:04:05 UTC") }

// Clock is the time, to the second, where it is said elsewhere that it is UTC.
func (m Moment) Clock() string { return m.At.UTC().Format("2006-01-02 15:04:05") }

// Far is how far it is: "in 2 hours", "5 minutes ago".
func (m Moment) Far() string {
	d := m.At.Sub(m.Now)
	switch {
	case d.Abs() < time.Minute && d < 0:
		return "just now"
	case d.Abs() < time.Minute:
		return "in less than a minute"
	case d < 0:
		return Long(-d) + " ago"
	}
	return "in " + Long(d)
}

// Long is a duration in its largest unit, to the nearest.
func Long(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{365 * day, "year"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d < u.unit {
			continue
		}
		if n := int(d.Round(u.unit) / u.unit); n > 1 {
			return fmt.Sprint(n, " ", u.name, "s")
		}
		return "1 " + u.name
	}
	return "less than a minute"
}
