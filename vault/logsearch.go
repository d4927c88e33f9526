package vault

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// LogSearch is what to look for in the log, and how far back.
type LogSearch struct {
	Before string                 // ID of an event, or a time's by [LogsUntil]; from the newest if ""
	Since  time.Time              // when the oldest were recorded; zero is the beginning
	Match  func(line []byte) bool // which are wanted; it must not keep the line
	Most   int                    // events that are found
	Look   int                    // events that are looked at
}

// LogsFound is what a search found.
type LogsFound struct {
	Entries []LogEntry // the newest first
	Looked  int        // at so many events
	Next    string     // [LogSearch.Before] of those that were not looked at; "" if there are none
	Reached time.Time  // when the last that was looked at was recorded
}

// LogsUntil is what comes after the events that were recorded up to a time, as
// [LogSearch.Before].
func LogsUntil(t time.Time) string { return eventID(t.Add(time.Millisecond), "", 0)[:17] }

// SearchLogs looks for events, the newest first, until it has found or looked at
// enough.
func (v *Vault) SearchLogs(ctx context.Context, s LogSearch) (found LogsFound, err error) {
	begin := eventsSince(s.Since)
	err = v.View(ctx, func(tx *Tx) error {
		found = LogsFound{}
		var last string // that was looked at
		for b, err := range tx.Events.Back(s.Before) {
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if b.ID < begin {
				return nil
			}
			lines := bytes.SplitAfter(bytes.TrimSuffix(b.Lines, []byte{'\n'}), []byte{'\n'})
			for i, line := range slices.Backward(lines) {
				id := func() string { return eventID(b.Time, b.Chain, b.First+uint64(i)) }
				if found.Looked == 0 && s.Before != "" && id() >= s.Before {
					continue
				}
				if len(found.Entries) == s.Most || found.Looked == s.Look {
					found.Next = last
					return nil
				}
				found.Looked, found.Reached = found.Looked+1, b.Time
				line = bytes.TrimSuffix(line, []byte{'\n'})
				if s.Match(line) {
					found.Entries = append(found.Entries, LogEntry{id(), line})
				}
				if len(found.Entries) == s.Most || found.Looked == s.Look {
					last = id()
				}
			}
		}
		return nil
	})
	return found, err
}
