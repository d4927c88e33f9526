package vault

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
)

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
