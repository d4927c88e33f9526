package simulator

import (
	"net/http"
	"regexp"
)

// revoke is the revocation endpoint (RFC 7009), for anyone who has the token.
// An access token takes only itself along, a refresh token its access tokens
// too. By GET with a callback it answers with a script (JSONP).
func (s *Salesforce) revoke(w http.ResponseWriter, r *http.Request) error {
	if !s.revokeToken(hostOf(r), r.Form.Get("token")) {
		return errToken
	}
	if name, ok := callbackName(r); ok {
		writeScript(w, name+"({});")
	}
	return nil
}

func (s *Salesforce) revokeToken(h host, token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, _, ok := s.live(h, token, s.now()); ok {
		delete(s.sessions, token)
		return true
	}
	if f, ok := s.refreshes[token]; ok && f.refresh == token && !f.dead && s.isServed(h, f.approval) {
		s.kill(f)
		return true
	}
	return false
}

// refuseRevocation writes form-encoded text, or calls the script's function
// with the error, which then has status 200.
func refuseRevocation(w http.ResponseWriter, r *http.Request, e *refusal) {
	if name, ok := callbackName(r); ok {
		writeScript(w, name+`({"error":"`+e.code+`"});`)
		return
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte(pairs{{"error", e.code}, {"error_description", e.description}}.urlencoded()))
}

var scriptName = regexp.MustCompile(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$`)

// callbackName is the function to call, if it is a name and nothing else.
func callbackName(r *http.Request) (string, bool) {
	name := r.Form.Get("callback")
	return name, r.Method == http.MethodGet && scriptName.MatchString(name)
}

func writeScript(w http.ResponseWriter, script string) {
	w.Header().Set("Content-Type", "application/javascript;charset=UTF-8")
	_, _ = w.Write([]byte(script))
}
