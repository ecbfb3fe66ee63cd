package auth0_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/linkauth"
	"linkmail/broker/wire"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

// said is one answer of the scripted tenant.
type said struct {
	status int
	header map[string]string
	body   string
	hangUp bool
}

// scripted is a tenant that says what the test wants, for what the stand-in is
// too well-behaved to say. Unset answers are the ordinary ones.
type scripted struct {
	*httptest.Server
	mu       sync.Mutex
	exchange said
	refresh  said
	connect  said
	complete said
	seen     []string // call and the refresh token it came with
	state    string   // of the last connect request
}

const refreshToken = "v1.canary-configured"

func newScripted(t *testing.T) *scripted {
	t.Helper()
	s := &scripted{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.exchange = said{status: 401, body: `{"error":"federated_connection_refresh_token_not_found","error_description":"Federated connection Refresh Token not found."}`}
	s.refresh = said{status: 200, body: fmt.Sprintf(`{"access_token":%q,"expires_in":86400,"token_type":"Bearer"}`, s.myAccount("create:me:connected_accounts"))}
	s.connect = said{status: 201, body: fmt.Sprintf(`{"auth_session":"as-1","connect_uri":"%s/connect?lang=en","connect_params":{"ticket":"canary-ticket&x"},"expires_in":300}`, s.URL)}
	s.complete = said{status: 201, body: `{"id":"cac_1","connection":"google-oauth2"}`}
	return s
}

// myAccount is a token for the tenant's My Account API.
func (s *scripted) myAccount(scope string) string {
	return unsigned(map[string]any{"aud": s.URL + "/me/", "scope": scope})
}

func unsigned(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(payload) + ".canary"
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	text := func(name string) string { v, _ := in[name].(string); return v }
	s.mu.Lock()
	defer s.mu.Unlock()
	var out said
	switch {
	case r.URL.Path == "/oauth/token" && text("grant_type") == "refresh_token":
		s.seen = append(s.seen, "refresh "+text("refresh_token"))
		out = s.refresh
	case r.URL.Path == "/oauth/token":
		s.seen = append(s.seen, "exchange "+text("subject_token"))
		out = s.exchange
	case r.URL.Path == connectPath:
		s.seen = append(s.seen, "connect")
		s.state = text("state")
		out = s.connect
	case r.URL.Path == completePath:
		s.seen = append(s.seen, "complete "+text("connect_code"))
		out = s.complete
	default:
		out = said{status: 404, body: `{}`}
	}
	if out.hangUp {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	for name, value := range out.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(out.status)
	_, _ = io.WriteString(w, out.body)
}

// set changes the script.
func (s *scripted) set(f func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// calls returns what the tenant was asked so far.
func (s *scripted) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// connected is a broker whose person has always just come back with what the
// test wants. It keeps the sessions it opened.
type connected struct {
	*httptest.Server
	mu      sync.Mutex
	opened  []wire.Create
	result  string // plaintext; empty means pending
	clashes int    // how many creations to answer with 409
}

func newConnected(t *testing.T) *connected {
	t.Helper()
	b := &connected{}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *connected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method == http.MethodPost {
		if b.clashes > 0 {
			b.clashes--
			w.WriteHeader(http.StatusConflict)
			return
		}
		var in wire.Create
		_ = json.Unmarshal(body, &in)
		b.opened = append(b.opened, in)
		n := len(b.opened)
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"session_id":"%d","code":"C-%d","url":"https://broker.example/connect/C-%d","poll_token":"pt_canary"}`, n, n, n)
		return
	}
	if b.result == "" {
		_, _ = io.WriteString(w, `{"status":"pending"}`)
		return
	}
	var n int
	_, _ = fmt.Sscanf(r.URL.Path, "/v1/sessions/%d", &n)
	key, err := wire.ParsePublicKey(b.opened[n-1].PublicKey)
	if err != nil {
		http.Error(w, "key", 500)
		return
	}
	envelope, err := wire.Seal(key, []byte(b.result))
	if err != nil {
		http.Error(w, "seal", 500)
		return
	}
	_, _ = fmt.Fprintf(w, `{"status":"ready","ciphertext":%q}`, envelope)
}

// bench is a scripted tenant with a scripted broker, and a memory that
// survives the processes.
type bench struct {
	t      *testing.T
	tenant *scripted
	broker *connected
	store  cache.Store
	clock  *testclock.Clock
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c := testclock.At(time.Now())
	return &bench{t: t, tenant: newScripted(t), broker: newConnected(t), store: cache.NewMemory(c.Now), clock: c}
}

// ask is one call in a process of its own, with a configured refresh token.
func (b *bench) ask(req auth.Request, change func(*auth0.Config)) (expires time.Time, err error) {
	b.t.Helper()
	connector, err := linkauth.New(linkauth.Config{BrokerURL: b.broker.URL, Store: b.store, Now: b.clock.Now})
	if err != nil {
		b.t.Fatal(err)
	}
	cfg := auth0.Config{
		Domain: b.tenant.URL, ClientID: "client", ClientSecret: secret.New("canary-secret"),
		RefreshToken: secret.New(refreshToken), Connector: connector, Store: b.store, Now: b.clock.Now,
	}
	if change != nil {
		change(&cfg)
	}
	p, err := auth0.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	got, err := p.Token(b.t.Context(), req)
	if err != nil {
		return time.Time{}, err
	}
	return got.Expiry, nil
}

// good is the ordinary answer to an exchange.
func good(rest string) said {
	return said{status: 200, body: `{"access_token":"ya29.canary","token_type":"Bearer"` + rest + `}`}
}
