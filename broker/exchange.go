package broker

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// maxTokenAnswer bounds what a token endpoint may answer, in bytes.
const maxTokenAnswer = 64 << 10

// redeem completes an OAuth session: it trades the code for tokens and seals
// them to the agent's key.
func (b *Broker) redeem(r *http.Request, s Session, state, cookie string, q url.Values) error {
	p := b.providers[s.Provider]
	if p == nil {
		return unavailable("The OAuth provider is not configured any more.")
	}
	at, err := p.endpoints(r.Context(), b.egress, b.now())
	if err != nil {
		b.audit.fault(s, "provider metadata")
		return unavailable("The OAuth provider cannot be reached.")
	}
	if !p.speaks(at, r.PathValue("provider"), q) {
		return newProblem(http.StatusBadRequest, "Invalid Callback", "The answer does not come from the provider that was asked.")
	}
	if q.Has("error") {
		return b.refused(r, s, state, cookie, q.Get("error"))
	}
	codes := q["code"]
	if len(codes) != 1 || codes[0] == "" || len(codes[0]) > maxCaptured {
		return newProblem(http.StatusBadRequest, "Invalid Callback", "The request lacks what a provider sends back.")
	}
	// From here the person's tab may close: a code that was sent is used up,
	// and its tokens are not to be lost.
	ctx, stop := detached(r.Context())
	defer stop()
	var verifier secret.Text
	s, err = b.update(ctx, s.ID, func(s *Session, _ time.Time) (err error) {
		verifier, err = s.claim(state, cookie)
		return err
	})
	if err != nil {
		return err
	}
	envelope, cause := b.exchange(ctx, p, at, s, codes[0], verifier)
	_, err = b.update(ctx, s.ID, func(s *Session, _ time.Time) error {
		if s.State != Exchanging {
			return errNotAwaited
		}
		if envelope == "" {
			s.fail("server_error")
			return nil
		}
		return s.ready(envelope)
	})
	if cause != nil {
		b.audit.fault(s, cause.Error())
		return authorizationFailed()
	}
	return err
}

// speaks reports whether a callback comes from this provider and not from
// another one that was tricked into answering for it (RFC 9207, RFC 9700
// section 4.4).
func (p *provider) speaks(at endpoints, path string, q url.Values) bool {
	own := ""
	if p.OwnCallback {
		own = p.name
	}
	if path != own {
		return false
	}
	iss := q["iss"]
	if len(iss) == 0 {
		return !at.issParameter
	}
	return p.Issuer == "" || len(iss) == 1 && sameIssuer(iss[0], p.Issuer)
}

// Causes of a failed exchange. Each is a word for the log.
var (
	errTokenEndpoint = errors.New("token endpoint did not answer")
	errTokenStatus   = errors.New("token endpoint refused")
	errTokenAnswer   = errors.New("token endpoint answered without tokens")
	errTokenSeal     = errors.New("tokens could not be sealed")
)

// exchange redeems an authorization code (RFC 6749 section 4.1.3) and returns
// the whole answer, sealed. It is tried once: a code is good for one request.
func (b *Broker) exchange(ctx context.Context, p *provider, at endpoints, s Session, code string, verifier secret.Text) (string, error) {
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {b.redirectURI(p)},
		"code_verifier": {verifier.Reveal()},
	}
	return b.grant(ctx, p, at, form, func(plaintext []byte) (string, error) { return sealFor(s, plaintext) })
}

// isTokenAnswer reports whether body is a JSON object with an access token.
func isTokenAnswer(contentType string, body []byte) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != wire.TypeJSON && !strings.HasSuffix(media, "+json") {
		return false
	}
	var got struct {
		AccessToken json.RawMessage `json:"access_token"`
	}
	err = json.Unmarshal(body, &got)
	defer clear(got.AccessToken)
	return err == nil && len(got.AccessToken) > 2 && got.AccessToken[0] == '"'
}
