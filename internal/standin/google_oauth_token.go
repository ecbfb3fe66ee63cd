package standin

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	googleIssuer = "https://accounts.google.com"
	// googleTesting is how long a refresh token of an app in testing lives,
	// googleIdle how long one may lie unused.
	googleTesting = 7 * 24 * time.Hour
	googleIdle    = 183 * 24 * time.Hour
	// googleTokens is how many refresh tokens an account may have with one
	// client; the oldest dies without a word.
	googleTokens = 100
)

// deadGoogleToken is what Google says of every refresh token that no longer
// works, whatever the reason.
const deadGoogleToken = "Token has been expired or revoked." //nolint:gosec // a sentence, not a credential

// token is POST /token. It takes forms alone, and names the client's mistakes
// before it looks at the grant.
func (g *googleState) token(rw http.ResponseWriter, r *http.Request) {
	p, e := readParams(r)
	if e == nil && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		e = oauthInvalidRequest("The body must be a form.")
	}
	var answer map[string]any
	if e == nil {
		answer, e = g.grant(p)
	}
	writeGrant(rw, answer, e)
}

func (g *googleState) grant(p map[string]string) (map[string]any, *oauthError) {
	g.world.auth0.mu.Lock()
	defer g.world.auth0.mu.Unlock()
	if e := g.client(p); e != nil {
		return nil, e
	}
	g.asked[p["grant_type"]]++
	switch p["grant_type"] {
	case GrantAuthorizationCode:
		return g.codeGrant(p)
	case GrantRefreshToken:
		return g.refreshGrant(p)
	default:
		return nil, &oauthError{status: http.StatusBadRequest, code: "unsupported_grant_type", description: "Invalid grant_type: " + p["grant_type"]}
	}
}

// client checks the application's credentials.
func (g *googleState) client(p map[string]string) *oauthError {
	switch {
	case p["client_id"] == "":
		return oauthInvalidRequest("Could not determine client ID from request.")
	case p["client_id"] != g.project.ClientID:
		return &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "The OAuth client was not found."}
	case g.project.ClientSecret == "":
		return nil
	case p["client_secret"] == "":
		return oauthInvalidRequest("client_secret is missing.")
	case !sameSecret(p["client_secret"], g.project.ClientSecret):
		return &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "The provided client secret is invalid."}
	}
	return nil
}

func (g *googleState) codeGrant(p map[string]string) (map[string]any, *oauthError) {
	flow, now := redeem(g.codes, p["code"]), g.world.cfg.Now()
	switch {
	case flow == nil || !now.Before(flow.expires):
		return nil, oauthInvalidGrant(http.StatusBadRequest, "Malformed auth code.")
	case flow.redirectURI != p["redirect_uri"]:
		return nil, &oauthError{status: http.StatusBadRequest, code: "redirect_uri_mismatch", description: "Bad Request"}
	case !verifies(flow.challenge, p["code_verifier"]):
		return nil, oauthInvalidGrant(http.StatusBadRequest, "Invalid code verifier.")
	}
	grant := &googleGrant{account: flow.account, scopes: flow.scopes, issued: now, used: now}
	answer := g.answer(grant)
	if flow.refresh {
		answer["refresh_token"] = g.keep(grant)
		if g.project.Testing {
			answer["refresh_token_expires_in"] = int(googleTesting / time.Second)
		}
	}
	return answer, nil
}

// keep issues a refresh token and drops the oldest one beyond the limit.
func (g *googleState) keep(grant *googleGrant) string {
	live := 0
	var oldest *googleGrant
	for _, other := range g.grants {
		if other.dead || other.account.Email != grant.account.Email {
			continue
		}
		if live++; oldest == nil || other.number < oldest.number {
			oldest = other
		}
	}
	if live >= googleTokens {
		oldest.dead = true
	}
	g.number++
	grant.number = g.number
	token := "1//" + rand.Text() + rand.Text()
	g.grants[token] = grant
	return token
}

func (g *googleState) refreshGrant(p map[string]string) (map[string]any, *oauthError) {
	grant, now := g.grants[p["refresh_token"]], g.world.cfg.Now()
	if p["refresh_token"] == "" {
		return nil, oauthInvalidRequest("Missing required parameter: refresh_token")
	}
	if grant == nil || grant.dead ||
		g.project.Testing && now.Sub(grant.issued) >= googleTesting || now.Sub(grant.used) >= googleIdle {
		return nil, oauthInvalidGrant(http.StatusBadRequest, deadGoogleToken)
	}
	grant.used = now
	return g.answer(grant), nil
}

// answer makes the tokens of a grant.
func (g *googleState) answer(grant *googleGrant) map[string]any {
	scopes := googleScopes(grant.scopes)
	token := g.world.IssueToken(grant.account.Email, scopes, vaultTokenLife)
	grant.access = append(grant.access, token)
	answer := map[string]any{
		"access_token": token, "expires_in": int(vaultTokenLife / time.Second),
		"scope": strings.Join(scopes, " "), "token_type": "Bearer",
	}
	for _, s := range grant.scopes {
		if s == "openid" {
			now := g.world.cfg.Now()
			claims := map[string]any{
				"iss": googleIssuer, "aud": g.project.ClientID, "azp": g.project.ClientID,
				"iat": now.Unix(), "exp": now.Add(vaultTokenLife).Unix(),
			}
			addProfile(claims, grant.account, grant.scopes)
			claims["sub"] = googleSub(grant.account.Email)
			answer["id_token"] = signJWT(claims)
		}
	}
	return answer
}

// revoke is POST /revoke: a refresh token or one of its access tokens ends the
// whole grant.
func (g *googleState) revoke(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		tenantJSON(rw, http.StatusBadRequest, oauthBody("invalid_request", "Bad Request"))
		return
	}
	if !g.end(r.PostForm) {
		tenantJSON(rw, http.StatusBadRequest, oauthBody("invalid_token", "Token expired or revoked"))
		return
	}
	tenantJSON(rw, http.StatusOK, map[string]any{})
}

func (g *googleState) end(form url.Values) bool {
	g.world.auth0.mu.Lock()
	defer g.world.auth0.mu.Unlock()
	grant := g.grants[form.Get("token")]
	if grant == nil {
		for _, other := range g.grants {
			for _, token := range other.access {
				if token == form.Get("token") {
					grant = other
				}
			}
		}
	}
	if grant == nil || grant.dead {
		return false
	}
	g.revokeAccount(grant.account.Email)
	return true
}

// revokeAccount ends everything that an account has allowed the client.
func (g *googleState) revokeAccount(account string) {
	for _, grant := range g.grants {
		if grant.account.Email == account {
			grant.dead = true
		}
	}
	delete(g.consented, account)
	g.world.RevokeTokens(account)
}
