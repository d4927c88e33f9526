package templates

import (
	"strings"
	"testing"

	"sallyport/static"
)

func TestUsesScriptTellsThePagesThatDo(t *testing.T) {
	for name, data := range pagesOf("word") {
		if strings.HasPrefix(name, "admin/") {
			continue // the console's, which all have the same
		}
		page := render(t, name, data)
		scripts := strings.Count(strings.ToLower(page), "<script")
		if !UsesScript(name) {
			if scripts != 0 {
				t.Errorf("%s has a script", name)
			}
			continue
		}
		if want := `<script src="` + static.URL(name+".js") + `" defer></script>`; scripts != 1 || !strings.Contains(page, want) {
			t.Errorf("%s: not one %s in\n%s", name, want, page)
		}
	}
	if UsesScript("missing") {
		t.Error("a page that does not exist uses a script")
	}
}

func TestFormPostPostsTheResponse(t *testing.T) {
	page := render(t, "formpost", FormPost{
		Action: "https://app.example.com/callback?tenant=1&x=%20y",
		Fields: []Field{{"code", "c"}, {"state", `{"a":"ü"}`}},
		Client: "Acme",
	})
	for _, want := range []string{
		`method="post" action="https://app.example.com/callback?tenant=1&amp;x=%20y"`,
		`<input type="hidden" name="code" value="c">`,
		`<input type="hidden" name="state" value="{&#34;a&#34;:&#34;ü&#34;}">`,
		`Continue to <bdi>Acme</bdi>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

func TestWebMessageHoldsTheResponse(t *testing.T) {
	page := render(t, "webmessage", WebMessage{"https://app.example.com", []Field{{"error", "login_required"}, {"state", `a"b`}}})
	for _, want := range []string{
		`data-target-origin="https://app.example.com"`,
		`<data data-name="error" value="login_required"></data>`,
		`<data data-name="state" value="a&#34;b"></data>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}
