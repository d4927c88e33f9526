package interop

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// secretEnd is how much of the end of a secret is looked for. The ends of tokens
// are random.
const secretEnd = 24

// inTheClear counts the places in the files of folders where a secret is that the
// site has seen: each token that Salesforce issued, those that applications were
// given, and the secrets of the app and the client. Settings are looked past: they
// are where those two come from.
func (s *site) inTheClear(t *testing.T, folders ...string) (n int) {
	t.Helper()
	secrets := append(s.ledger.secrets, clientSecret, consumerSecret)
	for _, u := range s.users {
		secrets = append(secrets, u.token)
	}
	ends := map[string]bool{}
	for _, secret := range secrets {
		if len(secret) >= secretEnd {
			ends[secret[len(secret)-secretEnd:]] = true
		}
	}
	// Most places begin no secret, which two bytes of a hash tell.
	var begins [1 << 20]bool
	hash := func(b []byte) uint32 {
		return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24) * 0x9E3779B1 >> 12
	}
	for end := range ends {
		begins[hash([]byte(end))] = true
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Base(path) == "tenant.yaml" {
				return err
			}
			b, err := os.ReadFile(path)
			for i := 0; i+secretEnd <= len(b); i++ {
				if begins[hash(b[i:])] && ends[string(b[i:i+secretEnd])] {
					n++
					t.Errorf("%s has a secret in the clear, at byte %d", path, i)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	return n
}
