package connections

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"sallyport/vault"
)

// arrive runs the steps up to the host: they are parts of one request, since
// nothing else shows what the gateway's own client meets.
func (t *Trial) arrive(ctx context.Context) bool {
	t.tell(vault.TrialStep{Name: "dns", State: vault.StepRunning})
	home, err := url.Parse(t.provider.home())
	if err != nil {
		t.report("dns", 0, nil, nil, &Error{Description: "The connection's address is no URL."})
		return false
	}
	began := t.env.Now()
	found, err := t.provider.look(ctx)
	took := t.env.Now().Sub(began)
	w := t.recorder.connected()
	var calls []vault.TrialCall
	for _, c := range t.recorder.take() {
		calls = append(calls, c.TrialCall)
	}
	failedBefore := func(name string, took time.Duration, rest ...string) bool {
		t.report(name, took, calls, nil, err)
		t.leave("There was nobody to ask.", rest...)
		return false
	}
	switch {
	case w.lookupErr != nil:
		return failedBefore("dns", w.lookup, "tls", "discovery", "credentials", "authorize")
	case net.ParseIP(home.Hostname()) != nil:
		t.leave("The address is a number, and needs none.", "dns")
	default:
		t.report("dns", w.lookup, nil, []string{home.Hostname() + " is " + addresses(w.addresses) + "."}, nil)
	}
	switch {
	case w.tlsErr != nil || w.state == nil && home.Scheme == "https":
		return failedBefore("tls", w.connect+w.tls, "discovery", "credentials", "authorize")
	case w.state == nil:
		t.leave("The address begins with http://, as only this machine's own may.", "tls")
	default:
		t.report("tls", w.connect+w.tls, nil, certificateOf(*w.state, t.env.Now()), nil)
	}
	t.report("discovery", max(0, took-w.lookup-w.connect-w.tls), calls, found, err)
	if t.failed {
		t.leave("There was nobody to ask.", "credentials", "authorize")
	}
	return !t.failed
}

func addresses(list []netip.Addr) string {
	var texts []string
	for _, a := range list {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}

// certificateOf is what a host showed of itself.
func certificateOf(state tls.ConnectionState, now time.Time) []string {
	found := []string{tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite) + "."}
	if len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		found = append(found, fmt.Sprintf("The certificate of %s is good until %s, for %d days.",
			quote(strings.Join(leaf.DNSNames, ", ")), leaf.NotAfter.UTC().Format(time.DateOnly), int(leaf.NotAfter.Sub(now).Hours()/24)))
	}
	return found
}
