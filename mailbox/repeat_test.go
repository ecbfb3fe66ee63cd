package mailbox_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// TestWhatHTTP2WouldRepeatIsHandedOverOnce has a server read a mail to its end
// and then answer what net/http takes for leave to send the request again: by
// RFC 9113 section 8.7 the first two are, but nobody can tell whether a server
// that read the mail keeps to that, and net/http goes further than the RFC.
func TestWhatHTTP2WouldRepeatIsHandedOverOnce(t *testing.T) {
	for name, answer := range map[string]func(*http2.Framer, uint32) error{
		"a refused stream": func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		},
		"a farewell":         func(f *http2.Framer, _ uint32) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) },
		"an error of ours":   func(f *http2.Framer, stream uint32) error { return f.WriteRSTStream(stream, http2.ErrCodeProtocol) },
		"an error of theirs": func(f *http2.Framer, stream uint32) error { return f.WriteRSTStream(stream, http2.ErrCodeInternal) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sends atomic.Int32
				post, _ := serve(t, http.NotFoundHandler(), true, func(s *http.Server) {
					s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
						"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
							readThen(conn, func(f *http2.Framer, stream uint32) error {
								if sends.Add(1) > 1 { // once more is enough
									return f.WriteRSTStream(stream, http2.ErrCodeInternal)
								}
								return answer(f, stream)
							})
						},
					}
				})
				r := newRig(t, standin.Config{}, func(cfg *mailbox.Config) {
					rest := cfg.HTTP("")
					cfg.HTTP = func(string) http.RoundTripper { return &posting{post: post, rest: rest} }
				})
				receipt, err := r.Send(t.Context(), letter)
				if err != nil || receipt.Outcome != mailbox.Unknown || sends.Load() != 1 {
					t.Errorf("got %+v, %v after %d sends; want unknown after 1", receipt, err, sends.Load())
				}
			})
		})
	}
}

// posting sends mails by one way, and all other requests by another.
type posting struct{ post, rest http.RoundTripper }

func (p *posting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/messages/send") {
		return p.post.RoundTrip(r)
	}
	return p.rest.RoundTrip(r)
}

// readThen is the server's side of an HTTP/2 connection: it reads requests to
// their end and leaves it to answer what becomes of their streams. It writes
// beside its reading, as the network of these tests holds nothing in between.
func readThen(conn *tls.Conn, answer func(*http2.Framer, uint32) error) {
	f := http2.NewFramer(conn, conn)
	ended := make(chan uint32, 10) // streams; more than any test has
	var writer sync.WaitGroup
	defer writer.Wait()
	defer close(ended)
	defer func() { _ = conn.NetConn().Close() }()
	writer.Go(func() {
		err := f.WriteSettings()
		for stream := range ended {
			if err == nil {
				err = answer(f, stream)
			}
		}
	})
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return // the client has gone
		}
		if data, ok := frame.(*http2.DataFrame); ok && data.StreamEnded() {
			ended <- data.StreamID
		}
	}
}
