package standin_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"runtime"
	"strconv"
	"testing"
)

func encoded(raw string) string { return base64.RawURLEncoding.EncodeToString([]byte(raw)) }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// cancellable is a request whose caller can give up.
func cancellable(t *testing.T, url string) (*http.Request, context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, stop
}

// waitUntil gives other goroutines room until a condition holds; the test's
// own deadline ends it otherwise.
func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatal("it never came true")
		}
		runtime.Gosched()
	}
}
