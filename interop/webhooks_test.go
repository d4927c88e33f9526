package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestStandardWebhooksVerifiesMessages, and none that was changed: the library of
// those who wrote the specification. The message is of the first signing key.
func TestStandardWebhooksVerifiesMessages(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	type message struct {
		header http.Header
		body   []byte
	}
	received := make(chan message, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		received <- message{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	listen, issuer := gatewayAddress(t)
	serve(t, filepath.Join(t.TempDir(), "sallyport.db"), listen, issuer,
		"webhooks: [{name: ops, url: "+receiver.URL+"/hook, types: [key.rotated], secret: "+secret+"}]")
	m := <-received
	if err := hook.Verify(m.body, m.header); err != nil {
		t.Errorf("%v: %v %s", err, m.header, m.body)
	}
	var told struct{ Type string }
	if err := json.Unmarshal(m.body, &told); err != nil || told.Type != "key.rotated" {
		t.Errorf("%v %s", err, m.body)
	}
	if err := hook.Verify([]byte(strings.Replace(string(m.body), "signing", "root", 1)), m.header); err == nil {
		t.Error("a message that was changed is taken")
	}
}
