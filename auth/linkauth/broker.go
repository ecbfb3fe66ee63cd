package linkauth

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// replyLimit bounds what is read of a broker's answer: the largest envelope
// and room for what is around it.
const replyLimit = wire.MaxEnvelope + 64<<10

// broker is the other side. It knows the address, the key, and nothing of
// sessions.
type broker struct {
	url  string // without a trailing slash
	key  secret.Text
	http *http.Client
}

func newBroker(cfg Config) (broker, error) {
	u, err := url.Parse(cfg.BrokerURL)
	switch {
	case cfg.BrokerURL == "":
		return broker{}, errors.New("linkauth: the broker's address is missing (LINKAUTH_BROKER_URL)")
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return broker{}, errors.New("linkauth: LINKAUTH_BROKER_URL has to be an address such as https://auth.example.com")
	case u.Scheme == "http" && !auth.Loopback(u.Hostname()):
		return broker{}, errors.New("linkauth: LINKAUTH_BROKER_URL may use http on a loopback address only")
	case u.Scheme != "https" && u.Scheme != "http":
		return broker{}, fmt.Errorf("linkauth: LINKAUTH_BROKER_URL may not use the scheme %q", u.Scheme)
	}
	return broker{url: strings.TrimRight(u.String(), "/"), key: cfg.APIKey, http: auth.NoRedirects(cfg.HTTP)}, nil
}

// reply is what the broker said.
type reply struct {
	status int
	header http.Header
	body   []byte
	// problem is what could be made out of an error's body.
	problem wire.Problem
}

func (r reply) ok() bool { return r.status >= 200 && r.status < 300 }

// ask sends a request and returns the reply, whatever its status. An error
// means that there was no whole reply.
func (b broker) ask(ctx context.Context, method, path string, bearer secret.Text, in any) (reply, error) {
	req, err := b.request(ctx, method, path, bearer, in)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept", wire.TypeJSON+", "+wire.TypeProblem)
	resp, err := b.http.Do(req)
	if err != nil {
		return reply{}, stripped(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, replyLimit+1))
	if err != nil {
		return reply{}, stripped(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header}
	if len(data) <= replyLimit {
		r.body = data
	}
	if !r.ok() {
		_ = json.Unmarshal(r.body, &r.problem) // best effort: the status decides
	}
	return r, nil
}

// events opens the stream of a session's events, which lasts until its body is
// closed or ctx ends. [errNoEvents] means that there is none to be had.
func (b broker) events(ctx context.Context, id string, pollToken secret.Text) (io.ReadCloser, error) {
	req, err := b.request(ctx, http.MethodGet, "/v1/sessions/"+url.PathEscape(id)+"/events", pollToken, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", wire.TypeEvents)
	patient := *b.http
	patient.Timeout = 0 // it would end the stream, too
	resp, err := patient.Do(req)
	if err != nil {
		return nil, stripped(err)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && kind == wire.TypeEvents {
		return resp.Body, nil
	}
	_ = resp.Body.Close()
	if (reply{status: resp.StatusCode}).passing() {
		return nil, statusError(resp.StatusCode)
	}
	return nil, errNoEvents
}

// errNoEvents says that a broker has no stream of events, or that somebody else
// answered.
var errNoEvents = errors.New("linkauth: the broker tells no events")

// request makes a request to the broker, with in as its JSON body unless it is nil.
func (b broker) request(ctx context.Context, method, path string, bearer secret.Text, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("linkauth: encode a request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, body)
	if err != nil {
		return nil, errors.New("linkauth: the broker's session id does not fit into an address")
	}
	if in != nil {
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	if !b.key.IsZero() {
		req.Header.Set(wire.HeaderAPIKey, b.key.Reveal())
	}
	if !bearer.IsZero() {
		req.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	return req, nil
}

// stripped returns what a client's error says besides the address, which has
// the session's id in it.
func stripped(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

// keyRefused reports whether the reply is about the API key rather than about
// what was asked for.
func (r reply) keyRefused() bool {
	return (r.status == 401 || r.status == 403) && strings.Contains(strings.ToLower(r.problem.Title), "api key")
}

// passing reports whether the same request may work later.
func (r reply) passing() bool {
	return r.status == 408 || r.status == 425 || r.status == 429 || r.status >= 500
}

// retryAfter is what the broker wishes, at most an hour; zero if it says nothing.
func (r reply) retryAfter() time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(r.header.Get("Retry-After")))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}

// statusError is the evidence of a reply that was an error.
type statusError int

func (e statusError) Error() string { return "the broker answered HTTP " + strconv.Itoa(int(e)) }

// soon is when to try again what passes by itself, where nobody said when.
const soon = 10 * time.Second

// unreachable is the failure for a request that got no reply.
func (b broker) unreachable(err error) error {
	return &auth.Failure{
		Kind: auth.Unavailable, Code: "broker_unreachable",
		Message: "the LinkAuth broker at " + b.url + " could not be reached",
		Hint:    "Try again; if it stays so, check LINKAUTH_BROKER_URL and the network.",
		Err:     err, RetryAfter: soon,
	}
}

// refusal is the failure for a reply that was an error. hint is for a broker
// that understood and did not want to.
func (b broker) refusal(r reply, hint string) error {
	failure := &auth.Failure{Kind: auth.Misconfigured, Err: statusError(r.status)}
	switch {
	case r.keyRefused(), r.status == 401:
		failure.Kind, failure.Code = auth.Refused, "broker_key_refused"
		failure.Message = "the LinkAuth broker at " + b.url + " did not accept LINKAUTH_API_KEY"
		if b.key.IsZero() {
			failure.Message = "the LinkAuth broker at " + b.url + " asks for an API key"
		}
		failure.Hint = "Set LINKAUTH_API_KEY to a key that the broker knows."
	case r.passing():
		failure.Kind, failure.Code = auth.Unavailable, "broker_unavailable"
		failure.Message = fmt.Sprintf("the LinkAuth broker at %s cannot answer now (HTTP %d)", b.url, r.status)
		failure.Hint, failure.RetryAfter = "Try again later.", cmp.Or(r.retryAfter(), soon)
	case r.status == http.StatusConflict:
		failure.Kind, failure.Code = auth.Unavailable, "broker_state_taken"
		failure.Message = "the LinkAuth broker at " + b.url + " still waits for the end of an earlier try"
		failure.Hint, failure.RetryAfter, failure.Err = "The earlier try has to run out first.", 10*time.Minute, auth.ErrTaken
	case r.status >= 300 && r.status < 400:
		failure.Code = "broker_redirects"
		failure.Message = "the LinkAuth broker at " + b.url + " sends to another address, which is not followed because of the API key"
		failure.Hint = "Set LINKAUTH_BROKER_URL to the address that it has now."
	case r.ok(), r.status == 404, r.status == 405:
		failure.Code = "not_a_broker"
		failure.Message = fmt.Sprintf("something other than a LinkAuth broker answered at %s (HTTP %d)", b.url, r.status)
		failure.Hint = "Check LINKAUTH_BROKER_URL, and whether a proxy or a sign-in page of the network stands in between."
	default:
		failure.Code = "broker_refused"
		failure.Message = fmt.Sprintf("the LinkAuth broker at %s did not accept the request (HTTP %d)", b.url, r.status)
		failure.Hint = hint
	}
	return failure
}
