package mailbox_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const gmailModify = "https://www.googleapis.com/auth/gmail.modify"

// rig is a client of a stand-in Gmail over real HTTP.
type rig struct {
	*mailbox.Client
	world  *standin.World
	server *httptest.Server
}

// newRig starts a world with TLS and HTTP/2, as Gmail has them.
func newRig(tb testing.TB, world standin.Config, change ...func(*mailbox.Config)) *rig {
	tb.Helper()
	w := standin.NewWorld(world)
	s := httptest.NewUnstartedServer(w.Gmail())
	s.EnableHTTP2 = true
	s.StartTLS()
	tb.Cleanup(s.Close)
	token := w.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
	r := &rig{world: w, server: s}
	cfg := mailbox.Config{
		HTTP: func(string) http.RoundTripper {
			return bearer{token: token, base: s.Client().Transport}
		},
		Endpoint: s.URL,
		Version:  "1.2.3",
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := mailbox.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r.Client = c
	return r
}

// bearer authorizes requests with a fixed token.
type bearer struct {
	token string
	base  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.base.RoundTrip(r)
}

// warm makes the client know its account, labels and position, and the list of
// requests empty.
func (r *rig) warm(tb testing.TB) {
	tb.Helper()
	if err := r.Warm(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	r.world.ForgetSeen()
}

// seen counts the requests so far by their kind, the parts of batches apart.
func (r *rig) seen() map[string]int {
	n := map[string]int{}
	for _, s := range r.world.Seen() {
		n[kindOf(s)]++
	}
	return n
}

func kindOf(s standin.Seen) string {
	path := strings.TrimPrefix(s.Path, "/gmail/v1/users/me/")
	switch {
	case s.Service == "gmail-part":
		return "part"
	case strings.HasPrefix(s.Path, "/batch"):
		return "batch"
	case path == "messages" && strings.Contains(s.Query, "has%3Aattachment"):
		return "attachment list"
	case path == "messages":
		return "list"
	case path == "messages/send":
		return "send"
	case strings.HasPrefix(path, "messages/"):
		return "get"
	}
	return path
}

// batchSizes returns the number of parts of each batch so far.
func (r *rig) batchSizes() (sizes []int) {
	for _, s := range r.world.Seen() {
		if strings.HasPrefix(s.Path, "/batch") {
			sizes = append(sizes, s.Parts)
		}
	}
	return sizes
}

func idsOf(items []mailbox.Summary) []string {
	ids := make([]string, 0, len(items))
	for _, s := range items {
		ids = append(ids, s.ID)
	}
	return ids
}

func contains(labels []string, label string) bool { return slices.Contains(labels, label) }
