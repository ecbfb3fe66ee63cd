package standin_test

import (
	"testing"
	"time"

	"linkmail/internal/standin"
)

func TestTheRefreshGrantReachesTheMyAccountAPI(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	got := tt.myAccountToken(rt)
	if want := "openid profile offline_access " + meScopes; got.status != 200 || got.text("scope") != want {
		t.Fatalf("%d, scope %q, want %q", got.status, got.text("scope"), want)
	}
	if _, ok := got.body["refresh_token"]; ok {
		t.Error("a refresh token comes back although rotation is off")
	}
	claims := claimsOf(t, got.text("access_token"))
	if claims["aud"] != tt.url+"/me/" || claims["scope"] != got.text("scope") {
		t.Errorf("claims %v", claims)
	}
	if claimsOf(t, got.text("id_token"))["sub"] != claims["sub"] {
		t.Error("the id token is somebody else's")
	}
}

func TestWhatARefreshAsksForAndGets(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login("audience", standin.DemoAudience, "scope", "openid offline_access use:agent").text("refresh_token")
	for name, c := range map[string]struct {
		change []string
		scope  string
		aud    any
	}{
		"nothing: as at the login":          {nil, "openid offline_access use:agent", standin.DemoAudience},
		"fewer scopes":                      {[]string{"scope", "use:agent"}, "use:agent", standin.DemoAudience},
		"more scopes":                       {[]string{"scope", "use:agent email"}, "use:agent", standin.DemoAudience},
		"my account: all of the policy":     {[]string{"audience", tt.url + "/me/"}, "openid offline_access " + meScopes, tt.url + "/me/"},
		"my account: one of the policy":     {[]string{"audience", tt.url + "/me/", "scope", "read:me:connected_accounts"}, "read:me:connected_accounts", tt.url + "/me/"},
		"my account: scopes of another":     {[]string{"audience", tt.url + "/me/", "scope", "use:agent read:me:connected_accounts"}, "read:me:connected_accounts", tt.url + "/me/"},
		"my account: a scope it lacks":      {[]string{"audience", tt.url + "/me/", "scope", "read:me:authentication_methods"}, "", tt.url + "/me/"},
		"the original audience, by name":    {[]string{"audience", standin.DemoAudience}, "openid offline_access use:agent", standin.DemoAudience},
		"the same scope twice comes once":   {[]string{"scope", "use:agent use:agent"}, "use:agent", standin.DemoAudience},
		"odd spaces in scopes don't matter": {[]string{"scope", "  use:agent "}, "use:agent", standin.DemoAudience},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.token(refreshParams(rt), c.change...)
			if got.status != 200 || got.text("scope") != c.scope {
				t.Fatalf("%d, scope %q, want %q", got.status, got.text("scope"), c.scope)
			}
			aud := claimsOf(t, got.text("access_token"))["aud"]
			if list, ok := aud.([]any); ok {
				aud = list[0]
			}
			if aud != c.aud {
				t.Errorf("aud %v, want %v", aud, c.aud)
			}
		})
	}
}

func TestEachSettingThatARefreshNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		set        func(*standin.Tenant)
		status     int
		code, text string
	}{
		"grant type":             {func(tn *standin.Tenant) { tn.Application.GrantTypes = []string{standin.GrantAuthorizationCode} }, 403, "unauthorized_client", "Grant type 'refresh_token' not allowed for the client."},
		"secret":                 {func(tn *standin.Tenant) { tn.Application.Secret = "rotated" }, 401, "access_denied", "Unauthorized"},
		"client id":              {func(tn *standin.Tenant) { tn.Application.ID = "other" }, 401, "invalid_client", "Unauthorized"},
		"My Account activated":   {func(tn *standin.Tenant) { tn.MyAccount.Active = false }, 403, "access_denied", "Service not found: http://"},
		"client grant":           {func(tn *standin.Tenant) { tn.ClientGrants = nil }, 403, "access_denied", `Client "linkmail-demo" is not authorized to access resource server "http://`},
		"client grant for users": {func(tn *standin.Tenant) { tn.ClientGrants[0].SubjectType = "client" }, 403, "access_denied", "is not authorized to access resource server"},
		"MFA policy":             {func(tn *standin.Tenant) { tn.MFAAlways = true }, 403, "mfa_required", "Multifactor authentication required"},
		"2FA of My Account":      {func(tn *standin.Tenant) { tn.MyAccount.Require2FA = true }, 403, "unmet_authentication_requirements", ""},
		"an action that denies":  {func(tn *standin.Tenant) { tn.DenyText = "Not on a Sunday." }, 403, "access_denied", "Not on a Sunday."},
		"the user":               {func(tn *standin.Tenant) { tn.Users = tn.Users[1:] }, 403, "invalid_grant", "The refresh_token was generated for a user who doesn't exist anymore."},
		"MRRT policy, strictly": {func(tn *standin.Tenant) {
			tn.Application.RefreshToken.Policies, tn.Application.RefreshToken.Strict = nil, true
		}, 400, "invalid_target", "is not authorized by the refresh token policy"},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			rt := tt.login().text("refresh_token")
			if got := tt.myAccountToken(rt); got.status != 200 {
				t.Fatalf("with all settings right: %d %v", got.status, got.body)
			}
			tt.world.Tenant(c.set)
			got := tt.myAccountToken(rt)
			wantTenantError(t, got, c.status, c.code, c.text)
			if (got.text("mfa_token") != "") != (c.code == "mfa_required") {
				t.Errorf("mfa_token %q", got.text("mfa_token"))
			}
		})
	}
}

func TestWithoutAPolicyTheTokenIsSilentlyForTheOldAudience(t *testing.T) {
	for name, set := range map[string]func(*standin.Tenant){
		"no policy":               func(tn *standin.Tenant) { tn.Application.RefreshToken.Policies = nil },
		"policy for another API":  func(tn *standin.Tenant) { tn.Application.RefreshToken.Policies[0].Audience = "https://other.example/" },
		"a third-party client":    func(tn *standin.Tenant) { tn.Application.FirstParty = false },
		"consent is not skipped":  func(tn *standin.Tenant) { tn.MyAccount.SkipConsent = false },
		"policy without a slash":  func(tn *standin.Tenant) { tn.Application.RefreshToken.Policies[0].Audience = "/me" },
		"policy of another host ": func(tn *standin.Tenant) { tn.Application.RefreshToken.Policies[0].Audience = "https://t.example/me/" },
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			rt := tt.login("audience", standin.DemoAudience).text("refresh_token")
			opaque := tt.world.AddRefreshToken(standin.DefaultUser)
			tt.world.Tenant(set)
			got := tt.myAccountToken(rt)
			if aud, ok := claimsOf(t, got.text("access_token"))["aud"].([]any); got.status != 200 || !ok || aud[0] != standin.DemoAudience {
				t.Errorf("status %d, aud %v", got.status, aud)
			}
			if got.text("scope") != "openid profile offline_access" {
				t.Errorf("scope %q", got.text("scope"))
			}
			wantProblem(t, tt.me(got.text("access_token"), "GET", "accounts", nil), 401, "A0E-401-0003")
			got = tt.myAccountToken(opaque)
			wantProblem(t, tt.me(got.text("access_token"), "GET", "accounts", nil), 401, "A0E-401-0003")
		})
	}
}

func TestScopesOutsidePolicyOrGrantAreDroppedSilently(t *testing.T) {
	for name, set := range map[string]func(*standin.Tenant){
		"policy": func(tn *standin.Tenant) {
			tn.Application.RefreshToken.Policies[0].Scopes = []string{"read:me:connected_accounts"}
		},
		"client grant": func(tn *standin.Tenant) { tn.ClientGrants[0].Scopes = []string{"read:me:connected_accounts"} },
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			rt := tt.login().text("refresh_token")
			tt.world.Tenant(set)
			got := tt.myAccountToken(rt)
			if got.status != 200 || got.text("scope") != "openid profile offline_access read:me:connected_accounts" {
				t.Fatalf("%d, scope %q", got.status, got.text("scope"))
			}
			if list := tt.me(got.text("access_token"), "GET", "accounts", nil); list.status != 200 {
				t.Errorf("read: %d", list.status)
			}
			wantProblem(t, tt.me(got.text("access_token"), "POST", "connect", tt.connectBody()), 403, "A0E-403-0002")
		})
	}
}

func TestARefreshTokenFromBeforeThePolicyDoesNotProfitFromIt(t *testing.T) {
	tt := newTenantTest(t)
	var policies []standin.RefreshPolicy
	tt.world.Tenant(func(tn *standin.Tenant) {
		policies, tn.Application.RefreshToken.Policies = tn.Application.RefreshToken.Policies, nil
	})
	old := tt.login("audience", standin.DemoAudience).text("refresh_token")
	tt.world.Tenant(func(tn *standin.Tenant) { tn.Application.RefreshToken.Policies = policies })
	if aud := claimsOf(t, tt.myAccountToken(old).text("access_token"))["aud"]; aud == tt.url+"/me/" {
		t.Error("the old token reaches the My Account API")
	}
	if aud := claimsOf(t, tt.myAccountToken(tt.login().text("refresh_token")).text("access_token"))["aud"]; aud != tt.url+"/me/" {
		t.Errorf("a new token is for %v", aud)
	}
}

func TestDeadRefreshTokens(t *testing.T) {
	month := func(tn *standin.Tenant) { tn.Application.RefreshToken.Lifetime = 30 * 24 * time.Hour }
	for name, c := range map[string]struct {
		set  func(*standin.Tenant)
		kill func(tt *tenantTest, rt string) string // returns the token to use
	}{
		"made up":        {kill: func(*tenantTest, string) string { return "v1.Mx" }},
		"revoked":        {kill: func(tt *tenantTest, rt string) string { tt.world.RevokeRefreshToken(rt); return rt }},
		"user's revoked": {kill: func(tt *tenantTest, rt string) string { tt.world.RevokeRefreshTokens(standin.DefaultUser); return rt }},
		"too old":        {set: month, kill: func(tt *tenantTest, rt string) string { tt.clock.Advance(30 * 24 * time.Hour); return rt }},
		"too old although used": {set: month, kill: func(tt *tenantTest, rt string) string {
			for range 3 {
				tt.clock.Advance(10 * 24 * time.Hour)
				tt.token(refreshParams(rt))
			}
			return rt
		}},
		"too long idle": {
			set:  func(tn *standin.Tenant) { tn.Application.RefreshToken.IdleLifetime = time.Hour },
			kill: func(tt *tenantTest, rt string) string { tt.clock.Advance(time.Hour); return rt },
		},
		"idle although exchanged": {
			set: func(tn *standin.Tenant) { tn.Application.RefreshToken.IdleLifetime = time.Hour },
			kill: func(tt *tenantTest, rt string) string {
				tt.clock.Advance(40 * time.Minute)
				tt.token(vaultParams(rt))
				tt.clock.Advance(40 * time.Minute)
				return rt
			},
		},
		"the oldest of 201": {kill: func(tt *tenantTest, rt string) string {
			for range 200 {
				tt.world.AddRefreshToken(standin.DefaultUser)
			}
			return rt
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			if c.set != nil {
				tt.world.Tenant(c.set)
			}
			rt := c.kill(tt, tt.login().text("refresh_token"))
			wantTenantError(t, tt.token(refreshParams(rt)), 403, "invalid_grant", "Unknown or invalid refresh token.")
			wantTenantError(t, tt.token(vaultParams(rt)), 401, "invalid_grant", "Unknown or invalid refresh token.")
		})
	}
	tt := newTenantTest(t)
	wantTenantError(t, tt.token(refreshParams("")), 400, "invalid_request", "refresh_token")
}

func TestUseKeepsARefreshTokenFromIdling(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(func(tn *standin.Tenant) { tn.Application.RefreshToken.IdleLifetime = time.Hour })
	rt := tt.login().text("refresh_token")
	for range 3 {
		tt.clock.Advance(40 * time.Minute)
		if got := tt.token(refreshParams(rt)); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
	}
}

func rotate(leeway time.Duration) func(*standin.Tenant) {
	return func(tn *standin.Tenant) {
		tn.Application.RefreshToken.Rotation, tn.Application.RefreshToken.Leeway = true, leeway
	}
}

func TestRotationGivesANewTokenAndReuseKillsTheFamily(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(rotate(0))
	first, other := tt.login().text("refresh_token"), tt.login().text("refresh_token")
	second := tt.token(refreshParams(first)).text("refresh_token")
	third := tt.myAccountToken(second).text("refresh_token")
	if second == "" || third == "" || second == first || third == second {
		t.Fatal("no new token at every use")
	}
	wantTenantError(t, tt.token(refreshParams(first)), 403, "invalid_grant", "Unknown or invalid refresh token.")
	wantTenantError(t, tt.token(refreshParams(third)), 403, "invalid_grant", "Unknown or invalid refresh token.")
	if got := tt.token(refreshParams(other)); got.status != 200 {
		t.Errorf("another login of the same user: %d", got.status)
	}
}

func TestLeewayToleratesOnlyThePreviousToken(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(rotate(10 * time.Second))
	first := tt.login().text("refresh_token")
	second := tt.token(refreshParams(first)).text("refresh_token")
	tt.clock.Advance(9 * time.Second)
	if again := tt.token(refreshParams(first)); again.status != 200 || again.text("refresh_token") == second {
		t.Fatalf("within the leeway: %d", again.status)
	}
	third := tt.token(refreshParams(second)).text("refresh_token")
	if third == "" {
		t.Fatal("the lost answer's token does not work")
	}
	wantTenantError(t, tt.token(refreshParams(first)), 403, "invalid_grant", "")
	wantTenantError(t, tt.token(refreshParams(third)), 403, "invalid_grant", "")

	first = tt.login().text("refresh_token")
	tt.token(refreshParams(first))
	tt.clock.Advance(10 * time.Second)
	wantTenantError(t, tt.token(refreshParams(first)), 403, "invalid_grant", "")
}

func TestSwitchingRotationOffRetiresARotatingToken(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(rotate(0))
	old := tt.login().text("refresh_token")
	tt.world.Tenant(func(tn *standin.Tenant) { tn.Application.RefreshToken.Rotation = false })
	wantTenantError(t, tt.token(vaultParams(old)), 400, "invalid_request", "Rotating refresh token not supported")
	steady := tt.token(refreshParams(old)).text("refresh_token")
	if steady == "" {
		t.Fatal("no token that stays")
	}
	for range 2 {
		if got := tt.token(refreshParams(steady)); got.status != 200 || got.text("refresh_token") != "" {
			t.Errorf("%d, another token: %t", got.status, got.text("refresh_token") != "")
		}
	}
}
