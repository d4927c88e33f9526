package server

import (
	"fmt"
	"strings"

	"sallyport/connections/simulator"
	"sallyport/server/oidc"
)

// FaultOutcome is what comes of one of the simulated Salesforce's faults: the
// table that a test tries, and docs/errors.md shows.
type FaultOutcome struct {
	Fault string
	// Asked is what is asked of the gateway when it happens: an exchange for
	// which the token has to be refreshed, or a sign-in.
	Asked    string
	Status   int         // of the exchange; 200 is a token
	Reason   oidc.Reason // of its refusal
	Requests int         // at Salesforce's token endpoint
	Grant    string      // afterwards
	Code     oidc.Code   // of a sign-in that fails; "" if it succeeds
}

const (
	Exchanging = "an exchange"
	SigningIn  = "a sign-in"

	Kept     = "kept"
	Over     = "over"
	LookedAt = "looked into, and over: it was used"
	None     = "nothing is kept"
)

// FaultOutcomes has a row for each fault that the gateway meets.
var FaultOutcomes = []FaultOutcome{
	{"refresh-held", Exchanging, 503, oidc.UpstreamUnavailable, 1, Kept, ""},
	{"busy-in-old-words", Exchanging, 503, oidc.UpstreamUnavailable, 1, Kept, ""},
	{"response-lost", Exchanging, 503, oidc.UpstreamUnavailable, 1, LookedAt, ""},
	{"token-used-elsewhere", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"refresh-expired", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"refresh-unused", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"refresh-lifetime", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},

	{"approvals-evicted", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"user-revoked", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"app-revoked", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"all-revoked", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"shared-token-revoked", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},
	{"sessions-ended", Exchanging, 200, "", 1, Kept, ""},
	{"sandbox-refreshed", Exchanging, 401, oidc.ReauthorizationRequired, 1, Over, ""},

	{"secret-applied", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Over, ""},
	{"app-not-known-yet", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Kept, ""},
	{"app-blocked", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Kept, ""},
	{"app-uninstalled", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Kept, ""},
	{"dpop-nonce", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Kept, ""},
	{"user-inactive", Exchanging, 403, oidc.UserBlocked, 1, Kept, ""},
	{"org-suspended", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Kept, ""},
	{"ip-restricted", Exchanging, 502, oidc.ConnectionMisconfigured, 1, Kept, ""},
	{"login-rate", Exchanging, 503, oidc.UpstreamRateLimited, 1, Kept, ""},

	{"maintenance", Exchanging, 503, oidc.UpstreamUnavailable, 1, Kept, ""},
	{"bad-gateway", Exchanging, 503, oidc.UpstreamUnavailable, 1, Kept, ""},
	{"slow", Exchanging, 503, oidc.UpstreamUnavailable, 1, LookedAt, ""},
	{"answer-truncated", Exchanging, 503, oidc.UpstreamUnavailable, 1, LookedAt, ""},
	{"answer-empty", Exchanging, 503, oidc.UpstreamUnavailable, 1, LookedAt, ""},
	{"answer-is-html", Exchanging, 503, oidc.UpstreamUnavailable, 1, LookedAt, ""},

	{"domain-renamed", Exchanging, 200, "", 1, Kept, ""},
	{"issuer-is-login", Exchanging, 200, "", 1, Kept, ""},
	{"issuer-is-my-domain", Exchanging, 200, "", 1, Kept, ""},
	{"clock-ahead", Exchanging, 200, "", 1, Kept, ""},
	{"clock-behind", Exchanging, 200, "", 1, Kept, ""},
	{"keys-rotated", Exchanging, 200, "", 1, Kept, ""},
	{"token-format-toggled", Exchanging, 200, "", 1, Kept, ""},

	{"wrong-nonce", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"wrong-audience", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"wrong-issuer", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"wrong-user", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"wrong-at-hash", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"key-not-published", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"keys-rotated", SigningIn, 0, "", 1, Kept, ""},
	{"issuer-is-login", SigningIn, 0, "", 1, Kept, ""},
	{"issuer-is-my-domain", SigningIn, 0, "", 1, Kept, ""},
	{"clock-behind", SigningIn, 0, "", 1, Kept, ""},
	{"clock-ahead", SigningIn, 0, "", 1, Kept, ""},
	{"token-format-toggled", SigningIn, 0, "", 1, Kept, ""},
	{"domain-renamed", SigningIn, 0, "", 1, Kept, ""},
	{"scopes-withheld", SigningIn, 0, "", 1, Kept, ""},

	{"app-blocked", SigningIn, 0, "", 0, None, oidc.ServerError},
	{"secret-applied", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"dpop-nonce", SigningIn, 0, "", 1, None, oidc.ServerError},
	{"user-inactive", SigningIn, 0, "", 0, None, oidc.AccessDenied},
	{"org-suspended", SigningIn, 0, "", 0, None, oidc.ServerError},
	{"ip-restricted", SigningIn, 0, "", 0, None, oidc.ServerError},
	{"login-rate", SigningIn, 0, "", 0, None, oidc.TemporarilyUnavailable},

	{"maintenance", SigningIn, 0, "", 1, None, oidc.TemporarilyUnavailable},
	{"response-lost", SigningIn, 0, "", 1, None, oidc.TemporarilyUnavailable},
	{"answer-truncated", SigningIn, 0, "", 1, None, oidc.TemporarilyUnavailable},
	{"answer-empty", SigningIn, 0, "", 1, None, oidc.TemporarilyUnavailable},
	{"answer-is-html", SigningIn, 0, "", 1, None, oidc.TemporarilyUnavailable},
}

// FaultsUnseen are the faults that an application meets when it calls an API,
// and the gateway does not, and one of grants without a refresh token.
var FaultsUnseen = []string{"assertions-once", "session-invalid", "session-not-for-rest", "app-not-attached", "request-limit", "api-disabled"}

// renderFaultOutcomes writes the table of the page.
func renderFaultOutcomes(b *strings.Builder) {
	does := map[string]string{}
	for _, f := range simulator.Faults() {
		does[f.Name] = f.Does
	}
	for _, asked := range []string{Exchanging, SigningIn} {
		fmt.Fprintf(b, "\n### At %s\n\n", asked)
		b.WriteString("| fault | what Salesforce does | answer | requests | the grant |\n|---|---|---|---|---|\n")
		for _, o := range FaultOutcomes {
			if o.Asked != asked {
				continue
			}
			answer := "a token"
			switch {
			case o.Reason != "":
				answer = fmt.Sprintf("%d `%s` (%s)", o.Status, o.Reason, o.Reason.Class())
			case o.Code != "":
				answer = "`" + string(o.Code) + "`"
			case asked == SigningIn:
				answer = "signed in"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %d | %s |\n", o.Fault, does[o.Fault], answer, o.Requests, o.Grant)
		}
	}
}
