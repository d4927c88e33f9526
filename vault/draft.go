package vault

import "time"

// Draft is a connection as an administrator prepares it. Nobody can sign in with
// it, and no application sees it, until it is published.
type Draft struct {
	forever
	Connection Connection
	By         string // name of the administrator who saved it last
	Saved      time.Time
}

func (d Draft) Key() string { return d.Connection.Name }

// Validate finds fault with a draft that cannot be kept.
func (d Draft) Validate() error { return d.Connection.Validate() }

// Over is the draft's connection as it would be published in place of another:
// with that one's ID, switch and certificates, which are not drafted.
func (d Draft) Over(live Connection) Connection {
	c := d.Connection
	c.ID, c.Active, c.Certificates = live.ID, live.Active, live.Certificates
	return c
}

// Drafted is the connection that a draft would publish, and the draft.
func (tx *Tx) Drafted(name string) (Connection, Draft, error) {
	d, err := tx.Drafts.Get(name)
	if err != nil {
		return Connection{}, d, err
	}
	live, err := tx.Connections.Get(name)
	if found, err := Exists(err); !found {
		return d.Connection, d, err
	}
	return d.Over(live), d, nil
}

// Former is a connection as it was before its last change in the
// console, so that this can be undone.
type Former struct {
	forever
	Connection Connection
	By         string // name of the administrator who changed it
	Changed    time.Time
}

func (f Former) Key() string { return f.Connection.Name }
