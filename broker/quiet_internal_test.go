package broker

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
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

// The buffer that a server reads a request into is of no type that a test
// outside could reach, and would be another connection's afterwards.
func TestForgetOverwritesWhatTheServerRead(t *testing.T) {
	const secret = "1//a-refresh-token"
	for name, padding := range map[string]int{"a short body": 0, "a body longer than the server's buffer": 9000} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan []byte, 1)
			b := new(Broker)
			srv := &http.Server{ConnContext: withConn, ReadHeaderTimeout: readHeaderTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, ok := r.Context().Value(connKey{}).(*forgettable)
				if !ok {
					t.Error("the request does not know its connection")
					return
				}
				body, err := readQuietJSON[refreshBody](w, r, maxRefreshBody)
				if err != nil || string(body.RefreshToken) != secret {
					t.Errorf("body %q, %v", body.RefreshToken, err)
				}
				seen <- *c.buffer.Load()
			})}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = srv.Serve(b.Listener(ln)) }()
			defer srv.Close()
			text := `{"refresh_token":"` + secret + `","x":"` + strings.Repeat("y", padding) + `"}`
			resp, err := http.Post("http://"+ln.Addr().String(), "application/json", strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			buffer := <-seen
			if len(buffer) < 4000 {
				t.Fatalf("the buffer has %d bytes, so it is not the server's", len(buffer))
			}
			if left := bytes.Trim(buffer, "\x00"); len(left) > 0 {
				t.Errorf("the server's buffer still has %q", left)
			}
			if !resp.Close {
				t.Error("the connection is kept, and what was read ahead of it is gone")
			}
		})
	}
}

func TestQuietTextReadsWhatPackageJSONReads(t *testing.T) {
	for text, want := range map[string]string{
		`"plain"`: "plain", `"1\/\/0g\u002d\"\\"`: `1//0g-"\`, `""`: "", `"a\nb"`: "a\x00b", `"\u00e9"`: "\x00", `"\ud83d\ude00"`: "\x00\x00",
		`5`: "", `null`: "", `["x"]`: "", `{"x":"y"}`: "", `true`: "",
	} {
		var got quietText
		if err := json.Unmarshal([]byte(text), &got); err != nil || string(got) != want {
			t.Errorf("%s is read as %q, %v; want %q", text, got, err, want)
		}
	}
	var twice struct{ A quietText }
	first := quietText("first")
	twice.A = first
	if err := json.Unmarshal([]byte(`{"A":"second"}`), &twice); err != nil || string(twice.A) != "second" || strings.Trim(string(first), "\x00") != "" {
		t.Errorf("after a second value the first is %q, %v", first, err)
	}
}

// FuzzQuietText: a token that package json reads as visible ASCII is read as
// the same one, and all others are not visible.
func FuzzQuietText(f *testing.F) {
	for _, seed := range []string{`"ya29.a0"`, `"1\/\/0g"`, `"\u0041\n"`, `"é"`, `null`, `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want string
		var got quietText
		if json.Unmarshal(text, &want) != nil || json.Unmarshal(text, &got) != nil {
			return
		}
		if visible(want) != visible(got) || visible(want) && string(got) != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	})
}
