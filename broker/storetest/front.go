package storetest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
)

// pollInterval is that of the brokers under test: the least there is.
const pollInterval = time.Second

// NewBroker makes a broker in development mode over a store. base is its URL;
// empty is one that only [NewFront] uses.
func NewBroker(base string, store broker.Store, now func() time.Time) (*broker.Broker, error) {
	return newBroker(base, store, now, -1)
}

// NewLimited makes one that limits how many sessions are opened in a minute,
// for [Together].
func NewLimited(base string, store broker.Store, now func() time.Time) (*broker.Broker, error) {
	return newBroker(base, store, now, perMinute)
}

func newBroker(base string, store broker.Store, now func() time.Time, sessionsPerMinute int) (*broker.Broker, error) {
	cfg := config(cmp.Or(base, inProcess), store)
	cfg.Now, cfg.SessionsPerMinute = now, sessionsPerMinute
	return broker.New(cfg)
}

func config(base string, store broker.Store) broker.Config {
	return broker.Config{
		BaseURL: base, Dev: true, Store: store, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		SessionsPerMinute: -1, PollInterval: pollInterval, PassthroughAllow: []string{"provider.example"},
	}
}

// inProcess is the address of a broker that is called without a network.
const inProcess = "http://127.0.0.1:1"

// Front is an agent and a browser before a broker. It is not safe for
// concurrent use except where a method says so.
type Front struct {
	base   string
	client *http.Client
	from   string // the address that it comes from, if not loopback
}

// NewFront calls a handler in this process.
func NewFront(h http.Handler) *Front { return newFront(inProcess, direct{h}) }

// Dial calls a broker at a URL.
func Dial(base string) *Front {
	return newFront(base, &http.Transport{MaxIdleConnsPerHost: 128})
}

func newFront(base string, via http.RoundTripper) *Front {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only for wrong options
	}
	return &Front{base: base, client: &http.Client{
		Transport: via, Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// At is the same agent and browser before another broker of the same store.
// The brokers go by one name, so the browser's cookies go along.
func (f *Front) At(base string) *Front { return &Front{base: base, client: f.client, from: f.from} }

// From is the same agent and browser at another address, before a broker that
// trusts loopback to say so.
func (f *Front) From(address string) *Front {
	return &Front{base: f.base, client: f.client, from: address}
}

// Close lets go of the connections.
func (f *Front) Close() { f.client.CloseIdleConnections() }

// Flow is one session and what its agent and its browser know.
type Flow struct {
	wire.Created
	// Token is the connect token, after Confirm.
	Token string
	// State is that of a passthrough session.
	State string
}

// agentKey is the key of all agents of a test.
var agentKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // only for a wrong size
	}
	return key
})

// Envelope seals text for the agent.
func Envelope(text string) string {
	envelope, err := wire.Seal(&agentKey().PublicKey, []byte(text))
	if err != nil {
		panic(err) // the key is good
	}
	return envelope
}

// Opened is the text of an envelope.
func Opened(envelope string) (string, error) {
	plain, err := wire.Open(agentKey(), envelope)
	return string(plain), err
}

// Create opens a session, with a form or, with a state, a passthrough one. A
// zero ttl is the broker's default.
func (f *Front) Create(state string, ttl time.Duration) (Flow, int, error) {
	public, err := wire.EncodePublicKey(&agentKey().PublicKey)
	if err != nil {
		return Flow{}, 0, err
	}
	seconds := int(ttl / time.Second)
	req := wire.Create{PublicKey: public, Template: "api_key", DisplayName: "Agent", TTL: &seconds}
	if state != "" {
		req.CustomAuthorizeURL = "https://provider.example/connect"
		req.CustomCallbackParams = []string{"connect_code"}
		req.CustomState = state
	}
	flow := Flow{State: state}
	status, err := f.post("/v1/sessions", req, &flow.Created)
	return flow, status, err
}

// Look opens the page, as a browser does first. From then on its address knows
// the code, and what it does with it counts as no guess.
func (f *Front) Look(flow *Flow) (int, error) {
	return f.do(http.MethodGet, "/v1/connect/"+flow.Code, nil, nil)
}

// Confirm confirms. It may be called concurrently; only a caller that gets 200
// changes the flow.
func (f *Front) Confirm(flow *Flow) (int, error) {
	var c wire.Confirmation
	status, err := f.post("/v1/connect/"+flow.Code+"/confirm", nil, &c)
	if status == http.StatusOK {
		flow.Token = c.ConnectToken
	}
	return status, err
}

// Complete sends an envelope. It may be called concurrently.
func (f *Front) Complete(flow *Flow, token, envelope string) (int, error) {
	return f.post("/v1/connect/"+flow.Code+"/complete", wire.Complete{
		Ciphertext: &envelope, Algorithm: wire.Algorithm, ConnectToken: &token,
	}, nil)
}

// Leave sends the browser to the provider.
func (f *Front) Leave(flow *Flow, token string) (int, error) {
	form := url.Values{"connect_token": {token}}.Encode()
	return f.do(http.MethodPost, "/v1/oauth/authorize/"+flow.Code, strings.NewReader(form), nil, "Content-Type", "application/x-www-form-urlencoded")
}

// Return comes back from the provider. It may be called concurrently.
func (f *Front) Return(flow *Flow, connectCode string) (int, error) {
	q := url.Values{"state": {flow.State}, "connect_code": {connectCode}}
	return f.do(http.MethodGet, "/v1/oauth/callback?"+q.Encode(), nil, nil)
}

// CreateLogin opens a session for a login at [KillLogin]'s provider.
func (f *Front) CreateLogin() (Flow, int, error) {
	public, err := wire.EncodePublicKey(&agentKey().PublicKey)
	if err != nil {
		return Flow{}, 0, err
	}
	var flow Flow
	status, err := f.post("/v1/sessions", wire.Create{PublicKey: public, DisplayName: "Agent", OAuthProvider: providerName}, &flow.Created)
	return flow, status, err
}

// Page is what a person's browser gets.
type Page struct {
	Status         int
	Location, Text string
}

// LeaveFor sends the browser to the provider and returns what it gets.
func (f *Front) LeaveFor(flow *Flow) (Page, error) {
	form := url.Values{"connect_token": {flow.Token}}.Encode()
	return f.visit(http.MethodPost, "/v1/oauth/authorize/"+flow.Code, strings.NewReader(form), "Content-Type", "application/x-www-form-urlencoded")
}

// ComeBack comes back from the provider. It may be called concurrently.
func (f *Front) ComeBack(q url.Values) (Page, error) {
	return f.visit(http.MethodGet, "/v1/oauth/callback?"+q.Encode(), nil)
}

// visit is what a browser's window does.
func (f *Front) visit(method, path string, body io.Reader, header ...string) (Page, error) {
	status, got, text, err := f.exchange(method, path, body, append(header, "Accept", "text/html")...)
	return Page{status, got.Get("Location"), string(text)}, err
}

// Poll polls with a token. It may be called concurrently.
func (f *Front) Poll(flow *Flow, token string) (wire.Poll, int, error) {
	var p wire.Poll
	status, err := f.do(http.MethodGet, "/v1/sessions/"+flow.SessionID, nil, &p, "Authorization", "Bearer "+token)
	if err == nil && status == http.StatusOK && (p.Status == wire.Ready) != (p.Ciphertext != nil && *p.Ciphertext != "") {
		err = fmt.Errorf("poll says %q with the envelope %v", p.Status, p.Ciphertext != nil)
	}
	return p, status, err
}

// Deliver runs a whole flow and returns what the agent got. It may be called
// concurrently.
func (f *Front) Deliver(envelope string) (string, error) {
	flow, status, err := f.Create("", 0)
	if err != nil || status != http.StatusCreated {
		return "", fmt.Errorf("create: %d, %w", status, err)
	}
	if status, err = f.Confirm(&flow); err != nil || status != http.StatusOK {
		return "", fmt.Errorf("confirm: %d, %w", status, err)
	}
	if status, err = f.Complete(&flow, flow.Token, envelope); err != nil || status != http.StatusNoContent {
		return "", fmt.Errorf("complete: %d, %w", status, err)
	}
	p, status, err := f.Poll(&flow, flow.PollToken)
	if err != nil || status != http.StatusOK || p.Ciphertext == nil {
		return "", fmt.Errorf("poll: %d, %w", status, err)
	}
	return *p.Ciphertext, nil
}

// Ready reports the status of /readyz.
func (f *Front) Ready() (int, error) { return f.do(http.MethodGet, "/readyz", nil, nil) }

func (f *Front) post(path string, body, into any) (int, error) {
	if body == nil {
		return f.do(http.MethodPost, path, nil, into)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	return f.do(http.MethodPost, path, bytes.NewReader(text), into, "Content-Type", wire.TypeJSON)
}

// exchange sends a request and reads the answer.
func (f *Front) exchange(method, path string, body io.Reader, header ...string) (status int, got http.Header, text []byte, err error) {
	req, err := http.NewRequest(method, f.base+path, body) //nolint:noctx // the client has a timeout
	if err != nil {
		return 0, nil, nil, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if f.from != "" {
		req.Header.Set("X-Forwarded-For", f.from)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, text, err
}

// do sends a request and decodes the body of a good answer. Every 503 has to
// say when to come again.
func (f *Front) do(method, path string, body io.Reader, into any, header ...string) (int, error) {
	status, got, text, err := f.exchange(method, path, body, header...)
	if err != nil {
		return 0, err
	}
	if status == http.StatusServiceUnavailable && got.Get("Retry-After") == "" {
		return status, errors.New("503 without Retry-After")
	}
	if into != nil && status < http.StatusMultipleChoices {
		return status, json.Unmarshal(text, into)
	}
	return status, nil
}

// direct calls a handler as if a client on loopback had.
type direct struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.RemoteAddr, in.RequestURI, in.Host = "127.0.0.1:1024", req.URL.RequestURI(), req.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := &recorder{header: make(http.Header), status: http.StatusOK}
	d.handler.ServeHTTP(rec, in)
	return &http.Response{
		StatusCode: rec.status, Header: rec.header, Body: io.NopCloser(&rec.body), Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
