package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
)

// hear listens on a store, and returns what it hears.
func hear(t *testing.T, s *postgres.Store) <-chan string {
	topics := make(chan string, 100)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Hear(ctx, func(topic string) { topics <- topic })
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return topics
}

// next fails the test unless the next topic is as wanted.
func next(t *testing.T, topics <-chan string, want string) {
	t.Helper()
	select {
	case got := <-topics:
		if got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("heard nothing, want %q", want)
	}
}

func tell(t *testing.T, s *postgres.Store, topic string, err error) {
	t.Helper()
	if got := s.Update(t.Context(), func(kv vault.KV) error { return errors.Join(kv.Tell(topic), kv.Tell(topic), err) }); !errors.Is(got, err) {
		t.Fatal(got)
	}
}

func TestWhatIsToldIsHeardByAllInstances(t *testing.T) {
	t.Parallel()
	url := pgtest.OpenDatabase(t)
	one, other := open(t, url), open(t, url)
	heardByOne, heardByOther := hear(t, one), hear(t, other)
	next(t, heardByOne, "") // now it listens
	next(t, heardByOther, "")
	tell(t, one, "not kept", errors.New("boom"))
	tell(t, one, "kept", nil)
	tell(t, other, "also", nil)
	for _, topics := range []<-chan string{heardByOne, heardByOther} {
		next(t, topics, "kept")
		next(t, topics, "also")
	}
}

// TestBrokenListenerLooksAndListensAgain ends the server's side of the connection
// that listens.
func TestBrokenListenerLooksAndListensAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.OpenDatabase(t)
	s := open(t, url)
	topics := hear(t, s)
	next(t, topics, "")
	pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	next(t, topics, "") // it may have missed something
	next(t, topics, "") // it listens again
	tell(t, s, "again", nil)
	next(t, topics, "again")
}
