package admin

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"sallyport/templates"
	"sallyport/vault"
)

// coming is what does not work, or soon will not if nobody does anything, as far
// as the gateway can see: what is broken first.
func (p *Pages) coming(tx *vault.Tx, conns []vault.Connection, counts vault.HealthCounts) (list []templates.Trouble, err error) {
	for _, look := range []func(*vault.Tx, []vault.Connection, vault.HealthCounts) ([]templates.Trouble, error){
		p.probesComing, p.tokensComing, p.certificatesComing, p.keysComing, p.logComing, p.restoreComing,
	} {
		some, err := look(tx, conns, counts)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	order := []templates.State{templates.Broken, templates.InADay, templates.InAWeek, templates.Later}
	slices.SortStableFunc(list, func(a, b templates.Trouble) int { return slices.Index(order, a.State) - slices.Index(order, b.State) })
	return list, nil
}

// soon is the state of what happens at a time.
func (p *Pages) soon(at time.Time) templates.State {
	switch left := at.Sub(p.Now()); {
	case left <= 0:
		return templates.Broken
	case left < day:
		return templates.InADay
	case left < 7*day:
		return templates.InAWeek
	}
	return templates.Later
}

// probesComing are connections whose identity providers refuse the gateway.
func (p *Pages) probesComing(tx *vault.Tx, conns []vault.Connection, _ vault.HealthCounts) (list []templates.Trouble, err error) {
	for _, conn := range conns {
		probe, err := tx.Probes.Get(conn.Name)
		if known, err := vault.Exists(err); err != nil {
			return nil, err
		} else if known && conn.Active && probe.State == vault.StepFailed {
			list = append(list, templates.Trouble{State: templates.Broken, What: conn.Title() + " refuses the gateway’s credentials: nobody can sign in, and no token is refreshed. " + probe.Cause,
				At: p.moment(probe.Since), Do: probe.Cure, URL: tryPath(conn.Name), Linking: "Try the connection"})
		}
	}
	return list, nil
}

// tokensComing are accounts that end by themselves, and refresh tokens that lapse
// although they are to be kept.
func (p *Pages) tokensComing(_ *vault.Tx, conns []vault.Connection, counts vault.HealthCounts) (list []templates.Trouble, err error) {
	for _, conn := range conns {
		today, week := counts.EndInDay[conn.Name], counts.EndInWeek[conn.Name]
		accounts := Path + "/accounts?state=" + string(vault.Expiring)
		if today > 0 {
			list = append(list, templates.Trouble{State: templates.InADay, What: number(today, "account at ", "accounts at ") + conn.Title() + " will have no token any more: there is no refresh token, and the access token expires.",
				Do: "Have the connection ask for refresh tokens, and let the users connect again.", URL: accounts, Linking: "See the accounts"})
		}
		if later := week - today; later > 0 {
			list = append(list, templates.Trouble{State: templates.InAWeek, What: number(later, "account at ", "accounts at ") + conn.Title() + " will have no token any more: there is no refresh token, and the access token expires.",
				Do: "Have the connection ask for refresh tokens, and let the users connect again.", URL: accounts, Linking: "See the accounts"})
		}
		if n := counts.Overdue[conn.Name]; n > 0 {
			list = append(list, templates.Trouble{State: templates.InAWeek, What: number(n, "refresh token at ", "refresh tokens at ") + conn.Title() + " may lapse: nobody uses it, it is to be kept alive, and its renewal has failed for a day.",
				Do: "Try the connection; the account’s page has the last refreshes, with their reasons.", URL: tryPath(conn.Name), Linking: "Try the connection"})
		}
	}
	return list, nil
}

// certificateNotice is how long before its end a certificate is told of: what is
// uploaded elsewhere takes its time.
const certificateNotice = 30 * day

// certificatesComing are certificates that end, the gateway's own and those by
// which it proves itself to identity providers.
func (p *Pages) certificatesComing(_ *vault.Tx, conns []vault.Connection, _ vault.HealthCounts) (list []templates.Trouble, err error) {
	if !p.TLSUntil.IsZero() && p.TLSUntil.Sub(p.Now()) < certificateNotice {
		list = append(list, templates.Trouble{State: p.soon(p.TLSUntil), What: "The gateway’s own TLS certificate ends: browsers and applications refuse the gateway from then on.",
			At: p.moment(p.TLSUntil), Do: "Put a new one into the files of --tls-cert and --tls-key, and start the gateway again."})
	}
	for _, conn := range conns {
		for _, c := range conn.Certificates {
			block, _ := pem.Decode([]byte(c.PEM))
			if block == nil {
				continue
			}
			parsed, err := x509.ParseCertificate(block.Bytes)
			if err != nil || parsed.NotAfter.Sub(p.Now()) >= certificateNotice {
				continue // one that is damaged cannot be signed with: the probe tells
			}
			list = append(list, templates.Trouble{State: p.soon(parsed.NotAfter), What: "A certificate by which the gateway proves itself to " + conn.Title() + " ends: " + c.ID + ".",
				At: p.moment(parsed.NotAfter), Do: "Make the next one, and upload it there.", URL: Path + "/connections/" + conn.Name, Linking: "See the connection"})
		}
	}
	return list, nil
}

// keysComing are signing keys that follow others or should have, and changes of
// the vault's keys that leave something to be done.
func (p *Pages) keysComing(tx *vault.Tx, _ []vault.Connection, _ vault.HealthCounts) (list []templates.Trouble, err error) {
	keys, err := all(tx.Keys)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		switch due := p.SigningKeyDue(k); {
		case k.Expires.IsZero() && !due.IsZero() && p.Now().Sub(due) > time.Hour:
			list = append(list, templates.Trouble{State: templates.Broken, What: "The signing key that follows on " + k.ID + " should have been made by the gateway, and was not.",
				At: p.moment(due), Do: "The program’s log says why, in the lines “could not read the signing keys”.", URL: Path + "/keys", Linking: "See the keys"})
		case k.NotBefore.After(p.Now()):
			list = append(list, templates.Trouble{State: p.soon(k.NotBefore), What: "The signing key " + k.ID + " (" + k.Alg + ") begins to sign. It is published already.",
				At: p.moment(k.NotBefore), Do: "Nothing, unless an application has its own copy of the keys and never reads them again.", URL: Path + "/keys", Linking: "See the keys"})
		}
	}
	r, changing, err := tx.Resealing()
	if err == nil && changing && r.Faults > 0 {
		list = append(list, templates.Trouble{State: templates.Broken, What: number(r.Faults, "record of the vault does", "records of the vault do") + " not open, and will be lost when the old data key is forgotten.",
			Do: "Run ‘sallyport vault check’ on a backup: it names them.", URL: Path + "/keys", Linking: "See the keys"})
	}
	return list, err
}

// logComing is a log of events that soon has no room for as many days as it is to
// keep.
func (p *Pages) logComing(tx *vault.Tx, _ []vault.Connection, _ vault.HealthCounts) ([]templates.Trouble, error) {
	size, kept, err := tx.LogSize()
	if err != nil || kept.Bytes == 0 || size < kept.Bytes/10*9 {
		return nil, err
	}
	return []templates.Trouble{{State: templates.InAWeek, What: fmt.Sprintf("The log of events has %d of the %d MB that it may have. Beyond them the oldest events are forgotten, also before their %d days are over.", size>>20, kept.Bytes>>20, kept.Age/day),
		Do: "Give it more by --logs-megabytes, or export what has to be kept: ‘sallyport logs export’."}}, nil
}

// restoreComing are accounts that are asked about, since the vault was restored.
func (p *Pages) restoreComing(_ *vault.Tx, _ []vault.Connection, counts vault.HealthCounts) ([]templates.Trouble, error) {
	n := counts.Are(vault.Ambiguous)
	if !p.Vault.Restored() || n == 0 {
		return nil, nil
	}
	return []templates.Trouble{{State: templates.InAWeek, What: "The vault was restored from a backup. Of " + number(n, "account", "accounts") + " it is not known whether the refresh token was used since.",
		Do: "Nothing: identity providers are asked before one is shown. Users whose token was used connect again.", URL: Path + "/accounts?state=" + string(vault.Ambiguous), Linking: "See the accounts"}}, nil
}

// number says how many there are of something.
func number(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", several)
}
