package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Statements that begin a transaction.
const (
	reading    = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	writing    = "BEGIN ISOLATION LEVEL SERIALIZABLE"
	deferrable = "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"
)

// transaction is one on a connection of its own. Each message that waits for its
// answer costs more than what is asked in it, so that statements wait to be sent
// until an answer is needed: the first with the first read, and the last writes
// with the commit. One that asks nothing needs no connection, and never begins.
type transaction struct {
	begin      []string // the statements that do
	acquire    func() (*pgxpool.Conn, error)
	conn       *pgxpool.Conn // or nil, until it is needed
	waiting    pgx.Batch     // statements to be sent
	guards     bool          // what is found by one of them may end the transaction
	begun      bool
	committing bool
}

// most is how many statements wait to be sent together.
const most = 500

// queue has a statement wait. What it returns is told what to do with the answer.
func (t *transaction) queue(sql string, arguments ...any) *pgx.QueuedQuery {
	return t.waiting.Queue(sql, arguments...)
}

// guard has a statement wait whose row is looked at before a commit is sent.
func (t *transaction) guard(look func(pgx.Row) error, sql string, arguments ...any) {
	t.guards = true
	t.queue(sql, arguments...).QueryRow(look)
}

// send sends what waits, and waits for the answers.
func (t *transaction) send(ctx context.Context) (err error) {
	if t.conn == nil {
		if t.conn, err = t.acquire(); err != nil {
			return err
		}
	}
	if !t.begun {
		t.begun = true
		var all pgx.Batch
		for _, statement := range t.begin {
			all.Queue(statement)
		}
		all.QueuedQueries = append(all.QueuedQueries, t.waiting.QueuedQueries...)
		t.waiting = all
	}
	err = t.conn.SendBatch(ctx, &t.waiting).Close()
	t.waiting, t.guards = pgx.Batch{}, false
	return err
}

var errRolledBack = errors.New("postgres: the transaction was rolled back")

// commit sends the last writes, and keeps all. Of what was only read nothing is
// to be kept. A guard that waits is asked before, since it is not for the
// database to say whether it finds fault.
func (t *transaction) commit(ctx context.Context) error {
	if t.guards {
		if err := t.send(ctx); err != nil {
			return err
		}
	}
	if t.begin[0] != writing || !t.begun && t.waiting.Len() == 0 {
		return nil
	}
	kept := false
	t.queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if kept = tag.String() == "COMMIT"; !kept {
			return errRolledBack
		}
		return nil
	})
	t.committing = true
	if err := t.send(ctx); !kept {
		return err
	}
	t.begun = false
	return nil // whatever became of the connection then
}

// end gives the connection back, without whatever was not committed. Nobody
// needs to wait for that.
func (t *transaction) end() {
	if t.conn == nil {
		return
	}
	if !t.begun {
		t.conn.Release()
		return
	}
	go func() {
		defer t.conn.Release() // of a connection that broke, a new one takes the place
		ctx, cancel := context.WithTimeout(context.Background(), tryTime)
		defer cancel()
		t.conn.Conn().PgConn().Exec(ctx, "ROLLBACK").Close() // which costs less than what pgx makes of it
	}()
}
