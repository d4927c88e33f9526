package vault_test

import (
	"testing"
	"time"

	"sallyport/vault"
)

// laterSession is a session as a later version might keep it.
type laterSession struct {
	Hash, SID, User string
	AuthTime        time.Time
	Clients         []string
	Expires         time.Time
	Device          map[string]string // which this version does not know
	Risk            int               // neither
}

func (s laterSession) Key() string          { return s.Hash }
func (s laterSession) ExpiresAt() time.Time { return s.Expires }

// TestFieldsOfALaterVersionAreKept by an instance of this one, on the same store.
func TestFieldsOfALaterVersionAreKept(t *testing.T) {
	t.Parallel()
	shared := store(t)
	v := open(t, shared, vault.NewKey())
	later := func(fn func(vault.Records[laterSession]) error) {
		t.Helper()
		if err := shared.Update(t.Context(), func(kv vault.KV) error { return fn(vault.RecordsIn[laterSession](v, kv, "sessions")) }); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(key string) {
		later(func(sessions vault.Records[laterSession]) error {
			return sessions.Put(laterSession{Hash: key, User: "ada", Device: map[string]string{"name": "loom"}, Risk: 7, Expires: time.Now().Add(time.Hour)})
		})
	}
	use := func(tx *vault.Tx, s vault.Session) error {
		s.User, s.Clients = "grace", append(s.Clients, "app")
		return tx.Sessions.Put(s)
	}
	for name, fn := range map[string]func(tx *vault.Tx) error{
		"read by its key": func(tx *vault.Tx) error {
			s, err := tx.Sessions.Get("b")
			if err != nil {
				return err
			}
			if err := use(tx, s); err != nil {
				return err
			}
			return use(tx, s) // twice in one transaction
		},
		"found among others": func(tx *vault.Tx) error {
			for s, err := range tx.Sessions.All("") {
				if err != nil {
					return err
				}
				if s.Hash == "b" {
					return use(tx, s)
				}
			}
			return vault.ErrNotFound
		},
	} {
		begin("a")
		begin("b")
		begin("c")
		put(t, v, fn)
		later(func(sessions vault.Records[laterSession]) error {
			s, err := sessions.Get("b")
			if s.User != "grace" || len(s.Clients) == 0 || s.Device["name"] != "loom" || s.Risk != 7 {
				t.Errorf("%s: %+v", name, s)
			}
			return err
		})
	}
	// What takes the place of another without looking at it is a new record.
	put(t, v, func(tx *vault.Tx) error {
		return tx.Sessions.Put(vault.Session{Hash: "b", User: "eve", Expires: time.Now().Add(time.Hour)})
	})
	put(t, v, func(tx *vault.Tx) error {
		if _, err := tx.Sessions.Take("a"); err != nil {
			return err
		}
		return tx.Sessions.Put(vault.Session{Hash: "a", User: "eve", Expires: time.Now().Add(time.Hour)})
	})
	later(func(sessions vault.Records[laterSession]) error {
		for _, key := range []string{"a", "b"} {
			if s, err := sessions.Get(key); err != nil || s.Risk != 0 || s.Device != nil || s.User != "eve" {
				t.Errorf("%s: %+v, %v", key, s, err)
			}
		}
		return nil
	})
}
