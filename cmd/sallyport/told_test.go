package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAdministratorsAreToldWhereTheRootKeyComesFrom, and never what it is.
func TestAdministratorsAreToldWhereTheRootKeyComesFrom(t *testing.T) {
	const key = "sallyport-key-1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	file := filepath.Join(t.TempDir(), "sallyport.key")
	for _, tt := range []struct{ variable, file, want string }{
		{key, "", "the variable SALLYPORT_KEY"},
		{"", key + "\n", "the key file " + file},
		{"", key + "\nopenbao://bao.example:8200/transit/keys/sallyport vault:v1:c2VhbGVk\n", "the key file " + file + ", encrypted by the key management service at openbao://bao.example:8200/transit/keys/sallyport"},
	} {
		t.Setenv("SALLYPORT_KEY", tt.variable)
		s := settings{}
		if tt.file != "" {
			s.keyFile = file
			if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.keySource(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestCertificateIsReadForItsEnd(t *testing.T) {
	t.Parallel()
	local, err := newLocalTLS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := settings{tlsCert: local.cert, tlsKey: local.key}
	if until, err := s.tlsUntil(); err != nil || !until.After(time.Now()) {
		t.Errorf("%v, %v", until, err)
	}
	s.tlsKey = local.authority
	if _, err := s.tlsUntil(); err == nil {
		t.Error("a key that does not fit is no fault")
	}
}
