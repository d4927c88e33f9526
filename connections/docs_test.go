package connections

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// presetTable is the table of docs/connections.md.
func presetTable() string {
	var b strings.Builder
	b.WriteString("| strategy | provider | of the kind | scopes, if none are given | asks for a refresh token by | refresh tokens are | options of its own |\n|---|---|---|---|---|---|---|\n")
	code := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return "`" + strings.Join(list, "`, `") + "`"
	}
	for _, p := range presets {
		var own, offline []string
		for _, f := range p.fields {
			own = append(own, f.Name)
		}
		for _, name := range slices.Sorted(maps.Keys(p.offlineParams)) {
			offline = append(offline, name+"="+p.offlineParams[name])
		}
		after := map[string]string{singleUse: "single-use", reusable: "reusable"}[p.options["refresh_tokens"]]
		fmt.Fprintf(&b, "| `%s` | [%s](%s) | `%s` | %s | %s | %s | %s |\n", p.name, p.title, p.docs, p.base,
			code(p.scopes), code(append(slices.Clone(p.offlineScopes), offline...)), after, code(own))
	}
	return b.String()
}

// TestTableOfPresetsIsTheData: docs/connections.md has the table as the data
// would have it.
func TestTableOfPresetsIsTheData(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/connections.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := presetTable(); !strings.Contains(string(page), want) {
		t.Errorf("the table should be\n%s", want)
	}
}

// TestOptionsAreDocumented: docs/connections.md names each option.
func TestOptionsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/connections.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(openIDFields, oauth2Fields) {
		if name, _, _ := strings.Cut(f.Name, "."); !strings.Contains(string(page), "`"+name) {
			t.Errorf("%s is not documented", f.Name)
		}
	}
}
