package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Vault is an open vault.
type Vault struct {
	store     Store
	keys      atomic.Pointer[keyring] // the newest
	roots     roots
	id        string             // of this instance
	mark      atomic.Value       // string: of the backup that it was restored from, or ""
	flights   singleflight.Group // refreshes that this instance waits for, by account
	flying    sync.WaitGroup     // those under way
	heard     bell               // rung by what instances tell
	copies    copies             // of settings
	lookupKey []byte             // of the keys of lookups
	steady    steadiness         // of the store's clock
	journal   journal            // of the events of this instance

	// Now tells the time. It is time.Now unless a test sets it.
	Now func() time.Time
	// Notice, if there is one, is told what operators should know.
	Notice func(text string)
	// RootKeys reads the root keys again that the vault was opened with: others
	// may have been added, the last of which is the newest. If nil, none were.
	RootKeys func(context.Context) ([]Key, error)
}

// Open opens the vault in store under that of the root keys which it was last
// sealed with, and makes a new one in an empty store. It fails with
// [ErrWrongKey], [ErrNewer] or [ErrForeign], and then has changed nothing.
func Open(ctx context.Context, store Store, root Key, newer ...Key) (*Vault, error) {
	known := append([]Key{root}, newer...)
	keys, err := openKeyring(ctx, store, known)
	if err != nil {
		return nil, err
	}
	mark, err := readMark(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("vault: read whether it was restored: %w", err)
	}
	v := &Vault{store: store, id: rand.Text(), Now: time.Now}
	v.keys.Store(keys)
	v.roots.set(known)
	v.mark.Store(mark)
	v.lookupKey = v.Derive("lookups")
	v.steady.since = v.Now() // nobody knows how the store's clock went before
	return v, nil
}

// Tx is one transaction over the whole vault. Its fields are the schema.
type Tx struct {
	Clients         Records[Client]         // applications that sign users in through the gateway
	Connections     Records[Connection]     // identity providers that the gateway signs users in with
	ResourceServers Records[ResourceServer] // APIs that access tokens are for, by identifier
	ClientGrants    Records[ClientGrant]    // what clients may ask of APIs for themselves
	Users           Records[User]           // people, by the subject that clients know them by
	Identities      Records[Identity]       // accounts at identity providers, each of one user
	TokenSets       Records[TokenSet]       // tokens that identity providers issued, by identity
	Refreshes       Records[Refreshes]      // what came of the last refreshes of an account, by identity
	Revocations     Records[Revocation]     // refresh tokens that are to be revoked at their providers
	Disconnections  Records[Disconnection]  // of all accounts of a connection at once, the last of each
	Logins          Records[Login]          // sign-ins under way at an identity provider, by state
	Tickets         Records[Ticket]         // invitations to connect an account again
	Sessions        Records[Session]        // browsers in which a user is signed in
	Codes           Records[Code]           // authorization codes, by hash
	Grants          Records[Grant]          // what users allowed clients, by the hash of the code that brought it
	AccessTokens    Records[AccessToken]    // opaque access tokens, by hash
	Keys            Records[SigningKey]     // keys that sign tokens
	Pushed          Records[PushedRequest]  // authorization requests that were pushed
	Interactions    Records[Interaction]    // authorization requests that wait for their user to decide
	Consents        Records[Consent]        // what users allowed clients of others
	Used            Records[Used]           // IDs that may not be used again
	LogoutNotices   Records[LogoutNotice]   // what clients are to be told
	DeviceCodes     Records[DeviceCode]     // sign-ins on devices without a browser
	UserCodes       Records[UserCode]       // what their users type
	Leases          Records[Lease]          // what one instance at a time does
	Events          Records[EventBlock]     // what happened, by time
	Chains          Records[Chain]          // how events hang together
	LooseEvents     Records[LooseEvent]     // events that no block has yet
	LogKeys         Records[LogKey]         // keys that sign what the log says of itself
	LogSettings     Records[LogSettings]    // how long events are kept
	LogChecks       Records[LogCheck]       // the last verification of the log
	Resealings      Records[Resealing]      // how far a change of the data key has come
	Admins          Records[Admin]          // who may use the console
	AdminInvites    Records[AdminInvite]    // links that make them
	AdminSessions   Records[AdminSession]   // browsers in which they are signed in
	AdminChallenges Records[AdminChallenge] // what they were asked
	Counts          Records[HealthCounts]   // how connected accounts are, as counted last
	Lookups         Records[Lookup]         // where records are, by what they say
	Indexed         Records[Indexed]        // how far lookups are made of older records
	Drafts          Records[Draft]          // connections that are not published yet
	Former          Records[Former]         // connections before their last change
	Trials          Records[Trial]          // what they saw when they tried a connection, by its name
	Probes          Records[Probe]          // whether providers know the gateway, by connection
	Outages         Records[Outage]         // what is wrong with connections
	Webhooks        Records[Webhook]        // endpoints that are told what happens
	Deliveries      Records[Delivery]       // what they are told
	Tallies         Records[Tally]          // what instances did, by hour
	KeysCounted     Records[KeyCounts]      // records under each data key, as counted last
	Branding        Records[Branding]       // what users see of whoever runs the gateway

	state
}

// state is what a transaction is about, and has come to.
type state struct {
	now     time.Time
	v       *Vault
	kv      KV
	ring    *keyring           // as this transaction has to have it
	looked  bool               // at the header, for the ring
	header  []byte             // if it came with what was read
	copies  *copySet           // of settings; nil in an update
	read    map[string][]byte  // by place: records as they were read that may have fields of strangers, so that they can be put; nil in a view
	lookups map[string]written // by place: lookups that are there of what was read or put; nil in a view
	mark    string             // of the backup that the vault was restored from, or ""
	changed bool               // some setting
	loose   []LooseEvent       // that were recorded
	due     bool               // some delivery
	written bool               // some record
	begun   bool               // some refresh
	move    *Moving            // that keeps it from writing, or nil
	marked  bool               // it looks whether the vault was marked as restored meanwhile
}

// txs are transactions that are over, whose schema serves another.
var txs = sync.Pool{New: func() any { return newTx() }}

func (v *Vault) newTx(kv KV) *Tx {
	tx := txs.Get().(*Tx)
	tx.state = state{now: v.Now(), v: v, kv: kv, ring: v.keys.Load(), mark: v.mark.Load().(string)}
	return tx
}

// end makes an end of a transaction: nobody may have anything of it any more.
func (tx *Tx) end() {
	tx.state = state{}
	txs.Put(tx)
}

func newTx() *Tx {
	tx := &Tx{}
	tx.Clients = Records[Client]{tx, "clients"}
	tx.Connections = Records[Connection]{tx, "connections"}
	tx.ResourceServers = Records[ResourceServer]{tx, "resourceservers"}
	tx.ClientGrants = Records[ClientGrant]{tx, "clientgrants"}
	tx.Users = Records[User]{tx, "users"}
	tx.Identities = Records[Identity]{tx, "identities"}
	tx.TokenSets = Records[TokenSet]{tx, "tokensets"}
	tx.Refreshes = Records[Refreshes]{tx, "refreshes"}
	tx.Revocations = Records[Revocation]{tx, "revocations"}
	tx.Disconnections = Records[Disconnection]{tx, "disconnections"}
	tx.Logins = Records[Login]{tx, "logins"}
	tx.Tickets = Records[Ticket]{tx, "tickets"}
	tx.Sessions = Records[Session]{tx, "sessions"}
	tx.Codes = Records[Code]{tx, "codes"}
	tx.Grants = Records[Grant]{tx, "grants"}
	tx.AccessTokens = Records[AccessToken]{tx, "accesstokens"}
	tx.Keys = Records[SigningKey]{tx, "keys"}
	tx.Pushed = Records[PushedRequest]{tx, "pushed"}
	tx.Interactions = Records[Interaction]{tx, "interactions"}
	tx.Consents = Records[Consent]{tx, "consents"}
	tx.Used = Records[Used]{tx, "used"}
	tx.LogoutNotices = Records[LogoutNotice]{tx, "logoutnotices"}
	tx.DeviceCodes = Records[DeviceCode]{tx, "devicecodes"}
	tx.UserCodes = Records[UserCode]{tx, "usercodes"}
	tx.Leases = Records[Lease]{tx, "leases"}
	tx.Events = Records[EventBlock]{tx, "events"}
	tx.Chains = Records[Chain]{tx, "chains"}
	tx.LooseEvents = Records[LooseEvent]{tx, "looseevents"}
	tx.LogKeys = Records[LogKey]{tx, "logkeys"}
	tx.LogSettings = Records[LogSettings]{tx, "logsettings"}
	tx.LogChecks = Records[LogCheck]{tx, "logchecks"}
	tx.Resealings = Records[Resealing]{tx, "resealings"}
	tx.Admins = Records[Admin]{tx, "admins"}
	tx.AdminInvites = Records[AdminInvite]{tx, "admininvites"}
	tx.AdminSessions = Records[AdminSession]{tx, "adminsessions"}
	tx.AdminChallenges = Records[AdminChallenge]{tx, "adminchallenges"}
	tx.Counts = Records[HealthCounts]{tx, "counts"}
	tx.Lookups = Records[Lookup]{tx, "lookups"}
	tx.Indexed = Records[Indexed]{tx, "indexed"}
	tx.Drafts = Records[Draft]{tx, "drafts"}
	tx.Former = Records[Former]{tx, "formerconnections"}
	tx.Trials = Records[Trial]{tx, "trials"}
	tx.Probes = Records[Probe]{tx, "probes"}
	tx.Outages = Records[Outage]{tx, "outages"}
	tx.Webhooks = Records[Webhook]{tx, "webhooks"}
	tx.Deliveries = Records[Delivery]{tx, "deliveries"}
	tx.Tallies = Records[Tally]{tx, "tallies"}
	tx.KeysCounted = Records[KeyCounts]{tx, "keyscounted"}
	tx.Branding = Records[Branding]{tx, "branding"}
	return tx
}

// Now is the time of the transaction's start.
func (tx *Tx) Now() time.Time { return tx.now }

// Foresee names records that will probably be read next, so that a store that is
// asked over a network is asked once for them. Nothing else comes of it.
func (tx *Tx) Foresee(places ...Location) error {
	if kv, ok := tx.kv.(Foreseer); ok {
		return kv.Foresee(places...)
	}
	return nil
}

// View runs fn in a read-only transaction.
func (v *Vault) View(ctx context.Context, fn func(*Tx) error) error {
	copies := v.copies.take()
	return v.store.View(ctx, func(kv KV) error {
		tx := v.newTx(kv)
		defer tx.end()
		tx.copies = copies
		return fn(tx)
	})
}

// Update runs fn in a transaction, and runs it again if another transaction
// got in its way. It keeps nothing if fn returns an error, also of the events
// that it recorded.
func (v *Vault) Update(ctx context.Context, fn func(*Tx) error) error {
	changed, due := false, false
	defer func() {
		if changed {
			v.copies.begin()
		}
	}()
	var loose []LooseEvent
	for {
		err := v.store.Update(ctx, func(kv KV) error {
			tx := v.newTx(kv)
			defer tx.end()
			tx.read, tx.lookups = map[string][]byte{}, map[string]written{}
			if err := errors.Join(tx.guard(), tx.expectHeader()); err != nil {
				return err
			}
			err := fn(tx)
			changed = changed || tx.changed
			loose, due = tx.loose, tx.due
			if err == nil {
				err = tx.moving() // whatever fn made of it
			}
			return err
		})
		var marked *otherMark
		var elsewhere *otherOrigin
		switch {
		case errors.As(err, &marked):
			v.mark.Store(marked.mark)
		case errors.As(err, &elsewhere):
			if err := v.settleIn(ctx); err != nil {
				return err
			}
		case err == nil:
			v.gather(loose)
			if due {
				v.heard.ring(topicDeliveries)
			}
			return nil
		default:
			return err
		}
	}
}

// Ready reports whether the store answers and its records can be read, and the
// vault was not moved away: that is a [*Moving].
func (v *Vault) Ready(ctx context.Context) error {
	return v.store.View(ctx, func(kv KV) error {
		m, err := readMove(kv)
		if found, err := Exists(err); err != nil {
			return err
		} else if found && m.State == Moved {
			return &Moving{m}
		}
		derive, err := kv.Get(headerBucket, deriveKey)
		if err != nil {
			return err
		}
		tx := v.newTx(kv)
		if err := tx.look(); err != nil {
			return err
		}
		_, err = tx.open(headerBucket, deriveKey, derive.Sealed)
		return err
	})
}

const (
	sweepLease = 3 * time.Minute // that others leave the sweeping to the instance that swept last
	skew       = 5 * time.Minute // that clocks may be wrong by: what has expired on one is not forgotten for all
)

// Sweep forgets what has expired, a bounded number of records a transaction,
// and returns how many it forgot: none if another instance is at it.
func (v *Vault) Sweep(ctx context.Context) (int, error) {
	const batch = 500
	total := 0
	for {
		var n int
		err := v.Update(ctx, func(tx *Tx) error {
			n = 0
			mine, err := tx.lease("sweep", v.id, sweepLease)
			if err == nil && mine {
				n, err = tx.kv.Sweep(tx.Now().Add(-skew), batch)
			}
			return err
		})
		total += n
		if err != nil || n < batch {
			return total, err
		}
	}
}

// Go runs fn apart from the request that asked for it. Close waits for it.
func (v *Vault) Go(fn func()) { v.flying.Go(fn) }

// Close waits for what is under way and for the events, and closes the
// vault's store. Nobody may begin another meanwhile.
func (v *Vault) Close() error {
	v.flying.Wait()
	_, err := v.Checkpoint(context.Background())
	return errors.Join(err, v.store.Close())
}

// Exists tells a missing record from other trouble: it returns false and no
// error for [ErrNotFound].
func Exists(err error) (bool, error) {
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
