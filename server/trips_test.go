package server_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

	"sallyport/server/oidc"
	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
)

// TestExchangeWaitsForTheDatabaseTwice counts what is sent to PostgreSQL for a
// request each time to wait for the answers. Of an exchange, two are its event's,
// which it would share with others that came at the same time.
func TestExchangeWaitsForTheDatabaseTwice(t *testing.T) {
	t.Parallel()
	g := start(t)
	token := g.signIn(ada())
	jwt := g.signIn(ada(), oauth2.SetAuthURLParam("audience", "https://api.example"))
	trips := g.moveToPostgres()
	exchange := func(subject, kind string) func() answer {
		return func() answer {
			return g.post("oauth/token", "grant_type", federatedGrant, "client_id", "app", "client_secret", appSecret, "subject_token", subject,
				"subject_token_type", kind, "requested_token_type", oidc.URIFederatedAccessToken, "connection", "salesforce")
		}
	}
	for name, tt := range map[string]struct {
		request func() answer
		want    int64
	}{
		"exchange of a refresh token": {exchange(token.RefreshToken, oidc.URNRefreshToken), 2 + 2},
		"exchange of a JWT":           {exchange(jwt.AccessToken, oidc.URNAccessToken), 2 + 2},
		"exchange of an opaque token": {exchange(token.AccessToken, oidc.URNAccessToken), 3 + 2},
		"introspection of an opaque token": {func() answer {
			return g.post("oauth/introspect", "client_id", "app", "client_secret", appSecret, "token", token.AccessToken)
		}, 2},
	} {
		fewest := int64(1 << 30) // statements are prepared the first time, and settings read anew each second
		for range 10 {
			before := trips.Load()
			if a := tt.request(); a.status != 200 {
				t.Fatalf("%s: %d %s", name, a.status, a.body)
			}
			fewest = min(fewest, trips.Load()-before)
		}
		if fewest != tt.want {
			t.Errorf("%s waits %d times, want %d", name, fewest, tt.want)
		}
	}
}

// moveToPostgres has the gateway go on with a copy of its vault in PostgreSQL, and
// returns the count of what is sent there.
func (g *gateway) moveToPostgres() (trips *atomic.Int64) {
	g.t.Helper()
	address, err := url.Parse(pgtest.Open(g.t))
	if err != nil {
		g.t.Fatal(err)
	}
	trips = new(atomic.Int64)
	query := address.Query()
	query.Set("host", counting(g.t, query.Get("host"), trips))
	query.Set("pool_max_conns", "1") // the next transaction waits for the end of the one before
	address.RawQuery = query.Encode()
	to, err := postgres.Open(g.t.Context(), address.String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { to.Close() })
	if err := g.disk.View(g.t.Context(), func(from vault.KV) error {
		buckets, err := from.Buckets()
		if err != nil {
			return err
		}
		return to.Update(g.t.Context(), func(kv vault.KV) error {
			for _, bucket := range buckets {
				for e, err := range from.Scan(bucket, "") {
					if err != nil {
						return err
					}
					if err := kv.Put(bucket, e.Key, e.Value); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}); err != nil {
		g.t.Fatal(err)
	}
	g.disk.Store = to
	return trips
}

// counting is the folder of a socket that leads to PostgreSQL's in another one,
// and counts the messages after which a client waits for answers. The end of a view,
// which nobody waits for, is another one.
func counting(t *testing.T, server string, trips *atomic.Int64) (dir string) {
	const socket = ".s.PGSQL.5432"
	dir = t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("unix", filepath.Join(server, socket))
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				defer client.Close()
				io.Copy(client, upstream)
			}()
			go func() {
				defer upstream.Close()
				forward(bufio.NewReader(client), upstream, trips)
			}()
		}
	}()
	return dir
}

// forward forwards messages: a length that includes itself, and what it says; and
// before it, but in the first message, a type.
func forward(from *bufio.Reader, to io.Writer, trips *atomic.Int64) error {
	for kind := 0; ; kind = 1 {
		header, err := from.Peek(kind + 4)
		if err != nil {
			return err
		}
		if kind == 1 && header[0] == 'S' { // Sync
			trips.Add(1)
		}
		if _, err := io.CopyN(to, from, int64(kind)+int64(binary.BigEndian.Uint32(header[kind:]))); err != nil {
			return err
		}
	}
}
