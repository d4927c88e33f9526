package templates

// Consent is the page "consent": whether a client of a third party gets what it asks for. The form
// is posted with decision=allow or decision=deny. All but Action may be empty.
type Consent struct {
	Client       string      // its name, which it may have given itself
	User         string      // who is signed in: an e-mail address, or a name
	Scopes       []ScopeLine // what it asks for; without any, that is only who the user is
	Action       string      // where the form is posted
	Fields       []Field     // hidden in the form
	RedirectHost string      // where either answer leads, such as "app.example.com"
}

// ScopeLine is a scope in plain words.
type ScopeLine struct {
	Text   string // what a client could do with it: "Read your contacts"
	Detail string // what that means, in a line; may be empty
}

// Device is the page "device": asks for the code that a device shows (RFC 8628, section 3.3). The
// form is posted with user_code as it was typed: small letters, spaces and dashes are left to
// whoever compares it.
type Device struct {
	Action   string // where the form is posted
	UserCode string // already in the input: it came with verification_uri_complete, or was wrong
	Problem  string // what was wrong with the code; may be empty
}

// DeviceConfirm is the page "deviceconfirm": whether the client on a device gets what it asks for.
// Codes are also sent to people by those who started the flow elsewhere, on a device of their own
// (RFC 8628, section 5.4), so it is shown for every code, also for one that came in the link. The
// form is posted with decision=allow or decision=deny.
type DeviceConfirm struct {
	Client   string      // its name; may be empty
	UserCode string      // as the device shows it, to be compared (RFC 8628, section 3.3.1)
	Scopes   []ScopeLine // what it asks for; may be empty
	Action   string      // where the form is posted
	Fields   []Field     // hidden in the form
}

// DeviceDone is the page "devicedone": the device learns the decision by itself.
type DeviceDone struct {
	Client string // its name; may be empty
	Denied bool
}
