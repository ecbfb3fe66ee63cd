package standin_test

import (
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

func TestTheVaultRefusesMalformedExchanges(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	for name, c := range map[string]struct {
		change     []string
		status     int
		code, text string
	}{
		"no subject token":               {[]string{"subject_token", ""}, 400, "invalid_request", "subject_token is required"},
		"no subject token type":          {[]string{"subject_token_type", ""}, 400, "invalid_request", "subject_token_type is required"},
		"no requested token type":        {[]string{"requested_token_type", ""}, 400, "invalid_request", "requested_token_type is required"},
		"no connection":                  {[]string{"connection", ""}, 400, "invalid_request", "connection is required"},
		"an unknown connection":          {[]string{"connection", "slack"}, 400, "invalid_request", "connection not found"},
		"an access token as the subject": {[]string{"subject_token_type", "urn:ietf:params:oauth:token-type:access_token"}, 403, "unauthorized_client", "This client is not a resource server and cannot exchange access tokens"},
		"another subject token type":     {[]string{"subject_token_type", "x"}, 400, "invalid_request", "subject_token_type"},
		"another requested token type":   {[]string{"requested_token_type", "x"}, 400, "invalid_request", "requested_token_type"},
		"a dead subject token":           {[]string{"subject_token", "v1.Mx"}, 401, "invalid_grant", "Unknown or invalid refresh token."},
		"a wrong secret":                 {[]string{"client_secret", "x"}, 401, "access_denied", "Unauthorized"},
		"a wrong hint":                   {[]string{"login_hint", "123"}, 401, "user_not_found", "Identity User not found."},
		"the right hint":                 {[]string{"login_hint", standin.DefaultUser}, 200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantTenantError(t, tt.token(vaultParams(rt), c.change...), c.status, c.code, c.text)
		})
	}
}

func TestEachSettingThatAnExchangeNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		set        func(*standin.Tenant)
		status     int
		code, text string
	}{
		"grant type":                  {func(tn *standin.Tenant) { tn.Application.GrantTypes = tn.Application.GrantTypes[:2] }, 403, "unauthorized_client", "Grant type '" + standin.GrantVault + "' not allowed for the client."},
		"a regular web app":           {func(tn *standin.Tenant) { tn.Application.Type = "spa" }, 403, "unauthorized_client", "not allowed for the client."},
		"an authentication method":    {func(tn *standin.Tenant) { tn.Application.AuthMethod = "none" }, 403, "unauthorized_client", "not allowed for the client."},
		"a first-party client":        {func(tn *standin.Tenant) { tn.Application.FirstParty = false }, 403, "unauthorized_client", "not allowed for the client."},
		"OIDC conformance":            {func(tn *standin.Tenant) { tn.Application.OIDCConformant = false }, 403, "unauthorized_client", "not allowed for the client."},
		"purpose connected accounts":  {func(tn *standin.Tenant) { tn.Connection("google-oauth2").ConnectedAccounts = false }, 403, "unauthorized_client", "Token Vault is not enabled for the provided connection"},
		"connection enabled":          {func(tn *standin.Tenant) { tn.Connection("google-oauth2").Enabled = false }, 400, "invalid_request", "the connection is not enabled"},
		"rotation off":                {rotate(0), 400, "invalid_request", "Rotating refresh token not supported"},
		"MFA policy":                  {func(tn *standin.Tenant) { tn.MFAAlways = true }, 403, "mfa_required", "Multifactor authentication required"},
		"no action that denies":       {func(tn *standin.Tenant) { tn.DenyText = "Not on a Sunday." }, 403, "access_denied", "Not on a Sunday."},
		"the user":                    {func(tn *standin.Tenant) { tn.Users = tn.Users[1:] }, 401, "invalid_grant", "doesn't exist anymore"},
		"My Account is not needed":    {func(tn *standin.Tenant) { tn.MyAccount.Active = false }, 200, "", ""},
		"purpose login is not needed": {func(tn *standin.Tenant) { tn.Connection("google-oauth2").Authentication = false }, 200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
			rt := tt.world.AddRefreshToken(standin.DefaultUser)
			if got := tt.token(vaultParams(rt)); got.status != 200 {
				t.Fatalf("with all settings right: %d %v", got.status, got.body)
			}
			tt.world.Tenant(c.set)
			wantTenantError(t, tt.token(vaultParams(rt)), c.status, c.code, c.text)
		})
	}
}

func TestTheVaultHandsOutOneTokenWhileItLives(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	first := tt.token(vaultParams(rt))
	tt.clock.Advance(1000 * time.Second)
	second := tt.token(vaultParams(rt))
	if second.text("access_token") != first.text("access_token") {
		t.Error("another token while the first one lives")
	}
	if first.body["expires_in"] != 3599.0 || second.body["expires_in"] != 2599.0 {
		t.Errorf("expires_in %v, then %v", first.body["expires_in"], second.body["expires_in"])
	}
	tt.clock.Advance(2599 * time.Second)
	if tt.world.GoodToken(first.text("access_token"), standin.DefaultUser, gmailModify) {
		t.Error("the token outlives its expires_in")
	}
	third := tt.token(vaultParams(rt))
	if third.text("access_token") == first.text("access_token") || third.body["expires_in"] != 3599.0 {
		t.Errorf("expires_in %v after expiry", third.body["expires_in"])
	}
}

func TestTheVaultIsEmptyUntilAnAccountIsConnectedAndAfterItIsGone(t *testing.T) {
	tt := newTenantTest(t)
	rt, other := tt.world.AddRefreshToken(standin.DefaultUser), tt.world.AddRefreshToken(standin.SecondUser)
	empty := func(why, rt string) {
		t.Helper()
		got := tt.token(vaultParams(rt))
		if got.text("error") != "federated_connection_refresh_token_not_found" || got.status != 401 {
			t.Errorf("%s: %d %v", why, got.status, got.body["error"])
		}
	}
	empty("never connected", rt)
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	empty("somebody else connected", other)
	if got := tt.token(vaultParams(rt)); got.status != 200 {
		t.Errorf("connected: %d", got.status)
	}
	tt.world.Disconnect(standin.DefaultUser, "google-oauth2")
	empty("disconnected", rt)
}

func TestRevokingAtGoogle(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	token := tt.token(vaultParams(rt)).text("access_token")
	tt.world.RevokeTokens(standin.DefaultUser)
	if got := tt.token(vaultParams(rt)); got.text("access_token") != token || tt.world.GoodToken(token, standin.DefaultUser, gmailModify) {
		t.Errorf("the vault should go on handing out the dead token: %d", got.status)
	}
	tt.world.RevokeGrant(standin.DefaultUser, "google-oauth2")
	wantTenantError(t, tt.token(vaultParams(rt)), 401, "federated_connection_refresh_token_flow_failed", "Refresh Token flow for the Federated Connection failed")
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	if got := tt.token(vaultParams(rt)); got.status != 200 || got.text("access_token") == token {
		t.Errorf("after reconnecting: %d", got.status)
	}
}

// connectThrough runs a whole connect flow on the pages.
func (tt *tenantTest) connectThrough(me string, body map[string]any, choice standin.Choice) tenantAnswer {
	tt.t.Helper()
	started := tt.me(me, "POST", "connect", body)
	if started.status != 201 {
		tt.t.Fatalf("connect: %d %v", started.status, started.body)
	}
	back := tt.browse(ticketURL(tt.t, started), choice)
	done := tt.complete(me, started, back.Get("connect_code"))
	if done.status != 201 {
		tt.t.Fatalf("complete: %d %v after %v", done.status, done.body, back)
	}
	return done
}

func TestAConnectionThatYieldsNoRefreshTokenLooksConnectedButIsNot(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*standin.Tenant)
		prompt string
	}{
		"offline access off":  {func(tn *standin.Tenant) { tn.Connection("google-oauth2").OfflineAccess = false }, "consent"},
		"Auth0's own keys":    {func(tn *standin.Tenant) { tn.Connection("google-oauth2").DevKeys = true }, "consent"},
		"consent not renewed": {func(*standin.Tenant) {}, "select_account"},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			rt := tt.login().text("refresh_token")
			me := tt.myAccountToken(rt).text("access_token")
			// Google remembers a consent although Auth0 forgets the account.
			tt.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "profile", "email", gmailModify)
			tt.world.Disconnect(standin.DefaultUser, "google-oauth2")
			tt.world.Tenant(c.set)
			body := tt.connectBody()
			body["authorization_params"] = map[string]any{"prompt": c.prompt}
			done := tt.connectThrough(me, body, standin.Choice{})
			if done.text("access_type") != "online" {
				t.Errorf("access_type %q", done.text("access_type"))
			}
			wantTenantError(t, tt.token(vaultParams(rt)), 401, "federated_connection_refresh_token_not_found", "")
			tt.world.Tenant(func(tn *standin.Tenant) {
				tn.Connection("google-oauth2").OfflineAccess, tn.Connection("google-oauth2").DevKeys = true, false
			})
			tt.connectThrough(me, tt.connectBody(), standin.Choice{})
			if got := tt.token(vaultParams(rt)); got.status != 200 {
				t.Errorf("after it is put right: %d", got.status)
			}
		})
	}
}

func TestUntickedScopesAreNotGranted(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	me := tt.myAccountToken(rt).text("access_token")
	body := tt.connectBody()
	body["scopes"] = []string{"openid", gmailModify, gmailSend}
	tt.connectThrough(me, body, standin.Choice{Untick: []string{gmailModify}})
	got := tt.token(vaultParams(rt))
	if got.text("scope") != "openid "+gmailSend {
		t.Errorf("scope %q", got.text("scope"))
	}
	token := got.text("access_token")
	if tt.world.GoodToken(token, standin.DefaultUser, gmailModify) || !tt.world.GoodToken(token, standin.DefaultUser, gmailSend) {
		t.Error("the token is not good for what the scope says")
	}
	started := tt.me(me, "POST", "connect", body)
	_, err := standin.NewPerson().Browse(t.Context(), ticketURL(t, started), tt.back, standin.Choice{Untick: []string{"openid"}})
	if err == nil || !strings.Contains(err.Error(), "no tick box for openid") {
		t.Errorf("unticking a basic scope: %v", err)
	}
}

func TestReconnectingReplacesTheScopes(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	me := tt.myAccountToken(rt).text("access_token")
	first := tt.connectThrough(me, tt.connectBody(), standin.Choice{})
	body := tt.connectBody()
	body["scopes"] = []string{"openid", gmailSend}
	second := tt.connectThrough(me, body, standin.Choice{})
	if first.text("id") != second.text("id") {
		t.Error("one Google account is listed twice")
	}
	if got := tt.token(vaultParams(rt)); got.text("scope") != "openid "+gmailSend {
		t.Errorf("scope %q", got.text("scope"))
	}
}

func TestTwoGoogleAccountsOfOneUserAreToldApartByTheHint(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	me := tt.myAccountToken(rt).text("access_token")
	tt.connectThrough(me, tt.connectBody(), standin.Choice{})
	tt.connectThrough(me, tt.connectBody(), standin.Choice{User: standin.SecondUser})
	list, _ := tt.me(me, "GET", "accounts", nil).body["accounts"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d accounts", len(list))
	}
	for hint, owner := range map[string]string{"": standin.DefaultUser, standin.SecondUser: standin.SecondUser} {
		token := tt.token(vaultParams(rt), "login_hint", hint).text("access_token")
		if !tt.world.GoodToken(token, owner, gmailModify) {
			t.Errorf("hint %q: not a token of %s", hint, owner)
		}
	}
}

func TestExchangesAtOnceShareOneToken(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	rt := tt.world.AddRefreshToken(standin.DefaultUser)
	tokens := make(chan string, 16)
	for range cap(tokens) {
		go func() { tokens <- tt.token(vaultParams(rt)).text("access_token") }()
	}
	first := <-tokens
	for range cap(tokens) - 1 {
		if token := <-tokens; token != first || token == "" {
			t.Error("two exchanges at once made two tokens")
		}
	}
	if n := tt.world.TokenRequests(standin.GrantVault); n != cap(tokens) {
		t.Errorf("%d exchanges counted, want %d", n, cap(tokens))
	}
}
