package vault

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// LogReport is what [VerifyLogs] found.
type LogReport struct {
	Events     uint64     `json:"events"`
	First      time.Time  `json:"first,omitzero"` // when the first of them was, as it says
	Last       time.Time  `json:"last,omitzero"`
	Chains     int        `json:"chains"`
	Key        string     `json:"key"`     // that signed
	Trusted    bool       `json:"trusted"` // it is the one that was given
	Faults     []LogFault `json:"faults"`  // the first of them
	FaultCount int        `json:"fault_count"`
}

// LogFault is what is wrong at a line, counted from 1.
type LogFault struct {
	Line    int    `json:"line"`
	Problem string `json:"problem"`
}

// VerifyLogs reads an export and finds each event that was changed, taken out, put
// in or moved since it was recorded, by the hashes and by the signatures of the
// key. Without a key it takes the one that the export names, and then says nothing
// of who made it. Checkpoints that were kept elsewhere, such as those in the
// program's log, can be given, too: the export must go by them.
func VerifyLogs(export io.Reader, key ed25519.PublicKey, checkpoints ...string) (LogReport, error) {
	v := &logVerifier{key: key, chains: map[string]*verified{}, digest: sha256.New(), report: LogReport{Trusted: key != nil, Faults: []LogFault{}}}
	lines := bufio.NewReaderSize(export, 256<<10)
	for more := true; more; {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return v.report, err
		}
		if more = err == nil; len(line) > 0 {
			v.line++
			v.read(bytes.TrimSuffix(line, []byte{'\n'}), more)
			v.digest.Write(line)
		}
	}
	v.finish(checkpoints)
	return v.report, nil
}

// logVerifier is a verification under way.
type logVerifier struct {
	key    ed25519.PublicKey
	line   int
	lastID string
	chains map[string]*verified
	ended  bool
	digest hash.Hash // of all lines before
	report LogReport
}

// verified is a chain, as far as it was read.
type verified struct {
	from, seq uint64
	hash      string // as its last line states it
	lost      bool   // what the next hash follows is not known
	end       int    // line of its last event
	follows   []string
}

const mostLogFaults = 100

func (v *logVerifier) fault(format string, args ...any) {
	if v.report.FaultCount++; len(v.report.Faults) < mostLogFaults {
		v.report.Faults = append(v.report.Faults, LogFault{v.line, fmt.Sprintf(format, args...)})
	}
}

// read takes a line.
func (v *logVerifier) read(line []byte, whole bool) {
	switch {
	case v.ended:
		v.fault("there is something after the export's end")
	case !whole:
		v.fault("the line is cut off")
	case bytes.HasPrefix(line, []byte(`{"log_id":"`)):
		v.event(line)
	default:
		v.signed(line)
	}
}

// event takes an event's line. What it states of itself is believed for what
// follows, so that each fault is told once.
func (v *logVerifier) event(line []byte) {
	v.report.Events++
	var said struct {
		ID    string    `json:"log_id"`
		Chain string    `json:"chain"`
		Seq   uint64    `json:"seq"`
		Hash  string    `json:"hash"`
		Date  time.Time `json:"date"`
	}
	i := bytes.LastIndex(line, []byte(hashMember))
	if json.Unmarshal(line, &said) != nil || i < 0 || string(line[i:]) != hashMember+said.Hash+`"}` {
		v.fault("the line is no event as it was recorded: it was changed")
		v.loseAll()
		return
	}
	if said.ID <= v.lastID {
		v.fault("event %s stands after %s, before which it belongs: it was moved, or put in", said.ID, v.lastID)
		return
	}
	v.lastID = said.ID
	if v.report.First.IsZero() {
		v.report.First = said.Date
	}
	v.report.Last = said.Date
	c := v.chains[said.Chain]
	if c == nil {
		v.fault("event %s is of a chain whose beginning is missing: %s", said.ID, said.Chain)
		c = &verified{from: said.Seq - 1, seq: said.Seq - 1, lost: true}
		v.chains[said.Chain] = c
	}
	switch {
	case said.Seq <= c.seq:
		v.fault("event %s is number %d of its chain, and stands after number %d: it was changed, moved, or put in", said.ID, said.Seq, c.seq)
		return
	case said.Seq > c.seq+1 && !c.lost:
		v.fault("%s of chain %s are missing before event %s", numbers(c.seq+1, said.Seq-1), said.Chain, said.ID)
		c.lost = true
	}
	v.hash(c, said.ID, said.Hash, line[:i])
	c.seq, c.hash, c.end, c.lost = said.Seq, said.Hash, v.line, false
}

// hash holds an event against its hash, if that before is known.
func (v *logVerifier) hash(c *verified, id, stated string, body []byte) {
	before, err := base64.RawURLEncoding.DecodeString(c.hash)
	if c.lost || err != nil || len(before) != sha256.Size {
		return
	}
	if hash := chained([sha256.Size]byte(before), body); showHash(hash[:]) != stated {
		v.fault("event %s does not go with its hash: it was changed or put in, or the one before it was", id)
	}
}

// loseAll is for a line of which it is not known what it was.
func (v *logVerifier) loseAll() {
	for _, c := range v.chains {
		c.lost = true
	}
}

func numbers(from, to uint64) string {
	if from == to {
		return fmt.Sprintf("event number %d", from)
	}
	return fmt.Sprintf("events number %d to %d", from, to)
}
