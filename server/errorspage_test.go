package server

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"sallyport/connections"
	"sallyport/server/oidc"
)

var update = flag.Bool("update", false, "rewrite the pages of docs that are made from the code")

const errorsPage = "../docs/errors.md"

// TestErrorsPageIsUpToDate holds docs/errors.md against the table that errors
// are made from.
func TestErrorsPageIsUpToDate(t *testing.T) {
	t.Parallel()
	want := renderErrors()
	for _, f := range connections.SalesforceFailures {
		if !strings.Contains(want, "| "+signs(f)+" | "+words(f.Kind)+" | "+f.Cause) {
			t.Errorf("%s %s is in no section of the page: add one for what is asked, %q", f.Code, f.Says, f.Asked)
		}
	}
	if *update {
		if err := os.WriteFile(errorsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/errors.md is not as the code has it: run go test ./server -run TestErrorsPageIsUpToDate -update")
	}
}

// renderErrors writes the page.
func renderErrors() string {
	var b strings.Builder
	b.WriteString(`# Errors

Everything that Salesforce is known to answer in place of what was asked of it, what it means, and where to mend it. This page is made from the table by which the gateway itself decides (` + "`connections/salesforce_failures.go`" + `); the sentences are those that stand in ` + "`error_description`" + `. Setting up the app so that none of it happens is in [salesforce.md](salesforce.md); what an application does about a refusal is in [clients.md](clients.md#refusals).

Rows are read from the top, and the first that fits counts. Descriptions are compared in lower case, and by a part of them. What fits no row counts as passing: **no grant ends but for the rows that are "dead"**.

| it is | who can do something | at a sign-in, ` + "`error`" + ` | at an exchange, ` + "`reason`" + ` | the grant |
|---|---|---|---|---|
`)
	for _, k := range []struct {
		kind  connections.Kind
		grant string
	}{
		{connections.Denied, "kept"}, {connections.Expired, "there is none yet"}, {connections.Unavailable, "kept"}, {connections.RateLimited, "kept"},
		{connections.Misconfigured, "kept"}, {connections.Untrusted, "kept, and the answer not used"}, {connections.Dead, "over: the user must connect again"},
	} {
		reason := reason(k.kind)
		atSignIn := "`" + string(answerTo(&connections.Error{Kind: k.kind}).Code) + "`"
		atExchange := fmt.Sprintf("`%s`", reason)
		class := string(reason.Class())
		switch k.kind {
		case connections.Dead:
			atSignIn = "does not happen"
		case connections.Expired:
			atExchange, class = "does not happen", string(oidc.ForUser)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", words(k.kind), class, atSignIn, atExchange, k.grant)
	}
	for _, section := range []struct {
		title, about string
		holds        func(connections.Failure) bool
	}{
		{"No answer", "In parentheses stands what was seen instead.", func(f connections.Failure) bool { return f.Asked == "" && strings.HasPrefix(f.Code, "(") }},
		{"The app, the user and the org", "At a sign-in as at a refresh.", func(f connections.Failure) bool { return f.Asked == "" && !strings.HasPrefix(f.Code, "(") }},
		{"Signing in", "What the user's browser comes back with. What Salesforce shows without sending anybody back is in [salesforce.md](salesforce.md#salesforce-shows-an-error-and-nobody-comes-back).", asked("sign the user in")},
		{"Redeeming the code", "After the user has come back.", asked("redeem a code")},
		{"Refreshing", "At an exchange, when the access token has to be renewed.", asked("refresh")},
		{"Asking without a refresh token", "At an exchange, for connections whose `token_grant` is `jwt_bearer`, `saml2_bearer` or `client_credentials`: [salesforce.md](salesforce.md#without-refresh-tokens). Where the token belongs to applications, \"dead\" is misconfigured. These rows come before those of the app, the user and the org, which count as well.", asked("issue an access token")},
		{"Calling an API", "What the application sees when it uses the token. The gateway does not; [`rejected_token`](clients.md#a-token-that-salesforce-refused) tells it.", asked("answer an application's call of an API")},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| Salesforce says | it is | cause | cure |\n|---|---|---|---|\n", section.title, section.about)
		for _, f := range connections.SalesforceFailures {
			if section.holds(f) {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", signs(f), words(f.Kind), f.Cause, f.Cure)
			}
		}
	}
	b.WriteString("\n## What comes of it\n\nThe simulated Salesforce [goes wrong on demand](simulator.md), and a test has the gateway meet each fault below, and looks at what becomes of the grant when the fault is over. Requests are those to Salesforce's token endpoint; an answer is in Auth0's shape, and has the same reason in RFC 8693's.\n")
	renderFaultOutcomes(&b)
	return b.String()
}

func asked(what string) func(connections.Failure) bool {
	return func(f connections.Failure) bool { return f.Asked == what }
}

func signs(f connections.Failure) string {
	switch {
	case strings.HasPrefix(f.Code, "("):
		if f.Says != "" {
			return f.Code + " `" + f.Says + "`"
		}
		return f.Code
	case f.Says != "":
		return "`" + f.Code + "` `" + f.Says + "`"
	}
	return "`" + f.Code + "`"
}

func words(k connections.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }
