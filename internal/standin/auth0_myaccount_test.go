package standin_test

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// wantProblem checks an error of the My Account API.
func wantProblem(t *testing.T, got tenantAnswer, status int, code string) {
	t.Helper()
	if got.status != status || got.text("type") != "https://auth0.com/api-errors/"+code || got.body["status"] != float64(status) {
		t.Errorf("got %d %v, want %d %s", got.status, got.body, status, code)
	}
	if got.text("title") == "" || got.text("detail") == "" {
		t.Errorf("title %q, detail %q", got.text("title"), got.text("detail"))
	}
	if _, ok := got.body["error"]; ok {
		t.Error("the problem has an error key")
	}
}

// fieldsOf lists the pointers of the validation errors.
func fieldsOf(a tenantAnswer) string {
	var out []string
	list, _ := a.body["validation_errors"].([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		out = append(out, fmt.Sprint(m["pointer"]))
	}
	return strings.Join(out, " ")
}

func TestConnectAnswersWithATicket(t *testing.T) {
	tt := newTenantTest(t)
	got := tt.connect(tt.myAccountToken(tt.login().text("refresh_token")).text("access_token"))
	if got.text("connect_uri") != tt.url+"/connected-accounts/connect" || got.body["expires_in"] != 300.0 {
		t.Errorf("answer %v", got.body)
	}
	if n := len(got.text("auth_session")); n == 0 || n > 64 {
		t.Errorf("auth_session has %d characters", n)
	}
	params, _ := got.body["connect_params"].(map[string]any)
	ticket, _ := params["ticket"].(string)
	if ticket == url.QueryEscape(ticket) {
		t.Error("the ticket would survive being pasted into a URL unescaped")
	}
}

func TestConnectChecksItsBody(t *testing.T) {
	tt := newTenantTest(t)
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	long := func(n int) string { return strings.Repeat("x", n) }
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	params := func(kv ...any) map[string]any { return map[string]any{kv[0].(string): kv[1]} }
	for name, c := range map[string]struct {
		field string
		value any // nil removes the field
		want  string
	}{
		"an unknown key":                  {"access_type", "offline", "/access_type"},
		"no connection":                   {"connection", nil, "/connection"},
		"an empty connection":             {"connection", "", "/connection"},
		"a long connection":               {"connection", long(129), "/connection"},
		"a connection that is a number":   {"connection", 1, "/connection"},
		"no redirect URI":                 {"redirect_uri", nil, "/redirect_uri"},
		"a long redirect URI":             {"redirect_uri", long(2049), "/redirect_uri"},
		"a redirect URI not allowed":      {"redirect_uri", tt.back + "/x", "/redirect_uri"},
		"a long state":                    {"state", long(4097), "/state"},
		"a state that is a list":          {"state", []any{nil}, "/state"},
		"a short challenge":               {"code_challenge", long(42), "/code_challenge"},
		"a long challenge":                {"code_challenge", long(129), "/code_challenge"},
		"a challenge without a method":    {"code_challenge_method", nil, "/code_challenge_method"},
		"the plain method":                {"code_challenge_method", "plain", "/code_challenge_method"},
		"empty scopes":                    {"scopes", []string{}, "/scopes"},
		"too many scopes":                 {"scopes", many, "/scopes"},
		"a scope twice":                   {"scopes", []string{"a", "a"}, "/scopes"},
		"a long scope":                    {"scopes", []string{long(256)}, "/scopes"},
		"scopes in one string":            {"scopes", "openid profile", "/scopes"},
		"scopes that are numbers":         {"scopes", []int{1}, "/scopes"},
		"scopes that are null":            {"scopes", []any{nil}, "/scopes"},
		"parameters that are no object":   {"authorization_params", "x", "/authorization_params"},
		"access_type in the parameters":   {"authorization_params", params("access_type", "offline"), "/authorization_params/access_type"},
		"an unknown prompt":               {"authorization_params", params("prompt", "maybe"), "/authorization_params/prompt"},
		"a long login hint":               {"authorization_params", params("login_hint", long(256)), "/authorization_params/login_hint"},
		"nothing, with a login hint":      {"authorization_params", params("login_hint", "x"), ""},
		"nothing, without scopes":         {"scopes", nil, ""},
		"nothing, without a state":        {"state", nil, ""},
		"nothing, with other parameters":  {"authorization_params", params("max_age", 10), ""},
		"nothing, with longest of states": {"state", long(4096), ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := tt.connectBody()
			if body[c.field] = c.value; c.value == nil {
				delete(body, c.field)
			}
			got := tt.me(me, "POST", "connect", body)
			if c.want == "" {
				if got.status != 201 {
					t.Errorf("status %d, %v", got.status, got.body)
				}
				return
			}
			wantProblem(t, got, 400, "A0E-400-0003")
			if fieldsOf(got) != c.want {
				t.Errorf("pointers %q, want %q", fieldsOf(got), c.want)
			}
		})
	}
	wantProblem(t, tt.request("POST", "/me/v1/connected-accounts/connect", "application/x-www-form-urlencoded", "a=b", me), 415, "A0E-415-0001")
	for _, body := range []string{"", "null", "[]", "{"} {
		wantProblem(t, tt.request("POST", "/me/v1/connected-accounts/connect", "application/json", body, me), 400, "A0E-400-0003")
	}
}

func TestTheMyAccountAPIChecksItsToken(t *testing.T) {
	tt := newTenantTest(t)
	rt := tt.login().text("refresh_token")
	good := tt.myAccountToken(rt).text("access_token")
	head, rest, _ := strings.Cut(good, ".")
	narrow := func(scope string) string { return tt.myAccountToken(rt, "scope", scope).text("access_token") }
	for name, c := range map[string]struct {
		token  string
		status int
		code   string
	}{
		"none":                 {"", 401, "A0E-401-0002"},
		"opaque":               {tt.login().text("access_token"), 401, "A0E-401-0003"},
		"for another API":      {tt.login("audience", standin.DemoAudience).text("access_token"), 401, "A0E-401-0003"},
		"an id token":          {tt.login().text("id_token"), 401, "A0E-401-0003"},
		"made up":              {"a.b.c", 401, "A0E-401-0003"},
		"with another header":  {head + "x." + rest, 401, "A0E-401-0003"},
		"with signature gone":  {good[:strings.LastIndexByte(good, '.')+1], 401, "A0E-401-0003"},
		"only with read scope": {narrow("read:me:connected_accounts"), 403, "A0E-403-0002"},
		"without me scopes":    {narrow("openid"), 403, "A0E-403-0002"},
		"good":                 {narrow("create:me:connected_accounts"), 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.me(c.token, "POST", "connect", tt.connectBody())
			if c.code == "" {
				if got.status != c.status {
					t.Errorf("status %d, %v", got.status, got.body)
				}
				return
			}
			wantProblem(t, got, c.status, c.code)
		})
	}
	for route, scope := range map[string]string{"GET accounts": "create:me:connected_accounts", "GET connections": "delete:me:connected_accounts", "DELETE accounts/cac_x": "read:me:connected_accounts", "POST complete": "read:me:connected_accounts"} {
		method, path, _ := strings.Cut(route, " ")
		wantProblem(t, tt.me(narrow(scope), method, path, nil), 403, "A0E-403-0002")
	}
	// The address by which the tenant is reached is part of the audience.
	other := *tt
	other.url = strings.Replace(tt.url, "127.0.0.1", "localhost", 1)
	wantProblem(t, other.me(good, "GET", "accounts", nil), 401, "A0E-401-0003")
	tt.clock.Advance(24 * time.Hour)
	wantProblem(t, tt.me(good, "GET", "accounts", nil), 401, "A0E-401-0003")
}

func TestEachSettingThatConnectingNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*standin.Tenant)
		status int
		code   string
	}{
		"My Account activated":       {func(tn *standin.Tenant) { tn.MyAccount.Active = false }, 404, "A0E-404-0001"},
		"connection enabled":         {func(tn *standin.Tenant) { tn.Connection("google-oauth2").Enabled = false }, 404, "A0E-404-0001"},
		"purpose connected accounts": {func(tn *standin.Tenant) { tn.Connection("google-oauth2").ConnectedAccounts = false }, 404, "A0E-404-0001"},
		"connection exists":          {func(tn *standin.Tenant) { tn.Connections = nil }, 404, "A0E-404-0001"},
		"callback":                   {func(tn *standin.Tenant) { tn.Application.Callbacks = nil }, 400, "A0E-400-0003"},
		"the same client":            {func(tn *standin.Tenant) { tn.Application.ID = "other" }, 401, "A0E-401-0003"},
		"the user":                   {func(tn *standin.Tenant) { tn.Users = nil }, 401, "A0E-401-0003"},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenantTest(t)
			me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
			tt.world.Tenant(c.set)
			wantProblem(t, tt.me(me, "POST", "connect", tt.connectBody()), c.status, c.code)
			list := tt.me(me, "GET", "connections", nil)
			if names, _ := list.body["connections"].([]any); list.status == 200 && (len(names) == 1) != (name == "callback") {
				t.Errorf("connections %v", names)
			}
		})
	}
}

func TestATicketOpensOnceAndNotForEver(t *testing.T) {
	tt := newTenantTest(t)
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	address := ticketURL(t, tt.connect(me))
	page := tt.redirectOf(address)
	if res := tt.get(address); res.status != 400 {
		t.Errorf("a second time: %d", res.status)
	}
	if res := tt.get(page); res.status != 200 {
		t.Errorf("the page: %d", res.status)
	}
	tt.clock.Advance(300 * time.Second)
	if res := tt.get(page); res.status != 400 {
		t.Errorf("the page, too late: %d", res.status)
	}
	late := ticketURL(t, tt.connect(me))
	tt.clock.Advance(300 * time.Second)
	for name, address := range map[string]string{"late": late, "no ticket": tt.url + "/connected-accounts/connect", "unknown ticket": tt.url + "/connected-accounts/connect?ticket=x"} {
		if res := tt.get(address); res.status != 400 {
			t.Errorf("%s: %d", name, res.status)
		}
	}
}

func TestRefusedConsentComesBackAsAccessDenied(t *testing.T) {
	tt := newTenantTest(t)
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	bare := tt.connectBody()
	bare["scopes"] = []string{gmailModify}
	silent := tt.connectBody()
	silent["authorization_params"] = map[string]any{"prompt": "none"}
	for name, c := range map[string]struct {
		body   map[string]any
		choice standin.Choice
		want   string
	}{
		"cancel":           {tt.connectBody(), standin.Choice{CancelConsent: true}, "access_denied"},
		"nothing ticked":   {bare, standin.Choice{Untick: []string{gmailModify}}, "access_denied"},
		"no page at all":   {silent, standin.Choice{}, "interaction_required"},
		"nothing of these": {tt.connectBody(), standin.Choice{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			started := tt.me(me, "POST", "connect", c.body)
			got := tt.browse(ticketURL(t, started), c.choice)
			if got.Get("error") != c.want || got.Get("state") != "state-2" || got.Has("connect_code") != (c.want == "") || got.Has("error_description") != (c.want != "") {
				t.Errorf("came back with %v", got)
			}
			if c.want != "" {
				wantProblem(t, tt.complete(me, started, "guess"), 400, "A0E-400-0003")
			}
		})
	}
}

func TestCompleteChecksEverythingThatBindsTheFlow(t *testing.T) {
	tt := newTenantTest(t)
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	start := func() (tenantAnswer, map[string]any) {
		t.Helper()
		started := tt.connect(me)
		code := tt.browse(ticketURL(t, started), standin.Choice{}).Get("connect_code")
		if n := len(code); n == 0 || n > 46 {
			t.Fatalf("connect_code has %d characters", n)
		}
		return started, map[string]any{"auth_session": started.text("auth_session"), "connect_code": code, "redirect_uri": tt.back, "code_verifier": verifier}
	}
	for name, c := range map[string]struct {
		field  string
		value  any
		status int
		code   string
		want   string
		burnt  bool // the code is gone afterwards
	}{
		"no session":             {"auth_session", nil, 400, "A0E-400-0003", "/auth_session", false},
		"an unknown session":     {"auth_session", "x", 404, "A0E-404-0001", "", false},
		"no code":                {"connect_code", nil, 400, "A0E-400-0003", "/connect_code", false},
		"a long code":            {"connect_code", strings.Repeat("x", 47), 400, "A0E-400-0003", "/connect_code", false},
		"a wrong code":           {"connect_code", "x", 400, "A0E-400-0003", "/connect_code", false},
		"no redirect URI":        {"redirect_uri", nil, 400, "A0E-400-0003", "/redirect_uri", false},
		"another redirect URI":   {"redirect_uri", tt.back + "2", 400, "A0E-400-0003", "/redirect_uri", true},
		"no verifier":            {"code_verifier", nil, 400, "A0E-400-0003", "/code_verifier", true},
		"a short verifier":       {"code_verifier", "x", 400, "A0E-400-0003", "/code_verifier", false},
		"another verifier":       {"code_verifier", strings.Repeat("x", 43), 400, "A0E-400-0003", "/code_verifier", true},
		"a field called code":    {"code", "x", 400, "A0E-400-0003", "/code", false},
		"the state once more":    {"state", "state-2", 400, "A0E-400-0003", "/state", false},
		"a session as a number ": {"auth_session", 1, 400, "A0E-400-0003", "/auth_session", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, good := start()
			bad := map[string]any{}
			maps.Copy(bad, good)
			if bad[c.field] = c.value; c.value == nil {
				delete(bad, c.field)
			}
			got := tt.me(me, "POST", "complete", bad)
			wantProblem(t, got, c.status, c.code)
			if fieldsOf(got) != c.want {
				t.Errorf("pointers %q, want %q", fieldsOf(got), c.want)
			}
			if again := tt.me(me, "POST", "complete", good); (again.status == 400) != c.burnt {
				t.Errorf("afterwards: %d %v", again.status, again.body)
			}
		})
	}

	started, good := start()
	stranger := tt.myAccountToken(tt.world.AddRefreshToken(standin.SecondUser)).text("access_token")
	wantProblem(t, tt.me(stranger, "POST", "complete", good), 404, "A0E-404-0001")
	renewed := tt.myAccountToken(tt.world.AddRefreshToken(standin.DefaultUser)).text("access_token")
	if got := tt.me(renewed, "POST", "complete", good); got.status != 201 {
		t.Errorf("another token of the same user: %d", got.status)
	}
	wantProblem(t, tt.me(me, "POST", "complete", good), 409, "A0E-409-0001")
	wantProblem(t, tt.complete(me, started, "x"), 409, "A0E-409-0001")

	_, good = start()
	tt.clock.Advance(300 * time.Second)
	got := tt.me(me, "POST", "complete", good)
	wantProblem(t, got, 404, "A0E-404-0001")
	if got.text("detail") != "Invalid or expired session" {
		t.Errorf("detail %q", got.text("detail"))
	}
}

func TestAFlowWithoutAChallengeTakesNoVerifier(t *testing.T) {
	tt := newTenantTest(t)
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	body := tt.connectBody()
	delete(body, "code_challenge")
	delete(body, "code_challenge_method")
	started := tt.me(me, "POST", "connect", body)
	code := tt.browse(ticketURL(t, started), standin.Choice{}).Get("connect_code")
	got := tt.me(me, "POST", "complete", map[string]any{"auth_session": started.text("auth_session"), "connect_code": code, "redirect_uri": tt.back})
	if got.status != 201 {
		t.Errorf("status %d, %v", got.status, got.body)
	}
}

func TestWithoutScopesThoseOfTheConnectionAreAsked(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(func(tn *standin.Tenant) { tn.Connection("google-oauth2").Scopes = []string{"openid", gmailSend} })
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	body := tt.connectBody()
	delete(body, "scopes")
	if got := tt.connectThrough(me, body, standin.Choice{}); fmt.Sprint(got.body["scopes"]) != "[openid "+gmailSend+"]" {
		t.Errorf("scopes %v", got.body["scopes"])
	}
}

func TestAccountsAreListedFilteredAndDeleted(t *testing.T) {
	tt := newTenantTest(t)
	tt.world.Tenant(func(tn *standin.Tenant) {
		c := tn.Connections[0]
		for i := range 12 {
			c.Name = fmt.Sprintf("extra-%02d", i)
			tn.Connections = append(tn.Connections, c)
		}
	})
	rt := tt.login().text("refresh_token")
	me := tt.myAccountToken(rt).text("access_token")
	tt.world.Connect(standin.DefaultUser, "google-oauth2", gmailModify)
	for i := range 12 {
		tt.world.Connect(standin.DefaultUser, fmt.Sprintf("extra-%02d", i))
	}
	list := func(path, name string) ([]any, string) {
		t.Helper()
		got := tt.me(me, "GET", path, nil)
		if got.status != 200 {
			t.Fatalf("%s: %d %v", path, got.status, got.body)
		}
		items, _ := got.body[name].([]any)
		return items, got.text("next")
	}
	for path, want := range map[string]int{
		"accounts": 10, "accounts?take=1": 1, "accounts?take=20": 13,
		"accounts?connection=google-oauth2": 1, "accounts?connection=google-oauth2&connection=extra-03": 2, "accounts?connection=none": 0,
	} {
		if items, next := list(path, "accounts"); len(items) != want || (next != "") != (want == 10 || path == "accounts?take=1") {
			t.Errorf("%s: %d items, next %q", path, len(items), next)
		}
	}
	for _, name := range []string{"accounts", "connections"} {
		_, next := list(name, name)
		if rest, end := list(name+"?from="+url.QueryEscape(next), name); len(rest) != 3 || end != "" {
			t.Errorf("second page of %s: %d items, next %q", name, len(rest), end)
		}
	}
	for _, bad := range []string{"take=0", "take=21", "take=x", "from=x", "from=LTE"} {
		wantProblem(t, tt.me(me, "GET", "accounts?"+bad, nil), 400, "A0E-400-0003")
	}

	items, _ := list("accounts?connection=google-oauth2", "accounts")
	account, _ := items[0].(map[string]any)
	id, _ := account["id"].(string)
	if !regexp.MustCompile(`^cac_[A-Za-z0-9]+$`).MatchString(id) || account["created_at"] != "2026-03-01T12:00:00.000Z" || account["access_type"] != "offline" {
		t.Errorf("account %v", account)
	}
	token := tt.token(vaultParams(rt)).text("access_token")
	wantProblem(t, tt.me(me, "DELETE", "accounts/nonsense", nil), 400, "A0E-400-0003")
	stranger := tt.myAccountToken(tt.world.AddRefreshToken(standin.SecondUser)).text("access_token")
	wantProblem(t, tt.me(stranger, "DELETE", "accounts/"+id, nil), 404, "A0E-404-0001")
	if got := tt.me(me, "DELETE", "accounts/"+id, nil); got.status != 204 || got.body != nil {
		t.Errorf("delete: %d %v", got.status, got.body)
	}
	wantProblem(t, tt.me(me, "DELETE", "accounts/"+id, nil), 404, "A0E-404-0001")
	wantTenantError(t, tt.token(vaultParams(rt)), 401, "federated_connection_refresh_token_not_found", "")
	if !tt.world.GoodToken(token, standin.DefaultUser, gmailModify) {
		t.Error("deleting the account revoked the token at Google")
	}
}
