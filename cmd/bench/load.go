package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// result is what a round measured.
type result struct {
	cpu      float64 // microseconds of the server's, each time
	rate     float64 // times a second of the server's core
	peak     float64 // times a second, as it was
	p50, p99 float64 // milliseconds
}

// errUsedUp ends a round before its time.
var errUsedUp = errors.New("there is nothing left to do it with")

// mostRate is how many times a second an operation is made ready for.
const mostRate = 2500

// load repeats an operation for a while over some connections at once: as often
// as it goes, or else rate times a second, of which each is due at its time and
// late if it has to wait for those before.
func load(op operation, connections int, length time.Duration, rate float64) (result, error) {
	if op.ready != nil {
		if err := op.ready(int(mostRate * length.Seconds())); err != nil {
			return result{}, err
		}
	}
	before, err := op.server.ask("cpu")
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			var every time.Duration
			if rate > 0 {
				every = time.Duration(float64(connections) / rate * float64(time.Second))
			}
			took, err := repeat(op, began.Add(every*time.Duration(i)/time.Duration(connections)), every, began.Add(length))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	lasted := time.Since(began)
	after, err := op.server.ask("cpu")
	if err != nil || failed != nil || len(all) == 0 {
		return result{}, fmt.Errorf("done %d times: %w", len(all), errors.Join(failed, err))
	}
	slices.Sort(all)
	at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1000 }
	cpu := float64(after-before) / 1000 / float64(len(all))
	return result{cpu: cpu, rate: 1e6 / cpu, peak: float64(len(all)) / lasted.Seconds(), p50: at(0.5), p99: at(0.99)}, nil
}

// repeat does an operation over one connection, time after time: when it is due,
// if it is to be done every so often.
func repeat(op operation, due time.Time, every time.Duration, until time.Time) (took []time.Duration, err error) {
	conn, err := net.Dial("tcp", op.server.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	l := &line{conn, bufio.NewReader(conn)}
	for time.Now().Before(until) {
		began := time.Now()
		if every > 0 {
			time.Sleep(due.Sub(began))
			began, due = due, due.Add(every)
		}
		if err := op.do(l); errors.Is(err, errUsedUp) {
			return took, nil
		} else if err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// line is a connection to a server that is used for one request after another.
// It costs less than an http.Client, whose load would be on the server's core.
type line struct {
	conn net.Conn
	r    *bufio.Reader
}

func (l *line) get(path string) ([]byte, error) {
	return l.send(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path))
}

func (l *line) post(path string, form url.Values) ([]byte, error) {
	body := form.Encode()
	return l.send(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
}

func (l *line) send(request []byte) ([]byte, error) {
	if _, err := l.conn.Write(request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return body, err
}
