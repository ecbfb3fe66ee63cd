package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"linkmail/internal/secret"
)

// endpointLimit bounds what is read of a token endpoint's answer, in bytes.
const endpointLimit = 64 << 10

// TokenEndpoint is an OAuth token endpoint (RFC 6749 section 3.2) and the
// client that asks it.
type TokenEndpoint struct {
	// Name is what messages call it, for example "Google".
	Name string
	// URL has to be https, or http on a loopback address.
	URL string
	// ClientID and ClientSecret are sent in the body; an empty secret is left out.
	ClientID     string
	ClientSecret secret.Text
	// HTTP sends the request; nil means a client with a time-out of 15
	// seconds. Redirects are never followed.
	HTTP *http.Client
}

// TokenAnswer is a success of a token endpoint (RFC 6749 section 5.1).
type TokenAnswer struct {
	AccessToken, RefreshToken, IDToken secret.Text
	TokenType                          string
	// Life is how long the access token lives; zero if that was not said.
	Life time.Duration
	// Scopes is empty if the answer names none, which means those asked for.
	Scopes []string
}

// EndpointError is a refusal of a token endpoint (RFC 6749 section 5.2). It
// holds no text of the answer but the code, where that is one plain word.
type EndpointError struct {
	Status int
	Code   string
}

func (e *EndpointError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the token endpoint answered HTTP %d %s", e.Status, e.Code))
}

// NewEndpointError returns the error for a refusal with the given code, or with
// the code "other" if it is not one plain word.
func NewEndpointError(status int, code string) *EndpointError {
	if !word(code) {
		code = "other"
	}
	return &EndpointError{Status: status, Code: code}
}

// ErrCannotRenew says that whoever was asked to renew a token does not do that.
var ErrCannotRenew = errors.New("auth: there is nothing to renew a token with")

// Ask sends form and returns the answer. Its error is an [*EndpointError] if
// the endpoint refused, and a [*Failure] of kind [Unavailable] if there was no
// answer, or none that a token endpoint would give.
func (e TokenEndpoint) Ask(ctx context.Context, form url.Values) (TokenAnswer, error) {
	body, err := e.Post(ctx, e.URL, form)
	if err != nil {
		return TokenAnswer{}, err
	}
	var in struct {
		AccessToken  string          `json:"access_token"`
		RefreshToken string          `json:"refresh_token"`
		IDToken      string          `json:"id_token"`
		TokenType    string          `json:"token_type"`
		Scope        string          `json:"scope"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
	}
	if json.Unmarshal(body, &in) != nil || in.AccessToken == "" {
		return TokenAnswer{}, e.foreign(http.StatusOK)
	}
	return TokenAnswer{
		AccessToken: secret.New(in.AccessToken), RefreshToken: secret.New(in.RefreshToken), IDToken: secret.New(in.IDToken),
		TokenType: in.TokenType, Life: life(in.ExpiresIn), Scopes: SplitScopes(in.Scope),
	}, nil
}

// Post sends form with the client's credentials to address, which is one of
// the provider's endpoints, and returns the body of a success. Its errors are
// those of Ask.
func (e TokenEndpoint) Post(ctx context.Context, address string, form url.Values) ([]byte, error) {
	sent := url.Values{"client_id": {e.ClientID}}
	if !e.ClientSecret.IsZero() {
		sent.Set("client_secret", e.ClientSecret.Reveal())
	}
	maps.Copy(sent, form)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(sent.Encode()))
	if err != nil {
		return nil, &Failure{Kind: Misconfigured, Code: "endpoint_invalid", Message: "the address of " + e.Name + " cannot be used"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := NoRedirects(e.HTTP).Do(req)
	if err != nil {
		return nil, e.unreached(ctx, req.URL.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, endpointLimit+1))
	if err != nil {
		return nil, e.unreached(ctx, req.URL.Host, err)
	}
	return e.judge(resp, body)
}

// judge tells a success from a refusal and from what says nothing.
func (e TokenEndpoint) judge(resp *http.Response, body []byte) ([]byte, error) {
	status := resp.StatusCode
	if status == http.StatusTooManyRequests || status >= 500 {
		wait, _ := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After")))
		return nil, &Failure{
			Kind: Unavailable, Code: "provider_busy",
			Message:    fmt.Sprintf("%s cannot answer now (HTTP %d)", e.Name, status),
			Hint:       "Try again later. The sign-in is kept.",
			RetryAfter: min(max(time.Duration(wait)*time.Second, 0), time.Hour),
			Err:        &EndpointError{Status: status},
		}
	}
	object := len(body) <= endpointLimit && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && json.Valid(body)
	if status >= 200 && status < 300 {
		if !object && len(bytes.TrimSpace(body)) > 0 {
			return nil, e.foreign(status)
		}
		return body, nil
	}
	var in struct {
		Error string `json:"error"`
	}
	if !object || json.Unmarshal(body, &in) != nil || in.Error == "" {
		return nil, e.foreign(status)
	}
	return nil, NewEndpointError(status, in.Error)
}

func (e TokenEndpoint) foreign(status int) *Failure {
	return &Failure{
		Kind: Unavailable, Code: "provider_not_reached",
		Message: fmt.Sprintf("something other than %s answered (HTTP %d)", e.Name, status),
		Hint:    "Check whether a proxy or a sign-in page of the network stands in between. The sign-in is kept.",
		Err:     &EndpointError{Status: status},
	}
}

// unreached is the error for a request that got no whole answer.
func (e TokenEndpoint) unreached(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure // a transport of ours knows better
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // the address around it says nothing new
	}
	return &Failure{
		Kind: Unavailable, Code: "provider_unreachable",
		Message: fmt.Sprintf("%s at %s could not be reached: %s", e.Name, host, Unreached(err)),
		Hint:    "Try again; if it stays so, check the network. The sign-in is kept.",
		Err:     err,
	}
}

// life reads expires_in: seconds, by some implementations in quotes. What is
// not a positive number is zero.
func life(raw json.RawMessage) time.Duration {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || !(n > 0) {
		return 0
	}
	return time.Duration(min(n, 10*365*24*3600)) * time.Second
}

// SplitScopes splits a scope string; most providers separate by space, some by comma.
func SplitScopes(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}
