package standin

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How long the tenant's own tokens live.
const (
	accessLife = 24 * time.Hour
	idLife     = 10 * time.Hour
)

// tokenAnswer is a success of the token endpoint (RFC 6749, section 5.1).
type tokenAnswer struct {
	AccessToken     string `json:"access_token"`
	RefreshToken    string `json:"refresh_token,omitempty"`
	IDToken         string `json:"id_token,omitempty"`
	Scope           string `json:"scope,omitempty"`
	ExpiresIn       int    `json:"expires_in"`
	IssuedTokenType string `json:"issued_token_type,omitempty"`
	TokenType       string `json:"token_type"`
}

// opaqueToken is what an access token without an audience is good for: the
// user info, nothing else.
type opaqueToken struct {
	sub     string
	scopes  []string
	expires time.Time
}

// token is POST /oauth/token. Checks run in Auth0's order: client, grant type,
// then the grant itself.
func (s *tenantServer) token(rw http.ResponseWriter, r *http.Request) {
	if !s.allow(rw) {
		tenantJSON(rw, http.StatusTooManyRequests, oauthBody("too_many_requests", "Global limit has been reached"))
		return
	}
	var answer tokenAnswer
	p, e := readParams(r)
	if e == nil {
		answer, e = s.grant(tenantBase(r), p)
	}
	writeGrant(rw, answer, e)
}

func (s *tenantServer) grant(base string, p map[string]string) (tokenAnswer, *oauthError) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	app := &s.state.tenant.Application
	if e := authenticate(app, p); e != nil {
		return tokenAnswer{}, e
	}
	grant := p["grant_type"]
	handle := map[string]func(string, map[string]string) (tokenAnswer, *oauthError){
		GrantAuthorizationCode: s.codeGrant,
		GrantRefreshToken:      s.refreshGrant,
		GrantVault:             s.vaultGrant,
	}[grant]
	switch {
	case grant == "":
		return tokenAnswer{}, oauthInvalidRequest("Missing required parameter: grant_type")
	case handle == nil:
		return tokenAnswer{}, &oauthError{
			status: http.StatusForbidden, code: "unsupported_grant_type", description: "Unsupported grant type: " + grant,
		}
	}
	s.state.asked[grant]++
	if !app.mayUse(grant) {
		return tokenAnswer{}, grantNotAllowed(grant)
	}
	return handle(base, p)
}

func grantNotAllowed(grant string) *oauthError {
	return &oauthError{
		status: http.StatusForbidden, code: "unauthorized_client",
		description: "Grant type '" + grant + "' not allowed for the client.",
	}
}

// authenticate checks the client. A wrong secret and an unknown client get
// different error codes, both of which Auth0 has been seen to use.
func authenticate(app *Application, p map[string]string) *oauthError {
	if p["client_id"] == "" {
		return oauthInvalidRequest("Missing required parameter: client_id")
	}
	if p["client_id"] != app.ID {
		return &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "Unauthorized"}
	}
	if app.public() {
		return nil
	}
	if !sameSecret(p["client_secret"], app.Secret) {
		return &oauthError{status: http.StatusUnauthorized, code: "access_denied", description: "Unauthorized"}
	}
	return nil
}

// codeGrant trades an authorization code.
func (s *tenantServer) codeGrant(base string, p map[string]string) (tokenAnswer, *oauthError) {
	var none tokenAnswer
	for _, name := range []string{"code", "redirect_uri"} {
		if p[name] == "" {
			return none, oauthInvalidRequest("Missing required parameter: " + name)
		}
	}
	flow, now := redeem(s.state.codes, p["code"]), s.world.cfg.Now()
	switch {
	case flow == nil || !now.Before(flow.expires) || flow.clientID != p["client_id"]:
		return none, oauthInvalidGrant(http.StatusForbidden, "Invalid authorization code")
	case flow.redirectURI != p["redirect_uri"]:
		return none, oauthInvalidGrant(http.StatusForbidden, "The redirect URI is wrong.")
	case !verifies(flow.challenge, p["code_verifier"]):
		return none, oauthInvalidGrant(http.StatusForbidden, "Failed to verify code verifier")
	}
	t := &s.state.tenant
	api, e := t.target(base, flow.audience)
	if e != nil {
		return none, e
	}
	scopes := intersectScopes(flow.scopes, append(slices.Clone(oidcScopes), api.scopes...))
	offline := slices.Contains(scopes, "offline_access") && api.offline && t.Application.mayUse(GrantRefreshToken)
	if !offline {
		scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == "offline_access" })
	}
	answer := s.answer(base, flow.user, flow.audience, scopes, flow.nonce)
	if offline {
		answer.RefreshToken = s.state.startFamily(now, flow.user, flow.audience, scopes)
	}
	return answer, nil
}

// answer makes the tokens of a user for one audience.
func (s *tenantServer) answer(base string, user TenantUser, audience string, scopes []string, nonce string) tokenAnswer {
	now := s.world.cfg.Now()
	a := tokenAnswer{
		Scope: strings.Join(scopes, " "), ExpiresIn: int(accessLife / time.Second), TokenType: "Bearer",
	}
	openID := slices.Contains(scopes, "openid")
	if audience == "" {
		a.AccessToken = rand.Text() + rand.Text()
		s.state.opaque[a.AccessToken] = opaqueToken{sub: user.Sub, scopes: scopes, expires: now.Add(accessLife)}
	} else {
		var aud any = audience
		if openID && audience != base+MyAccount {
			aud = []string{audience, base + "/userinfo"}
		}
		a.AccessToken = signJWT(map[string]any{
			"iss": base + "/", "sub": user.Sub, "aud": aud, "azp": s.state.tenant.Application.ID,
			"iat": now.Unix(), "exp": now.Add(accessLife).Unix(), "scope": a.Scope,
		})
	}
	if openID {
		id := map[string]any{
			"iss": base + "/", "aud": s.state.tenant.Application.ID,
			"iat": now.Unix(), "exp": now.Add(idLife).Unix(),
		}
		addProfile(id, user, scopes)
		if nonce != "" {
			id["nonce"] = nonce
		}
		a.IDToken = signJWT(id)
	}
	return a
}

// addProfile adds what the scopes let a client know of user (OpenID Connect
// Core 1.0, section 5.4).
func addProfile(m map[string]any, user TenantUser, scopes []string) {
	m["sub"] = user.Sub
	if slices.Contains(scopes, "email") {
		m["email"], m["email_verified"] = user.Email, true
	}
	if slices.Contains(scopes, "profile") {
		nick, _, _ := strings.Cut(user.Email, "@")
		m["name"], m["nickname"] = user.Name, nick
	}
}

// userinfo is OpenID Connect Core 1.0, section 5.3.
func (s *tenantServer) userinfo(rw http.ResponseWriter, r *http.Request) {
	b, now, token := tenantBase(r), s.world.cfg.Now(), tenantBearer(r)
	s.state.mu.Lock()
	o, ok := s.state.opaque[token]
	ok = ok && now.Before(o.expires)
	if !ok {
		if c, err := verifyJWT(token, b+"/userinfo", now); err == nil {
			o, ok = opaqueToken{sub: c.Subject, scopes: strings.Fields(c.Scope)}, true
		}
	}
	user, known := s.state.tenant.userBySub(o.sub)
	s.state.mu.Unlock()
	if !ok || !known {
		rw.Header().Set("WWW-Authenticate", `Bearer realm="Users", error="invalid_token"`)
		tenantJSON(rw, http.StatusUnauthorized, oauthBody("invalid_token", "The access token is not good for the user info."))
		return
	}
	info := map[string]any{}
	addProfile(info, user, o.scopes)
	tenantJSON(rw, http.StatusOK, info)
}
