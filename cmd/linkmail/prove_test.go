//go:build interop

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"linkmail/broker/wire"
	"linkmail/internal/standin"
)

// Who a hit belongs to.
const (
	ownerForm    = "form secret"
	ownerOAuth   = "OAuth tokens"
	ownerControl = "control"
	ownerProxied = "proxied token"
)

// agent is the other end of a session.
type agent struct {
	d       *deployment
	key     *rsa.PrivateKey
	session wire.Created
}

// open opens a session.
func (d *deployment) open(t *testing.T, key *rsa.PrivateKey, body map[string]any) agent {
	t.Helper()
	public, err := wire.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	body["public_key"] = public
	a := agent{d: d, key: key}
	d.api(t, http.MethodPost, "/v1/sessions", "", body, &a.session)
	return a
}

// receive polls once and decrypts.
func (a agent) receive(t *testing.T) map[string]any {
	t.Helper()
	var answer struct{ Status, Ciphertext string }
	a.d.api(t, http.MethodGet, "/v1/sessions/"+a.session.SessionID, a.session.PollToken, nil, &answer)
	plain, err := wire.Open(a.key, answer.Ciphertext)
	if err != nil {
		t.Fatalf("status %q: %v", answer.Status, err)
	}
	var credential map[string]any
	if err := json.Unmarshal(plain, &credential); err != nil {
		t.Fatal(err)
	}
	return credential
}

// typeInBrowser lets a person type secret into the broker's page in Chromium.
func typeInBrowser(t *testing.T, link, code, secret string) {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/prove.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "prove.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"npm", "install", "--no-save", "--ignore-scripts", "--silent", playwrightPackage},
		{"npx", "-y", "-p", nodePackage, "node", "prove.mjs", link, code, secret},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
}

// renew lets the broker renew a login and get the token of a connected service,
// and returns all tokens that came. It goes past what listens to the traffic of
// agents: between an agent and the broker a refresh token is in clear, where no
// proxy in front ends TLS.
func (a agent) renew(t *testing.T, direct, refreshToken string) []string {
	t.Helper()
	public, err := wire.EncodePublicKey(&a.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	past := *a.d
	past.direct = direct
	var tokens []string
	for path, body := range map[string]any{
		"/v1/oauth/refresh": wire.Refresh{Provider: "auth0", RefreshToken: refreshToken, PublicKey: public},
		"/v1/oauth/vault":   wire.Vault{Provider: "auth0", RefreshToken: refreshToken, Connection: "google-oauth2", PublicKey: public},
	} {
		var answer wire.Tokens
		past.api(t, http.MethodPost, path, "", body, &answer)
		plain, err := wire.Open(a.key, answer.Ciphertext)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(plain, &got); err != nil {
			t.Fatal(err)
		}
		if got["access_token"] == nil {
			t.Fatalf("%s gave no access token", path)
		}
		for _, name := range tokenNames {
			if token, ok := got[name].(string); ok {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// tokenNames are the members of a token endpoint's answer that are secret.
var tokenNames = []string{"access_token", "refresh_token", "id_token"}

// lookForToken adds what is secret of a token: what all tokens of a tenant
// begin with is not.
func (s *search) lookForToken(token string) {
	parts := strings.Split(token, ".")
	s.look(ownerOAuth, parts[len(parts)-1])
}

// TestProveZeroKnowledge plants a secret in a form flow, and the tokens of a
// number of logins in OAuth flows, and searches everything that the broker
// keeps, says, sends or has in memory. A third text, the name of the API key,
// is known to be in all these places: if the search does not find it there, it
// would not find the others either.
func TestProveZeroKnowledge(t *testing.T) {
	control := "ctl" + rand.Text()[:21]
	browserTap, public := tapInto(t)
	tenantTap, upstream := tapInto(t)
	direct := ""
	past := func(listen string) string { direct = listen; return public(listen) }
	d := deploy(t, binary(t), deploymentOptions{public: past, upstream: upstream, env: []string{
		"LINKMAIL_LOG_LEVEL=trace", "LINKMAIL_LOG_FORMAT=json", "GOTRACEBACK=all", "GODEBUG=gctrace=1",
		"LINKAUTH_API_KEYS=" + control + ":" + judgeKey,
	}})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var s search
	s.look(ownerControl, control)
	var table report

	// 24 bytes that a person can type and that no spelling leaves as they are.
	typed := "%+" + rand.Text()[:22]
	s.look(ownerForm, typed)
	form := d.open(t, key, map[string]any{"template": "api_key"})
	typeInBrowser(t, form.session.URL, form.session.Code, typed)
	// While the ciphertext waits is when a broker that cheats would have it.
	found, size := s.inMemory(t, d.cmd.Process.Pid)
	table.add(rowMemoryWaiting, size, found)
	opened := []string{form.session.SessionID}
	table.addStore(t, &s, d, rowStoreWaiting, rowOpenedWaiting, control, opened)
	if got := form.receive(t); got["api_key"] != typed {
		t.Fatalf("the agent received %v, the person typed %q", got, typed)
	}

	d.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "https://www.googleapis.com/auth/gmail.readonly")
	for range oauthLogins {
		login := d.open(t, key, map[string]any{"oauth_provider": "auth0", "oauth_scopes": []string{"openid", "offline_access"}})
		d.click(t, login.session.URL, login.session.Code)
		got := login.receive(t)
		opened = append(opened, login.session.SessionID)
		for _, name := range tokenNames {
			token, _ := got[name].(string)
			if token == "" {
				t.Fatalf("login: no %s came", name)
			}
			s.lookForToken(token)
			if name == "refresh_token" {
				for _, renewed := range login.renew(t, direct, token) {
					s.lookForToken(renewed)
				}
			}
		}
	}
	found, size = s.inMemory(t, d.cmd.Process.Pid)
	table.add(rowMemoryAfter, size, found)
	d.collect(t)
	found, size = s.inMemory(t, d.cmd.Process.Pid)
	table.add(rowMemoryLater, size, found)

	// What passes through the proxy does leave traces. Were none found, the
	// search would not find those of a login either.
	proxied := rand.Text()
	s.look(ownerProxied, proxied)
	d.api(t, http.MethodPost, "/v1/proxy", "", wire.ProxyRequest{
		Method: http.MethodGet, URL: "https://" + d.tenant + "/userinfo", Headers: map[string]string{"Authorization": "Bearer " + proxied},
	}, nil)
	found, _ = s.inMemory(t, d.cmd.Process.Pid)
	table.proxied = found.of(ownerProxied)

	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait() // ends with an error, that is what the signal does
	table.addStore(t, &s, d, rowStoreEnd, rowOpenedEnd, control, opened)
	found, size = s.inFiles(t, filepath.Dir(d.log))
	table.add(rowLog, size, found)
	found, size = browserTap.in(&s)
	table.add(rowWire, size, found)
	found, size = tenantTap.in(&s)
	table.add(rowWireTLS, size, found)
	table.check(t)
	table.keep(t)
}

// gcLine is what the runtime writes at the end of a collection.
var gcLine = regexp.MustCompile(`(?m)^gc \d+ @`)

// collect keeps the broker busy until its garbage has been collected often enough.
func (d *deployment) collect(t *testing.T) {
	t.Helper()
	ran := func() int {
		printed, err := os.ReadFile(d.log)
		if err != nil {
			t.Fatal(err)
		}
		return len(gcLine.FindAll(printed, -1))
	}
	junk := map[string]string{"template": strings.Repeat("x", 60<<10)}
	for enough := ran() + collections; ran() < enough; {
		if status := d.api(t, http.MethodPost, "/v1/sessions", "", junk, nil); status < 400 {
			t.Fatalf("a session without a key was opened with status %d", status)
		}
	}
}

// report is what the proof prints: a table, and how often a token was found in
// memory after it went through the proxy.
type report struct {
	findings []finding
	proxied  int
}

type finding struct {
	place string
	bytes int
	hits  hits
}

func (r *report) add(place string, bytes int, found hits) {
	r.findings = append(r.findings, finding{place, bytes, found})
}

// addStore adds what is on disk, as it is and as it reads with the key. Nothing
// is there in clear, so the control is planted in a copy.
func (r *report) addStore(t *testing.T, s *search, d *deployment, asIs, withKey, control string, ids []string) {
	t.Helper()
	dir := d.snapshot(t)
	found, size := s.inFiles(t, dir)
	text := unsealed(t, dir, ids)
	plant(t, dir, control)
	planted, _ := s.inFiles(t, dir)
	found[ownerControl] = planted[ownerControl]
	r.add(asIs, size, found)
	r.add(withKey, len(text), s.in([]byte(text)))
}

// check fails the test where the table says what must not be.
func (r report) check(t *testing.T) {
	t.Helper()
	var places []string
	for _, f := range r.findings {
		places = append(places, f.place)
	}
	if !slices.Equal(places, proofRows) {
		t.Errorf("searched were %q, want %q", places, proofRows)
	}
	if r.proxied == 0 {
		t.Error("a token that went through the proxy was not found, so the search proves nothing about tokens")
	}
	for _, f := range r.findings {
		if n := f.hits.of(ownerForm); n != 0 {
			t.Errorf("%s: the secret of the form was found %d times: %v", f.place, n, f.hits[ownerForm])
		}
		if n := f.hits.of(ownerOAuth); n != 0 {
			t.Errorf("%s: tokens were found %d times: %v", f.place, n, f.hits[ownerOAuth])
		}
		if f.hits.of(ownerControl) == 0 && f.place != rowWireTLS {
			t.Errorf("%s: the control was not found in %d bytes, so the search proves nothing", f.place, f.bytes)
		}
	}
}

// keep writes the table where make prove prints it from.
func (r report) keep(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString(proofHead)
	for _, f := range r.findings {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", f.place, grouped(f.bytes),
			f.hits.of(ownerForm), f.hits.of(ownerOAuth), f.hits.of(ownerControl))
	}
	if *update {
		for _, page := range proofPages {
			quoteProof(t, page, b.String())
		}
	}
	fmt.Fprintf(&b, "\nA token that went through /v1/proxy was found in memory %d times.\n", r.proxied)
	const path = "../../.artifacts/zero-knowledge.md"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", b.String())
}

// grouped writes a number as people read it.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
