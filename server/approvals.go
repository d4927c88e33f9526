package server

import (
	"context"
	"fmt"
	"time"

	"sallyport/connections"
	"sallyport/vault"
)

// rapid is the time within which sign-ins follow each other rapidly.
const rapid = time.Hour

// recent are those of some times that are not long ago, as a list of its own.
func recent(times []time.Time, now time.Time) (list []time.Time) {
	for _, t := range times {
		if now.Sub(t) < rapid {
			list = append(list, t)
		}
	}
	return list
}

// usingUp says, for people, that a user has signed in so often before the last
// time that the provider's approvals run out, or "" if not.
func usingUp(conn vault.Connection, approved []time.Time) string {
	kept, n := connections.Approvals(conn), len(approved)
	if kept == 0 || n < kept-1 {
		return ""
	}
	return fmt.Sprintf("This account was connected %d times within an hour. %s keeps %d approvals of a user and an app and then ends the oldest, so that another program which uses the same app may lose its own.",
		n, conn.Title(), kept)
}

// warnOf logs that a user signs in so often that the provider's approvals run
// out, and says it.
func (s *Server) warnOf(ctx context.Context, conn vault.Connection, account string, approved []time.Time) string {
	why := usingUp(conn, approved)
	if why != "" {
		s.Log.WarnContext(ctx, "a user authorizes rapidly", "correlation_id", correlationID(ctx), "connection", conn.Name, "account", account, "times", len(approved), "reason", why)
	}
	return why
}
