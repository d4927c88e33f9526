package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

// happened is an event of a request.
func happened(n int) vault.Event {
	return vault.Event{
		Type: "seta", Client: vault.Said("app"), User: vault.Said("salesforce|005"), IP: vault.Said("192.0.2.1"), Correlation: vault.Said(fmt.Sprint("request-", n)),
		Details: []vault.Detail{vault.Say("request.method", "POST"), vault.Say("request.path", "/oauth/token"), vault.Flag("first", n == 0), vault.Count("n", int64(n))},
	}
}

func record(t *testing.T, v *vault.Vault, n int) {
	t.Helper()
	if err := v.Record(t.Context(), happened(n)); err != nil {
		t.Fatal(err)
	}
}

func export(t *testing.T, v *vault.Vault) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := v.ExportLogs(t.Context(), &b, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// verify verifies an export with the key of a vault.
func verify(t *testing.T, v *vault.Vault, export string, checkpoints ...string) vault.LogReport {
	t.Helper()
	text, err := v.LogPublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := vault.ParseLogKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := vault.VerifyLogs(strings.NewReader(export), key, checkpoints...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// twoChains is a vault with events of two instances, one after the other, and a
// checkpoint of each.
func twoChains(t *testing.T) *vault.Vault {
	t.Helper()
	path, key := filepath.Join(t.TempDir(), "vault.db"), vault.NewKey()
	var v *vault.Vault
	for range 2 {
		s, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		v = open(t, s, key)
		for n := range 5 {
			record(t, v, n)
		}
		if line, err := v.Checkpoint(t.Context()); err != nil || line == "" {
			t.Fatalf("%q %v", line, err)
		}
		put(t, v, func(tx *vault.Tx) error { return errors.Join(tx.Record(happened(5)), tx.Record(happened(6))) })
		record(t, v, 7)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return open(t, s, key)
}

func TestExportIsWholeAndVerifies(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	all := export(t, v)
	if r := verify(t, v, all); r.FaultCount != 0 || r.Events != 16 || r.Chains != 2 || !r.Trusted {
		t.Errorf("%+v\n%s", r, all)
	}
	if r, err := vault.VerifyLogs(strings.NewReader(all), nil); err != nil || r.FaultCount != 0 || r.Trusted {
		t.Errorf("without a key: %+v %v", r, err)
	}
	for line := range strings.Lines(all) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		if request, ok := members["details"].(map[string]any); ok && request["request"].(map[string]any)["path"] != "/oauth/token" {
			t.Errorf("its details: %s", line)
		}
	}
}

// TestEachTamperingOfAnExportIsFound changes, takes out, doubles and moves each
// single line of an export, and cuts it off after each.
func TestEachTamperingOfAnExportIsFound(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	all := strings.SplitAfter(strings.TrimSuffix(export(t, v), "\n"), "\n")
	all[len(all)-1] += "\n"
	tamperings := map[string]func(lines []string, i int) []string{
		"changed": func(lines []string, i int) []string {
			lines[i] = strings.Replace(lines[i], "2", "3", 1)
			return lines
		},
		"changed in its end": func(lines []string, i int) []string {
			b := []byte(lines[i])
			b[len(b)-8] ^= 1
			lines[i] = string(b)
			return lines
		},
		"dropped": func(lines []string, i int) []string { return append(lines[:i], lines[i+1:]...) },
		"doubled": func(lines []string, i int) []string {
			return append(lines[:i:i], append([]string{lines[i], lines[i]}, lines[i+1:]...)...)
		},
		"put at the front": func(lines []string, i int) []string {
			return append([]string{lines[i]}, append(lines[:i:i], lines[i+1:]...)...)
		},
		"swapped with the next": func(lines []string, i int) []string {
			j := (i + 1) % len(lines)
			lines[i], lines[j] = lines[j], lines[i]
			return lines
		},
		"cut off before it": func(lines []string, i int) []string { return lines[:i] },
	}
	for name, tamper := range tamperings {
		for i := range all {
			export := strings.Join(tamper(append([]string{}, all...), i), "")
			if export == strings.Join(all, "") {
				continue
			}
			r := verify(t, v, export)
			if r.FaultCount == 0 {
				t.Errorf("line %d %s is not found: %s", i+1, name, all[i])
			}
			near := func(line int) bool { return line >= i && line <= i+2 }
			if isEvent := strings.HasPrefix(all[i], `{"log_id"`); isEvent && name != "put at the front" && name != "cut off before it" && (len(r.Faults) == 0 || !near(r.Faults[0].Line)) {
				t.Errorf("line %d %s: %+v", i+1, name, r.Faults)
			}
		}
	}
}

// TestForgedExportIsFound has somebody without the gateway's key write an export
// anew, with hashes and signatures that go together.
func TestForgedExportIsFound(t *testing.T) {
	t.Parallel()
	v, forger := twoChains(t), twoChains(t)
	if r := verify(t, v, export(t, forger)); r.FaultCount == 0 {
		t.Error("another key's export is taken for the gateway's")
	}
}

func TestCutOffEndOfTheStoreIsFound(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	record(t, v, 0)
	witness, err := v.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := v.LogsNewest(t.Context(), 1, func([]byte) bool { return true })
	if err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	if r := verify(t, v, export(t, v), witness); r.FaultCount != 0 {
		t.Fatalf("%+v", r)
	}
	put(t, v, func(tx *vault.Tx) error { return tx.Events.Delete(list[0].ID) })
	if r := verify(t, v, export(t, v)); r.FaultCount == 0 || !strings.Contains(r.Faults[0].Problem, "missing, which the checkpoint") {
		t.Errorf("by the store's own checkpoint: %+v", r)
	}
	put(t, v, func(tx *vault.Tx) error {
		for c, err := range tx.Chains.All("") {
			if err != nil || strings.Contains(witness, c.ID) {
				return errors.Join(err, tx.Chains.Delete(c.ID))
			}
		}
		return nil
	})
	if r := verify(t, v, export(t, v), witness); r.FaultCount == 0 || !strings.Contains(r.Faults[0].Problem, "its end was cut off") {
		t.Errorf("by a checkpoint kept elsewhere: %+v", r)
	}
}

func TestChainTakenAwayIsMissedByTheNext(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	put(t, v, func(tx *vault.Tx) error {
		var first vault.Chain
		for c, err := range tx.Chains.All("") {
			if err != nil {
				return err
			}
			if len(c.Follows) == 0 {
				first = c
			}
		}
		for b, err := range tx.Events.All("") {
			if err != nil {
				return err
			}
			if b.Chain == first.ID {
				if err := tx.Events.Delete(b.ID); err != nil {
					return err
				}
			}
		}
		return tx.Chains.Delete(first.ID)
	})
	if r := verify(t, v, export(t, v)); r.FaultCount != 1 || !strings.Contains(r.Faults[0].Problem, "followed") {
		t.Errorf("%+v", r)
	}
}

func TestPruningLeavesASignedAnchorAndAnEvent(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	pruned := func(n uint64, until time.Time) vault.Event {
		return vault.Event{Type: "sallyport_logs_pruned", Correlation: vault.Said("pruning"), Details: []vault.Detail{vault.Count("events", int64(n))}}
	}
	if _, err := v.PruneLogs(t.Context(), vault.LogRetention{Age: time.Hour, Bytes: 1 << 30}, pruned); err == nil {
		t.Error("an hour is long enough")
	}
	week := vault.LogRetention{Age: 7 * 24 * time.Hour, Bytes: 1 << 30}
	if n, err := v.PruneLogs(t.Context(), week, pruned); n != 0 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	v.Now = func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	record(t, v, 0)
	if n, err := v.PruneLogs(t.Context(), week, pruned); n != 16 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	record(t, v, 1)
	all := export(t, v)
	if r := verify(t, v, all); r.FaultCount != 0 || r.Events != 3 || !strings.Contains(all, `"why":"pruned"`) || !strings.Contains(all, `"events":16`) {
		t.Errorf("%+v\n%s", r, all)
	}
}

func TestExportSinceATimeSaysWhereItBegins(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	v.Now = func() time.Time { return time.Now().Add(time.Hour) }
	record(t, v, 0)
	var b bytes.Buffer
	n, err := v.ExportLogs(t.Context(), &b, time.Now().Add(30*time.Minute))
	if err != nil || n != 1 {
		t.Fatalf("%d %v", n, err)
	}
	if r := verify(t, v, b.String()); r.FaultCount != 0 || r.Events != 1 || r.Chains != 3 {
		t.Errorf("%+v\n%s", r, b.String())
	}
}

// flaky is a store that fails as told: before an update, or after it was kept.
type flaky struct {
	vault.Store
	before, after error
}

func (f *flaky) Update(ctx context.Context, fn func(vault.KV) error) error {
	if f.before != nil {
		return f.before
	}
	return errors.Join(f.Store.Update(ctx, fn), f.after)
}

func TestEventIsRecordedOnceThoughTheStoreFails(t *testing.T) {
	t.Parallel()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f := &flaky{Store: s}
	v := open(t, f, vault.NewKey())
	record(t, v, 0)
	f.before = errNoAnswer
	v.RecordLater(happened(1))
	if err := v.Record(t.Context(), happened(2)); !errors.Is(err, vault.ErrNotRecorded) {
		t.Errorf("recorded in a store that fails: %v", err)
	}
	f.before, f.after = nil, errNoAnswer // kept, and nobody knows
	if err := v.Record(t.Context(), happened(3)); !errors.Is(err, vault.ErrNotRecorded) {
		t.Errorf("recorded in a store that does not say so: %v", err)
	}
	f.after = nil
	record(t, v, 4)
	all := export(t, v)
	if r := verify(t, v, all); r.FaultCount != 0 {
		t.Errorf("%+v\n%s", r, all)
	}
	for n, want := range map[int]int{0: 1, 1: 1, 2: 0, 3: 1, 4: 1} {
		if got := strings.Count(all, fmt.Sprintf(`"request-%d"`, n)); got != want {
			t.Errorf("event %d is there %d times", n, got)
		}
	}
}

// TestEventOfACrashIsTakenUp leaves an event that was committed with what it tells
// of, and in no block.
func TestEventOfACrashIsTakenUp(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	put(t, v, func(tx *vault.Tx) error {
		return tx.LooseEvents.Put(vault.LooseEvent{ID: "crashed", Event: happened(99), Since: time.Now().Add(-time.Hour)})
	})
	for range 2 {
		if err := v.TakeUp(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	record(t, v, 0)
	all := export(t, v)
	if r := verify(t, v, all); r.FaultCount != 0 || strings.Count(all, `"request-99"`) != 1 {
		t.Errorf("%+v\n%s", r, all)
	}
	if err := v.View(t.Context(), func(tx *vault.Tx) error { return errOf(tx.LooseEvents.Get("crashed")) }); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("it is still loose: %v", err)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestManyEventsAtOnceShareBlocks(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	var wg sync.WaitGroup
	for n := range 500 {
		wg.Go(func() {
			if err := v.Record(t.Context(), happened(n)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r := verify(t, v, export(t, v)); r.FaultCount != 0 || r.Events != 516 {
		t.Errorf("%+v", r)
	}
	blocks := 0
	v.View(t.Context(), func(tx *vault.Tx) error {
		for range tx.Events.All("") {
			blocks++
		}
		return nil
	})
	if blocks > 400 {
		t.Errorf("%d blocks", blocks)
	}
}

func TestLogsArePagedByTheirIDs(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	newest, err := v.LogsNewest(t.Context(), 100, func([]byte) bool { return true })
	if err != nil || len(newest) != 16 {
		t.Fatalf("%d, %v", len(newest), err)
	}
	after, read := "", 0
	for {
		page, err := v.LogsAfter(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if want := newest[15-read]; e.ID != want.ID || !bytes.Contains(e.Line, []byte(e.ID)) {
				t.Errorf("event %d is %s, and not %s", read, e.ID, want.ID)
			}
			one, err := v.Log(t.Context(), e.ID)
			if err != nil || !bytes.Equal(one.Line, e.Line) {
				t.Errorf("%s: %v", e.ID, err)
			}
			after, read = e.ID, read+1
		}
	}
	if read != 16 {
		t.Errorf("read %d", read)
	}
	if _, err := v.Log(t.Context(), strings.Repeat("9", len(after))); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("no event: %v", err)
	}
}

// TestEventHoldsNothingButText looks at the types: none of them can hold a secret,
// or more than a short text that shows.
func TestEventHoldsNothingButText(t *testing.T) {
	t.Parallel()
	for _, kind := range []reflect.Type{reflect.TypeFor[vault.Event](), reflect.TypeFor[vault.Detail]()} {
		for i := range kind.NumField() {
			switch f := kind.Field(i); f.Type {
			case reflect.TypeFor[vault.Text](), reflect.TypeFor[vault.EventType](), reflect.TypeFor[time.Time](), reflect.TypeFor[[]vault.Detail](), reflect.TypeFor[bool]():
			default:
				if f.Name != "Name" { // of a detail, which is ours
					t.Errorf("%s.%s is a %s", kind.Name(), f.Name, f.Type)
				}
			}
		}
	}
}

func TestH51TextShowsWhatItSays(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"Mozilla/5.0":               "Mozilla/5.0",
		"Zoë":                       "Zoë",
		"a\r\nb":                    `a\u000d\u000ab`,
		"\x1b[31mred":               `\u001b[31mred`,
		"a\x00b\x7f":                `a\u0000b\u007f`,
		"\u202egnp.exe":             `\u202egnp.exe`,
		"a\u2028b\u00a0c":           `a\u2028b\u00a0c`,
		"\xff\xfe":                  `\xff\xfe`,
		strings.Repeat("x", 300):    strings.Repeat("x", 300),
		strings.Repeat("x", 1<<20):  strings.Repeat("x", 297) + "…",
		strings.Repeat("\n", 1<<16): strings.Repeat(`\u000a`, 49) + "…",
	} {
		if got := vault.Said(said).String(); got != want {
			t.Errorf("%.40q shows as %q", said, got)
		}
	}
	v := twoChains(t)
	hostile := "\"},\n{\"log_id\":\"forged\\"
	e := happened(1)
	e.UserAgent, e.Details = vault.Said(hostile), []vault.Detail{vault.Say("a", hostile)}
	if err := v.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if all := export(t, v); verify(t, v, all).FaultCount != 0 || strings.Contains(all, "\n{\"log_id\":\"forged") {
		t.Errorf("it comes into the log:\n%s", all)
	}
}
