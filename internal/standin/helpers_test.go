package standin_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
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

// scene is a running world with one client who is signed in.
type scene struct {
	*standin.World
	url   string
	http  *http.Client
	users *gmail.UsersService
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
	return &scene{w, url, hc, client.Users}
}

// ask sends a request by hand and returns status, header and body.
func (s *scene) ask(t *testing.T, method, path, contentType, body string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// find returns the ids that a query lists, newest first.
func (s *scene) find(t *testing.T, q string) []string {
	t.Helper()
	l, err := s.users.Messages.List("me").Q(q).MaxResults(500).Do()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range l.Messages {
		ids = append(ids, m.Id)
	}
	return ids
}

// one returns the only message that a query finds.
func (s *scene) one(t *testing.T, q string) *gmail.Message {
	t.Helper()
	ids := s.find(t, q)
	if len(ids) != 1 {
		t.Fatalf("%s: %d messages, want 1", q, len(ids))
	}
	m, err := s.users.Messages.Get("me", ids[0]).Do()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wantError checks the status and a part of the message of an API error.
func wantError(t *testing.T, err error, status int, message string) {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want an API error with status %d", err, status)
		return
	}
	if e.Code != status || !strings.Contains(e.Message, message) {
		t.Errorf("got %d %q, want %d %q", e.Code, e.Message, status, message)
	}
}

func header(p *gmail.MessagePart, name string) string {
	for _, h := range p.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func decoded(t *testing.T, data string) string {
	t.Helper()
	b, err := base64.URLEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

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
