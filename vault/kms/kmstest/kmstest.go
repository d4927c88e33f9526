// Package kmstest answers as key management services do, after their documentation,
// and as whoever gives credentials for them, for tests of whole programs. Each fake
// really encrypts, checks what its service would check, and refuses in its words.
package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"io"
	"net/http"
	"sync"
)

// Answers are what a service says instead of what it should, once each.
type Answers struct {
	mu    sync.Mutex
	next  []Answer
	asked int
}

// Answer is a status, and a body.
type Answer struct {
	Status int
	Body   string
}

// Next has the service give an answer to its next request.
func (a *Answers) Next(answer Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = append(a.next, answer)
}

// Asked is how many requests there were to encrypt or decrypt.
func (a *Answers) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// instead answers a request, if it is to be answered so.
func (a *Answers) instead(w http.ResponseWriter) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if len(a.next) == 0 {
		return false
	}
	w.WriteHeader(a.next[0].Status)
	io.WriteString(w, a.next[0].Body)
	a.next = a.next[1:]
	return true
}

// sealer makes a key that never leaves the service.
var sealer = sync.OnceValue(func() cipher.AEAD {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
})
