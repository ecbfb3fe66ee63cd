package standin

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// vaultTokenLife is how long a Google access token lives.
const vaultTokenLife = 3599 * time.Second

// Token type identifiers of the vault exchange.
const (
	subjectRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"                      //nolint:gosec // a name, not a credential
	subjectAccessToken  = "urn:ietf:params:oauth:token-type:access_token"                       //nolint:gosec // a name, not a credential
	requestedVaultToken = "http://auth0.com/oauth/token-type/federated-connection-access-token" //nolint:gosec // a name, not a credential
)

// vaultAccount is one connected account: what the vault holds of a user for a
// connection.
type vaultAccount struct {
	id, connection string
	google         string // e-mail address of the Google account
	scopes         []string
	created        time.Time
	offline        bool // the vault holds a Google refresh token
	dead           bool // and Google no longer accepts it
	token          string
	expires        time.Time
}

// vaultGrant is the Token Vault exchange: the user's refresh token at the
// tenant for an access token at Google.
func (s *tenantServer) vaultGrant(_ string, p map[string]string) (tokenAnswer, *oauthError) {
	var none tokenAnswer
	if e := checkExchange(p); e != nil {
		return none, e
	}
	now, t := s.world.cfg.Now(), &s.state.tenant
	rt, user, e := s.state.live(now, p["subject_token"], http.StatusUnauthorized)
	if e == nil {
		e = t.unattended()
	}
	if e != nil {
		return none, e
	}
	if rt.rotating || t.Application.RefreshToken.Rotation {
		return none, oauthInvalidRequest("Rotating refresh token not supported")
	}
	c := t.Connection(p["connection"])
	switch {
	case c == nil:
		return none, oauthInvalidRequest("connection not found")
	case !c.Enabled:
		return none, oauthInvalidRequest("the connection is not enabled")
	case !c.ConnectedAccounts:
		return none, &oauthError{
			status: http.StatusForbidden, code: "unauthorized_client",
			description: "Token Vault is not enabled for the provided connection",
		}
	}
	account, e := s.state.account(user.Sub, c.Name, p["login_hint"])
	if e != nil {
		return none, e
	}
	if account.token == "" || !now.Before(account.expires) {
		account.token = s.world.IssueToken(account.google, googleScopes(account.scopes), vaultTokenLife)
		account.expires = now.Add(vaultTokenLife)
	}
	return tokenAnswer{
		AccessToken: account.token, Scope: strings.Join(googleScopes(account.scopes), " "),
		ExpiresIn: int(account.expires.Sub(now) / time.Second), IssuedTokenType: requestedVaultToken, TokenType: "Bearer",
	}, nil
}

// checkExchange checks what a request can be refused for by itself.
func checkExchange(p map[string]string) *oauthError {
	for _, name := range []string{"subject_token", "subject_token_type", "requested_token_type", "connection"} {
		if p[name] == "" {
			return oauthInvalidRequest(name + " is required")
		}
	}
	switch {
	case p["subject_token_type"] == subjectAccessToken:
		return &oauthError{
			status: http.StatusForbidden, code: "unauthorized_client",
			description: "This client is not a resource server and cannot exchange access tokens",
		}
	case p["subject_token_type"] != subjectRefreshToken:
		return oauthInvalidRequest("subject_token_type is not supported")
	case p["requested_token_type"] != requestedVaultToken:
		return oauthInvalidRequest("requested_token_type is not supported")
	}
	return nil
}

// account finds the connected account that an exchange is about. Without a hint
// it is the one that was connected first.
func (s *auth0State) account(sub, connection, hint string) (*vaultAccount, *oauthError) {
	all := s.accountsOf(sub, connection)
	if hint != "" {
		all = slices.DeleteFunc(all, func(a *vaultAccount) bool {
			return a.google != hint && googleSub(a.google) != hint
		})
		if len(all) == 0 {
			return nil, &oauthError{
				status: http.StatusUnauthorized, code: "user_not_found", description: "Identity User not found.",
			}
		}
	}
	if len(all) == 0 || !all[0].offline {
		return nil, &oauthError{
			status: http.StatusUnauthorized, code: "federated_connection_refresh_token_not_found",
			description: "Federated connection Refresh Token not found.",
		}
	}
	if all[0].dead {
		return nil, &oauthError{
			status: http.StatusUnauthorized, code: "federated_connection_refresh_token_flow_failed",
			description: "Refresh Token flow for the Federated Connection failed",
		}
	}
	return all[0], nil
}

// accountsOf lists a user's accounts at one connection, in a slice of its own.
func (s *auth0State) accountsOf(sub, connection string) []*vaultAccount {
	var out []*vaultAccount
	for _, a := range s.accounts[sub] {
		if a.connection == connection {
			out = append(out, a)
		}
	}
	return out
}

// store puts an account into the vault. Connecting the same Google account
// again replaces what was there, with whatever scopes it came with this time.
func (s *auth0State) store(sub string, a *vaultAccount) {
	for i, old := range s.accounts[sub] {
		if old.connection == a.connection && old.google == a.google {
			a.id = old.id
			s.accounts[sub][i] = a
			return
		}
	}
	s.accounts[sub] = append(s.accounts[sub], a)
}

// consent records that the Google account allowed scopes and reports whether
// Google hands out a refresh token for it: only if it was asked to show the
// consent page, or had to.
func (s *auth0State) consent(google, prompt string, scopes []string) bool {
	before := s.consented[google]
	asked := strings.Contains(prompt, "consent")
	for _, scope := range scopes {
		if !slices.Contains(before, scope) {
			asked = true
			before = append(before, scope)
		}
	}
	s.consented[google] = before
	return asked
}

// basicScopes say who the user is. Google shows no tick box for them.
var basicScopes = []string{"openid", "email", "profile", googleEmail, googleProfile}

const (
	googleEmail   = "https://www.googleapis.com/auth/userinfo.email"
	googleProfile = "https://www.googleapis.com/auth/userinfo.profile"
)

// googleScopes names scopes as Google answers them: the short names of OpenID
// Connect come back in their long form.
func googleScopes(scopes []string) []string {
	out := slices.Clone(scopes)
	for i, s := range out {
		switch s {
		case "email":
			out[i] = googleEmail
		case "profile":
			out[i] = googleProfile
		}
	}
	return out
}
