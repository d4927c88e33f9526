package simulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Tamper has the next JSON answer of the endpoint changed on its way out, as by
// somebody who plays Salesforce.
func (s *Salesforce) Tamper(endpoint string, change func(answer map[string]any)) {
	s.inject(fault{endpoint: endpoint, rewrite: func(a *answer) {
		var m map[string]any
		if json.Unmarshal(a.body.Bytes(), &m) != nil {
			return // no JSON object: a refusal in another form
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			panic(err) // what the test put in has no JSON form
		}
		a.body.Reset()
		a.body.Write(b)
	}})
}

// Answer has the next request to the endpoint processed and answered with this
// instead, as by a proxy that knows better.
func (s *Salesforce) Answer(endpoint string, status int, contentType, body string) {
	s.inject(fault{endpoint: endpoint, rewrite: func(a *answer) {
		a.status = status
		a.header = http.Header{"Content-Type": {contentType}}
		a.body.Reset()
		a.body.WriteString(body)
	}})
}

// Truncate has the next request to the endpoint processed, and half of the
// answer sent as though it were the whole.
func (s *Salesforce) Truncate(endpoint string) {
	s.inject(fault{endpoint: endpoint, rewrite: func(a *answer) { a.body.Truncate(a.body.Len() / 2) }})
}

// Resign is an ID token with other claims, signed anew with the right key: for
// use with [Salesforce.Tamper].
func (s *Salesforce) Resign(idToken string, change func(claims map[string]any)) string {
	var claims map[string]any
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(idToken, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		panic(err) // it was no ID token
	}
	change(claims)
	signed, err := s.signIDToken(claims)
	if err != nil {
		panic(err)
	}
	return signed
}
