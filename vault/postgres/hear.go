package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	channel   = "sallyport"
	probing   = "probe "         // begins a topic of nobody's
	lookAfter = time.Second      // to look for changes, where none can be heard of
	stillness = 10 * time.Second // after which the connection that listens is tried
)

// Hear implements [vault.Store], by LISTEN on a connection of its own. Where that
// brings nothing, as with CockroachDB or behind a pooler, or while the connection
// is broken, it says every second that there may be something.
func (s *Store) Hear(ctx context.Context, heard func(topic string)) {
	for ctx.Err() == nil {
		if s.tells && !s.pooled { // else a LISTEN might stay with a server that others use
			s.listen(ctx, heard) // until its connection breaks
		}
		heard("")
		select {
		case <-ctx.Done():
		case <-time.After(lookAfter):
		}
	}
}

func (s *Store) listen(ctx context.Context, heard func(topic string)) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	// A pooler takes LISTEN without an error and brings nothing.
	probe := probing + rand.Text()
	if _, err := s.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, probe); err != nil {
		return err
	}
	for topic := ""; topic != probe; {
		if topic, err = wait(ctx, conn, lookAfter); err != nil {
			return fmt.Errorf("no notifications come: %w", err)
		}
	}
	heard("") // what was told before
	for {
		topic, err := wait(ctx, conn, stillness)
		switch {
		case err != nil: // nothing, or nobody there
			if err := conn.Ping(ctx); err != nil {
				return err
			}
		case !strings.HasPrefix(topic, probing):
			heard(topic)
		}
	}
}

func wait(ctx context.Context, conn *pgx.Conn, patience time.Duration) (topic string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return n.Payload, nil
}
