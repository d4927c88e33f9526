package api

import (
	"bytes"
	"encoding/json"
	"strings"
)

// searchable are the members of events that a search can name, of those that
// Auth0's can.
var searchable = map[string]bool{
	"log_id": true, "type": true, "client_id": true, "client_name": true, "connection": true, "connection_id": true, "user_id": true, "user_name": true,
	"ip": true, "description": true, "audience": true, "scope": true, "strategy": true, "reason": true, "correlation_id": true,
}

// parseLogQuery reads a search: member:value, or member:"value" where it has
// spaces, with AND between several, all of which must be met. Of Auth0's query
// language that is all; what else there is in it is refused, and not guessed at.
func parseLogQuery(q string) (func(line []byte) bool, error) {
	const help = `q takes conditions such as type:seta AND user_id:"salesforce|005", on `
	type condition struct{ name, value string }
	var all []condition
	for rest := strings.TrimSpace(q); rest != ""; {
		name, after, ok := strings.Cut(rest, ":")
		if !ok || !searchable[name] || len(all) == 8 {
			return nil, badQuery(help + "members such as type, client_id, user_id, connection, ip, reason and correlation_id.")
		}
		var value string
		if quoted, found := strings.CutPrefix(after, `"`); found {
			value, rest, ok = strings.Cut(quoted, `"`)
		} else {
			value, rest, _ = strings.Cut(after, " ")
			rest = " " + rest
		}
		if !ok || value == "" || strings.ContainsAny(value, `*?\()[]{}~^`) {
			return nil, badQuery(help + "whole values: without wildcards, ranges and brackets.")
		}
		all = append(all, condition{name, value})
		if rest = strings.TrimSpace(rest); rest == "" {
			break
		}
		if rest, ok = strings.CutPrefix(rest, "AND "); !ok {
			return nil, badQuery(help + "with AND between them.")
		}
		rest = strings.TrimSpace(rest)
	}
	return func(line []byte) bool {
		if len(all) == 0 {
			return true
		}
		for _, c := range all { // as a line is written, so that few have to be read
			if !bytes.Contains(line, []byte(`"`+c.name+`":"`+c.value+`"`)) {
				return false
			}
		}
		var event map[string]any
		if json.Unmarshal(line, &event) != nil {
			return false
		}
		for _, c := range all {
			if event[c.name] != c.value {
				return false
			}
		}
		return true
	}, nil
}
