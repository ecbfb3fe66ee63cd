package standin

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Where Google's own authorization server has its pages and endpoints.
const (
	googleAuthPath    = "/o/oauth2/v2/auth"
	googleConsentPath = "/o/oauth2/v2/consent"
	googleTokenPath   = "/token"
	googleRevokePath  = "/revoke"
)

// googleState is Google's authorization server, for one project. The lock of
// auth0State guards it, because the accounts are those of the tenant's users.
type googleState struct {
	world     *World
	project   GoogleProject
	flows     map[string]*googleFlow  // open consent pages
	codes     map[string]*googleFlow  // authorization codes
	grants    map[string]*googleGrant // refresh tokens
	consented map[string][]string     // account -> scopes it has allowed the client
	number    int                     // of the last refresh token
	asked     map[string]int          // grant type -> token requests
}

// googleFlow is one authorization request on its way to the token endpoint.
type googleFlow struct {
	redirectURI, state, challenge string
	scopes                        []string
	offline, consent              bool
	hint                          string
	expires                       time.Time
	account                       TenantUser
	refresh                       bool // it earns a refresh token
}

// googleGrant is a refresh token.
type googleGrant struct {
	number  int
	account TenantUser
	scopes  []string
	issued  time.Time
	used    time.Time
	dead    bool
	access  []string // the access tokens that came of it
}

// GoogleOAuth returns the handler of Google's authorization server, with the
// pages of accounts.google.com and the endpoints of oauth2.googleapis.com under
// one address: /o/oauth2/v2/auth, /token and /revoke.
func (w *World) GoogleOAuth() http.Handler { return w.serve("google", w.google) }

// ServeHTTP implements [http.Handler].
func (g *googleState) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxTenantBody)
	rw.Header().Set("Cache-Control", "no-store")
	switch r.Method + " " + r.URL.Path {
	case "GET " + googleAuthPath:
		g.authorize(rw, r)
	case "GET " + googleConsentPath:
		g.consentPage(rw, r)
	case "POST " + googleConsentPath:
		g.consentAnswer(rw, r)
	case "POST " + googleTokenPath:
		g.token(rw, r)
	case "POST " + googleRevokePath:
		g.revoke(rw, r)
	case "GET " + stylePath:
		serveStyle(rw)
	default:
		tenantJSON(rw, http.StatusNotFound, oauthBody("not_found", "Not found."))
	}
}

// authorize checks an authorization request. Google shows most errors on a page
// of its own and sends almost nothing back to the application.
func (g *googleState) authorize(rw http.ResponseWriter, r *http.Request) {
	id, e := g.begin(r.URL.Query())
	if e != nil {
		errorPage(rw, e.status, e.code, e.description)
		return
	}
	sendTo(rw, googleConsentPath+"?"+url.Values{"flow": {id}}.Encode())
}

func (g *googleState) begin(q url.Values) (string, *oauthError) {
	w := g.world
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	p := &g.project
	redirect := q.Get("redirect_uri")
	switch {
	case q.Get("client_id") != p.ClientID:
		return "", &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "The OAuth client was not found."}
	case p.Type != GoogleWeb && p.Type != GoogleDesktop:
		return "", &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "This client type cannot use the authorization code flow."}
	case !p.redirects(redirect):
		return "", &oauthError{status: http.StatusBadRequest, code: "redirect_uri_mismatch", description: "The redirect URI in the request does not match the ones authorized for the OAuth client."}
	case q.Get("response_type") != "code":
		return "", oauthInvalidRequest("Missing required parameter: response_type")
	case strings.TrimSpace(q.Get("scope")) == "":
		return "", oauthInvalidRequest("Missing required parameter: scope")
	}
	if e := checkChallenge(q.Get("code_challenge"), q.Get("code_challenge_method")); e != nil {
		return "", e
	}
	id := rand.Text()
	g.flows[id] = &googleFlow{
		redirectURI: redirect, state: q.Get("state"), challenge: q.Get("code_challenge"),
		scopes: strings.Fields(q.Get("scope")), offline: q.Get("access_type") == "offline",
		consent: slices.Contains(strings.Fields(q.Get("prompt")), "consent"),
		hint:    q.Get("login_hint"), expires: w.cfg.Now().Add(pageLife),
	}
	return id, nil
}

// redirects reports whether the client may send a browser to uri. A desktop
// client may use any port of a loopback address, a web client what is
// registered, byte for byte.
func (p *GoogleProject) redirects(uri string) bool {
	if p.Type == GoogleWeb {
		return slices.Contains(p.RedirectURIs, uri)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// consentPage shows who asks and for what.
func (g *googleState) consentPage(rw http.ResponseWriter, r *http.Request) {
	s := g.world.auth0
	s.showConsent(rw, r, googleConsentPath, func(page string) *consentRequest {
		flow := g.open(page)
		if flow == nil {
			return nil
		}
		account := flow.hint
		if account == "" {
			account = s.tenant.Users[0].Email
		}
		return &consentRequest{app: g.project.Name, account: account, scopes: flow.scopes, redirectURI: flow.redirectURI}
	})
}

// open finds the flow of an open consent page.
func (g *googleState) open(page string) *googleFlow {
	flow := g.flows[page]
	if flow == nil || !g.world.cfg.Now().Before(flow.expires) {
		return nil
	}
	return flow
}

// consentAnswer is what the person chose.
func (g *googleState) consentAnswer(rw http.ResponseWriter, r *http.Request) {
	answerForm(rw, r, r.URL.Query().Get("flow"), g.finish)
}

// finish ends a consent page and returns where the browser goes.
func (g *googleState) finish(id string, form url.Values) (string, *oauthError) {
	s := g.world.auth0
	s.mu.Lock()
	defer s.mu.Unlock()
	flow := g.open(id)
	if flow == nil {
		return "", oauthInvalidRequest(consentEnded)
	}
	account, known := s.tenant.userByEmail(form.Get("account"))
	switch {
	case form.Get("action") == "cancel":
		delete(g.flows, id)
		return backTo(flow.redirectURI, flow.state, url.Values{"error": {"access_denied"}}), nil
	case form.Get("action") != "allow" || !known:
		return "", oauthInvalidRequest("Choose one of the accounts and a button.")
	case len(g.project.TestUsers) > 0 && !slices.Contains(g.project.TestUsers, account.Email):
		return "", &oauthError{status: http.StatusForbidden, code: "access_denied", description: g.project.Name + " has not completed the Google verification process. The app is currently being tested, and can only be accessed by developer-approved testers."}
	}
	delete(g.flows, id)
	flow.account = account
	flow.scopes = ticked(flow.scopes, form)
	flow.refresh = flow.offline && (flow.consent || !g.allowed(account.Email, flow.scopes))
	g.consented[account.Email] = append(g.consented[account.Email], flow.scopes...)
	flow.expires = g.world.cfg.Now().Add(codeLife)
	code := "4/" + rand.Text()
	g.codes[code] = flow
	return backTo(flow.redirectURI, flow.state, url.Values{
		"code": {code}, "scope": {strings.Join(googleScopes(flow.scopes), " ")}, "iss": {googleIssuer},
	}), nil
}

// allowed reports whether the account has allowed all of scopes before.
func (g *googleState) allowed(account string, scopes []string) bool {
	for _, s := range scopes {
		if !slices.Contains(g.consented[account], s) {
			return false
		}
	}
	return true
}
