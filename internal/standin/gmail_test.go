package standin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"
	"google.golang.org/api/option"

	"linkmail/internal/standin"
)

// now is the clock of the tests: a Tuesday.
var now = time.Date(2026, 10, 6, 15, 30, 0, 0, time.UTC)

func clock() time.Time { return now }

// bearer signs every request with a token.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// scene is a running world with one signed-in client.
type scene struct {
	*standin.World
	url    string
	http   *http.Client
	client *gmail.Service
}

func play(t *testing.T, cfg standin.Config, scopes ...string) *scene {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = clock
	}
	w := standin.NewWorld(cfg)
	srv := httptest.NewServer(w.Gmail())
	t.Cleanup(srv.Close)
	return signIn(t, w, srv.URL, standin.DefaultUser, scopes...)
}

func signIn(t *testing.T, w *standin.World, url, user string, scopes ...string) *scene {
	t.Helper()
	if scopes == nil {
		scopes = []string{standin.ScopeModify}
	}
	hc := &http.Client{Transport: bearer(w.IssueToken(user, scopes, time.Hour))}
	client, err := gmail.NewService(context.Background(), option.WithEndpoint(url), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	return &scene{w, url, hc, client}
}

func TestProfileListAndGet(t *testing.T) {
	s := play(t, standin.Config{})
	p, err := s.client.Users.GetProfile("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	if p.EmailAddress != standin.DefaultUser || p.HistoryId == 0 {
		t.Errorf("profile %+v", p)
	}
	l, err := s.client.Users.Messages.List("me").Q("from:dana invoice").MaxResults(5).Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Messages) == 0 {
		t.Fatal("no messages")
	}
	m, err := s.client.Users.Messages.Get("me", l.Messages[0].Id).Format("metadata").MetadataHeaders("subject", "From").Fields("id,payload(mimeType,headers)").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Payload.Headers) != 2 || m.ThreadId != "" {
		t.Errorf("message %+v", m)
	}
}
