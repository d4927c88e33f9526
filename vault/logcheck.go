package vault

import (
	"context"
	"errors"
	"io"
	"time"
)

// LogCheck is a verification of the log where it lies, the last that somebody
// asked for.
type LogCheck struct {
	forever
	ID      string // tells it from later ones
	By      string // name of who asked for it
	Began   time.Time
	Until   time.Time // when it has broken off, if it has neither ended nor come further by then
	Ended   time.Time
	Read    uint64 // bytes
	Of      uint64 // bytes that there were about, in the beginning
	Report  LogReport
	Problem string // the log could not be read to its end
}

const logCheck = "last"

func (LogCheck) Key() string { return logCheck }

// LastLogCheck is the last verification of the log, or one without an ID if there
// was none.
func (tx *Tx) LastLogCheck() (LogCheck, error) {
	c, err := tx.LogChecks.Get(logCheck)
	_, err = Exists(err)
	return c, err
}

// VerifyStoredLogs verifies the log as it is at one moment, as [VerifyLogs] does an
// export of it, which goes from one to the other and is kept nowhere. It tells
// progress how many bytes it has read, time and again.
func (v *Vault) VerifyStoredLogs(ctx context.Context, progress func(read uint64)) (LogReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var key LogKey
	err := v.View(ctx, func(tx *Tx) (err error) { key, err = tx.logKey(); return err })
	if errors.Is(err, ErrNotFound) {
		return LogReport{}, errors.New("there are no events yet")
	} else if err != nil {
		return LogReport{}, err
	}
	private, err := key.private()
	if err != nil {
		return LogReport{}, err
	}
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := v.ExportLogs(ctx, to, time.Time{})
		to.CloseWithError(err)
	}()
	report, err := VerifyLogs(&counted{from: from, progress: progress}, publicOf(private))
	from.CloseWithError(err)
	<-done
	return report, err
}

// counted tells how much was read.
type counted struct {
	from     io.Reader
	read     uint64
	progress func(read uint64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.read += uint64(n)
	c.progress(c.read)
	return n, err
}
