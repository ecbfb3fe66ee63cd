package standin

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// loginPath is where the login page of the tenant is.
const loginPath = "/u/login"

// loginFlow is one authorization request (RFC 6749, section 4.1) on its way
// from /authorize over the login page to the token endpoint.
type loginFlow struct {
	clientID, redirectURI, state string
	audience, challenge, nonce   string
	scopes                       []string
	expires                      time.Time
	user                         TenantUser // set once the person has logged in
}

// authorize checks an authorization request and sends the browser to the login
// page. A request whose redirect URI cannot be trusted ends on an error page of
// the tenant; every other error goes back to the redirect URI.
func (s *tenantServer) authorize(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		errorPage(rw, http.StatusBadRequest, "invalid_request", "The request could not be read.")
		return
	}
	q := r.Form
	if e := s.checkClient(q.Get("client_id"), q.Get("redirect_uri")); e != nil {
		errorPage(rw, e.status, e.code, e.description)
		return
	}
	id, e := s.startLogin(tenantBase(r), q)
	if e != nil {
		sendTo(rw, backTo(q.Get("redirect_uri"), q.Get("state"), url.Values{
			"error": {e.code}, "error_description": {e.description},
		}))
		return
	}
	sendTo(rw, loginPath+"?"+url.Values{"state": {id}}.Encode())
}

// checkClient decides whether a redirect URI may be redirected to at all.
func (s *tenantServer) checkClient(clientID, redirectURI string) *oauthError {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	app := &s.state.tenant.Application
	switch {
	case clientID == "":
		return oauthInvalidRequest("Missing required parameter: client_id")
	case clientID != app.ID:
		return &oauthError{status: http.StatusForbidden, code: "invalid_client", description: "Unknown client: " + clientID}
	case redirectURI == "":
		return oauthInvalidRequest("Missing required parameter: redirect_uri")
	case !slices.Contains(app.Callbacks, redirectURI):
		return &oauthError{
			status: http.StatusForbidden, code: "unauthorized_client",
			description: "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs.",
		}
	}
	return nil
}

// startLogin keeps a valid authorization request and returns its key.
func (s *tenantServer) startLogin(base string, q url.Values) (string, *oauthError) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	t := &s.state.tenant
	flow := &loginFlow{
		clientID: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), state: q.Get("state"),
		audience: q.Get("audience"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"),
		scopes:  strings.Fields(q.Get("scope")),
		expires: s.world.cfg.Now().Add(pageLife),
	}
	switch rt := q.Get("response_type"); rt {
	case "code":
	case "":
		return "", oauthInvalidRequest("Missing required parameter: response_type")
	default:
		return "", &oauthError{code: "unsupported_response_type", description: "Unsupported response type: " + rt}
	}
	if !t.Application.mayUse(GrantAuthorizationCode) {
		return "", grantNotAllowed(GrantAuthorizationCode)
	}
	if e := checkChallenge(flow.challenge, q.Get("code_challenge_method")); e != nil {
		return "", e
	}
	if flow.challenge == "" && t.Application.public() {
		return "", oauthInvalidRequest("Parameter 'code_challenge' is required for this client.")
	}
	if _, e := t.target(base, flow.audience); e != nil {
		return "", e
	}
	if e := t.checkLoginConnection(q.Get("connection")); e != nil {
		return "", e
	}
	// There is never a session from before: the page is where a person decides.
	if slices.Contains(strings.Fields(q.Get("prompt")), "none") {
		return "", &oauthError{code: "login_required", description: "Login required"}
	}
	id := rand.Text()
	s.state.logins[id] = flow
	return id, nil
}

// checkLoginConnection says whether one can log in with the named connection,
// or with any if none is named.
func (t *Tenant) checkLoginConnection(name string) *oauthError {
	if name == "" {
		for _, c := range t.Connections {
			if c.Enabled && c.Authentication {
				return nil
			}
		}
		return oauthInvalidRequest("no connections enabled for the client")
	}
	c := t.Connection(name)
	switch {
	case c == nil || !c.Enabled:
		return oauthInvalidRequest("the connection is not enabled")
	case !c.Authentication:
		return oauthInvalidRequest("The connection is not active for authentication.")
	}
	return nil
}

// loginPage asks who logs in. Looking at it changes nothing.
func (s *tenantServer) loginPage(rw http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("state")
	s.state.mu.Lock()
	var flow loginFlow
	if f := s.state.logins[id]; f != nil {
		flow = *f
	}
	app, users := s.state.tenant.Application.Name, slices.Clone(s.state.tenant.Users)
	s.state.mu.Unlock()
	if !s.world.cfg.Now().Before(flow.expires) {
		errorPage(rw, http.StatusBadRequest, "invalid_request", "This login has ended or was never started. Start again in the application.")
		return
	}
	showPage(rw, http.StatusOK, flow.redirectURI, "login.html", map[string]any{
		"App": app, "Users": users, "Action": loginPath + "?" + url.Values{"state": {id}}.Encode(),
		"Scopes": flow.scopes,
	})
}

// loginAnswer is what the person chose on the login page.
func (s *tenantServer) loginAnswer(rw http.ResponseWriter, r *http.Request) {
	answerForm(rw, r, r.URL.Query().Get("state"), s.finishLogin)
}

// finishLogin ends the page and returns the address that the browser goes to.
func (s *tenantServer) finishLogin(id string, form url.Values) (string, *oauthError) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	flow, now := s.state.logins[id], s.world.cfg.Now()
	if flow == nil || !now.Before(flow.expires) {
		return "", oauthInvalidRequest("This login has ended or was never started. Start again in the application.")
	}
	user, known := s.state.tenant.userByEmail(form.Get("user"))
	refuse := func(text string) (string, *oauthError) {
		delete(s.state.logins, id)
		return backTo(flow.redirectURI, flow.state, url.Values{
			"error": {"access_denied"}, "error_description": {text},
		}), nil
	}
	switch {
	case form.Get("action") == "cancel":
		return refuse("User did not authorize the request")
	case form.Get("action") != "continue" || !known:
		return "", oauthInvalidRequest("Choose one of the users and a button.")
	case s.state.tenant.DenyText != "":
		return refuse(s.state.tenant.DenyText)
	}
	delete(s.state.logins, id)
	flow.user, flow.expires = user, now.Add(codeLife)
	code := rand.Text()
	s.state.codes[code] = flow
	return backTo(flow.redirectURI, flow.state, url.Values{"code": {code}}), nil
}
