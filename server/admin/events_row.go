package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"sallyport/templates"
	"sallyport/vault"
)

// logged is an event as its line has it.
type logged struct {
	ID          string    `json:"log_id"`
	Date        time.Time `json:"date"`
	Type        string    `json:"type"`
	Description string    `json:"description"`
	Client      string    `json:"client_id"`
	ClientName  string    `json:"client_name"`
	User        string    `json:"user_id"`
	UserName    string    `json:"user_name"`
	Connection  string    `json:"connection"`
	IP          string    `json:"ip"`
	Reason      string    `json:"reason"`
	ReasonClass string    `json:"reason_class"`
	Correlation string    `json:"correlation_id"`
	Details     struct {
		Administrator struct {
			Name string `json:"name"`
		} `json:"administrator"`
		Request struct {
			Method string `json:"method"`
			Path   string `json:"path"`
		} `json:"request"`
		About    string `json:"about"`
		Repeated int64  `json:"repeated"`
	} `json:"details"`
}

// eventRow is an event, for a list.
func (p *Pages) eventRow(e vault.LogEntry) (templates.EventRow, logged, error) {
	var l logged
	if err := json.Unmarshal(e.Line, &l); err != nil {
		return templates.EventRow{}, l, fmt.Errorf("event %s: %w", e.ID, err)
	}
	kind := templates.KindOf(l.Type, l.Reason)
	row := templates.EventRow{
		ID: e.ID, URL: eventURL(e.ID), When: p.moment(l.Date), State: templates.EventStates[kind.Failed], What: kind.Words, Note: l.note(kind.Failed), Who: l.who(),
	}
	if l.Client != "" {
		row.Application = templates.Link{Title: l.Client, URL: Path + "/clients/" + url.PathEscape(l.Client)}
		if l.ClientName != "" {
			row.Application.Title = l.ClientName
		}
	}
	if l.Connection != "" {
		row.Connection = templates.Link{Title: l.Connection, URL: Path + "/connections/" + url.PathEscape(l.Connection)}
	}
	return row, l, nil
}

func (p *Pages) eventRows(entries []vault.LogEntry) (rows []templates.EventRow, err error) {
	for _, e := range entries {
		row, _, err := p.eventRow(e)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// note is why something failed, or what was done, in a few words.
func (l logged) note(failed bool) (note string) {
	switch {
	case l.Details.Administrator.Name != "":
		note = l.Description
		if l.Details.About != "" {
			note += ": " + l.Details.About
		}
	case failed && templates.CureOf(l.Reason, "").Means != "":
		note = templates.CureOf(l.Reason, "").Means
	case l.Details.Request.Path != "":
		note = l.Details.Request.Method + " " + l.Details.Request.Path
	case failed && l.Reason != "":
		note = l.Reason
	}
	if l.Details.Repeated > 0 {
		note += fmt.Sprintf(" (%d times more)", l.Details.Repeated)
	}
	return note
}

// who did it: a user, an administrator, whoever was at an address, or nobody.
func (l logged) who() templates.Link {
	switch {
	case l.Details.Administrator.Name != "":
		return templates.Link{Title: l.Details.Administrator.Name, URL: Path + "/administrators"}
	case l.UserName != "":
		return templates.Link{Title: l.UserName, URL: userURL(l.User)}
	case l.User != "":
		return templates.Link{Title: l.User, URL: userURL(l.User)}
	}
	if l.IP == "" {
		return templates.Link{Title: "the gateway"}
	}
	return templates.Link{Title: l.IP}
}

func eventURL(id string) string { return Path + "/events/" + url.PathEscape(id) }

// membersIn are the members of an event in the order in which they are recorded;
// those within others have the names of both, with a dot between.
func membersIn(line []byte) (list []templates.Fact, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var within []string
	name, named := "", false
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' {
				within, named = append(within, name), false
				continue
			}
			if within = within[:len(within)-1]; len(within) == 0 {
				return list, nil
			}
		case string:
			if !named {
				name, named = t, true
				if outer := within[len(within)-1]; outer != "" {
					name = outer + "." + t
				}
				continue
			}
			list = append(list, templates.Fact{Title: name, Value: t})
		default:
			list = append(list, templates.Fact{Title: name, Value: fmt.Sprint(t)})
		}
		named = false
	}
}
