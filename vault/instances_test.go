package vault_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/postgres"
	"sallyport/vault/postgres/pgtest"
	"sallyport/vault/storetest"
)

// onEachStore runs a test with vaults that share a store, as instances do, on
// each kind of store.
func onEachStore(t *testing.T, test func(t *testing.T, s vault.Store)) {
	t.Run("bolt", func(t *testing.T) {
		t.Parallel()
		test(t, store(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, database(t))
	})
}

func database(t *testing.T) vault.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), pgtest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestManyCallersOfTwoInstancesRefreshOnce(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		key := vault.NewKey()
		v1, v2 := open(t, s, key), open(t, s, key)
		expired(t, v1, vault.RotationUnknown)
		p := &provider{}
		var wg sync.WaitGroup
		for i := range 20 {
			v := []*vault.Vault{v1, v2}[i%2]
			wg.Go(func() {
				ts, err := v.Fresh(context.Background(), seen(t, v), vault.Need{TTL: time.Minute}, p)
				if err != nil || ts.AccessToken.Reveal() != "at1" || ts.RefreshToken.Reveal() != "rt1" {
					t.Errorf("Fresh = %+v, %v", ts, err)
				}
			})
		}
		wg.Wait()
		if len(p.shown) != 1 {
			t.Errorf("refreshed %d times, want 1", len(p.shown))
		}
	})
}

// TestH55LeaseIsToldByTheStoresClock has an instance whose clock is wrong by five
// minutes meet the refresh of another.
func TestH55LeaseIsToldByTheStoresClock(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"fast": 5 * time.Minute, "slow": -5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, s vault.Store) {
				key := vault.NewKey()
				right, wrong := open(t, s, key), open(t, s, key)
				wrong.Now = func() time.Time { return time.Now().Add(skew) }
				expired(t, right, vault.Rotates)
				p := &provider{entered: make(chan struct{}), release: make(chan struct{})}
				before, result := seen(t, right), make(chan error, 1)
				go func() {
					_, err := right.Fresh(context.Background(), before, vault.Need{}, p)
					result <- err
				}()
				<-p.entered
				other := &provider{active: true}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if _, err := wrong.Fresh(ctx, before, vault.Need{}, other); !errors.Is(err, context.DeadlineExceeded) || other.asked+len(other.shown) > 0 {
					t.Errorf("during the refresh: %v; asked %d, shown %v", err, other.asked, other.shown)
				}
				close(p.release)
				if err := <-result; err != nil {
					t.Error(err)
				}
				if ts, err := wrong.Fresh(t.Context(), before, vault.Need{}, other); err != nil || ts.AccessToken.Reveal() != "at1" || len(other.shown) > 0 {
					t.Errorf("after it: %+v, %v; shown %v", ts, err, other.shown)
				}
			})
		})
	}
}

// sleeper begins a refresh on one instance, which sleeps until the lease of its
// attempt is over, and returns it with another instance, that has to go on.
func sleeper(t *testing.T, s vault.Store) (slept, awake *vault.Vault, p *provider, result chan vault.TokenSet) {
	t.Helper()
	c := &clock{}
	s = storetest.Clock(s, c.Now)
	key := vault.NewKey()
	slept, awake = open(t, s, key), open(t, s, key)
	slept.Now, awake.Now = c.Now, c.Now
	expired(t, slept, vault.Rotates)
	p = &provider{entered: make(chan struct{}), release: make(chan struct{})}
	result = make(chan vault.TokenSet, 1)
	before := seen(t, slept)
	go func() {
		ts, err := slept.Fresh(context.Background(), before, vault.Need{}, p)
		if err != nil {
			t.Error(err)
		}
		result <- ts
	}()
	<-p.entered
	c.forward(time.Minute)
	return slept, awake, p, result
}

// TestInstanceThatSleptDoesNotOverwrite has its answer come after another
// instance has found the refresh token still good, and refreshed.
func TestInstanceThatSleptDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		_, awake, p, result := sleeper(t, s)
		other := &provider{active: true, answer: func(int, string) (vault.TokenSet, error) { return rotated(2), nil }}
		ts, err := awake.Fresh(t.Context(), seen(t, awake), vault.Need{}, other)
		if err != nil || ts.AccessToken.Reveal() != "at2" || other.asked != 1 {
			t.Errorf("the other: %+v, %v, after %d introspections", ts, err, other.asked)
		}
		close(p.release)
		if ts := <-result; ts.AccessToken.Reveal() != "at2" {
			t.Errorf("the one that slept answers %+v", ts)
		}
		if ts := seen(t, awake); ts.RefreshToken.Reveal() != "rt2" {
			t.Errorf("the one that slept has overwritten: %+v", ts)
		}
	})
}

// TestInstanceThatSleptKeepsTheAnswerThatNobodyElseHas has its answer come after
// another instance has found the refresh token spent: by it, as it turns out.
func TestInstanceThatSleptKeepsTheAnswerThatNobodyElseHas(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		_, awake, p, result := sleeper(t, s)
		if _, err := awake.Fresh(t.Context(), seen(t, awake), vault.Need{}, &provider{active: false}); !errors.Is(err, vault.ErrReauthorize) {
			t.Errorf("the other: %v", err)
		}
		close(p.release)
		if ts := <-result; ts.AccessToken.Reveal() != "at1" {
			t.Errorf("the one that slept answers %+v", ts)
		}
		if ts := seen(t, awake); ts.RefreshToken.Reveal() != "rt1" || ts.Refusal != nil {
			t.Errorf("the rotated refresh token was lost: %+v", ts)
		}
	})
}

// TestChangeIsHeardByTheOtherInstance changes what instances may keep a copy of,
// and what they do not.
func TestChangeIsHeardByTheOtherInstance(t *testing.T) {
	t.Parallel()
	s, key := database(t), vault.NewKey()
	one, other := open(t, s, key), open(t, s, key)
	changed, stop := other.Changes()
	defer stop()
	go other.Hear(t.Context())
	<-changed // it listens
	expired(t, one, vault.Rotates)
	put(t, one, func(tx *vault.Tx) error { return tx.Clients.Put(vault.Client{ID: "a", Name: "A", AuthMethod: "none"}) })
	select {
	case <-changed:
	case <-time.After(time.Second):
		t.Error("nothing was heard of a change for a second")
	}
	select {
	case <-changed:
		t.Error("a token set is no setting")
	default:
	}
}

// TestOneInstanceSweeps has the other take over when the one is gone.
func TestOneInstanceSweeps(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		var passed atomic.Int64
		s = storetest.Clock(s, func() time.Time { return time.Now().Add(time.Duration(passed.Load())) })
		key := vault.NewKey()
		one, other := open(t, s, key), open(t, s, key)
		sweeps := func(v *vault.Vault) bool {
			put(t, one, func(tx *vault.Tx) error {
				return tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: time.Now().Add(-time.Hour)})
			})
			n, err := v.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
			return n == 1
		}
		if !sweeps(one) || sweeps(other) || !sweeps(one) || sweeps(other) {
			t.Error("the one that has the lease does not sweep, or the other does")
		}
		passed.Store(int64(4 * time.Minute))
		if !sweeps(other) || sweeps(one) {
			t.Error("the other does not take over")
		}
	})
}

// TestInstanceWithAFastClockForgetsNothingForTheOthers is five minutes fast.
func TestInstanceWithAFastClockForgetsNothingForTheOthers(t *testing.T) {
	t.Parallel()
	s, key := store(t), vault.NewKey()
	right, fast := open(t, s, key), open(t, s, key)
	fast.Now = func() time.Time { return time.Now().Add(5 * time.Minute) }
	put(t, right, func(tx *vault.Tx) error {
		return tx.Sessions.Put(vault.Session{Hash: "h", User: "u", Expires: time.Now().Add(time.Minute)})
	})
	if n, err := fast.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
}

// TestInstancesKeepChainsOfTheirOwn has two record at once, alone and with what
// they change.
func TestInstancesKeepChainsOfTheirOwn(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, s vault.Store) {
		key := vault.NewKey()
		var wg sync.WaitGroup
		instances := []*vault.Vault{open(t, s, key), open(t, s, key)}
		for i := range 60 {
			v := instances[i%2]
			wg.Go(func() {
				err := v.Record(context.Background(), happened(i))
				if i%3 == 0 {
					err = errors.Join(err, v.Update(context.Background(), func(tx *vault.Tx) error { return tx.Record(happened(1000 + i)) }))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, v := range instances { // what waits comes before it
			record(t, v, 2000+i)
			if _, err := v.Checkpoint(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if r := verify(t, instances[0], export(t, instances[0])); r.FaultCount != 0 || r.Events != 82 || r.Chains != 2 {
			t.Errorf("%+v", r)
		}
		err := instances[0].View(t.Context(), func(tx *vault.Tx) error {
			for l, err := range tx.LooseEvents.All("") {
				t.Errorf("%s is still loose", l.ID)
				return err
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		_, shared := s.(vault.Shared)
		if list, err := instances[1].LogsAfter(t.Context(), "", 1000); err != nil || (len(list) == 0) != shared {
			t.Errorf("%d events at once, %v", len(list), err)
		}
		later := time.Now().Add(time.Minute)
		instances[1].Now = func() time.Time { return later }
		if list, err := instances[1].LogsAfter(t.Context(), "", 1000); err != nil || len(list) != 82 {
			t.Errorf("%d events later, %v", len(list), err)
		}
	})
}
