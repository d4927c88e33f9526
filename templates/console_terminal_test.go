package templates_test

import (
	"slices"
	"testing"

	"sallyport/templates"
)

func TestCommandsOfAPageAreQuotedForTheShell(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		"/admin/users?q=ada": {"curl -s 'https://login.example.com/api/v2/users?take=50' -H \"Authorization: Bearer $TOKEN\""},
		"/admin/users/salesforce%7C005%27;rm%20-rf%20%2F/delete": {
			`sallyport users delete 'salesforce|005'\'';rm -rf /' --gateway https://login.example.com/ --client-id "$CLIENT_ID"`},
		"/admin/users/:account%2F../accounts/%3Aid%3F/disconnect": {
			"curl -s -X DELETE https://login.example.com/api/v2/users/:account%2F../federated-connections-tokensets/:id%3F -H \"Authorization: Bearer $TOKEN\""},
		"/admin/clients/app/rotate": {
			`curl -s -X POST --json '{"keep_previous": true}' https://login.example.com/api/v2/clients/app/rotate-secret -H "Authorization: Bearer $TOKEN"`},
		"/admin":             nil,
		"/admin/users/%zz":   nil,
		"/admin/users//x":    nil,
		"/admin/me/anywhere": nil,
	} {
		var got []string
		for _, c := range (templates.Console{Path: path, Issuer: "https://login.example.com/"}).Terminal() {
			got = append(got, c.Line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, want\n%q", path, got, want)
		}
	}
}
