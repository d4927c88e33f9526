package server

import (
	"context"
	"strconv"
	"time"

	"sallyport/connections"
	"sallyport/templates"
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

// usingUp says, in a language, that a user has signed in so often before the last
// time that the provider's approvals run out, or "" if not.
func usingUp(words *templates.Language, conn vault.Connection, approved []time.Time) string {
	kept, n := connections.Approvals(conn), len(approved)
	if kept == 0 || n < kept-1 {
		return ""
	}
	return words.Say("connected.rapidly", "times", strconv.Itoa(n), "connection", conn.Title(), "approvals", strconv.Itoa(kept))
}

// warnOf logs that a user signs in so often that the provider's approvals run
// out, and says it in a language.
func (s *Server) warnOf(ctx context.Context, words *templates.Language, conn vault.Connection, account string, approved []time.Time) string {
	if why := usingUp(templates.English, conn, approved); why != "" {
		s.Log.WarnContext(ctx, "a user authorizes rapidly", "correlation_id", correlationID(ctx), "connection", conn.Name, "account", account, "times", len(approved), "reason", why)
	}
	return usingUp(words, conn, approved)
}
