package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	metadataTTL = time.Hour
	maxMetadata = 256 << 10
)

// errProvider says that a provider's own document is unusable or unreachable.
var errProvider = errors.New("broker: provider cannot be used")

// provider is a configured [Provider], checked, and what its issuer says.
type provider struct {
	Provider
	name string
	urls []*url.URL // the configured ones
	dev  bool

	mu      sync.Mutex
	known   endpoints
	fetched time.Time
}

// endpoints is what is needed of an authorization server.
type endpoints struct {
	auth, token *url.URL
	// revoke is where tokens are taken back (RFC 7009); nil if nobody says.
	revoke *url.URL
	// issParameter: callbacks always carry iss (RFC 9207).
	issParameter bool
	// basicOnly: the client's secret is taken in a header only.
	basicOnly bool
}

func newProvider(name string, cfg Provider, dev bool) (*provider, error) {
	cfg = withDefaults(name, cfg)
	p := &provider{Provider: cfg, name: name, dev: dev}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("provider %q: "+format, append([]any{name}, args...)...))
	}
	if !paramName.MatchString(name) {
		fault("the name is not a letter followed by letters, digits, _ . -")
	}
	if cfg.ClientID == "" {
		fault("ClientID is missing")
	}
	if cfg.Issuer == "" && (cfg.AuthURL == "" || cfg.TokenURL == "") {
		fault("AuthURL and TokenURL, or Issuer, are missing")
	}
	for _, setting := range []struct{ field, value string }{
		{"AuthURL", cfg.AuthURL},
		{"TokenURL", cfg.TokenURL},
		{"Issuer", cfg.Issuer},
		{"RevocationURL", strings.ReplaceAll(cfg.RevocationURL, "{client_id}", "")},
	} {
		if setting.value == "" || setting.value == NoRevocation {
			continue
		}
		u, err := external(setting.value, dev)
		if err != nil {
			fault("%s is not an https URL (under Dev, http on loopback)", setting.field)
			continue
		}
		p.urls = append(p.urls, u)
	}
	for _, audience := range cfg.Audiences {
		if audience == "" || len(audience) > maxAudience || !visible(audience) {
			fault("Audiences holds %q, which is too long or not visible ASCII", audience)
		}
	}
	for _, connection := range cfg.Connections {
		if !connectionName.MatchString(connection) {
			fault("Connections holds %q, which is not the name of a connection", connection)
		}
	}
	for param := range cfg.Extra {
		if !paramName.MatchString(param) || isReserved(param) {
			fault("Extra holds %q, which the broker sets itself", param)
		}
	}
	return p, errors.Join(faults...)
}

// host is the host of the authorization endpoint as far as the configuration
// tells.
func (p *provider) host() string {
	u, err := url.Parse(cmp.Or(p.AuthURL, p.Issuer))
	if err != nil {
		return ""
	}
	return u.Host
}

// endpoints returns the endpoints, asking the issuer where they are not
// configured. Two callers may ask at once: no lock is held meanwhile.
func (p *provider) endpoints(ctx context.Context, out *egress, now time.Time) (endpoints, error) {
	if p.AuthURL != "" && p.TokenURL != "" {
		return p.resolve(metadata{})
	}
	p.mu.Lock()
	known, fetched := p.known, p.fetched
	p.mu.Unlock()
	if age := now.Sub(fetched); known.auth != nil && age >= 0 && age < metadataTTL {
		return known, nil
	}
	doc, err := p.discover(ctx, out)
	if err != nil {
		return endpoints{}, err
	}
	found, err := p.resolve(doc)
	if err != nil {
		return endpoints{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.fetched = found, now
	return found, nil
}

func (p *provider) resolve(doc metadata) (endpoints, error) {
	auth, err := external(cmp.Or(p.AuthURL, doc.Auth), p.dev)
	if err != nil {
		return endpoints{}, fmt.Errorf("%w: authorization endpoint: %w", errProvider, err)
	}
	token, err := external(cmp.Or(p.TokenURL, doc.Token), p.dev)
	if err != nil {
		return endpoints{}, fmt.Errorf("%w: token endpoint: %w", errProvider, err)
	}
	basic := len(doc.AuthMethods) > 0 && !slices.Contains(doc.AuthMethods, "client_secret_post")
	at := endpoints{auth: auth, token: token, issParameter: doc.IssParameter, basicOnly: basic}
	if where := p.revocationURL(doc); where != "" && where != NoRevocation {
		// A bad one costs no login: it is needed when one has failed.
		if revoke, err := external(where, p.dev); err == nil {
			at.revoke = revoke
		}
	}
	return at, nil
}

// lets reports whether an agent may ask for a token for the audience.
func (p *provider) lets(audience string, at endpoints) bool {
	if p.Audiences == nil {
		return audience == at.token.Scheme+"://"+at.token.Host+"/me/"
	}
	return slices.Contains(p.Audiences, audience)
}

// connects reports whether an agent may ask for a token of the connection.
func (p *provider) connects(connection string) bool {
	return p.Connections == nil || slices.Contains(p.Connections, connection)
}

// metadata is the part of an issuer's document that we use (RFC 8414).
type metadata struct {
	Issuer       string `json:"issuer"`
	Auth         string `json:"authorization_endpoint"`
	Token        string `json:"token_endpoint"`
	Revocation   string `json:"revocation_endpoint"`
	IssParameter bool   `json:"authorization_response_iss_parameter_supported"`
	// AuthMethods are how a client may say who it is at the token endpoint.
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
}

func (p *provider) discover(ctx context.Context, out *egress) (doc metadata, err error) {
	where := strings.TrimSuffix(p.Issuer, "/") + "/.well-known/openid-configuration"
	u, err := external(where, p.dev)
	if err != nil {
		return doc, fmt.Errorf("%w: issuer: %w", errProvider, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return doc, errProvider
	}
	resp, err := out.do(req)
	if err != nil {
		return doc, fmt.Errorf("%w: issuer does not answer", errProvider)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
	if err != nil || resp.StatusCode != http.StatusOK || len(body) > maxMetadata || json.Unmarshal(body, &doc) != nil {
		return doc, fmt.Errorf("%w: issuer's document is unusable", errProvider)
	}
	// RFC 8414 section 3.3: a document that speaks for another issuer is not
	// this one's. A final slash is a spelling.
	if !sameIssuer(doc.Issuer, p.Issuer) {
		return doc, fmt.Errorf("%w: document belongs to another issuer", errProvider)
	}
	return doc, nil
}

func sameIssuer(a, b string) bool {
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// redirectURI is the callback that is registered at the provider.
func (b *Broker) redirectURI(p *provider) string {
	uri := b.base.String() + "/v1/oauth/callback"
	if p.OwnCallback {
		uri += "/" + p.name
	}
	return uri
}

// authorizationURL is where the browser goes (RFC 6749 section 4.1.1, RFC 7636
// section 4.3). What the broker sets itself comes last, so that nothing
// overrides it.
func (b *Broker) authorizationURL(p *provider, at endpoints, s Session, state, verifier string) string {
	u := *at.auth
	q := u.Query()
	for name, value := range p.Extra {
		q.Set(name, value)
	}
	for name, value := range s.Params {
		q.Set(name, value)
	}
	q.Set("response_type", "code")
	q.Set("client_id", p.ClientID)
	q.Set("redirect_uri", b.redirectURI(p))
	if len(s.Scopes) > 0 {
		q.Set("scope", strings.Join(s.Scopes, " "))
	}
	q.Set("state", state)
	q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
	q.Set("code_challenge_method", "S256")
	u.RawQuery = q.Encode()
	return u.String()
}
