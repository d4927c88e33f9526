package vault_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/vault"
	"sallyport/vault/bolt"
)

// TestSearchGoesBackPageByPage, in pages of each size, over blocks and chains.
func TestSearchGoesBackPageByPage(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	all, err := v.LogsNewest(t.Context(), 100, func([]byte) bool { return true })
	if err != nil || len(all) != 16 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for most := 1; most <= 17; most++ {
		var read []string
		for search := (vault.LogSearch{Match: func([]byte) bool { return true }, Most: most, Look: 1000}); ; {
			found, err := v.SearchLogs(t.Context(), search)
			if err != nil || len(found.Entries) > most || len(found.Entries) != found.Looked {
				t.Fatalf("%+v %v", found, err)
			}
			for _, e := range found.Entries {
				read = append(read, e.ID)
			}
			if search.Before = found.Next; found.Next == "" {
				break
			}
		}
		for i, e := range all {
			if len(read) != len(all) || read[i] != e.ID {
				t.Fatalf("by %d: %v", most, read)
			}
		}
	}
}

func TestSearchLooksAtABoundedNumber(t *testing.T) {
	t.Parallel()
	v := twoChains(t)
	wanted := func(line []byte) bool { return bytes.Contains(line, []byte(`"correlation_id":"request-0"`)) }
	found, err := v.SearchLogs(t.Context(), vault.LogSearch{Match: wanted, Most: 10, Look: 5})
	if err != nil || len(found.Entries) != 0 || found.Looked != 5 || found.Next == "" || found.Reached.IsZero() {
		t.Fatalf("%+v %v", found, err)
	}
	found, err = v.SearchLogs(t.Context(), vault.LogSearch{Before: found.Next, Match: wanted, Most: 10, Look: 100})
	if err != nil || len(found.Entries) != 2 || found.Looked != 11 || found.Next != "" {
		t.Errorf("further back: %+v %v", found, err)
	}
}

func TestSearchKeepsToItsTimes(t *testing.T) {
	t.Parallel()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := open(t, s, vault.NewKey())
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for n := range 10 {
		v.Now = func() time.Time { return began.Add(time.Duration(n) * time.Minute) }
		record(t, v, n)
	}
	for _, tt := range []struct {
		since, until int // minutes; until 0 is none
		want         string
	}{{0, 0, "9876543210"}, {7, 0, "987"}, {0, 2, "210"}, {3, 5, "543"}, {11, 0, ""}, {5, 3, ""}} {
		search := vault.LogSearch{Since: began.Add(time.Duration(tt.since) * time.Minute), Match: func([]byte) bool { return true }, Most: 100, Look: 100}
		if tt.until > 0 {
			search.Before = vault.LogsUntil(began.Add(time.Duration(tt.until) * time.Minute))
		}
		found, err := v.SearchLogs(t.Context(), search)
		var got strings.Builder
		for _, e := range found.Entries {
			_, after, _ := strings.Cut(string(e.Line), `"correlation_id":"request-`)
			got.WriteString(after[:1])
		}
		if err != nil || got.String() != tt.want || found.Next != "" {
			t.Errorf("%d to %d: %s %v", tt.since, tt.until, got.String(), err)
		}
	}
}
