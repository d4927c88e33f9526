package vault

import "time"

// Outage is something that is wrong with a connection, and of which its webhooks
// have been told. It is there until it is over.
type Outage struct {
	forever
	Connection string
	Reason     Reason
	Since      time.Time
	Seen       time.Time // last
	By         string    // the instance that saw it
}

func (o Outage) Key() string { return o.Connection + " " + string(o.Reason) }

// Reason is what is wrong with a connection.
type Reason string

const (
	CredentialsRefused Reason = "credentials_refused" // its identity provider does not accept the gateway's
	NoAnswer           Reason = "no_answer"           // its identity provider gives none
)

// BeginOutage has webhooks told that something is wrong with a connection, unless
// that is known; then it keeps when it was last seen. The message is one in case
// it is needed.
func (tx *Tx) BeginOutage(id string, o Outage, why, action string) (begun bool, err error) {
	o.By = tx.v.id
	known, err := tx.Outages.Get(o.Key())
	if found, err := Exists(err); err != nil {
		return false, err
	} else if found {
		o.Since = known.Since
		return false, tx.Outages.Put(o)
	}
	if err := tx.Outages.Put(o); err != nil {
		return false, err
	}
	return true, tx.Notify(Message{ID: id, Type: ConnectionFailing, Data: ConnectionMessage{
		Connection: o.Connection, Reason: o.Reason, Message: why, Action: action, Since: o.Since.UTC()}})
}

// EndOutage has webhooks told that something is right again, if it was wrong.
func (tx *Tx) EndOutage(id, connection string, reason Reason) (ended bool, err error) {
	o, err := tx.Outages.Get(Outage{Connection: connection, Reason: reason}.Key())
	if found, err := Exists(err); !found {
		return false, err
	}
	if err := tx.Outages.Delete(o.Key()); err != nil {
		return false, err
	}
	until := tx.now.UTC()
	return true, tx.Notify(Message{ID: id, Type: ConnectionRecovered, Data: ConnectionMessage{
		Connection: o.Connection, Reason: o.Reason, Since: o.Since.UTC(), Until: &until}})
}

// SeenHere reports whether this instance was the last that saw the outage.
func (tx *Tx) SeenHere(o Outage) bool { return o.By == tx.v.id }
