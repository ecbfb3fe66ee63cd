package tools_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// inbox is a client of a stand-in Gmail: for tests of what the tools and the
// mailbox make of a mail together.
type inbox struct {
	*mailbox.Client
	world *standin.World
	url   string
	http  *http.Client
}

func newInbox(tb testing.TB) *inbox {
	tb.Helper()
	world := standin.NewWorld(standin.Config{})
	server := httptest.NewServer(world.Gmail())
	tb.Cleanup(server.Close)
	auth := withToken{world.IssueToken(standin.DefaultUser, []string{"https://www.googleapis.com/auth/gmail.modify"}, time.Hour)}
	client, err := mailbox.New(mailbox.Config{HTTP: func(string) http.RoundTripper { return auth }, Endpoint: server.URL})
	if err != nil {
		tb.Fatal(err)
	}
	return &inbox{client, world, server.URL, &http.Client{Transport: auth}}
}

type withToken struct{ token string }

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.token)
	return http.DefaultTransport.RoundTrip(r)
}

func (b *inbox) deliver(raw string, labels ...string) string {
	return b.world.Deliver(standin.DefaultUser, []byte(raw), labels...)
}

// post calls Gmail as another client of the user would.
func (b *inbox) post(tb testing.TB, path, body string) string {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, b.url+"/gmail/v1/users/me/"+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.http.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("POST %s: %v, %s: %s", path, err, resp.Status, answer)
	}
	return string(answer)
}
