package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The REST API's versions, three a year.
const firstVersion, lastVersion = 31, 67

// dailyRequests is the org's limit. Nothing is refused beyond it.
const dailyRequests = 15000

// versions lists the API's versions, to anyone: a cheap way to ask a host
// whether it is a Salesforce host.
func (s *Salesforce) versions(w http.ResponseWriter, _ *http.Request) error {
	type version struct {
		Label   string `json:"label"`
		URL     string `json:"url"`
		Version string `json:"version"`
	}
	var list []version
	for n := firstVersion; n <= lastVersion; n++ {
		v := strconv.Itoa(n) + ".0"
		list = append(list, version{release(n), "/services/data/v" + v, v})
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// release names a version's release. Winter comes first and belongs to the
// year after.
func release(version int) string {
	season := []string{"Winter", "Spring", "Summer"}[(version+1)%3]
	return fmt.Sprintf("%s '%02d", season, (version+1)/3+4)
}

// restHandler answers a request that its access token was good for.
type restHandler func(w http.ResponseWriter, r *http.Request, user member) error

// rest is what the REST endpoints have in common: the token, the scopes, the
// version and the count of requests.
func (s *Salesforce) rest(handle restHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		used, user, err := s.useAPI(r)
		if err != nil {
			return err
		}
		w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", used, dailyRequests))
		if !isVersion(r.PathValue("version")) {
			return errNotFound
		}
		return handle(w, r, user)
	}
}

func (s *Salesforce) useAPI(r *http.Request) (used int, user member, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, user, err := s.bearer(r)
	switch {
	case hostOf(r).role == loginHost: // the API is at the instance
		return 0, member{}, errSession
	case errors.Is(err, errBadToken), errors.Is(err, errMissingToken):
		return 0, member{}, errSession
	case err != nil:
		return 0, member{}, err
	case !coversAny(e.scopes, "api", "web", "full", "chatter_api"):
		return 0, member{}, errNotForREST
	}
	s.apiUsage++
	return s.apiUsage, user, nil
}

func isVersion(path string) bool {
	number, ok := strings.CutSuffix(strings.TrimPrefix(path, "v"), ".0")
	n, err := strconv.Atoi(number)
	return ok && err == nil && path[0] == 'v' && n >= firstVersion && n <= lastVersion
}

// resources lists what a version offers.
func (s *Salesforce) resources(w http.ResponseWriter, r *http.Request, user member) error {
	at := "/services/data/" + r.PathValue("version") + "/"
	writeJSON(w, http.StatusOK, map[string]string{
		"chatter":  at + "chatter",
		"identity": hostOf(r).identityURL(user),
		"limits":   at + "limits",
		"query":    at + "query",
		"sobjects": at + "sobjects",
	})
	return nil
}

// limits tells what is left for today.
func (s *Salesforce) limits(w http.ResponseWriter, _ *http.Request, _ member) error {
	type limit struct{ Max, Remaining int }
	s.mu.Lock()
	used := s.apiUsage
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]limit{
		"DailyApiRequests": {dailyRequests, max(0, dailyRequests-used)},
		"DataStorageMB":    {5, 5},
		"FileStorageMB":    {20, 20},
	})
	return nil
}

// sobject answers with one record.
func (s *Salesforce) sobject(w http.ResponseWriter, r *http.Request, user member) error {
	t, ok := user.org.table(r.PathValue("object"))
	if !ok {
		return errNotFound
	}
	for _, row := range t.rows {
		if row[0] == id18(r.PathValue("id")) {
			writeJSON(w, http.StatusOK, t.record(r.PathValue("version"), row, t.fields))
			return nil
		}
	}
	return errNotFound
}

// chatter describes the user to Chatter.
func (s *Salesforce) chatter(w http.ResponseWriter, r *http.Request, user member) error {
	writeJSON(w, http.StatusOK, map[string]any{
		"id":        user.ID,
		"type":      "User",
		"username":  user.Username,
		"name":      user.name(),
		"firstName": user.FirstName,
		"lastName":  user.LastName,
		"email":     user.Email,
		"isActive":  !user.Inactive,
		"url":       "/services/data/" + r.PathValue("version") + "/chatter/users/" + user.ID,
	})
	return nil
}

// nothing is at every other path, and does not say so to strangers.
func (s *Salesforce) nothing(http.ResponseWriter, *http.Request, member) error { return errNotFound }
