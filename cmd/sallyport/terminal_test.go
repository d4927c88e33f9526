package main

import (
	"strings"
	"testing"

	"sallyport/templates"
)

// TestConsoleNamesCommandsThatThereAre parses those that its pages have to be done
// in a terminal.
func TestConsoleNamesCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	parsed := 0
	for _, page := range []string{"connections", "users/u/delete", "events", "audit", "administrators", "settings"} {
		for _, shown := range (templates.Console{Issuer: "https://login.example.com/", Path: "/admin/" + page}).Terminal() {
			words := strings.Fields(shown.Line)
			if words[0] != "sallyport" {
				continue
			}
			command, rest, err := root().Find(words[1:])
			if err == nil {
				err = command.ParseFlags(rest)
			}
			if err == nil && command.Args != nil {
				err = command.Args(command, command.Flags().Args())
			}
			if parsed++; err != nil || !command.Runnable() {
				t.Errorf("%s: %s: %v", page, shown.Line, err)
			}
		}
	}
	if parsed < 6 {
		t.Errorf("%d commands", parsed)
	}
}
