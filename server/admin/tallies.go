package admin

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"sallyport/templates"
	"sallyport/vault"
)

const day = 24 * time.Hour

// tallies is what all instances did in the last week.
type tallies []vault.Tally

func (p *Pages) tallies(tx *vault.Tx) (tallies, error) { return tx.TalliesSince(p.Now().Add(-7 * day)) }

func (t tallies) sum(of vault.Deed) (n int) {
	for _, tally := range t {
		n += tally.Done[of]
	}
	return n
}

// between is what there was of a deed in the hours that begin in a time.
func (t tallies) between(from, until time.Time, of vault.Deed) templates.Column {
	column := templates.Column{From: from, Until: until}
	for _, tally := range t {
		if tally.Hour.Before(from) || !tally.Hour.Before(until) {
			continue
		}
		column.Done += tally.Done[of]
		for _, f := range tally.Failures {
			if f.Of == of {
				column.Failed += f.Times
			}
		}
	}
	return column
}

// plots are exchanges and refreshes, of a day by the hour, or of a week by the
// quarter of a day.
func (p *Pages) plots(t tallies, week bool) (list []templates.Plot) {
	width, n := time.Hour, 24
	if week {
		width, n = 6*time.Hour, 28
	}
	end := p.Now().UTC().Truncate(width).Add(width)
	for _, plot := range []struct {
		of                        vault.Deed
		name, title, done, failed string
	}{
		{vault.DidExchange, "exchanges", "Exchanges", "gave a token", "refused"},
		{vault.DidRefresh, "refreshes", "Refreshes", "brought a token", "failed"},
	} {
		var columns []templates.Column
		for i := n; i > 0; i-- {
			from := end.Add(-time.Duration(i) * width)
			columns = append(columns, t.between(from, from.Add(width), plot.of))
		}
		list = append(list, templates.NewPlot(plot.name, plot.title, plot.done, plot.failed, columns))
	}
	return list
}

// mostCauses are listed, those that were most often.
const mostCauses = 12

// failures are those of the last day by their cause, and how many there are beside
// those that are listed.
func (p *Pages) failures(t tallies, conns []vault.Connection) (rows []templates.FailureRow, more int) {
	since := p.Now().UTC().Add(-day).Truncate(time.Hour)
	sums := map[vault.Failure]int{}
	for _, tally := range t {
		for _, f := range tally.Failures {
			if n := f.Times; !tally.Hour.Before(since) {
				f.Times = 0
				sums[f] += n
			}
		}
	}
	for f, n := range sums {
		f.Times = n
		rows = append(rows, failureRow(f, conns, since))
	}
	slices.SortFunc(rows, func(a, b templates.FailureRow) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Reason, b.Reason))
	})
	for _, row := range rows[min(mostCauses, len(rows)):] {
		more += row.Times
	}
	return rows[:min(mostCauses, len(rows))], more
}

// deeds are what is counted: in words, and the type of the event of a failure.
var deeds = map[vault.Deed]struct{ title, event string }{
	vault.DidExchange: {"Exchange", "feta"},
	vault.DidRefresh:  {"Refresh", "sallyport_upstream_refresh_failed"},
	vault.DidSignIn:   {"Sign-in", "f"},
}

func failureRow(f vault.Failure, conns []vault.Connection, since time.Time) templates.FailureRow {
	row := templates.FailureRow{Of: deeds[f.Of].title, Reason: f.Reason, Connection: f.Connection, Times: f.Times, Cause: templates.Causes[f.Reason]}
	if i := slices.IndexFunc(conns, func(c vault.Connection) bool { return c.Name == f.Connection }); i >= 0 {
		row.Connection, row.ConnectionURL = conns[i].Title(), Path+"/connections/"+url.PathEscape(f.Connection)
	}
	row.Mend = mends(f, row.ConnectionURL)
	query := url.Values{"type": {deeds[f.Of].event}, "since": {since.Format(time.RFC3339)}}
	if f.Connection != "" {
		query.Set("connection", f.Connection)
	}
	if f.Of != vault.DidSignIn { // of which the event has the code that the application is told
		query.Set("reason", f.Reason)
	}
	row.Events = Path + "/events?" + query.Encode()
	return row
}

// mends is where something is done about a failure, or "".
func mends(f vault.Failure, connection string) string {
	switch f.Reason {
	case "reauthorization_required", "refused", "dead":
		return Path + "/accounts?state=" + string(vault.Reauthorize)
	case "client_not_allowed", "unauthorized_client":
		return Path + "/policy"
	case "user_blocked":
		return Path + "/users"
	case "invalid_request", "invalid_target":
		return Path + "/clients"
	}
	if connection == "" {
		return ""
	}
	switch f.Reason {
	case "connection_disabled":
		return connection
	case "not_stored", "insufficient_scope":
		return connection + "/edit"
	case "connection_misconfigured", "misconfigured", "untrusted", "unavailable", "upstream_unavailable":
		return connection + "/try"
	}
	return ""
}
