package linkauth_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"linkmail/auth/linkauth"
	"linkmail/broker/wire"
)

func TestEventsAreReadAsTheStandardHasThem(t *testing.T) {
	const pending, ready = `data: {"status":"pending"}`, `data: {"status":"ready"}`
	long := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name, stream string
		want         []wire.Status
		err          error
	}{
		{"two of a broker's", "retry: 1000\n\n" + event("pending") + ": still here\n\n" + event("ready"), []wire.Status{wire.Pending, wire.Ready}, io.EOF},
		{"lines that end with CR LF", strings.ReplaceAll(event("pending")+event("ready"), "\n", "\r\n"), []wire.Status{wire.Pending, wire.Ready}, io.EOF},
		{"lines that end with CR", strings.ReplaceAll(event("pending")+event("ready"), "\n", "\r"), []wire.Status{wire.Pending, wire.Ready}, io.EOF},
		{"a byte order mark", "\xef\xbb\xbf" + event("ready"), []wire.Status{wire.Ready}, io.EOF},
		{"no space after the colon", "event:status\ndata:{\"status\":\"ready\"}\n\n", []wire.Status{wire.Ready}, io.EOF},
		{"data of several lines", "event: status\ndata: {\"status\":\ndata: \"ready\"}\n\n", []wire.Status{wire.Ready}, io.EOF},
		{"the data before the name", ready + "\nevent: status\n\n", []wire.Status{wire.Ready}, io.EOF},
		{"fields that nobody knows", "id: 7\nevent: status\ncolour: red\n" + ready + "\nstatus\n\n", []wire.Status{wire.Ready}, io.EOF},
		{"an event of another name", "event: note\n" + ready + "\n\n" + event("pending"), []wire.Status{wire.Pending}, io.EOF},
		{"an event without a name", ready + "\n\n", nil, io.EOF},
		{"an event without data", "event: status\n\nevent: status\ndata\n\n", nil, io.EOF},
		{"a name does not outlive its event", "event: status\n\n" + ready + "\n\n", nil, io.EOF},
		{"an event that is cut off", event("pending") + "event: status\n" + ready + "\n", []wire.Status{wire.Pending}, io.EOF},
		{"a line that is cut off", event("pending") + "event: status\n" + ready, []wire.Status{wire.Pending}, io.EOF},
		{"nothing", "", nil, io.EOF},
		{"a status that only others know", "event: status\ndata: {\"status\":\"resting\",\"x\":[1]}\n\n", []wire.Status{"resting"}, io.EOF},
		{"no JSON", event("pending") + "event: status\ndata: ready\n\n" + event("ready"), []wire.Status{wire.Pending}, linkauth.ErrEvents},
		{"no object", "event: status\ndata: [\"ready\"]\n\n", nil, linkauth.ErrEvents},
		{"no status", "event: status\ndata: {\"Status\":7}\n\n", nil, linkauth.ErrEvents},
		{"a line that is too long", event("pending") + ": " + long(linkauth.MaxEventLine) + "\n" + event("ready"), []wire.Status{wire.Pending}, linkauth.ErrEvents},
		{"data that is too long", "event: status\n" + strings.Repeat("data: "+long(4000)+"\n", 1+linkauth.MaxEventData/4000) + "\n", nil, linkauth.ErrEvents},
		{"pending, as it is", "event: status\n" + pending + "\n\n", []wire.Status{wire.Pending}, io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for way, r := range map[string]io.Reader{
				"at once": strings.NewReader(tt.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.stream)),
			} {
				got, err := linkauth.ReadEvents(r)
				if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
					t.Errorf("%s: ended with %v, want %v (-want +got):\n%s", way, err, tt.err, diff)
				}
			}
		})
	}
	if _, err := linkauth.ReadEvents(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken connection ends it with %v", err)
	}
}

// FuzzEvents: however a stream is cut into pieces, it tells the same, and
// nothing of it grows beyond its bounds.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		"retry: 1000\n\n" + event("pending") + ": still here\n\n" + event("ready"),
		strings.ReplaceAll(event("confirmed"), "\n", "\r\n"), "\xef\xbb\xbfevent:status\rdata:{\"status\":\"failed\",\"error\":\"access_denied\"}\r\r",
		"event: status\ndata: {\"status\":\ndata: \"ready\"}\n\n", "data\n\nevent\n\n:\n\n", "<html>", "event: status\ndata: \x00\xff\n\n", "\r\n\r\r\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := linkauth.ReadEvents(strings.NewReader(string(stream)))
		for _, status := range whole {
			if status == "" || len(status) > linkauth.MaxEventData {
				t.Errorf("status of %d bytes", len(status))
			}
		}
		pieces, pieceErr := linkauth.ReadEvents(iotest.OneByteReader(strings.NewReader(string(stream))))
		if diff := cmp.Diff(whole, pieces); diff != "" || !errors.Is(pieceErr, err) {
			t.Errorf("byte by byte it ends with %v, else with %v (-whole +pieces):\n%s", pieceErr, err, diff)
		}
	})
}
