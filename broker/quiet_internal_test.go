package broker

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The buffers are of types that nothing outside can look into, so this test is
// inside.
func TestRememberingClearsWhatTLSDecrypted(t *testing.T) {
	const secret = "a token that must not stay behind"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, secret)
	}))
	defer server.Close()
	raw, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := &remembering{Conn: raw}
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	secured := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	if _, err := io.WriteString(secured, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(secured)
	if err != nil || !bytes.Contains(answer, []byte(secret)) {
		t.Fatalf("got %q and %v, want the secret", answer, err)
	}
	_ = raw.Close()

	buffers, found := conn.buffers, false
	for _, b := range buffers {
		found = found || bytes.Contains(b, []byte(secret))
	}
	if !found {
		t.Fatal("the secret is in no buffer before they are cleared, so this test proves nothing")
	}
	conn.clear()
	for i, b := range buffers {
		if bytes.Count(b, []byte{0}) != len(b) {
			t.Errorf("buffer %d of %d bytes is not cleared", i, len(b))
		}
	}
}
