package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// grantError is a refusal of a token endpoint in OAuth's own words (RFC 6749
// section 5.2).
type grantError struct {
	code   string
	status int
	answer []byte // the whole of it; it has no tokens
}

func (e *grantError) Error() string { return errTokenStatus.Error() + ": " + e.code }

// Is makes every grantError an errTokenStatus.
func (e *grantError) Is(target error) bool { return target == errTokenStatus }

// grant sends a grant to the token endpoint of a provider, as the broker's
// client there, and returns the whole answer, sealed. It is tried once: codes
// and, where they rotate, refresh tokens are good for one request.
func (b *Broker) grant(ctx context.Context, p *provider, at endpoints, form url.Values, seal sealer) (string, error) {
	client := p.identify(at, form)
	// One buffer of fixed size holds the tokens, is sealed as it is and
	// cleared: growing buffers, strings and maps would leave copies behind.
	buf := make([]byte, maxTokenAnswer+1)
	defer clear(buf)
	header, status, n, err := b.egress.postForm(ctx, at.token, client, form, buf)
	switch {
	case errors.Is(err, errLong), errors.Is(err, io.ErrUnexpectedEOF):
		return "", errTokenAnswer
	case err != nil:
		return "", errTokenEndpoint
	case status >= 500 || status == http.StatusTooManyRequests:
		return "", errTokenEndpoint
	}
	answer := buf[:n]
	if refused := refusal(status, answer); refused != nil {
		return "", refused
	}
	if status != http.StatusOK {
		return "", errTokenStatus
	}
	if !isTokenAnswer(header.Get("Content-Type"), answer) {
		return "", errTokenAnswer
	}
	envelope, err := seal(answer)
	if err != nil {
		return "", errTokenSeal
	}
	return envelope, nil
}

// identify says who asks, in the way that the token endpoint wants it (RFC 6749
// section 2.3.1): in the form, or in the header that the returned value is for.
func (p *provider) identify(at endpoints, form url.Values) *url.Userinfo {
	if p.ClientSecret.IsZero() {
		form.Set("client_id", p.ClientID)
		return nil
	}
	if p.BasicAuth || at.basicOnly {
		return url.UserPassword(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret.Reveal()))
	}
	form.Set("client_id", p.ClientID)
	form.Set("client_secret", p.ClientSecret.Reveal())
	return nil
}

// refusal reads the error out of a token endpoint's answer, and is nil if there
// is none. Some providers refuse with status 200.
func refusal(status int, body []byte) *grantError {
	var got struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &got) // what is no JSON names no error
	if got.Error == "" {
		return nil
	}
	code := failureCode(got.Error)
	if status == http.StatusUnauthorized && code == "access_denied" {
		code = "invalid_client" // what Auth0 calls a wrong secret
	}
	return &grantError{code, status, bytes.Clone(body)}
}
