package main

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/server"
	"sallyport/vault"
)

// settings are what the commands take from flags and the environment. A flag
// wins over its variable.
type settings struct {
	issuer, listen, metricsListen string
	store, keyFile                string
	unsealed                      unsealedKeys
	apply                         string
	tlsCert, tlsKey               string
	trustedProxies, privateNets   []string
	rateLimits                    []string
	logsDays, logsMegabytes       string
	log, logFormat                string
}

// text declares a flag that has a variable of the same name.
func text(f *pflag.FlagSet, to *string, name, fallback, help string) {
	variable := "SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	f.StringVar(to, name, fallback, help+" ("+variable+")")
	if v, ok := os.LookupEnv(variable); ok {
		*to = v // --help shows the default, and not what may hold a password
	}
}

// list declares such a flag for a list, separated by commas.
func list(f *pflag.FlagSet, to *[]string, name, help string) {
	variable := "SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	var fallback []string
	if v := os.Getenv(variable); v != "" {
		fallback = strings.Split(v, ",")
	}
	f.StringSliceVar(to, name, fallback, help+" ("+variable+")")
}

// storeFlags are those of all commands that open the store.
func (s *settings) storeFlags(f *pflag.FlagSet) {
	text(f, &s.store, "store", "sallyport.db", "file of the store; or URL of a PostgreSQL database, postgres://…")
	text(f, &s.keyFile, "key-file", "", "file of the root keys, one a line, the newest last; or the keys themselves in SALLYPORT_KEY")
}

// serveFlags are those of serve.
func (s *settings) serveFlags(f *pflag.FlagSet) {
	s.storeFlags(f)
	text(f, &s.issuer, "issuer", "", "URL of the gateway, such as https://login.example.com/")
	text(f, &s.listen, "listen", ":8080", "address to listen on")
	text(f, &s.metricsListen, "metrics-listen", "", "address of /metrics and /debug/pprof; none if empty")
	text(f, &s.apply, "apply", "", "tenant file to apply before listening")
	text(f, &s.tlsCert, "tls-cert", "", "file of the TLS certificate; none behind a proxy")
	text(f, &s.tlsKey, "tls-key", "", "file of the certificate's key")
	list(f, &s.trustedProxies, "trusted-proxies", "networks whose X-Forwarded-For is believed, such as 10.0.0.0/8")
	list(f, &s.privateNets, "allow-private-upstreams", "private networks that connections and webhooks may reach, such as 10.1.0.0/16")
	list(f, &s.rateLimits, "rate-limits", "requests a second of one address, client and user, 0 for any number; if not given, "+defaultPace)
	text(f, &s.logsDays, "logs-days", "90", "days that events are kept, 1 at least")
	text(f, &s.logsMegabytes, "logs-megabytes", "2048", "size of the events that are kept at the most, 16 at least")
	logFlags(f, s)
}

// retention is how long events are kept.
func (s *settings) retention() (r vault.LogRetention, err error) {
	days, err1 := strconv.ParseUint(s.logsDays, 10, 16)
	megabytes, err2 := strconv.ParseUint(s.logsMegabytes, 10, 32)
	r = vault.LogRetention{Age: time.Duration(days) * 24 * time.Hour, Bytes: megabytes << 20}
	switch {
	case err1 != nil || r.Age < vault.LeastLogAge:
		return r, &wrongUsage{"--logs-days should be a number of days, 1 at least, and is " + s.logsDays}
	case err2 != nil || r.Bytes < vault.LeastLogBytes:
		return r, &wrongUsage{"--logs-megabytes should be a number, 16 at least, and is " + s.logsMegabytes}
	}
	return r, nil
}

func logFlags(f *pflag.FlagSet, s *settings) {
	text(f, &s.log, "log", "info", "least level to log: debug, info, warn or error")
	text(f, &s.logFormat, "log-format", "json", "json, or text for people")
}

// logger writes to standard error.
func (s *settings) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.log)); err != nil {
		return nil, &wrongUsage{"--log should be debug, info, warn or error, and is " + s.log}
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	}
	return nil, &wrongUsage{"--log-format should be json or text, and is " + s.logFormat}
}

// checkIssuer is the issuer with its final slash, if it can be one. Plain http
// is for this machine alone.
func checkIssuer(issuer string) (string, error) {
	if issuer == "" {
		return "", &wrongUsage{"--issuer is missing: give the URL that browsers and applications reach the gateway under, such as https://login.example.com/"}
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Path != "" && u.Path != "/":
		return "", &wrongUsage{"--issuer should be a scheme and a host, such as https://login.example.com/, and is " + issuer}
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", &wrongUsage{"--issuer should begin with https://: http is for localhost alone"}
	case u.Scheme != "https" && u.Scheme != "http":
		return "", &wrongUsage{"--issuer should begin with https://, and is " + issuer}
	}
	u.Path = "/"
	return u.String(), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// prefixes parses networks; one address is a network of one.
func prefixes(flag string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		s = strings.TrimSpace(s)
		p, err := netip.ParsePrefix(s)
		if err != nil {
			ip, err := netip.ParseAddr(s)
			if err != nil {
				return nil, &wrongUsage{"--" + flag + " should be networks such as 10.0.0.0/8, separated by commas, and has " + s}
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

const defaultPace = "address=100,client=1000,user=100"

// pace parses rate limits. Those that are not named have their defaults.
func pace(limits []string) (p server.Pace, err error) {
	of := map[string]*int{"address": &p.Address, "client": &p.Client, "user": &p.User}
	for _, s := range append(strings.Split(defaultPace, ","), limits...) {
		who, rate, _ := strings.Cut(strings.TrimSpace(s), "=")
		n, err := strconv.ParseUint(rate, 10, 20)
		to, ok := of[who]
		if err != nil || !ok {
			return p, &wrongUsage{"--rate-limits should be such as " + defaultPace + ", numbers of requests a second, and has " + s}
		}
		*to = int(n)
	}
	return p, nil
}
