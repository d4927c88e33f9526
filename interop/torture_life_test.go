package interop

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// life is one process of an instance of the gateway, and what was done to it.
type life struct {
	process

	pausing sync.Mutex // held while it is paused

	mu     sync.Mutex
	ready  bool // it answered
	killed time.Time
	pauses []span
}

type span struct{ from, to time.Time } // to is zero while it lasts

// die kills the process, unless it is dead already.
func (l *life) die() {
	l.mu.Lock()
	if l.killed.IsZero() {
		l.killed = time.Now()
	}
	l.mu.Unlock()
	l.kill()
}

// pause stops the process for a while, as a machine does that is moved or starved,
// unless it is paused already.
func (l *life) pause(d time.Duration) {
	if !l.pausing.TryLock() {
		return
	}
	defer l.pausing.Unlock()
	l.mu.Lock()
	i := len(l.pauses)
	l.pauses = append(l.pauses, span{from: time.Now()})
	l.mu.Unlock()
	l.cmd.Process.Signal(syscall.SIGSTOP)
	select {
	case <-time.After(d):
	case <-l.exited:
	}
	l.cmd.Process.Signal(syscall.SIGCONT)
	l.mu.Lock()
	l.pauses[i].to = time.Now()
	l.mu.Unlock()
}

func (l *life) String() string {
	if l == nil {
		return "nobody"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("process %d, killed %v, paused %v", l.cmd.Process.Pid, l.killed, l.pauses)
}

// killedBefore reports whether the process was killed before a time. A request of
// its may have been read after that.
func (l *life) killedBefore(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.killed.IsZero() && l.killed.Before(t)
}

// pausedOver reports whether the process was paused at a time, and before another.
func (l *life) pausedOver(t, before time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pauses {
		if p.from.Before(before) && p.from.Before(t) && (p.to.IsZero() || p.to.After(t)) {
			return true
		}
	}
	return false
}

// endedByItself reports whether the process was up, and ended though nobody
// killed it.
func (l *life) endedByItself() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ready && l.killed.IsZero()
}

// holds reports whether the process has a socket, by its inode.
func (l *life) holds(inode string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", l.cmd.Process.Pid)
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if link, _ := os.Readlink(filepath.Join(dir, f.Name())); link == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}

// inodeOf is the inode of the other end of a connection over IPv4, or "" if it is
// gone.
func inodeOf(c net.Conn) string {
	table, _ := os.ReadFile("/proc/net/tcp")
	hex := func(a net.Addr) string {
		t := a.(*net.TCPAddr)
		ip := t.IP.To4()
		return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], t.Port)
	}
	theirs, ours := hex(c.RemoteAddr()), hex(c.LocalAddr())
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 9 && f[1] == theirs && f[2] == ours {
			return f[9]
		}
	}
	return ""
}

// stop has the process finish what is under way, as at an upgrade.
func (l *life) stop() {
	l.mu.Lock()
	l.killed = time.Now()
	l.mu.Unlock()
	l.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-l.exited:
	case <-time.After(90 * time.Second):
		l.kill()
	}
}
