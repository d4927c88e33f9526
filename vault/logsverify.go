package vault

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// LogReport is what [VerifyLogs] found.
type LogReport struct {
	Events     uint64     `json:"events"`
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

// ParseLogKey reads a public key in PEM.
func ParseLogKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no public key in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("it is no Ed25519 key")
	}
	return key, nil
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
		ID    string `json:"log_id"`
		Chain string `json:"chain"`
		Seq   uint64 `json:"seq"`
		Hash  string `json:"hash"`
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

// statement reads a signed line.
func (v *logVerifier) statement(line []byte) (s signed, ok bool) {
	i := bytes.LastIndex(line, []byte(signatureMember))
	if i < 0 || json.Unmarshal(line, &s) != nil {
		return s, false
	}
	if v.key == nil && v.line == 1 {
		if public, err := base64.RawURLEncoding.DecodeString(s.PublicKey); err == nil {
			v.key = public
		}
	}
	if len(v.key) != ed25519.PublicKeySize {
		return s, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(string(bytes.TrimSuffix(line[i+len(signatureMember):], []byte(`"}`))))
	return s, err == nil && ed25519.Verify(v.key, line[:i], signature)
}

func (v *logVerifier) signed(line []byte) {
	s, ok := v.statement(line)
	if !ok {
		v.fault("the line is no event, and is not signed by the key: it was changed, or put in")
		return
	}
	v.report.Key = logKeyID(v.key)
	switch {
	case s.Anchor != nil:
		v.anchor(*s.Anchor)
	case s.Checkpoint != nil:
		v.checkpoint(*s.Checkpoint)
	case s.End != nil:
		v.end(*s.End)
	}
}

func (v *logVerifier) anchor(s statement) {
	if v.chains[s.Chain] != nil || v.report.Events > 0 {
		v.fault("the beginning of chain %s stands in the wrong place: it was moved, or put in", s.Chain)
		return
	}
	v.chains[s.Chain] = &verified{from: s.Seq, seq: s.Seq, hash: s.Hash, follows: s.Follows}
}

// checkpoint holds a chain against how far it is known to have come.
func (v *logVerifier) checkpoint(s statement) {
	c := v.chains[s.Chain]
	switch {
	case c == nil:
		v.fault("the checkpoint of %s is of a chain that is missing: %s", s.Date, s.Chain)
	case c.seq < s.Seq:
		v.fault("%s of chain %s are missing, which the checkpoint of %s is of", numbers(c.seq+1, s.Seq), s.Chain, s.Date)
	case c.seq > s.Seq:
		v.fault("the checkpoint of number %d of chain %s stands after number %d: it was moved, or put in", s.Seq, s.Chain, c.seq)
	case c.hash != s.Hash && !c.lost:
		v.fault("event number %d of chain %s is not the one that the checkpoint of %s is of", s.Seq, s.Chain, s.Date)
	}
}

// end holds all chains against what the export says that it has.
func (v *logVerifier) end(s ending) {
	v.ended = true
	if s.Events != v.report.Events {
		v.fault("the export had %d events, and has %d", s.Events, v.report.Events)
	}
	for _, x := range s.Chains {
		c := v.chains[x.Chain]
		switch {
		case c == nil:
			v.fault("chain %s is missing", x.Chain)
		case c.from != x.After:
			v.fault("chain %s should begin after number %d, and begins after %d", x.Chain, x.After, c.from)
		case c.seq < x.Last:
			v.fault("%s at the end of chain %s are missing", numbers(c.seq+1, x.Last), x.Chain)
		case c.seq > x.Last || c.hash != x.Hash && !c.lost:
			v.fault("chain %s should end with number %d, and ends otherwise", x.Chain, x.Last)
		}
	}
	if v.report.FaultCount == 0 && showHash(v.digest.Sum(nil)) != s.Digest {
		v.fault("what is before this line is not what was exported: a line that is no event was put in, moved or taken out")
	}
	for id := range v.chains {
		if !slices.ContainsFunc(s.Chains, func(x extent) bool { return x.Chain == id }) {
			v.fault("chain %s was not in the export: it was put in", id)
		}
	}
}

// finish looks at what can be told after the last line.
func (v *logVerifier) finish(checkpoints []string) {
	v.report.Chains = len(v.chains)
	if !v.ended {
		v.fault("the export has no end: it was cut off after this line")
		return
	}
	for id, c := range v.chains {
		for _, before := range c.follows {
			if v.chains[before] == nil {
				v.fault("chain %s is missing, which chain %s followed", before, id)
			}
		}
	}
	for _, line := range checkpoints {
		s, ok := v.statement([]byte(line))
		if !ok || s.Checkpoint == nil {
			v.fault("a checkpoint that was given is none of the key's that signed the export")
		} else if c := v.chains[s.Checkpoint.Chain]; c == nil || c.seq < s.Checkpoint.Seq {
			v.fault("the export does not reach the checkpoint that was given, of number %d of chain %s on %s: its end was cut off", s.Checkpoint.Seq, s.Checkpoint.Chain, s.Checkpoint.Date)
		}
	}
}
