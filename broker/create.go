package broker

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// codeTries is how often a code is drawn before the broker gives up: with 50
// bits a second try is already a sign that something is wrong.
const codeTries = 5

// Bounds of the OAuth part of a request.
const (
	maxScopes     = 50
	maxParams     = 20
	maxParamValue = 2 << 10
	minState      = 16
	maxState      = 512
)

// create is POST /v1/sessions.
func (b *Broker) create(w http.ResponseWriter, r *http.Request) error {
	key, err := b.admit(r, ScopeSessions)
	if err != nil {
		return err
	}
	if err := b.charge(r, key, "sessions", b.cfg.sessionsPerMinute(), "Too many sessions were opened. Wait before opening another one."); err != nil {
		return err
	}
	req, err := readJSON[wire.Create](w, r, maxCreateBody)
	if err != nil {
		return err
	}
	s, err := b.compose(req)
	if err != nil {
		return err
	}
	if req.EnableWebhook {
		if _, err := b.admit(r, ScopeWebhook); err != nil {
			return err
		}
	}
	deposit, err := b.composeDelivery(&s, req)
	if err != nil {
		return err
	}
	token := pollToken()
	s.ID, s.Poll, s.KeyName, s.State = randomID(), digest(token.Reveal()), key, Pending
	if req.Follows != "" {
		if err := b.follow(r.Context(), &s, req.Follows); err != nil {
			return err
		}
	}
	if err := b.insert(r.Context(), &s); err != nil {
		return err
	}
	b.audit.moved(s, "")
	if b.cfg.ExpiredAsStatus {
		b.ended.remember(s)
	}

	code := s.shownCode()
	link := b.base.String() + "/connect/" + code
	return writeJSON(w, http.StatusCreated, wire.Created{
		SessionID: s.ID,
		Code:      code, UserCode: code,
		URL: link, VerificationURIComplete: link,
		VerificationURI: b.base.String() + "/connect",
		PollToken:       token.Reveal(),
		ExpiresAt:       s.Expires.UTC(),
		Interval:        int(b.interval() / time.Second),
		CallbackSecret:  optional(s.CallbackSecret),
		WebhookURL:      b.webhookURL(s, deposit),
		Follows:         s.Follows,
		Steps:           s.Steps,
	})
}

// insert draws a code and stores the session.
func (b *Broker) insert(ctx context.Context, s *Session) error {
	for range codeTries {
		live, err := b.store.Count(ctx)
		if err != nil {
			return err
		}
		s.Code = secret.New(b.newCode(codeLength(live)))
		err = b.store.Create(ctx, *s)
		switch {
		case errors.Is(err, ErrCodeTaken):
			continue
		case errors.Is(err, ErrStateTaken):
			return conflict("State In Use", "Another open session has this custom_state. Use a fresh random one.")
		}
		return err
	}
	return unavailable("No free code was found.")
}

// compose makes a session of a request, without id, code and tokens.
func (b *Broker) compose(req wire.Create) (Session, error) {
	var s Session
	if _, err := parseKey(req.PublicKey); err != nil {
		return s, err
	}
	life := b.cfg.sessionTTL()
	if req.TTL != nil && *req.TTL != 0 {
		if *req.TTL < 0 {
			return s, newProblem(http.StatusBadRequest, "Invalid TTL", "The ttl is negative.")
		}
		// Compared in seconds first: a huge number would overflow a Duration.
		wished := time.Duration(min(*req.TTL, int(maxTTL/time.Second))) * time.Second
		life = min(max(wished, minTTL), b.cfg.maxTTL())
	}
	s.Created = b.now()
	s.Expires = s.Created.Add(life).Truncate(time.Second) // clients show it to people
	s.PublicKey = req.PublicKey
	s.DisplayName = plainText(req.DisplayName, maxDisplayName)
	if req.Steps < 0 || req.Steps > maxSteps {
		return s, invalid(fault("steps", fmt.Sprintf("want 1 to %d", maxSteps)))
	}
	s.Steps = req.Steps
	var err error
	switch {
	case req.CustomAuthorizeURL != "":
		err = b.composePassthrough(&s, req)
	case req.OAuthProvider != "":
		err = b.composeOAuth(&s, req.OAuthProvider, req.OAuthScopes, req.OAuthExtraParams)
	default:
		err = b.composeTemplate(&s, req)
	}
	return s, err
}

// parseKey reads the public key that an agent sent.
func parseKey(text string) (*rsa.PublicKey, error) {
	if text == "" {
		return nil, invalid(fault("public_key", "is missing"))
	}
	pub, err := wire.ParsePublicKey(text)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), wire.ErrKey.Error()+": ")
		return nil, newProblem(http.StatusBadRequest, "Invalid Public Key", "The public_key is refused: "+reason+".")
	}
	return pub, nil
}

func (b *Broker) composeTemplate(s *Session, req wire.Create) error {
	t, known := templates[req.Template]
	switch {
	case known && t.provider != "":
		scopes := req.OAuthScopes
		if len(scopes) == 0 && req.OAuthExtraParams[slackUserScope] == "" {
			scopes = t.scopes
		}
		return b.composeOAuth(s, t.provider, scopes, req.OAuthExtraParams)
	case known:
		s.Kind, s.Fields = Form, t.fields
		return nil
	case len(req.Fields) == 0:
		return newProblem(http.StatusBadRequest, "Invalid Template", "The template is not known and there are no fields.")
	}
	fields, err := checkFields(req.Fields)
	s.Kind, s.Fields = Form, fields
	return err
}

// scopeToken is a scope as RFC 6749 section 3.3 writes it.
// Repeated that often it takes a while to compile, so the first use does it.
var scopeToken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,256}$`)
})

// goodScopes reports whether a request may ask for these scopes.
func goodScopes(scopes []string) bool {
	return len(scopes) <= maxScopes && !slices.ContainsFunc(scopes, func(s string) bool { return !scopeToken().MatchString(s) })
}

// paramName is a parameter of an authorization request or a callback.
var paramName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// reserved are the parameters that the broker itself sets, or that would let
// an agent choose where the answer goes.
var reserved = []string{
	"client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
	"request", "request_uri", "code_challenge", "code_challenge_method",
}

func isReserved(param string) bool {
	param = strings.ToLower(param)
	return slices.Contains(reserved, param) || strings.HasPrefix(param, "code_challenge")
}

func (b *Broker) composeOAuth(s *Session, name string, scopes []string, params map[string]string) error {
	p, ok := b.providers[name]
	if !ok {
		return newProblem(http.StatusBadRequest, "OAuth Provider Error", "The OAuth provider is not configured at this broker.")
	}
	if !goodScopes(scopes) {
		return invalid(fault("oauth_scopes", fmt.Sprintf("want at most %d scopes without spaces", maxScopes)))
	}
	if len(params) > maxParams {
		return invalid(fault("oauth_extra_params", fmt.Sprintf("has more than %d parameters", maxParams)))
	}
	for name, value := range params {
		if !paramName.MatchString(name) || isReserved(name) || len(value) > maxParamValue {
			return newProblem(http.StatusBadRequest, "Invalid OAuth Parameters",
				"An entry of oauth_extra_params is reserved for the broker, malformed or too long. Reserved are: "+strings.Join(reserved, ", ")+".")
		}
	}
	s.Kind, s.Provider = OAuth, name
	s.Scopes = scopes
	if len(scopes) == 0 && params[slackUserScope] == "" {
		s.Scopes = p.Scopes
	}
	s.Params = maps.Clone(params)
	return nil
}

// slackUserScope is the parameter with the scopes that Slack gives to a token
// of the person, where scope is what it gives to one of a bot. An agent that
// names only the former wants no bot.
const slackUserScope = "user_scope"

// asked lists the scopes that a session asks for, for the person to read.
func (s *Session) asked() []string {
	person := strings.FieldsFunc(s.Params[slackUserScope], func(c rune) bool { return c == ',' || c == ' ' })
	return slices.Concat(s.Scopes, person)
}

func (b *Broker) composePassthrough(s *Session, req wire.Create) error {
	u, err := b.pass.target(req.CustomAuthorizeURL)
	if err != nil {
		return newProblem(http.StatusBadRequest, "Invalid Authorize URL",
			"The custom_authorize_url is refused: "+err.Error()+". It must be https on a host that this broker allows, without user name and fragment.")
	}
	state := req.CustomState
	if len(state) < minState || len(state) > maxState || strings.ContainsFunc(state, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return invalid(fault("custom_state", fmt.Sprintf("want %d to %d printable ASCII characters", minState, maxState)))
	}
	wanted := req.CustomCallbackParams
	if len(wanted) == 0 || len(wanted) > maxParams || slices.ContainsFunc(wanted, func(s string) bool { return !paramName.MatchString(s) }) {
		return invalid(fault("custom_callback_params", fmt.Sprintf("want 1 to %d parameter names", maxParams)))
	}
	s.Kind, s.Target, s.StateDigest = Passthrough, secret.New(u.String()), digest(state)
	s.Wanted = slices.Clone(wanted)
	return nil
}

// destination is the host that a session sends the browser to, for the page.
func (b *Broker) destination(s Session) string {
	switch s.Kind {
	case Passthrough:
		if u, err := parseURL(s.Target.Reveal()); err == nil {
			return u.Host
		}
	case OAuth:
		if p := b.providers[s.Provider]; p != nil {
			return cmp.Or(p.host(), s.Provider)
		}
	}
	return ""
}
