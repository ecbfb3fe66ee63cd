package broker_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"linkmail/broker"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
	"linkmail/internal/testclock"
)

const apiKey = "la_key-of-agent-one"

// lockedBuffer is a log that a test reads while the broker writes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// rig is a broker on loopback with a stopped clock.
type rig struct {
	t     *testing.T
	b     *broker.Broker
	url   string
	clock *testclock.Clock
	log   *lockedBuffer
	host  string // the Host header, if it is not that of url
}

func newRig(t *testing.T, change func(*broker.Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: testclock.At(time.Now()), log: new(lockedBuffer)}
	srv := httptest.NewUnstartedServer(nil)
	r.url = "http://" + srv.Listener.Addr().String()
	cfg := broker.Config{
		BaseURL:           r.url,
		Dev:               true,
		Keys:              []broker.APIKey{{Name: "agent one", Secret: secret.New(apiKey)}},
		SessionsPerMinute: -1,
		Now:               r.clock.Now,
		Log:               zerolog.New(r.log),
	}
	if change != nil {
		change(&cfg)
	}
	b, err := broker.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	r.b = b
	srv.Config = b.Server()
	srv.Start()
	t.Cleanup(srv.Close)
	return r
}

// answer is a response, read.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// into decodes the body.
func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("decode %q: %v", a.body, err)
	}
}

// problem checks that the answer is a problem with the status and returns it.
func (a answer) problem(status int) wire.Problem {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status = %d, want %d; body %s", a.status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != wire.TypeProblem {
		a.t.Fatalf("Content-Type = %q, want %q", got, wire.TypeProblem)
	}
	var p wire.Problem
	a.into(&p)
	if p.Status != status || p.Title == "" || p.Type == "" {
		a.t.Fatalf("problem %s lacks status, title or type", a.body)
	}
	return p
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status = %d, want %d; body %s", a.status, status, a.body)
	}
	return a
}

// do sends a request without following redirects; path may be a full URL.
func (r *rig) do(c *http.Client, req *http.Request) answer {
	r.t.Helper()
	client := *c
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return answer{r.t, resp.StatusCode, resp.Header, string(body)}
}

func (r *rig) request(method, path, body string, header ...string) *http.Request {
	r.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = r.url + path
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = r.host
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// send sends a request as a program does, without cookies.
func (r *rig) send(method, path, body string, header ...string) answer {
	r.t.Helper()
	return r.do(&http.Client{}, r.request(method, path, body, header...))
}

// agent is the side that wants a credential.
type agent struct {
	r       *rig
	key     *rsa.PrivateKey
	created wire.Created
}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func publicKey(t *testing.T) string {
	t.Helper()
	text, err := wire.EncodePublicKey(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tryCreate asks for a session; the fields go on top of a good public key.
func (r *rig) tryCreate(fields map[string]any) answer {
	r.t.Helper()
	body := map[string]any{"public_key": publicKey(r.t), "template": "api_key", "display_name": "Test agent"}
	for name, value := range fields {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send("POST", "/v1/sessions", string(text), "Content-Type", "application/json", "X-API-Key", apiKey)
}

func (r *rig) create(fields map[string]any) *agent {
	r.t.Helper()
	a := &agent{r: r, key: testKey()}
	r.tryCreate(fields).want(http.StatusCreated).into(&a.created)
	return a
}

// pollNow polls at once, pollLater after the interval.
func (a *agent) pollNow() answer {
	a.r.t.Helper()
	return a.r.send("GET", "/v1/sessions/"+a.created.SessionID, "",
		"Authorization", "Bearer "+a.created.PollToken, "X-API-Key", apiKey)
}

func (a *agent) pollLater() wire.Poll {
	a.r.t.Helper()
	a.r.clock.Advance(5 * time.Second)
	var p wire.Poll
	a.pollNow().want(http.StatusOK).into(&p)
	return p
}

// fetch polls once and opens what it gets.
func (a *agent) fetch() string {
	a.r.t.Helper()
	p := a.pollLater()
	if p.Status != wire.Ready || p.Ciphertext == nil || p.Algorithm == nil || *p.Algorithm != wire.Algorithm {
		a.r.t.Fatalf("poll = %+v, want ready with an envelope", p)
	}
	plain, err := wire.Open(a.key, *p.Ciphertext)
	if err != nil {
		a.r.t.Fatal(err)
	}
	return string(plain)
}

func (a *agent) wantStatus(want wire.Status) {
	a.r.t.Helper()
	if got := a.pollLater().Status; got != want {
		a.r.t.Fatalf("poll says %q, want %q", got, want)
	}
}

// person is a browser with its cookies.
type person struct {
	r      *rig
	client *http.Client
}

func (r *rig) person() *person {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &person{r, &http.Client{Jar: jar}}
}

func (p *person) get(path string) answer {
	p.r.t.Helper()
	return p.r.do(p.client, p.r.request("GET", path, ""))
}

func (p *person) postJSON(path string, v any) answer {
	p.r.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return p.r.do(p.client, p.r.request("POST", path, string(body), "Content-Type", "application/json"))
}

// confirm confirms and returns the connect token.
func (p *person) confirm(a *agent) string {
	p.r.t.Helper()
	var c wire.Confirmation
	p.r.do(p.client, p.r.request("POST", "/v1/connect/"+a.created.Code+"/confirm", "")).want(http.StatusOK).into(&c)
	return c.ConnectToken
}

func (p *person) authorize(a *agent, token string) answer {
	p.r.t.Helper()
	return p.r.do(p.client, p.r.request("POST", "/v1/oauth/authorize/"+a.created.Code,
		url.Values{"connect_token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
}

func (p *person) complete(a *agent, token, ciphertext string) answer {
	p.r.t.Helper()
	return p.postJSON("/v1/connect/"+a.created.Code+"/complete", map[string]string{
		"ciphertext": ciphertext, "algorithm": wire.Algorithm, "connect_token": token,
	})
}

// depart confirms and leaves; it returns where the browser was sent.
func (p *person) depart(a *agent) *url.URL {
	p.r.t.Helper()
	where := p.authorize(a, p.confirm(a)).want(http.StatusSeeOther).header.Get("Location")
	u, err := url.Parse(where)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return u
}

// callback comes back with the parameters.
func (p *person) callback(params ...string) answer {
	p.r.t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return p.get("/v1/oauth/callback?" + q.Encode())
}

// idp is an authorization server's token endpoint.
type idp struct {
	*httptest.Server
	mu    sync.Mutex
	forms []url.Values
	given []url.Values // to the revocation endpoint
	// revoked replaces its good answer.
	revoked http.HandlerFunc
	// answer replaces the good answer.
	answer http.HandlerFunc
	// methods are how clients may identify, if the issuer says so.
	methods []string
}

const idpTokens = `{"access_token":"at-canary","refresh_token":"rt-canary","token_type":"Bearer","expires_in":3600,"id_token":"h.p.s"}`

func newIDP(t *testing.T) *idp {
	t.Helper()
	p := &idp{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL + "/", "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"token_endpoint_auth_methods_supported": p.methods, "revocation_endpoint": p.URL + "/revoke",
		})
	})
	takeBack := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.mu.Lock()
		p.given = append(p.given, r.PostForm)
		p.mu.Unlock()
		if p.revoked != nil {
			p.revoked(w, r)
		}
	}
	mux.HandleFunc("POST /revoke", takeBack)
	mux.HandleFunc("POST /oauth/revoke", takeBack) // as Auth0 has it
	issue := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.mu.Lock()
		p.forms = append(p.forms, r.PostForm)
		answer := p.answer
		p.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, idpTokens)
	}
	mux.HandleFunc("POST /token", issue)
	mux.HandleFunc("POST /oauth/token", issue)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *idp) exchanges() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.forms...)
}

// revocations are what came to the revocation endpoint.
func (p *idp) revocations() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.given...)
}

func (p *idp) provider() broker.Provider {
	return broker.Provider{
		ClientID: "client-1", ClientSecret: secret.New("client-secret-canary"),
		AuthURL: p.URL + "/authorize", TokenURL: p.URL + "/token", Issuer: p.URL + "/",
		Scopes: []string{"openid"},
	}
}

// withIDP configures the provider "auth0", whose host is then also allowed
// for passthrough.
func withIDP(p *idp) func(*broker.Config) {
	return func(cfg *broker.Config) { cfg.Providers = map[string]broker.Provider{"auth0": p.provider()} }
}

// newSecureRig is a broker for the world: https, behind a proxy that takes TLS
// off. The test speaks to it as the proxy does.
func newSecureRig(t *testing.T, change func(*broker.Config)) *rig {
	t.Helper()
	r := newRig(t, func(cfg *broker.Config) {
		cfg.Dev, cfg.BaseURL = false, "https://broker.example"
		if change != nil {
			change(cfg)
		}
	})
	r.host = "broker.example"
	return r
}

// serve gives the broker another server, with limits of its own.
func (r *rig) serve(srv *http.Server) {
	r.t.Helper()
	host := strings.TrimPrefix(r.url, "http://")
	ln, err := (&net.ListenConfig{}).Listen(r.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	go func() { _ = srv.Serve(ln) }()
	r.t.Cleanup(func() { _ = srv.Close() })
	r.url, r.host = "http://"+ln.Addr().String(), host
}
