package server

import (
	"fmt"
	"strings"
	"time"

	"sallyport/templates"
	"sallyport/vault"
)

// startedWith is what an operator wants to see of how the gateway was started.
func (s *Server) startedWith() (list []templates.Started) {
	add := func(title, flag, value string) {
		if value != "" {
			list = append(list, templates.Started{Title: title, Flag: flag, Value: value})
		}
	}
	add("Issuer", "--issuer", s.Issuer)
	add("Version", "", s.Version)
	add("Store", "--store", s.Store)
	logs := "kept for ever"
	if s.Logs != (vault.LogRetention{}) {
		logs = fmt.Sprintf("kept for %d days, %d MB at most", s.Logs.Age/(24*time.Hour), s.Logs.Bytes>>20)
	}
	add("Events", "--logs-days, --logs-megabytes", logs)
	perSec := func(n int) string {
		if n == 0 {
			return "any number"
		}
		return fmt.Sprint(n)
	}
	add("Requests a second", "--rate-limits", fmt.Sprintf("of an address %s, of an application %s, for a user %s", perSec(s.Pace.Address), perSec(s.Pace.Client), perSec(s.Pace.User)))
	var proxies []string
	for _, network := range s.TrustedProxies {
		proxies = append(proxies, network.String())
	}
	trusted := "none"
	if proxies != nil {
		trusted = strings.Join(proxies, ", ")
	}
	add("Trusted proxies", "--trusted-proxies", trusted)
	return list
}
