package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// TestWhoDoesNotTakeABackupIsCutOff has somebody ask and not read.
func TestWhoDoesNotTakeABackupIsCutOff(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		to := &patient{w, http.NewResponseController(w), 50 * time.Millisecond}
		var err error
		for err == nil {
			_, err = to.Write(make([]byte, 1<<20))
		}
		ended <- err
	}))
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
}
