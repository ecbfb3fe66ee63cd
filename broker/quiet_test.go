package broker_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"linkmail/broker"
)

// quietUpstream answers one POST with whatever answer writes to the connection,
// behind TLS, and returns the broker that reaches it and its address.
func quietUpstream(t *testing.T, answer func(w io.Writer)) (*broker.Broker, *url.URL) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "test" || r.Method != http.MethodPost {
			t.Errorf("the server received %s %v, %v", r.Method, r.PostForm, err)
		}
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		answer(buffered)
		_ = buffered.Flush()
	}))
	server.EnableHTTP2 = true // offered, and not taken
	server.StartTLS()
	t.Cleanup(server.Close)
	r := newRig(t, nil)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	r.b.TrustUpstream(pool, server.Listener.Addr().String())
	return r.b, &url.URL{Scheme: "https", Host: "example.com", Path: "/oauth/token"} // as the certificate has it
}

func TestPostFormReadsAnAnswerWhateverItsFraming(t *testing.T) {
	const body = `{"access_token":"a"}`
	long := strings.Repeat("x", 20<<10)
	tests := map[string]struct {
		answer string
		body   string
		err    error
	}{
		"with its length":            {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" + body, body, nil},
		"in chunks":                  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + body[:5] + "\r\nf\r\n" + body[5:] + "\r\n0\r\n\r\n", body, nil},
		"until the connection ends":  {"HTTP/1.0 200 OK\r\n\r\n" + body, body, nil},
		"after a provisional answer": {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + body, body, nil},
		"over several TLS records":   {"HTTP/1.1 200 OK\r\nContent-Length: 20480\r\n\r\n" + long, long, nil},
		"cut off":                    {"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + body, "", io.ErrUnexpectedEOF},
		"cut off in a chunk":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + body, "", io.ErrUnexpectedEOF},
		"too long":                   {"HTTP/1.1 200 OK\r\n\r\n" + long + long, "", broker.ErrLong},
		"header without an end":      {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 200<<10), "", io.ErrUnexpectedEOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, to := quietUpstream(t, func(w io.Writer) { _, _ = io.WriteString(w, tt.answer) })
			buf := make([]byte, 32<<10)
			status, n, err := b.PostForm(t.Context(), to, url.Values{"grant_type": {"test"}}, buf)
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Errorf("got error %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil || status != http.StatusOK || string(buf[:n]) != tt.body {
				t.Errorf("got %d, %d bytes, %v, want 200 and %d bytes", status, n, err, len(tt.body))
			}
		})
	}
}

func TestPostFormGivesUp(t *testing.T) {
	t.Run("where the certificate is for another name", func(t *testing.T) {
		b, to := quietUpstream(t, func(io.Writer) { t.Error("the request was sent") })
		to.Host = "example.org"
		if _, _, err := b.PostForm(t.Context(), to, url.Values{"grant_type": {"test"}}, make([]byte, 100)); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("at an address that is not public", func(t *testing.T) {
		r := newRig(t, nil)
		to := &url.URL{Scheme: "https", Host: "127.0.0.1:443"}
		if _, _, err := r.b.PostForm(t.Context(), to, url.Values{}, make([]byte, 100)); !errors.Is(err, broker.ErrBlocked) {
			t.Errorf("got %v, want %v", err, broker.ErrBlocked)
		}
	})
	t.Run("when the caller does", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		b, to := quietUpstream(t, func(w io.Writer) {
			_, _ = fmt.Fprint(w, "HTTP/1.1 200 OK\r\n")
			cancel()
			<-done // until then the connection stays open
		})
		_, _, err := b.PostForm(ctx, to, url.Values{"grant_type": {"test"}}, make([]byte, 100))
		close(done)
		if err == nil {
			t.Error("got no error")
		}
	})
}
