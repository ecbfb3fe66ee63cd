package broker

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// trickle is a connection that gives a few bytes at a time.
type trickle struct {
	net.Conn
	most int
}

func (c trickle) Read(p []byte) (int, error) { return c.Conn.Read(p[:min(len(p), c.most)]) }

// recordBuffer is the buffer in which a TLS connection decrypts, all of it.
func recordBuffer(t *testing.T, conn *tls.Conn) []byte {
	t.Helper()
	buf := reflect.ValueOf(conn).Elem().FieldByName("rawInput").FieldByName("buf").Bytes()
	if cap(buf) == 0 {
		t.Fatal("the TLS connection has no buffer where this test looks for it")
	}
	return buf[:cap(buf)]
}

// The buffers are of types that nothing outside can look into, so this test is
// inside. How the bytes arrive decides when the TLS layer changes its buffer.
func TestRememberingClearsWhatTLSDecrypted(t *testing.T) {
	const secret = "a token of a login; "
	for _, most := range []int{1, 4, 7, 600, 1500, 1 << 20} {
		for _, length := range []int{40, 1000, 3000, 9000, 40000} {
			t.Run(strconv.Itoa(length)+" bytes, "+strconv.Itoa(most)+" at a time", func(t *testing.T) {
				server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					// Not in chunks, whose ends would cut the text.
					w.Header().Set("Content-Length", strconv.Itoa(length))
					_, _ = io.WriteString(w, strings.Repeat(secret, length/len(secret)))
				}))
				defer server.Close()
				raw, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				conn := &remembering{Conn: trickle{raw, most}}
				transport, ok := server.Client().Transport.(*http.Transport)
				if !ok {
					t.Fatal("no transport")
				}
				secured := tls.Client(conn, &tls.Config{
					RootCAs: transport.TLSClientConfig.RootCAs, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12,
				})
				// The server keeps the connection: nothing follows the answer.
				if _, err := io.WriteString(secured, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				// Larger than a record, so that nothing waits in the TLS layer.
				answer, chunk := []byte(nil), make([]byte, 64<<10)
				for bytes.Count(answer, []byte(secret)) < length/len(secret) {
					n, err := secured.Read(chunk)
					if err != nil {
						t.Fatal(err)
					}
					answer = append(answer, chunk[:n]...)
				}
				_ = raw.Close()

				buffers, last := conn.buffers, recordBuffer(t, secured)
				if !bytes.Contains(last, []byte(secret)) {
					t.Fatal("the secret is not in the buffer before it is cleared, so this test proves nothing")
				}
				conn.clear()
				for _, b := range append(buffers, last) {
					// Only headers of records may be left, and none is as long.
					if bytes.Contains(b, []byte(secret[:8])) || bytes.Contains(b, []byte(secret[8:16])) {
						t.Errorf("a buffer of %d bytes still has the secret", len(b))
					}
				}
			})
		}
	}
}
