package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"
)

// What administrators are told of what the operator has set: where the root key
// comes from, and until when the certificate is good.

// keySource is where the root key comes from, in words.
func (s *settings) keySource() string {
	source, text := "the variable SALLYPORT_KEY", os.Getenv("SALLYPORT_KEY")
	if s.keyFile != "" {
		b, _ := os.ReadFile(s.keyFile) // it was read a moment ago, or the gateway would not run
		source, text = "the key file "+s.keyFile, string(b)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if uri, _, ok := strings.Cut(lines[len(lines)-1], " "); ok && strings.Contains(uri, "://") {
		source += ", encrypted by the key management service at " + uri
	}
	return source
}

// tlsUntil is when the gateway's own certificate ends, or zero if it has none.
func (s *settings) tlsUntil() (time.Time, error) {
	if s.tlsCert == "" {
		return time.Time{}, nil
	}
	pair, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey)
	if err != nil {
		return time.Time{}, fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return pair.Leaf.NotAfter, nil
}
