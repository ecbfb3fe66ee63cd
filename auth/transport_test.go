package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

const canary = "ya29.canary-3f9d"

// series hands out its tokens one after the other and remembers what it was asked.
type series struct {
	mu     sync.Mutex
	tokens []string
	err    error // answered when the tokens are used up
	asked  []string
}

func (s *series) Token(_ context.Context, req auth.Request) (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req.Principal.Subject+" "+req.Scope+" "+req.Rejected.Reveal())
	if len(s.tokens) == 0 {
		return nil, s.err
	}
	token := s.tokens[0]
	s.tokens = s.tokens[1:]
	return &oauth2.Token{AccessToken: token}, nil
}

// service answers with the statuses in turn, the last one for ever, and
// remembers what arrived.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	seen     []string
}

func newService(t *testing.T, statuses ...int) *service {
	t.Helper()
	s := &service{statuses: statuses}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, r.Header.Get("Authorization")+" "+string(body))
		status := s.statuses[0]
		if len(s.statuses) > 1 {
			s.statuses = s.statuses[1:]
		}
		s.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) host() string { return strings.TrimPrefix(s.URL, "http://") }

func as(ctx context.Context, subject string) context.Context {
	return auth.WithPrincipal(ctx, auth.Principal{Subject: subject})
}

func TestTransportAsksOnceMoreAfterA401AndNeverAfterA403(t *testing.T) {
	challenge := &auth.Challenge{URL: "https://broker.example/connect/X"}
	tests := []struct {
		name      string
		statuses  []int
		tokens    []string
		err       error
		body      io.Reader
		want      int
		wantErr   error
		wantSeen  []string
		wantAsked []string
	}{
		{
			name: "a good token is used once", statuses: []int{200}, tokens: []string{"a"},
			want: 200, wantSeen: []string{"Bearer a "}, wantAsked: []string{"ann gmail "},
		},
		{
			name: "a refused token is replaced and the request repeated", statuses: []int{401, 200}, tokens: []string{"a", "b"},
			body: strings.NewReader("hello"), want: 200,
			wantSeen: []string{"Bearer a hello", "Bearer b hello"}, wantAsked: []string{"ann gmail ", "ann gmail a"},
		},
		{
			name: "the second 401 is the answer", statuses: []int{401}, tokens: []string{"a", "b", "c"},
			want: 401, wantSeen: []string{"Bearer a ", "Bearer b "}, wantAsked: []string{"ann gmail ", "ann gmail a"},
		},
		{
			name: "403 is the answer", statuses: []int{403}, tokens: []string{"a", "b"},
			want: 403, wantSeen: []string{"Bearer a "}, wantAsked: []string{"ann gmail "},
		},
		{
			name: "a challenge after a 401 travels up", statuses: []int{401}, tokens: []string{"a"}, err: challenge,
			wantErr: challenge, wantSeen: []string{"Bearer a "}, wantAsked: []string{"ann gmail ", "ann gmail a"},
		},
		{
			name: "a challenge before the first request travels up", statuses: []int{200}, err: challenge,
			wantErr: challenge, wantAsked: []string{"ann gmail "},
		},
		{
			name: "a body that cannot be replayed is not sent twice, but the provider learns of the refusal",
			body: io.MultiReader(strings.NewReader("once")), statuses: []int{401, 200}, tokens: []string{"a", "b"},
			want: 401, wantSeen: []string{"Bearer a once"}, wantAsked: []string{"ann gmail ", "ann gmail a"},
		},
		{
			name: "the same token again is not tried again", statuses: []int{401, 200}, tokens: []string{"a", "a"},
			want: 401, wantSeen: []string{"Bearer a "}, wantAsked: []string{"ann gmail ", "ann gmail a"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			svc := newService(t, test.statuses...)
			provider := &series{tokens: test.tokens, err: test.err}
			client := &http.Client{Transport: &auth.Transport{
				Provider: provider, Scope: "gmail", Hosts: []string{svc.host()}, Base: svc.Client().Transport,
			}}
			req, err := http.NewRequestWithContext(as(t.Context(), "ann"), http.MethodPost, svc.URL, test.body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			switch {
			case test.wantErr != nil:
				if !errors.Is(err, test.wantErr) {
					t.Errorf("error is %v, want %v", err, test.wantErr)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if resp.StatusCode != test.want {
					t.Errorf("status is %d, want %d", resp.StatusCode, test.want)
				}
				if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "answer" {
					t.Errorf("body is %q, %v; want the whole answer", body, err)
				}
				_ = resp.Body.Close()
			}
			if diff := cmp.Diff(test.wantSeen, svc.seen); diff != "" {
				t.Errorf("the service saw (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.wantAsked, provider.asked); diff != "" {
				t.Errorf("the provider was asked (-want +got):\n%s", diff)
			}
			if got := req.Header.Get("Authorization"); got != "" {
				t.Errorf("the caller's request now carries %q", got)
			}
		})
	}
}

// sent is a base transport that records where a request would have gone.
type sent struct{ urls []string }

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.urls = append(s.urls, r.URL.String())
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
}

func TestTransportSendsATokenToTheNamedHostsOnly(t *testing.T) {
	tests := []struct {
		url   string
		hosts string
		want  bool
	}{
		{"https://gmail.googleapis.com/x", "gmail.googleapis.com", true},
		{"https://GMAIL.googleapis.com/x", "gmail.googleapis.com", true},
		{"https://gmail.googleapis.com:443/x", "gmail.googleapis.com", true},
		{"https://gmail.googleapis.com/x", "gmail.googleapis.com:443", true},
		{"http://127.0.0.1:8080/x", "127.0.0.1:8080", true},
		{"http://localhost:8080/x", "localhost:8080", true},
		{"http://[::1]:8080/x", "[::1]:8080", true},
		{"http://gmail.googleapis.com/x", "gmail.googleapis.com", false},
		{"http://gmail.googleapis.com:443/x", "gmail.googleapis.com", false},
		{"http://10.0.0.1:8080/x", "10.0.0.1:8080", false},
		{"https://gmail.googleapis.com:8443/x", "gmail.googleapis.com", false},
		{"https://gmail.googleapis.com.evil.example/x", "gmail.googleapis.com", false},
		{"https://evil.example/gmail.googleapis.com", "gmail.googleapis.com", false},
		{"https://gmail.googleapis.com@evil.example/x", "gmail.googleapis.com", false},
		{"https://user@gmail.googleapis.com/x", "gmail.googleapis.com", false},
		{"https://oauth2.googleapis.com/x", "gmail.googleapis.com", false},
		{"http://127.0.0.1:8081/x", "127.0.0.1:8080", false},
		{"https://gmail.googleapis.com/x", "", false},
		{"ftp://gmail.googleapis.com/x", "gmail.googleapis.com", false},
	}
	for _, test := range tests {
		t.Run(test.url+" against "+test.hosts, func(t *testing.T) {
			base := &sent{}
			provider := &series{tokens: []string{canary}}
			transport := &auth.Transport{Provider: provider, Scope: "gmail", Hosts: []string{test.hosts}, Base: base}
			req, err := http.NewRequestWithContext(as(t.Context(), "ann"), http.MethodGet, test.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			if got := len(base.urls) == 1; got != test.want {
				t.Errorf("sent is %v, want %v", got, test.want)
			}
			var failure *auth.Failure
			if !test.want && (!errors.As(err, &failure) || failure.Code != "host_not_allowed") {
				t.Errorf("error is %v, want a failure host_not_allowed", err)
			}
			if !test.want && len(provider.asked) != 0 {
				t.Error("a token was fetched for a request that cannot be sent")
			}
		})
	}
}

func TestTransportDoesNotFollowARedirectWithTheToken(t *testing.T) {
	other := newService(t, 200)
	svc := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer svc.Close()
	client := &http.Client{Transport: &auth.Transport{
		Provider: &series{tokens: []string{canary, canary}}, Scope: "gmail", Hosts: []string{strings.TrimPrefix(svc.URL, "http://")},
	}}
	req, err := http.NewRequestWithContext(as(t.Context(), "ann"), http.MethodGet, svc.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("the redirect was followed")
	}
	if len(other.seen) != 0 {
		t.Errorf("the other host saw %q", other.seen)
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error holds the token: %v", err)
	}
}

// closer notices that a body was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestTransportRefusesARequestWithoutAPrincipalAndClosesItsBody(t *testing.T) {
	body := &closer{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://gmail.googleapis.com/", body)
	if err != nil {
		t.Fatal(err)
	}
	transport := &auth.Transport{Provider: &series{}, Scope: "gmail", Hosts: []string{"gmail.googleapis.com"}, Base: &sent{}}
	resp, err := transport.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	var failure *auth.Failure
	if !errors.As(err, &failure) || failure.Code != "principal_missing" {
		t.Errorf("error is %v, want a failure principal_missing", err)
	}
	if !body.closed {
		t.Error("the body was left open")
	}
}

func TestStaticAnswersUntilItsTokenIsRefused(t *testing.T) {
	provider := auth.Static(secret.New(canary), "LINKMAIL_GMAIL_TOKEN")
	req := auth.Request{Principal: auth.Principal{Subject: "local"}, Scope: "gmail"}
	token, err := provider.Token(t.Context(), req)
	if err != nil || token.AccessToken != canary {
		t.Fatalf("got %v, %v; want the token", token, err)
	}
	req.Rejected = secret.New("another")
	if token, err = provider.Token(t.Context(), req); err != nil || token.AccessToken != canary {
		t.Errorf("after another token was refused: got %v, %v; want the token", token, err)
	}
	req.Rejected = secret.New(canary)
	_, err = provider.Token(t.Context(), req)
	var failure *auth.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error is %v, want a failure", err)
	}
	if failure.Kind != auth.Refused || failure.Code != "token_refused" || !strings.Contains(failure.Message, "LINKMAIL_GMAIL_TOKEN") {
		t.Errorf("failure is %+v, want one that names the variable", failure)
	}
	if strings.Contains(failure.Message+failure.Hint, canary) {
		t.Error("the failure holds the token")
	}
}

func TestStaticWithoutATokenNamesTheVariable(t *testing.T) {
	_, err := auth.Static(secret.Text{}, "LINKMAIL_GMAIL_TOKEN").Token(t.Context(), auth.Request{Scope: "gmail"})
	if err == nil || !strings.Contains(err.Error(), "LINKMAIL_GMAIL_TOKEN") {
		t.Errorf("error is %v, want one that names the variable", err)
	}
}

func TestStaticRefusesWhatCannotBeAToken(t *testing.T) {
	for _, text := range []string{canary + "\n", "one\ntwo", canary + "\r", "two words", "tab\t", "t\u00f6ken", "\x00"} {
		_, err := auth.Static(secret.New(text), "LINKMAIL_GMAIL_TOKEN").Token(t.Context(), auth.Request{Scope: "gmail"})
		failure, ok := errors.AsType[*auth.Failure](err)
		if !ok || failure.Kind != auth.Refused || failure.Code != "token_malformed" || !strings.Contains(failure.Message, "LINKMAIL_GMAIL_TOKEN") {
			t.Errorf("%q: error is %v, want one that names the variable", text, err)
			continue
		}
		if strings.Contains(failure.Message+failure.Hint, canary) {
			t.Errorf("%q: the failure holds the token", text)
		}
	}
}

func TestCallbackFailureTellsARefusalFromAMistake(t *testing.T) {
	tests := []struct {
		name     string
		params   url.Values
		wantKind auth.Kind
		wantCode string
	}{
		{"no error", url.Values{"code": {"x"}}, 0, ""},
		{"the person said no", url.Values{"error": {"access_denied"}, "error_description": {"User did not authorize the request"}}, auth.Denied, "access_denied"},
		{"a setting is wrong", url.Values{"error": {"unauthorized_client"}}, auth.Misconfigured, "unauthorized_client"},
		{"an error that is not a word", url.Values{"error": {"<script>"}}, auth.Misconfigured, "other"},
		{"an error that is too long", url.Values{"error": {strings.Repeat("a", 65)}}, auth.Misconfigured, "other"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			failure := auth.CallbackFailure(test.params)
			if failure == nil {
				if test.wantKind != 0 {
					t.Fatal("got nil, want a failure")
				}
				return
			}
			var cause *auth.CallbackError
			if !errors.As(failure, &cause) {
				t.Fatalf("the failure %v has no cause", failure)
			}
			if failure.Kind != test.wantKind || cause.Code != test.wantCode {
				t.Errorf("got kind %d, code %q; want %d, %q", failure.Kind, cause.Code, test.wantKind, test.wantCode)
			}
		})
	}
}

func TestCallbackErrorCanBeAskedAboutItsDescriptionButDoesNotShowIt(t *testing.T) {
	failure := auth.CallbackFailure(url.Values{
		"error": {"access_denied"}, "error_description": {"Service not found: canary" + strings.Repeat("x", 500) + "the end"},
	})
	cause, ok := errors.AsType[*auth.CallbackError](failure)
	if !ok {
		t.Fatalf("got %v, want a callback error", failure)
	}
	if !cause.Mentions("service NOT found") || cause.Mentions("the end") || cause.Mentions("something else") {
		t.Error("the description was not looked at as it should")
	}
	if said := fmt.Sprintf("%v %+v %s", failure, failure, cause); strings.Contains(said, "canary") {
		t.Errorf("the description is shown: %s", said)
	}
}
