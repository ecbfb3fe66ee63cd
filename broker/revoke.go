package broker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"linkmail/broker/wire"
)

// NoRevocation as a [Provider]'s RevocationURL leaves tokens alone that could
// not be kept.
const NoRevocation = "none"

const (
	// revocationTimeout bounds the attempt to give tokens back: a person waits
	// for the page meanwhile.
	revocationTimeout = 5 * time.Second
	// maxRevocationAnswer bounds what a revocation endpoint may answer, in bytes.
	maxRevocationAnswer = 16 << 10
)

// Outcomes of a revocation. Each is a word for the log.
var (
	errNoRevocation      = errors.New("provider has no revocation endpoint")
	errRevocationOff     = errors.New("turned off")
	errRevocationFailed  = errors.New("revocation endpoint did not answer")
	errRevocationRefused = errors.New("revocation endpoint refused")
)

// giveBack asks the provider to revoke the tokens of an answer that nobody will
// get: they would stay good, and nobody would know of them. It is tried once
// for each token and for [revocationTimeout] in all.
func (b *Broker) giveBack(ctx context.Context, p *provider, s Session, answer []byte) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), revocationTimeout)
	defer stop()
	got := readIssued(answer)
	defer got.clear()
	at, err := p.revocation(ctx, b.egress, b.now())
	if err == nil {
		for _, token := range p.revocable(&got) {
			err = errors.Join(err, b.revoke(ctx, p, at, token, nil))
		}
	}
	b.audit.revoked(s, err)
}

// revocation returns the endpoints of a provider with the one that takes tokens
// back: as configured, as commonly known, or as the issuer says, in this order.
func (p *provider) revocation(ctx context.Context, out *egress, now time.Time) (endpoints, error) {
	if p.RevocationURL == NoRevocation {
		return endpoints{}, errRevocationOff
	}
	at, err := p.endpoints(ctx, out, now)
	if err != nil {
		return endpoints{}, errRevocationFailed
	}
	if at.revoke == nil && p.Issuer != "" { // its document was not needed until now
		doc, err := p.discover(ctx, out)
		if err != nil {
			return endpoints{}, errRevocationFailed
		}
		if at, err = p.resolve(doc); err != nil {
			return endpoints{}, errRevocationFailed
		}
	}
	if at.revoke == nil {
		return endpoints{}, errNoRevocation
	}
	return at, nil
}

// revocable lists the tokens to give back. A refresh token stands for all that
// came of the login (RFC 7009 section 2.1); these two providers revoke the
// tokens that they are shown.
func (p *provider) revocable(got *issued) []quietText {
	tokens := []quietText{got.RefreshToken}
	if p.name == "github" || p.name == "slack" || len(got.RefreshToken) == 0 {
		tokens = []quietText{got.AccessToken, got.AuthedUser.AccessToken}
	}
	return slices.DeleteFunc(tokens, func(t quietText) bool { return len(t) == 0 })
}

// revoke gives one token back (RFC 7009 section 2.1). A refusal in OAuth's
// words is handed to refused, if that is not nil, and told as a grantError.
func (b *Broker) revoke(ctx context.Context, p *provider, at endpoints, token quietText, refused hearer) error {
	q := quiet{method: http.MethodPost, to: at.revoke, media: typeForm}
	var body form
	defer body.clear()
	switch p.name {
	case "github": // "Delete an app token" of its REST API
		if !plainToken(token) {
			return errRevocationRefused
		}
		q.method, q.media = http.MethodDelete, wire.TypeJSON
		q.client = url.UserPassword(p.ClientID, p.ClientSecret.Reveal())
		body.grow(len(`{"access_token":""}`) + len(token))
		body.text = append(append(append(body.text, `{"access_token":"`...), token...), `"}`...)
	case "slack": // auth.revoke: whoever has the token may
		put(&body, "token", token)
	default:
		put(&body, "token", token)
		q.client = p.identify(at, &body)
	}
	q.body = body.text
	buf := make([]byte, maxRevocationAnswer)
	defer clear(buf) // an error page may repeat what was sent
	_, status, n, err := b.egress.quietly(ctx, q, buf)
	switch {
	case err != nil, status >= 500, status == http.StatusTooManyRequests:
		return errRevocationFailed
	}
	code := refusalCode(status, buf[:n])
	switch {
	case code != "" && refused != nil:
		refused(status, buf[:n])
		return &grantError{code}
	case code != "", status < 200, status > 299: // Slack refuses with status 200
		return errRevocationRefused
	}
	return nil
}

// plainToken reports whether a token needs no escapes in JSON.
func plainToken(token quietText) bool {
	return visible(token) && !bytes.ContainsAny(token, `"\`)
}

// revocationURL is the revocation endpoint as far as it is known without asking
// anybody.
func (p *provider) revocationURL(doc metadata) string {
	known := cmp.Or(p.RevocationURL, doc.Revocation)
	if base, ok := strings.CutSuffix(p.TokenURL, "/oauth/token"); known == "" && ok && p.name == "auth0" {
		return base + "/oauth/revoke"
	}
	return strings.ReplaceAll(known, "{client_id}", url.PathEscape(p.ClientID))
}
