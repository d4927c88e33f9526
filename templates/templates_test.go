package templates

import (
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
)

// hostile strings that strangers may get onto a page: a client's name, an upstream's error.
var hostile = map[string]string{
	"script":         `<script>alert(1)</script>`,
	"tag and quotes": `"><img src=x onerror=alert(1)>'`,
	"attribute":      `x" onmouseover="alert(1)" style="color:red`,
	"scheme":         `javascript:alert(1)`,
	"template":       `{{.}} ${x} <% %>`,
	"comment":        `--><!-- </title></textarea></style><b>`,
	"right to left":  "\u202egro.live\u202c שלום مرحبا",
	"control":        "a\x00b\x07c\x1b[31md\u0085e\rf",
	"not UTF-8":      "a\xff\xfeb",
	"long":           strings.Repeat("<&\"'x", 64<<10/5),
}

// pagesOf has every page, with s wherever a string may come from outside.
func pagesOf(s string) map[string]any {
	draft := ConnectionDraft{Change{s, s}, []Difference{{s, s, s}}, []string{s}, s, s}
	return map[string]any{
		"choose":    Choose{s, []Choice{{s, s, s}, {s, s, "salesforce-sandbox"}}, true},
		"problem":   Problem{s, s, s, s, s, s},
		"signout":   SignOut{s, s, []Field{{s, s}}, s},
		"signedout": SignedOut{s, s}, "connected": Connected{s, s, s, false, s},
		"consent":       Consent{s, s, []ScopeLine{{s, s}}, s, []Field{{s, s}}, s},
		"device":        Device{s, s, s},
		"deviceconfirm": DeviceConfirm{s, s, []ScopeLine{{s, s}}, s, []Field{{s, s}}},
		"devicedone":    DeviceDone{s, false},
		"own": Own{s, s, s, []OwnAccount{{s, s, s, s, Healths["reauthorize"], []string{s, s}}, {"", s, "salesforce", s, State{}, nil}},
			[]OwnApplication{{s, s, []ScopeLine{{s, s}}}, {s, s, nil}}, "revoked"},
		"formpost":   FormPost{s, []Field{{s, s}}, s},
		"webmessage": WebMessage{s, []Field{{s, s}}},

		"admin/signin":         AdminSignIn{s, s, true, s, "dark", []Entrance{{s, s}}},
		"admin/welcome":        AdminWelcome{s, s, "name", s, "", []Entrance{{s, s}}},
		"admin/enrol":          AdminEnrol{"data:image/png;base64,", s, s, ""},
		"admin/prove":          AdminProve{consoleOf(s), s, s, true, true, []Entrance{{s, s}}},
		"admin/away":           Away{s, "https://login.example.com/?" + s, ""},
		"admin/me":             Me{consoleOf(s), true, []PasskeyLine{{s, s, time.Now(), time.Time{}}}, 2, Fault{"identity", s}, []IdentityLine{{s, s, s, time.Now(), time.Now()}}, []Entrance{{s, s}}},
		"admin/passkey":        NewPasskey{consoleOf(s)},
		"admin/invited":        Invited{consoleOf(s), s, s, s},
		"admin/administrators": Administrators{consoleOf(s), []AdminLine{{s, s, "owner", true, s, time.Now(), time.Now()}}, []string{"viewer", "owner"}},
		"admin/dashboard": Dashboard{consoleOf(s), []Step{{s, "/admin/connections/new", s, true}, {s, "/admin/clients/new", s, false}}, []Trouble{{Broken, s, moment, s, "/admin/connections", s}, {Later, s, Moment{}, s, "", ""}},
			[]StateCount{{"expiring", Healths["expiring"], 2}}, moment, 2, []FailureRow{{s, s, s, "/admin/connections/1", 2, Cause{s, s}, "/admin/policy", "/admin/events"}, {s, s, "", "", 1, Cause{}, "", "/admin/events"}}, 3, true,
			[]Plot{NewPlot("one", s, s, s, []Column{{moment.At, moment.Now, 2, 1}}), NewPlot("two", s, s, s, []Column{{moment.At, moment.Now, 0, 0}})}},

		"admin/users": Users{Console: consoleOf(s), Query: s, Connection: s, Connections: []Option{{s, s, s, true}}, Next: s,
			Rows: []UserRow{{s, "/admin/users/1", s, s, []string{s, s}, Healths["healthy"], true, moment}}},
		"admin/user": User{Console: consoleOf(s), ID: s, URL: "/admin/users/1", Name: s, Email: s, Username: s, Unverified: true, Created: moment, Seen: moment, Logins: 3,
			Accounts: []AccountRow{{"/admin/users/1/accounts/1", s, s, s, s, Healths["reauthorize"]}}, Sessions: []SessionRow{{s, []string{s, s}, moment, moment}},
			Applications: []ApplicationRow{{"id", "name", true, []string{s}, 2, moment}, {"app", s, false, nil, 1, moment}}, More: true},
		"admin/account": Account{Console: consoleOf(s), User: s, UserURL: "/admin/users/1", URL: "/admin/users/1/accounts/1", ID: s, Connection: s, Title: s, Name: s, Username: s, Org: s, InstanceURL: s,
			State: Healths["ambiguous"], Why: s, Scopes: []string{s}, Connected: moment, Issued: moment, Expires: moment, Access: s, Refresh: s, Next: moment, Kept: moment, Approvals: 5, MostApprovals: 5,
			Refreshes: []RefreshRow{{Outcomes["refused"], s, 2, moment, moment}}, Clients: []Option{{s, s, s, false}}, Renewable: true, Link: s, LinkLife: s, Problem: s},
		"admin/sure": Sure{consoleOf(s), s, s, []string{s}, "/admin/users/1/delete", s, "/admin/users/1"},
		"admin/accounts": AccountsIn{consoleOf(s), []StateCount{{"expiring", Healths["expiring"], 2}}, Healths["expiring"], "expiring",
			[]AccountRow{{"/admin/users/1/accounts/1", s, s, s, s, Healths["expiring"]}}, 3, moment},

		"admin/connections": Connections{consoleOf(s), []ConnectionLine{{s, s, s, Active, true, true, 2, Probe{State: "failed"}}, {s, s, s, Draft, false, false, 0, Probe{}}, {s, s, s, Off, false, false, 0, Probe{}}}, s, true},
		"admin/connection_form": ConnectionForm{Console: consoleOf(s), Name: s, Kind: s, Strategy: s, Others: []Choice{{s, s, s}}, Faults: []Input{inputOf(s, Text)},
			Callbacks: Callbacks{s, s, true}, Names: []Input{inputOf(s, Text), inputOf(s, Lines), inputOf(s, Secret), inputOf(s, Key), inputOf(s, Switch)}, Salesforce: true,
			Environments: []Pick{{s, s, s, true, true}}, Scopes: []ScopeOption{{Pick{s, s, s, true, true}, s, s}}, OtherScopes: []ScopeOption{{Pick{s, s, s, false, false}, s, s}}, MoreScopes: inputOf(s, Text), Vault: true, ForAdmins: true,
			Grants: []Pick{{s, s, s, true, true}}, More: []Input{inputOf(s, Lines)}, MoreOpen: true, Applications: []Pick{{s, s, s, true, true}}, Checklist: checklistOf(s)},
		"admin/connection": ConnectionPage{Console: consoleOf(s), Name: s, Title: s, Kind: s, State: Active, Draft: &draft, Callback: s, Facts: []Fact{{s, s}}, Cautions: []string{s},
			Applications: []Link{{s, s}}, Certifies: true, Certificates: []CertificateLine{{s, s, s, true}}, File: s, Former: &Change{s, s}, Checklist: checklistOf(s)},
		"admin/connection_undo":   ConnectionUndo{consoleOf(s), s, s, draft},
		"admin/connection_delete": ConnectionDelete{consoleOf(s), s, s, s, false, s, inputOf(s, Text)},

		"admin/policy": Policy{consoleOf(s), []string{s, s}, []PolicyRow{{ClientName{s, s, s}, []PolicyCell{{s, true, "", "", false, []string{s}, []string{s}}, {s, false, s, s, false, nil, nil}, {s, false, s, s, true, nil, nil}}}}, s, s,
			PolicyQuestion{s, s, s, s, s, s}, []Option{{s, s, s, true}}, "user", s, &PolicyAnswer{false, s, []string{s}, []PolicyRule{{s, true, s}, {s, false, s}}}},
		"admin/clients":       Clients{consoleOf(s), []ClientRow{{s, s, s, []string{s, s}}, {s, s, "spa", nil}}, s, s},
		"admin/client":        clientOf(s),
		"admin/client_new":    NewClient{consoleOf(s), s, s, s, s, []Option{{s, s, s, true}}, "callbacks", s},
		"admin/client_secret": ShownSecret{consoleOf(s), ClientName{s, s, s}, s, true, true},
		"admin/client_rotate": RotateSecret{consoleOf(s), ClientName{s, s, s}, []ClientSecret{{s, time.Unix(0, 0)}, {s, time.Time{}}}},
		"admin/client_delete": DeleteClient{consoleOf(s), ClientName{s, s, s}, 3, true, 2, 1},
		"admin/client_call": CallClient{consoleOf(s), ClientName{s, s, "spa"}, s, true, []Option{{s, s, s, true}}, "nextjs", []Option{{s, s, s, true}}, []Option{{s, s, s, true}}, s, s,
			[]Part{{s, s, s, s}}, []string{s}},

		"admin/events": Events{consoleOf(s), EventFilter{Correlation: s, Type: s, Kinds: []EventGroup{{s, []Option{{s, s, s, true}}}}, Outcome: "failed", User: s, Account: s, Client: s, Clients: []Option{{s, s, s, true}},
			Connection: s, Connections: []Option{{s, s, s, true}}, Reason: s, IP: s, Times: []Input{inputOf(s, Text), {Name: "until", Label: s, Help: s}}, More: true, Set: true},
			[]EventRow{eventOf(s)}, 5000, moment, true, s, s, s, 1000, s},
		"admin/event":        Event{consoleOf(s), eventOf(s), s, s, s, s, s, Cure{s, s, s}, []Fact{{s, s}}, []EventRow{eventOf(s)}, s},
		"admin/audit":        Audit{consoleOf(s), s, s, moment, LogCheck{"failed", s, moment, moment, s, 50, 1000, 3, s, moment, moment, []string{s}, 2, s}, 1000, s, moment, 90, s, 50, []ChainRow{{s, true, moment, moment, 10, 5, moment, s, 1}}, 2},
		"admin/audit_export": AuditExport{consoleOf(s), 1000, s, moment, s, s},
		"admin/keys": Keys{consoleOf(s), KeysNow{[]KeyRow{{s, s, KeySeals, moment, true, true, 3, s}, {s, s, KeyLeaves, Moment{}, true, false, 0, ""}, {s, s, KeyLeaves, Moment{}, false, false, 0, ""}},
			&KeyChange{s, false, s, 1, 2, 3}, KeyCount{moment, true, 1, 2}}, s, []Command{{s, s, s}}},
		"admin/keys_rotate": RotateKeys{consoleOf(s), []string{s, s}},
		"admin/keys_sheet":  KeySheet{consoleOf(s), s, s, s, s, moment},

		"admin/client_branding": ClientBranding{consoleOf(s), ClientName{s, s, s}, brandingFormOf(s), s},
		"admin/settings":        Settings{consoleOf(s), brandingFormOf(s), &BrandingDraft{s, []Difference{{s, s, s}}, nil, s}, []Started{{s, s, s}}},
		"admin/try": Try{consoleOf(s), s, s, "waiting", s, s, true, s, true, s, 5, []TryStep{{s, s, "failed", s, []string{s}, s, s, []TryCall{{s, s, s}}}},
			[]TryFact{{s, s, "warn"}}, []TryPage{{s, s, s}}, Probe{"failed", s, s, s, s}},
	}
}

func inputOf(s string, kind InputKind) Input {
	return Input{Name: s, Label: s, Value: s, Help: s, Fault: s, Placeholder: s, Kind: kind, Kept: s, Required: true, Fixed: true, On: true}
}

func checklistOf(s string) Checklist {
	return Checklist{[]CheckLine{{s, s, s, Seen, s}, {s, s, s, Missing, s}, {s, s, s, Unknown, s}}, s}
}

// eventOf is an event, with s wherever a string may come from outside.
func eventOf(s string) EventRow {
	return EventRow{s, s, moment, EventStates[true], s, s, Link{s, s}, Link{s, s}, Link{s, ""}}
}

// brandingFormOf is the form of a branding, with all its faults.
func brandingFormOf(s string) BrandingForm {
	return BrandingForm{s, brandOf(s), []Fact{{s, s}}, []Choice{{s, s, s}}, []Input{inputOf(s, Text)}, LogoInput{s, s, true, true}}
}

// brandOf is a look that has all there is to show.
func brandOf(s string) Brand { return Brand{s, s, 64, 64, s, s, s} }

// moment is some time, an hour ago.
var moment = Moment{time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}

// consoleOf is what is around a page of the console, with s wherever a string may come from outside.
func consoleOf(s string) Console {
	return Console{Section: "users", Admin: s, Role: "owner", Owner: true, Editor: true, Issuer: s, Version: s, Path: s, Notice: s}
}

// clientOf is the page of an application that has all there is to show.
func clientOf(s string) Client {
	option := []Option{{s, s, s, true}}
	return Client{
		Console: consoleOf(s), ClientName: ClientName{s, s, s}, Keys: 1, JWKSURI: s, API: s,
		Secrets:  []ClientSecret{{s, time.Unix(0, 0)}, {s, time.Time{}}},
		Form:     ClientForm{s, s, true, s, s, s, option, option, true, []AccessLine{{s, s, true, s, s}}, true, s, s, s, "leeway", s},
		Revision: s, TenantFile: s,
	}
}

func render(t *testing.T, name string, data any) string {
	t.Helper()
	var b strings.Builder
	if err := Render(&b, name, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// renderIn is render in a language, of a page that is there in several.
func renderIn(t *testing.T, l *Language, name string, data any) string {
	t.Helper()
	var b strings.Builder
	if err := (Brand{}).Render(&b, l, name, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	handler = regexp.MustCompile(`(?i)\son[a-z]+\s*=`)
	inline  = regexp.MustCompile(`(?i)\sstyle\s*=|<style`)
	sample  = regexp.MustCompile(`(?s)<template .*?</template>`)
)

func TestHostileStringsAreOnlyText(t *testing.T) {
	harmless := make(map[string]string)
	for name, data := range pagesOf("word") {
		harmless[name] = skeleton(render(t, name, data))
	}
	for kind, s := range hostile {
		for name, data := range pagesOf(s) {
			t.Run(name+"/"+kind, func(t *testing.T) { isOnlyText(t, s, render(t, name, data), harmless[name]) })
			for _, l := range languages[1:] {
				if path.Dir(name) != "." {
					continue // there in English alone
				}
				t.Run(l.Tag+"/"+name+"/"+kind, func(t *testing.T) {
					isOnlyText(t, s, renderIn(t, l, name, data), skeleton(renderIn(t, l, name, pagesOf("word")[name])))
				})
			}
		}
	}
}

// isOnlyText checks a page that has a hostile string in it against the tags of one
// with a harmless word in its place.
func isOnlyText(t *testing.T, s, page, harmless string) {
	t.Helper()
	if strings.ContainsAny(s, `<"`) && strings.Contains(page, s) {
		t.Error("it stands in the page as it came")
	}
	if i := strings.IndexFunc(page, unwelcome); i >= 0 {
		t.Errorf("the page holds %q", page[i:i+1])
	}
	for _, attribute := range []string{"href", "src", "action"} {
		if strings.Contains(page, attribute+`="javascript:`) {
			t.Errorf("a script in %s", attribute)
		}
	}
	if got := skeleton(page); got != harmless {
		t.Errorf("tags\n%.400s\nwant\n%.400s", got, harmless)
	}
}

// skeleton of a page: its tags, without the values of their attributes.
func skeleton(page string) string {
	var b strings.Builder
	inTag, inValue := false, false
	for _, c := range []byte(page) {
		switch {
		case c == '<':
			inTag = true
		case c == '>':
			inTag, inValue = false, false
			b.WriteString(">\n")
		case inTag && c == '"':
			inValue = !inValue
		}
		if inTag && !inValue {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unwelcome(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u202d' || r == '\u202e'
}

func TestPagesNeedNoScriptAndNoInlineStyle(t *testing.T) {
	for name, data := range pagesOf("word") {
		page := render(t, name, data)
		if strings.Contains(strings.ToLower(page), "<script") && !UsesScript(name) && !strings.HasPrefix(name, "admin/") {
			t.Errorf("%s has a script", name)
		}
		if got := inline.FindString(page); got != "" {
			t.Errorf("%s has an inline style: %q", name, got)
		}
		if got := handler.FindString(page); got != "" {
			t.Errorf("%s has an event handler: %q", name, got)
		}
	}
}

func TestPagesHaveTheirLandmarks(t *testing.T) {
	for name := range English.pages {
		data, ok := pagesOf("word")[name]
		if !ok {
			t.Errorf("%s: not tested", name)
			continue
		}
		page := sample.ReplaceAllString(render(t, name, data), "") // which is a page of its own
		for _, once := range []string{"<!doctype html>", `<html lang="en"`, "\n  <title>", "<header", "<main", "<h1", "</html>"} {
			if n := strings.Count(page, once); n != 1 {
				t.Errorf("%s: %q stands there %d times", name, once, n)
			}
		}
	}
}

func TestPagesWithNothingToSayHaveNoHoles(t *testing.T) {
	for name, data := range map[string]any{
		"choose": Choose{}, "problem": Problem{Words: "problem.not-found"}, "signout": SignOut{}, "signedout": SignedOut{}, "connected": Connected{},
		"consent": Consent{}, "device": Device{}, "deviceconfirm": DeviceConfirm{}, "devicedone": DeviceDone{}, "formpost": FormPost{}, "webmessage": WebMessage{},
	} {
		page := render(t, name, data)
		for _, hole := range []string{"<bdi></bdi>", "<p></p>", `<p dir="auto"></p>`, `href=""`, "<dl", "<ul", "<code></code>", "<span></span>", "<small></small>"} {
			if strings.Contains(page, hole) {
				t.Errorf("%s has %s", name, hole)
			}
		}
	}
}

func TestSignOutPostsItsFields(t *testing.T) {
	page := render(t, "signout", SignOut{Client: "Acme", Action: "/oidc/logout", Fields: []Field{{"state", `a"b`}}})
	for _, want := range []string{`method="post"`, `action="/oidc/logout"`, `<input type="hidden" name="state" value="a&#34;b">`, "close this page"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

func TestFailedPageWritesNothing(t *testing.T) {
	for name, data := range map[string]any{"choose": Problem{}, "missing": nil, "layout": nil} {
		var b strings.Builder
		if err := Render(&b, name, data); err == nil {
			t.Errorf("%s: no error", name)
		}
		if b.Len() != 0 {
			t.Errorf("%s: wrote %q", name, b.String())
		}
	}
}

func TestErrorsOfTheWriterAreTold(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := Render(w, "signedout", SignedOut{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}
