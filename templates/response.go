package templates

// FormPost is the page "formpost": posts an authorization response to the client (OAuth 2.0 Form
// Post Response Mode). A script does so at once, and a button where there are no scripts. An Action
// that is neither http nor https leads nowhere.
//
// The policy of the page must let the form go to the client, and to where the client sends it on:
// some browsers hold redirects to form-action too.
type FormPost struct {
	Action string  // the redirect URI
	Fields []Field // the parameters of the response
	Client string  // its name; may be empty
}

// WebMessage is the page "webmessage": posts an authorization response, or an error, to the window
// that opened this one or that it is a frame of (OAuth 2.0 Web Message Response Mode,
// draft-sakimura-oauth-wmrm, simple mode):
//
//	{type: "authorization_response", response: {code: "…", state: "…"}}
//
// A window of another origin gets nothing, and "*" is no origin. The policy of the page must let
// the target frame it, and no response of the flow may have a Cross-Origin-Opener-Policy that cuts
// a popup off from its opener.
type WebMessage struct {
	TargetOrigin string  // of a registered URL of the client, such as "https://app.example.com"
	Response     []Field // the parameters of the response
}

// UsesScript tells the pages that carry a script, one file of package static. Their
// Content-Security-Policy needs script-src 'self'; all others do without.
func UsesScript(name string) bool {
	return name == "formpost" || name == "webmessage"
}
