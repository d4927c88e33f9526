package vault

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// EventType says what happened, by Auth0's code for it. Where Auth0 has none, it
// begins with "sallyport_".
type EventType string

// Event is something that happened, for those who ask later who did what: see
// [Vault.Record]. It holds nothing but [Text], so that no secret and no
// stranger's control characters can come into it. Fields are empty where they do
// not apply.
type Event struct {
	Type         EventType
	Date         time.Time // zero is when it is recorded
	Description  Text
	Client       Text // ID of the application that asked, or of an operator's
	ClientName   Text
	User         Text // ID
	UserName     Text
	Connection   Text // name
	ConnectionID Text
	Strategy     Text
	Account      Text // the user's at the identity provider
	IP           Text
	UserAgent    Text
	Audience     Text
	Scope        Text
	Reason       Text // of a refusal, for programs
	ReasonClass  Text // who can do something about it
	Correlation  Text // ID of the request, which its answer carried, too
	Details      []Detail
}

// Detail is a further member of an event. Its name may be of two parts with a
// dot between, the first of which is an object.
type Detail struct {
	Name  string
	Value Text
	Bare  bool // the value is a number or a boolean
}

// Say is a detail that is a text.
func Say(name, value string) Detail { return Detail{Name: name, Value: Said(value)} }

// Count is a detail that is a number.
func Count(name string, n int64) Detail {
	return Detail{Name: name, Value: Text{strconv.FormatInt(n, 10)}, Bare: true}
}

// Flag is a detail that is true or false.
func Flag(name string, is bool) Detail {
	return Detail{Name: name, Value: Text{strconv.FormatBool(is)}, Bare: true}
}

// Detail returns the value of a detail, or "".
func (e Event) Detail(name string) string {
	for _, d := range e.Details {
		if d.Name == name {
			return d.Value.String()
		}
	}
	return ""
}

// position is where an event stands in its chain.
type position struct {
	id    string
	chain string
	seq   uint64
}

// An event is kept, and exported, as a line of JSON, without a reflection's cost:
// Auth0's members, then ours. Its last member is its hash:
//
//	{"log_id":"…","date":"…","type":"…", … ,"chain":"…","seq":7,"hash":"…"}
//
// which is SHA-256 of the hash before, 32 bytes, and of the line up to the comma
// that stands before "hash". So a line is held against its hash as it is.
func (e Event) appendLine(b []byte, at position, before [sha256.Size]byte) ([]byte, [sha256.Size]byte) {
	begin := len(b)
	b = append(b, `{"log_id":"`...)
	b = append(b, at.id...)
	b = append(b, `","date":"`...)
	b = e.Date.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, `","type":"`...)
	b = append(b, e.Type...)
	b = append(b, '"')
	for _, m := range [...]struct {
		name  string
		value Text
	}{
		{"description", e.Description}, {"client_id", e.Client}, {"client_name", e.ClientName}, {"user_id", e.User}, {"user_name", e.UserName},
		{"connection", e.Connection}, {"connection_id", e.ConnectionID}, {"strategy", e.Strategy}, {"identity_user_id", e.Account},
		{"ip", e.IP}, {"user_agent", e.UserAgent}, {"audience", e.Audience}, {"scope", e.Scope},
	} {
		b = appendMember(b, m.name, m.value)
	}
	b = appendDetails(b, e.Details)
	b = appendMember(b, "reason", e.Reason)
	b = appendMember(b, "reason_class", e.ReasonClass)
	b = appendMember(b, "correlation_id", e.Correlation)
	b = append(b, `,"chain":"`...)
	b = append(b, at.chain...)
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, at.seq, 10)
	hash := chained(before, b[begin:])
	b = append(b, hashMember...)
	b = base64.RawURLEncoding.AppendEncode(b, hash[:])
	return append(b, `"}`...), hash
}

// hashMember begins the end of an event's line.
const hashMember = `,"hash":"`

// chained is the hash of a line, without the end that holds it, that follows one
// with a hash.
func chained(before [sha256.Size]byte, line []byte) (hash [sha256.Size]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(line)
	h.Sum(hash[:0])
	return hash
}

func appendMember(b []byte, name string, value Text) []byte {
	if value.value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return value.appendJSON(b)
}

// appendDetails appends the object of an event's details, in which those of one
// first part stand together.
func appendDetails(b []byte, details []Detail) []byte {
	if len(details) == 0 {
		return b
	}
	b = append(b, `,"details":{`...)
	within := ""
	for i, d := range details {
		object, name, nested := strings.Cut(d.Name, ".")
		if !nested {
			object, name = "", d.Name
		}
		if within != "" && within != object {
			b = append(b, '}')
		}
		if i > 0 && (within == "" || within != object) {
			b = append(b, ',')
		}
		switch {
		case object != "" && within != object:
			b = append(b, '"')
			b = append(b, object...)
			b = append(b, `":{`...)
		case object != "":
			b = append(b, ',')
		}
		within = object
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		if d.Bare {
			b = append(b, d.Value.value...)
		} else {
			b = d.Value.appendJSON(b)
		}
	}
	if within != "" {
		b = append(b, '}')
	}
	return append(b, '}')
}
