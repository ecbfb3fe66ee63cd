package standin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxTenantBody is the largest request body that the tenant reads, in bytes.
const maxTenantBody = 64 << 10

// auth0State is one tenant. It has its own lock, which is taken before the
// World's and never held while an answer is written.
type auth0State struct {
	mu        sync.Mutex
	tenant    Tenant
	logins    map[string]*loginFlow      // state of the login page -> the authorization request
	codes     map[string]*loginFlow      // authorization code -> the login it concludes
	refresh   map[string]*refreshToken   // by token
	opaque    map[string]opaqueToken     // access tokens without an audience, by token
	accounts  map[string][]*vaultAccount // user sub -> connected accounts, oldest first
	consented map[string][]string        // Google account -> scopes it has ever allowed
	connects  map[string]*connectFlow    // auth_session -> connect flow
	asked     map[string]int             // grant type -> token requests
	window    time.Time                  // start of the rate limit's minute
	inWindow  int
	managers  map[string]manager // management tokens, by token
}

func newAuth0State() *auth0State {
	return &auth0State{
		tenant:    newTenant(),
		logins:    map[string]*loginFlow{},
		codes:     map[string]*loginFlow{},
		refresh:   map[string]*refreshToken{},
		opaque:    map[string]opaqueToken{},
		accounts:  map[string][]*vaultAccount{},
		consented: map[string][]string{},
		connects:  map[string]*connectFlow{},
		asked:     map[string]int{},
		managers:  map[string]manager{},
	}
}

// Auth0 returns the handler of a tenant. Its domain is the host that requests
// name, with the scheme by which they came: issuer and My Account audience
// follow from it, so one address must be used throughout, as at Auth0.
func (w *World) Auth0() http.Handler {
	return w.serve("auth0", &tenantServer{world: w, state: w.auth0})
}

// tenantServer answers the tenant's HTTP requests.
type tenantServer struct {
	world *World
	state *auth0State
}

// ServeHTTP routes by hand: a ServeMux answers unclean paths and wrong methods
// with pages of its own, and an API path never answers with a page.
func (s *tenantServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxTenantBody)
	rw.Header().Set("Cache-Control", "no-store")
	switch route := r.Method + " " + r.URL.Path; route {
	case "GET /.well-known/openid-configuration":
		s.discovery(rw, r)
	case "GET /.well-known/jwks.json":
		tenantJSON(rw, http.StatusOK, keySet())
	case "GET /authorize", "POST /authorize":
		s.authorize(rw, r)
	case "GET " + loginPath:
		s.loginPage(rw, r)
	case "POST " + loginPath:
		s.loginAnswer(rw, r)
	case "POST /oauth/token":
		s.token(rw, r)
	case "POST /oauth/revoke":
		s.revoke(rw, r)
	case "GET /userinfo", "POST /userinfo":
		s.userinfo(rw, r)
	case "GET " + connectPath:
		s.openTicket(rw, r)
	case "GET " + consentPath:
		s.consentPage(rw, r)
	case "POST " + consentPath:
		s.consentAnswer(rw, r)
	case "GET " + stylePath:
		serveStyle(rw)
	default:
		if strings.HasPrefix(r.URL.Path, "/me/") {
			s.myAccount(rw, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, managementPath) {
			s.management(rw, r)
			return
		}
		tenantJSON(rw, http.StatusNotFound, oauthBody("not_found", "Not found."))
	}
}

// tenantBase is the tenant's address as the request named it, without a slash.
func tenantBase(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// discovery follows OpenID Connect Discovery 1.0, section 3.
func (s *tenantServer) discovery(rw http.ResponseWriter, r *http.Request) {
	b := tenantBase(r)
	tenantJSON(rw, http.StatusOK, map[string]any{
		"issuer":                                b + "/",
		"authorization_endpoint":                b + "/authorize",
		"token_endpoint":                        b + "/oauth/token",
		"userinfo_endpoint":                     b + "/userinfo",
		"jwks_uri":                              b + "/.well-known/jwks.json",
		"revocation_endpoint":                   b + "/oauth/revoke",
		"scopes_supported":                      oidcScopes,
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{GrantAuthorizationCode, GrantRefreshToken, GrantVault},
		"code_challenge_methods_supported":      []string{"S256"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "none"},
		"claims_supported":                      []string{"aud", "email", "email_verified", "exp", "iat", "iss", "name", "sub"},
		"request_parameter_supported":           false,
	})
}

// allow counts the request against the tenant's rate limit and reports whether
// it may go on. The headers are those of Auth0's authentication API.
func (s *tenantServer) allow(rw http.ResponseWriter) bool {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	limit, now := s.state.tenant.RateLimit, s.world.cfg.Now()
	if limit <= 0 {
		return true
	}
	if now.Sub(s.state.window) >= time.Minute {
		s.state.window, s.state.inWindow = now, 0
	}
	s.state.inWindow++
	reset := s.state.window.Add(time.Minute)
	h := rw.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-s.state.inWindow)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if s.state.inWindow <= limit {
		return true
	}
	wait := int(reset.Sub(now)/time.Second) + 1
	h.Set("Retry-After", strconv.Itoa(wait))
	h.Set("X-Auth0-Error-Kind", "global-rate-limit")
	return false
}

// tenantJSON writes one JSON answer.
func tenantJSON(rw http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are maps and structs of this package
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	_, _ = rw.Write(b)
}

// tenantBearer returns the access token of the Authorization header (RFC 6750).
func tenantBearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
