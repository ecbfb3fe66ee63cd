package standin

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

// connectLife is how long a connect flow may take from its start to its
// completion.
const connectLife = 300 * time.Second

// connectedAccountsPath is the part of the My Account API that the tenant has.
const connectedAccountsPath = "/me/v1/connected-accounts/"

// connectFlow is one account on its way into the vault.
type connectFlow struct {
	session, sub, connection, redirectURI, state, challenge string
	scopes                                                  []string
	prompt                                                  string
	expires                                                 time.Time
	ticket                                                  string // empty once opened
	page                                                    string // key of the consent page, empty once answered
	code                                                    string // connect_code, empty once used
	google                                                  string // the account that was chosen on the page
	granted                                                 []string
	offline                                                 bool // Google handed out a refresh token
	done                                                    bool
}

// connectedAccount is an account as the My Account API shows it.
type connectedAccount struct {
	ID         string   `json:"id"`
	Connection string   `json:"connection"`
	AccessType string   `json:"access_type"`
	Scopes     []string `json:"scopes"`
	CreatedAt  string   `json:"created_at"`
}

func (a *vaultAccount) view() connectedAccount {
	access := "online"
	if a.offline {
		access = "offline"
	}
	return connectedAccount{
		ID: a.id, Connection: a.connection, AccessType: access, Scopes: append([]string{}, a.scopes...),
		CreatedAt: a.created.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
}

// myAccount answers the My Account API. Its errors are problems (RFC 9457)
// without an "error" key.
func (s *tenantServer) myAccount(rw http.ResponseWriter, r *http.Request) {
	if !s.allow(rw) {
		tenantJSON(rw, http.StatusTooManyRequests, &problem{Code: "A0E-429-0003", Status: http.StatusTooManyRequests, Title: "Too Many Requests", Detail: "Endpoint Rate Limit Exceeded"})
		return
	}
	status, body, p := s.myAccountAnswer(r)
	switch {
	case p != nil:
		tenantJSON(rw, p.Status, p)
	case body == nil:
		rw.WriteHeader(status)
	default:
		tenantJSON(rw, status, body)
	}
}

func (s *tenantServer) myAccountAnswer(r *http.Request) (int, any, *problem) {
	what, ok := strings.CutPrefix(r.URL.Path, connectedAccountsPath)
	id, one := strings.CutPrefix(what, "accounts/")
	var scope string
	var handle func(string, *http.Request) (int, any, *problem)
	switch route := r.Method + " " + what; {
	case !ok:
	case route == "POST connect":
		scope, handle = "create:me:connected_accounts", s.connect
	case route == "POST complete":
		scope, handle = "create:me:connected_accounts", s.complete
	case route == "GET accounts":
		scope, handle = "read:me:connected_accounts", s.listAccounts
	case route == "GET connections":
		scope, handle = "read:me:connected_accounts", s.listConnections
	case one && r.Method == http.MethodDelete:
		scope = "delete:me:connected_accounts"
		handle = func(sub string, _ *http.Request) (int, any, *problem) { return s.deleteAccount(sub, id) }
	}
	if handle == nil {
		return 0, nil, meNotFound("The requested resource was not found.")
	}
	sub, p := s.authorizeMe(r, scope)
	if p != nil {
		return 0, nil, p
	}
	return handle(sub, r)
}

// authorizeMe checks the My Account token and returns its user.
func (s *tenantServer) authorizeMe(r *http.Request, scope string) (string, *problem) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	t, b, token := &s.state.tenant, tenantBase(r), tenantBearer(r)
	if !t.MyAccount.Active {
		return "", meNotFound("The requested resource was not found.")
	}
	if token == "" {
		return "", &problem{Code: "A0E-401-0002", Status: http.StatusUnauthorized, Title: "Unauthorized", Detail: "No access token was sent."}
	}
	c, err := verifyJWT(token, b+MyAccount, s.world.cfg.Now())
	_, known := t.userBySub(c.Subject)
	if err != nil || !known || c.Client != t.Application.ID {
		return "", &problem{Code: "A0E-401-0003", Status: http.StatusUnauthorized, Title: "Invalid Token", Detail: "Invalid Token"}
	}
	if !slices.Contains(strings.Fields(c.Scope), scope) {
		return "", &problem{Code: "A0E-403-0002", Status: http.StatusForbidden, Title: "Insufficient Scope", Detail: "Insufficient scope, expected: " + scope}
	}
	return c.Subject, nil
}

// connectable returns the connection if the application may connect it.
func (t *Tenant) connectable(name string) *Connection {
	if c := t.Connection(name); c != nil && c.Enabled && c.ConnectedAccounts {
		return c
	}
	return nil
}

// connect is POST connect: it starts a flow and hands out the ticket for the browser.
func (s *tenantServer) connect(sub string, r *http.Request) (int, any, *problem) {
	body, p := readBody(r)
	if p != nil {
		return 0, nil, p
	}
	flow := connectRequest(body)
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	t := &s.state.tenant
	if flow.redirectURI != "" && !slices.Contains(t.Application.Callbacks, flow.redirectURI) {
		body.fail("redirect_uri", "is not one of the allowed callback URLs of the client")
	}
	if p := body.problem(); p != nil {
		return 0, nil, p
	}
	c := t.connectable(flow.connection)
	if c == nil {
		return 0, nil, meNotFound("The requested connection was not found.")
	}
	if flow.scopes == nil {
		flow.scopes = slices.Clone(c.Scopes)
	}
	flow.sub, flow.session = sub, rand.Text()
	// The last characters mean something else in a URL, so that a client that
	// pastes the ticket in unescaped is found out.
	flow.ticket = rand.Text()
	if !t.PlainTickets {
		flow.ticket += "+/&="
	}
	flow.expires = s.world.cfg.Now().Add(connectLife)
	s.state.connects[flow.session] = flow
	return http.StatusCreated, map[string]any{
		"auth_session":   flow.session,
		"connect_uri":    tenantBase(r) + connectPath,
		"connect_params": map[string]string{"ticket": flow.ticket},
		"expires_in":     int(connectLife / time.Second),
	}, nil
}

// connectRequest reads the body of connect; what is wrong with it is kept in b.
func connectRequest(b *jsonBody) *connectFlow {
	b.only("connection", "redirect_uri", "state", "code_challenge", "code_challenge_method", "scopes", "authorization_params")
	flow := &connectFlow{
		connection:  b.text("connection", true, 1, 128),
		redirectURI: b.text("redirect_uri", true, 1, 2048),
		state:       b.text("state", false, 0, 4096),
		challenge:   b.text("code_challenge", false, 43, 128),
		scopes:      b.list("scopes", 1, 100, 255),
	}
	if method := b.text("code_challenge_method", flow.challenge != "", 1, 10); method != "" && method != "S256" {
		b.fail("code_challenge_method", "must be S256")
	}
	if params := b.object("authorization_params"); params != nil {
		params.only("acr_values", "audience", "resource", "display", "id_token_hint", "login_hint", "max_age", "prompt", "ui_locales")
		params.text("login_hint", false, 1, 255)
		flow.prompt = params.text("prompt", false, 1, 20)
		if flow.prompt != "" && !slices.Contains([]string{"none", "login", "consent", "select_account"}, flow.prompt) {
			params.fail("prompt", "must be one of none, login, consent, select_account")
		}
		b.adopt(params)
	}
	return flow
}

// complete is POST complete: it ends a flow and puts the account into the vault.
func (s *tenantServer) complete(sub string, r *http.Request) (int, any, *problem) {
	body, p := readBody(r)
	if p != nil {
		return 0, nil, p
	}
	body.only("auth_session", "connect_code", "redirect_uri", "code_verifier")
	session := body.text("auth_session", true, 1, 64)
	code := body.text("connect_code", true, 1, 46)
	redirect := body.text("redirect_uri", true, 1, 2048)
	verifier := body.text("code_verifier", false, 43, 128)
	if p := body.problem(); p != nil {
		return 0, nil, p
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	now, flow := s.world.cfg.Now(), s.state.connects[session]
	switch {
	case flow == nil || flow.sub != sub || !now.Before(flow.expires):
		return 0, nil, meNotFound("Invalid or expired session")
	case flow.done:
		return 0, nil, &problem{Code: "A0E-409-0001", Status: http.StatusConflict, Title: "Conflict", Detail: "The session was already completed."}
	case flow.code == "" || flow.code != code:
		body.fail("connect_code", "is not valid")
		return 0, nil, body.problem()
	}
	flow.code = "" // single use, also when the rest is wrong
	if flow.redirectURI != redirect {
		body.fail("redirect_uri", "differs from the one of the connect request")
	}
	if !verifies(flow.challenge, verifier) {
		body.fail("code_verifier", "does not match the code challenge")
	}
	if p := body.problem(); p != nil {
		return 0, nil, p
	}
	flow.done = true
	account := newVaultAccount(now, flow.connection, flow.google, flow.granted, flow.offline)
	for _, old := range s.state.accountsOf(sub, flow.connection) {
		// Without a new refresh token the vault keeps the one it has.
		if old.google == flow.google && old.offline && !old.dead {
			account.offline = true
		}
	}
	s.state.store(sub, account)
	return http.StatusCreated, account.view(), nil
}

func newVaultAccount(now time.Time, connection, google string, scopes []string, offline bool) *vaultAccount {
	return &vaultAccount{
		id: "cac_" + rand.Text(), connection: connection, google: google,
		scopes: slices.Clone(scopes), created: now, offline: offline,
	}
}
