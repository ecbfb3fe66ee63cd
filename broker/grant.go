package broker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// grantError is a refusal of a token endpoint in OAuth's own words (RFC 6749
// section 5.2).
type grantError struct{ code string }

func (e *grantError) Error() string { return errTokenStatus.Error() + ": " + e.code }

// Is makes every grantError an errTokenStatus.
func (e *grantError) Is(target error) bool { return target == errTokenStatus }

// grant sends a grant to the token endpoint of a provider, as the broker's
// client there, and hands the whole answer to keep, which keeps no part of it
// in clear. It is tried once: codes and, where they rotate, refresh tokens are
// good for one request. The caller clears the form. A refusal is handed to
// refused in the same way; nil for nobody who wants it.
func (b *Broker) grant(ctx context.Context, p *provider, at endpoints, f *form, keep func(answer []byte) error, refused hearer) error {
	client := p.identify(at, f)
	// One buffer of fixed size holds the tokens, is sealed as it is and
	// cleared: growing buffers, strings and maps would leave copies behind.
	buf := make([]byte, maxTokenAnswer+1)
	defer clear(buf)
	q := quiet{method: http.MethodPost, to: at.token, client: client, media: typeForm, body: f.text}
	header, status, n, err := b.egress.quietly(ctx, q, buf)
	switch {
	case errors.Is(err, errLong), errors.Is(err, io.ErrUnexpectedEOF):
		return errTokenAnswer
	case err != nil:
		return errTokenEndpoint
	case status >= 500 || status == http.StatusTooManyRequests:
		return errTokenEndpoint
	}
	answer := buf[:n]
	// Some providers refuse with status 200.
	if code := refusalCode(status, answer); code != "" {
		if refused != nil {
			refused(status, answer)
		}
		return &grantError{code}
	}
	if status != http.StatusOK {
		return errTokenStatus
	}
	if !isTokenAnswer(header.Get("Content-Type"), answer) {
		return errTokenAnswer
	}
	return keep(answer)
}

// identify says who asks, in the way that the token endpoint wants it (RFC 6749
// section 2.3.1): in the form, or in the header that the returned value is for.
func (p *provider) identify(at endpoints, f *form) *url.Userinfo {
	if p.ClientSecret.IsZero() {
		put(f, "client_id", p.ClientID)
		return nil
	}
	if p.BasicAuth || at.basicOnly {
		return url.UserPassword(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret.Reveal()))
	}
	put(f, "client_id", p.ClientID)
	put(f, "client_secret", p.ClientSecret.Reveal())
	return nil
}

// hearer is told what a provider refused with. It keeps no part of it in clear,
// because the answer may repeat what was sent.
type hearer func(status int, answer []byte)

// refusalCode is the error code of a token endpoint's answer, and empty if it
// is none.
func refusalCode(status int, body []byte) string {
	var got struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &got) != nil || got.Error == "" {
		return ""
	}
	code := failureCode(got.Error)
	if status == http.StatusUnauthorized && code == "access_denied" {
		return "invalid_client" // what Auth0 calls a wrong secret
	}
	return code
}
