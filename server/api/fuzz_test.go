package api_test

import (
	"errors"
	"strings"
	"testing"

	"sallyport/server/api"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	for _, tt := range malformed {
		if len(tt.src) < 2000 {
			f.Add([]byte(tt.src))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		_, err := api.Parse("tenant.yaml", src, env)
		var e *api.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v is no api.Error", err)
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), upstreamSecret) || strings.Contains(err.Error(), appSecret)) {
			t.Errorf("error: %v", err)
		}
	})
}
