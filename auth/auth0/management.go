package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// managementLimit bounds what is read of an answer of the Management API; an
// application with many callbacks is larger than a token.
const managementLimit = 1 << 20

// ManagementConfig configures a [Management].
type ManagementConfig struct {
	// Domain is the tenant as in [Config]. If Token names another host of the
	// same tenant, as it does where Domain is a custom domain, that one is
	// asked, because the Management API is on the canonical domain only.
	Domain string
	// Token is an access token of the Management API.
	Token secret.Text
	// ClientID is the application.
	ClientID string
	// Audience is the API that the login asks for; empty if none.
	Audience string
	// Callback is the redirect URI that has to be allowed; empty if the mode
	// has no login.
	Callback string
	// Connection is the connection to look at; default google-oauth2.
	Connection string
	// HTTP sends the requests; nil means a client with a time-out of 15
	// seconds. It should go to the tenant directly: a management token is
	// worth more than all that linkmail otherwise holds.
	HTTP *http.Client
	// Pause waits before a request that was limited is repeated; nil means
	// until the time has passed or the context ends.
	Pause func(context.Context, time.Duration) error
}

// Management reads and changes a tenant's settings through Auth0's Management
// API v2.
type Management struct {
	cfg    ManagementConfig
	base   string // scheme://host of the canonical domain
	domain string // that of the configuration, which may be a custom one
}

// NewManagement returns a Management, or an error that names what is wrong.
func NewManagement(cfg ManagementConfig) (*Management, error) {
	base, err := tenantURL(cfg.Domain)
	switch {
	case err != nil:
		return nil, err
	case cfg.Token.IsZero():
		return nil, errors.New("auth0: the management token is missing (AUTH0_MANAGEMENT_TOKEN)")
	case cfg.ClientID == "":
		return nil, errors.New("auth0: the client id is missing (AUTH0_CLIENT_ID)")
	}
	if cfg.Connection == "" {
		cfg.Connection = googleConnection
	}
	cfg.HTTP = auth.NoRedirects(cfg.HTTP)
	if cfg.Pause == nil {
		cfg.Pause = pause
	}
	return &Management{cfg: cfg, base: canonical(base, cfg.Token), domain: base}, nil
}

// Management returns access to the settings that this provider depends on for
// a service. A nil client means one with a time-out of 15 seconds.
func (p *Provider) Management(token secret.Text, scope string, client *http.Client) (*Management, error) {
	return NewManagement(ManagementConfig{
		Domain: p.base, Token: token, ClientID: p.cfg.ClientID, Audience: p.cfg.Audience,
		Callback: p.callback(), Connection: p.cfg.Connections[scope], HTTP: client,
	})
}

// canonical returns the host that a management token is for. A token that
// cannot be read is for base.
func canonical(base string, token secret.Text) string {
	read, err := readClaims(token.Reveal())
	if err != nil {
		return base
	}
	for _, audience := range read.audience {
		host, ok := strings.CutSuffix(audience, "/api/v2/")
		if home, err := tenantURL(host); ok && err == nil {
			return home
		}
	}
	return base
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// audience is the identifier of the My Account API.
func (m *Management) audience() string { return m.base + "/me/" }

// managementError is the evidence of a call that the Management API refused.
type managementError struct {
	call   string
	status int
	code   string // one word, or empty
	scope  string // the scope that the token lacks, if that is why
}

func (e *managementError) Error() string {
	if e.scope != "" {
		return fmt.Sprintf("AUTH0_MANAGEMENT_TOKEN lacks the scope %s", e.scope)
	}
	return strings.TrimSpace(fmt.Sprintf("the Management API refused to %s (HTTP %d %s)", e.call, e.status, e.code))
}

// missing reports whether err says that a thing does not exist.
func missing(err error) bool {
	e, ok := errors.AsType[*managementError](err)
	return ok && e.status == http.StatusNotFound
}

// attempts is how often a request that was limited is sent.
const attempts = 4

// call sends a request and decodes the answer into out, if it is not nil. what
// completes "refused to".
func (m *Management) call(ctx context.Context, what, method, path string, in, out any) error {
	for n := 1; ; n++ {
		a, err := m.send(ctx, what, method, path, in)
		if err != nil {
			return err
		}
		if a.status == http.StatusTooManyRequests && n < attempts {
			wait := min(max(retryAfter(a.header, time.Now()), time.Second), 30*time.Second)
			if err := m.cfg.Pause(ctx, wait); err != nil {
				return fmt.Errorf("auth0: wait for the Management API: %w", err)
			}
			continue
		}
		if !a.ok() {
			return m.refused(a)
		}
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(a.body, out); err != nil {
			return notAuth0(a)
		}
		return nil
	}
}

func (m *Management) send(ctx context.Context, what, method, path string, in any) (answer, error) {
	api := tenantAPI{http: m.cfg.HTTP, base: m.base, limit: managementLimit}
	return api.send(ctx, what, method, "/api/v2/"+path, m.cfg.Token, in)
}

// refused explains an answer that is an error. What says that nothing can be
// asked at all is a failure; the rest is about the one call.
func (m *Management) refused(a answer) error {
	var in struct {
		StatusCode int    `json:"statusCode"`
		Message    string `json:"message"`
		Code       string `json:"errorCode"`
	}
	if json.Unmarshal(a.body, &in) != nil || in.StatusCode == 0 {
		return notAuth0(a)
	}
	e := &managementError{call: a.call, status: a.status}
	if plainWord(in.Code) {
		e.code = in.Code
	}
	switch {
	case a.status == http.StatusUnauthorized:
		return &auth.Failure{
			Kind: auth.Refused, Code: "management_token_refused",
			Message: "the Management API at " + m.base + " refused AUTH0_MANAGEMENT_TOKEN; it has expired or is of another tenant",
			Hint:    "Take a fresh one from Applications > APIs > Auth0 Management API > API Explorer, or by client credentials for " + m.base + "/api/v2/.",
			Err:     e,
		}
	case a.status == http.StatusTooManyRequests:
		return &auth.Failure{
			Kind: auth.Unavailable, Code: "auth0_busy", RetryAfter: retryAfter(a.header, time.Now()),
			Message: "the Management API limits how often it may be asked, and the limit is reached",
			Hint:    "Run it again in a minute; what was done so far stays.", Err: e,
		}
	case a.status == http.StatusForbidden:
		if _, names, ok := strings.Cut(in.Message, "expected any of: "); ok {
			e.scope = scopeWord(names)
		}
	}
	return e
}

// scopeWord returns the first scope of a list if it looks like one.
func scopeWord(list string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(list), ",")
	if len(word) > 64 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_:") != "" {
		return ""
	}
	return word
}

// notAuth0 is the failure for an answer in a form that Auth0 does not use.
func notAuth0(a answer) error {
	return &auth.Failure{
		Kind: auth.Unavailable, Code: "auth0_not_reached",
		Message: fmt.Sprintf("something other than Auth0's Management API answered the request to %s (HTTP %d)", a.call, a.status),
		Hint:    "Check AUTH0_DOMAIN, and whether a proxy or a sign-in page of the network stands in between.",
		Err:     &ResponseError{Call: a.call, Status: a.status},
	}
}
