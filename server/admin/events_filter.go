package admin

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// eventFilter chooses events.
type eventFilter struct {
	query        url.Values // by which it is asked for again
	form         templates.EventFilter
	since, until time.Time // zero is without limit
	members      [][][]byte
}

// The members of the query that choose events, in the order of the form.
var eventFields = []string{"correlation", "type", "outcome", "user", "account", "client", "connection", "reason", "ip", "since", "until"}

// readEventFilter reads what a request's query asks for. What is wrong with it is
// in the form.
func (p *Pages) readEventFilter(c echo.Context) (*eventFilter, error) {
	f, said := &eventFilter{query: url.Values{}}, map[string]string{}
	for _, name := range eventFields {
		if said[name] = strings.TrimSpace(c.QueryParam(name)); said[name] != "" {
			f.query.Set(name, said[name])
		}
	}
	f.form = templates.EventFilter{
		Correlation: strings.ToUpper(said["correlation"]), Type: said["type"], Kinds: templates.EventKinds(said["type"]), Outcome: said["outcome"],
		User: said["user"], Account: said["account"], Client: said["client"], Connection: said["connection"], Reason: said["reason"], IP: said["ip"],
		Set: len(f.query) > 0, More: said["user"]+said["account"]+said["client"]+said["connection"]+said["reason"]+said["ip"]+said["since"]+said["until"] != "",
	}
	now := p.Now()
	var since, until templates.Input
	since, f.since = timeField("since", "Since", said["since"], now, 0)
	until, f.until = timeField("until", "Until", said["until"], now, 24*time.Hour-time.Millisecond)
	f.form.Times = []templates.Input{since, until}

	f.member(f.form.Correlation, `"correlation_id":"`)
	f.member(said["client"], aboutClient...)
	f.member(said["connection"], aboutConnection...)
	f.member(said["reason"], `"reason":"`)
	f.member(said["ip"], `"ip":"`)
	return f, p.findWhom(c, f)
}

// findWhom has a filter take the events of a user, and those of an account. Either
// may be named by an e-mail address or a username, which several may have.
func (p *Pages) findWhom(c echo.Context, f *eventFilter) error {
	if f.form.User == "" && f.form.Account == "" {
		return nil
	}
	var users, accounts []string
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		if users, err = named(tx, f.form.User, func(i vault.Identity, _ vault.TokenSet) []string { return []string{i.User} }); err != nil {
			return err
		}
		accounts, err = named(tx, f.form.Account, func(i vault.Identity, ts vault.TokenSet) []string { return []string{i.UserID, ts.ID} })
		return err
	})
	f.anyMember(users, aboutUser)
	f.anyMember(accounts, aboutAccount)
	return err
}

// named are a name, and the IDs of the accounts that have it.
func named(tx *vault.Tx, name string, ids func(vault.Identity, vault.TokenSet) []string) (list []string, err error) {
	if name == "" {
		return nil, nil
	}
	list = []string{name}
	found, err := tx.IdentitiesNamed(name, perPage)
	for _, i := range found {
		ts, err := tx.TokenSets.Get(i.Key())
		if _, err := vault.Exists(err); err != nil {
			return nil, err
		}
		list = append(list, ids(i, ts)...)
	}
	return list, err
}

// The members by which events are about something: of their own, of what the
// management API changed, and of what an administrator did.
var (
	aboutUser       = []string{`"user_id":"`, `"about":"`, `"description":"user `}
	aboutAccount    = []string{`"identity_user_id":"`, `"id":"`, `"account":"`, `"about":"`, `/`} // the last is of an account within an org
	aboutClient     = []string{`"client_id":"`, `"about":"`, `"description":"application `}
	aboutConnection = []string{`"connection":"`, `"about":"`, `"description":"connection `, `"description":"draft of connection `}
)

// member has a filter take events alone that have a value as one of some members.
func (f *eventFilter) member(value string, names ...string) {
	f.anyMember([]string{value}, names)
}

// anyMember is member, with several values of which one will do. Those that are
// empty are none.
func (f *eventFilter) anyMember(values, names []string) {
	var any [][]byte
	for _, value := range values {
		if value != "" {
			any = append(any, membersOf(value, names...)...)
		}
	}
	if len(any) > 0 {
		f.members = append(f.members, any)
	}
}

// membersOf are members with a value, as the line of an event has them: quotes
// within values are escaped there, so that nothing else can look like one.
func membersOf(value string, names ...string) (list [][]byte) {
	value = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(vault.Said(value).String())
	for _, name := range names {
		list = append(list, []byte(name+value+`"`))
	}
	return list
}

// match reports whether an event is chosen, by its line.
func (f *eventFilter) match(line []byte) bool {
	if f.form.Type != "" || f.form.Outcome != "" {
		code := typeOf(line)
		if f.form.Type != "" && code != f.form.Type {
			return false
		}
		if f.form.Outcome != "" && failed(code, line) != (f.form.Outcome == "failed") {
			return false
		}
	}
	for _, any := range f.members {
		if !containsAny(line, any) {
			return false
		}
	}
	return true
}

func containsAny(line []byte, any [][]byte) bool {
	for _, member := range any {
		if bytes.Contains(line, member) {
			return true
		}
	}
	return false
}

// typeOf is an event's type, by its line.
func typeOf(line []byte) string {
	_, after, _ := bytes.Cut(line, []byte(`,"type":"`))
	code, _, _ := bytes.Cut(after, []byte{'"'})
	return string(code)
}

// failed reports whether an event tells of something that did not come about.
func failed(code string, line []byte) bool {
	reason := ""
	if !templates.KnownKind(code) && bytes.Contains(line, []byte(`,"reason":"`)) {
		reason = "some"
	}
	return templates.KindOf(code, reason).Failed
}

// sound reports whether all fields of a filter could be read.
func (f *eventFilter) sound() bool {
	for _, t := range f.form.Times {
		if t.Fault != "" {
			return false
		}
	}
	return true
}

// search is what a filter looks for.
func (f *eventFilter) search(before string, most, look int) vault.LogSearch {
	if before == "" && !f.until.IsZero() {
		before = vault.LogsUntil(f.until)
	}
	return vault.LogSearch{Before: before, Since: f.since, Match: f.match, Most: most, Look: look}
}

// url is that of a page about what a filter chooses, with further members of its
// query in pairs.
func (f *eventFilter) url(path string, more ...string) string {
	query := url.Values{}
	for name, values := range f.query {
		query[name] = values
	}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// timeField is a field with a time, and the time: so long before now, or in UTC
// if it does not say. A whole day is taken to begin or to end, by so much.
func timeField(name, label, said string, now time.Time, ofDay time.Duration) (templates.Input, time.Time) {
	field := templates.Input{Name: name, Label: label, Value: said, Help: "In UTC, or how long ago, such as 24h or 7d"}
	if said == "" {
		return field, time.Time{}
	}
	if days, err := strconv.ParseUint(strings.TrimSuffix(said, "d"), 10, 16); err == nil && strings.HasSuffix(said, "d") {
		return field, now.AddDate(0, 0, -int(days))
	}
	if ago, err := time.ParseDuration(said); err == nil && ago >= 0 {
		return field, now.Add(-ago)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, said); err == nil {
			return field, t
		}
	}
	if t, err := time.Parse(time.DateOnly, said); err == nil {
		return field, t.Add(ofDay)
	}
	field.Fault = "That is no time. Write it as 2026-11-22 08:30, or as 24h."
	return field, time.Time{}
}
