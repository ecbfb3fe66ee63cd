package linkauth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/auth/linkauth"
	"linkmail/broker/wire"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

const (
	apiKeyCanary    = "la_canary-api-key"
	pollTokenCanary = "pt_canary-poll-token"
	refreshCanary   = "v1.canary-refresh-token"
)

// reply is what the scripted broker says.
type reply struct {
	status int
	header http.Header
	body   string
	hangUp bool
}

func ok(body string) reply { return reply{status: 200, body: body} }

// scripted is a broker that opens sessions "id-1", "id-2" ... and answers polls
// from a script, the last line for ever. It says what a broker would say and
// decides nothing. It tells events only where a test has it do so.
type scripted struct {
	*httptest.Server
	mu      sync.Mutex
	created []wire.Create
	create  func(n int) reply // the answer to the n-th creation, from 1
	polls   []func() reply
	polled  int
	keys    []string // the API keys that came

	events http.HandlerFunc // the stream of every session; nil: there is none
	asked  []request        // polls and streams, with the time
}

// request is one that asked how a session stands.
type request struct {
	stream bool
	at     time.Time
}

func (b *scripted) note(stream bool) { b.asked = append(b.asked, request{stream, time.Now()}) }

func newScripted(t *testing.T) *scripted {
	t.Helper()
	b := &scripted{create: opened}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

// opened is the ordinary answer to a creation.
func opened(n int) reply {
	return reply{status: 201, body: fmt.Sprintf(
		`{"session_id":"id-%d","code":"CODE-%d","url":"https://broker.example/connect/CODE-%d","poll_token":"%s","interval":5,"expires_at":%q,"callback_secret":null,"webhook_url":null}`,
		n, n, n, pollTokenCanary, time.Now().Add(10*time.Minute).UTC().Format("2006-01-02T15:04:05.000000+00:00"))}
}

func (b *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	if strings.HasSuffix(r.URL.Path, "/events") {
		b.stream(w, r)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = append(b.keys, r.Header.Get("X-API-Key"))
	var out reply
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/v1/sessions":
		var in wire.Create
		if err := json.Unmarshal(body, &in); err != nil {
			http.Error(w, "bad", http.StatusUnprocessableEntity)
			return
		}
		b.created = append(b.created, in)
		out = b.create(len(b.created))
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/sessions/id-"):
		if r.Header.Get("Authorization") != "Bearer "+pollTokenCanary {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		b.polled++
		b.note(false)
		out = b.polls[0]()
		if len(b.polls) > 1 {
			b.polls = b.polls[1:]
		}
	default:
		http.NotFound(w, r)
		return
	}
	if out.hangUp {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), out.header)
	w.WriteHeader(out.status)
	_, _ = io.WriteString(w, out.body)
}

func (b *scripted) stream(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	tell := b.events
	b.note(true)
	b.mu.Unlock()
	if tell == nil || r.Header.Get("Authorization") != "Bearer "+pollTokenCanary {
		http.NotFound(w, r)
		return
	}
	tell(w, r)
}

// says makes the script of polls.
func (b *scripted) says(replies ...reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.polls = nil
	for _, r := range replies {
		b.polls = append(b.polls, func() reply { return r })
	}
}

// sealed is the answer "ready" with plaintext for the session created last.
func (b *scripted) sealed(t *testing.T, plaintext string) reply {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	return readyFor(t, b.created[len(b.created)-1].PublicKey, plaintext)
}

func readyFor(t *testing.T, publicKey, plaintext string) reply {
	t.Helper()
	key, err := wire.ParsePublicKey(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wire.Seal(key, []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	return ok(fmt.Sprintf(`{"status":"ready","interval":null,"ciphertext":%q,"algorithm":%q}`, envelope, wire.Algorithm))
}

// opens makes the answer to creations.
func (b *scripted) opens(create func(n int) reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.create = create
}

func (b *scripted) counts() (created, polled int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.created), b.polled
}

// connector returns a new connector, as a new process would make it.
func connector(t *testing.T, url string, store cache.Store, c *testclock.Clock) *linkauth.Connector {
	t.Helper()
	out, err := linkauth.New(linkauth.Config{BrokerURL: url, APIKey: secret.New(apiKeyCanary), Store: store, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
