//go:build interop

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"linkmail/broker/wire"
	"linkmail/internal/standin"
)

// The key with which agents talk to the broker of these tests.
const (
	judgeKeyName = "judge"
	judgeKey     = "la_judge_key_that_only_these_tests_know_0001"
)

// deployment is a broker as it is deployed, a process of its own, with the
// stand-in tenant behind TLS as its only OAuth provider.
type deployment struct {
	world  *standin.World
	person *standin.Person

	broker string // the address that agents and browsers use
	tenant string // host:port, as AUTH0_DOMAIN has it
	roots  string // file with the certificate of the tenant
	pool   *x509.CertPool
	dir    string // all that the broker may write to
	log    string // file with the broker's standard error
	direct string // where api finds the broker, if not at its address
	cmd    *exec.Cmd
}

// deploymentOptions change how a broker is started. The zero value is a broker
// that is reached directly, with the usual key and settings.
type deploymentOptions struct {
	// public returns the address that stands in front of the broker at listen.
	public func(listen string) string
	// upstream returns the address that stands in front of the tenant.
	upstream func(tenant string) string
	// env is added to the environment and wins over what is in it.
	env []string
}

// deploy starts a broker and waits until it answers.
func deploy(t *testing.T, bin string, opt deploymentOptions) *deployment {
	t.Helper()
	d := &deployment{world: standin.NewWorld(standin.Config{}), person: standin.NewPerson(), dir: t.TempDir()}
	tenant := httptest.NewUnstartedServer(d.world.Auth0())
	tenant.EnableHTTP2 = true // as Auth0 does
	tenant.StartTLS()
	t.Cleanup(tenant.Close)
	d.pool = x509.NewCertPool()
	d.pool.AddCert(tenant.Certificate())
	d.person.Trust(d.pool)
	d.roots = filepath.Join(t.TempDir(), "roots.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tenant.Certificate().Raw})
	if err := os.WriteFile(d.roots, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	d.tenant = tenant.Listener.Addr().String()
	if opt.upstream != nil {
		d.tenant = opt.upstream(d.tenant)
	}

	listen := "127.0.0.1:" + freePort(t)
	d.broker = "http://" + listen
	if opt.public != nil {
		d.broker = "http://" + opt.public(listen)
	}
	d.world.AllowCallback(d.broker + "/v1/oauth/callback")
	d.log = filepath.Join(t.TempDir(), "stderr")
	stderr, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stderr.Close() })
	d.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), bin, "broker", "--dev", "--listen", listen,
		"--proxy-allow", d.tenant, "--passthrough-allow", d.tenant)
	d.cmd.Dir = d.dir
	d.cmd.Stdout, d.cmd.Stderr = stderr, stderr
	d.cmd.Env = append([]string{
		"HOME=" + d.dir, "XDG_DATA_HOME=" + d.dir, "TMPDIR=" + d.dir, "PATH=/usr/bin:/bin", "SSL_CERT_FILE=" + d.roots,
		"LINKAUTH_BASE_URL=" + d.broker,
		"LINKAUTH_STORE=sqlite:" + filepath.Join(d.dir, databaseName),
		"LINKAUTH_API_KEYS=" + judgeKeyName + ":" + judgeKey,
		"LINKAUTH_SESSIONS_PER_MINUTE=0",
		"OAUTH_AUTH0_ISSUER=https://" + d.tenant + "/",
		"OAUTH_AUTH0_CLIENT_ID=" + standin.DemoClientID,
		"OAUTH_AUTH0_CLIENT_SECRET=" + standin.DemoClientSecret,
	}, opt.env...)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
		if t.Failed() {
			printed, _ := os.ReadFile(d.log)
			t.Logf("the broker printed:\n%s", printed)
		}
	})
	awaitHTTP(t, "http://"+listen+"/readyz")
	return d
}

// api sends one JSON request to the broker, as an agent or as the page does,
// and returns the status.
func (d *deployment) api(t *testing.T, method, path, bearer string, body, into any) int {
	t.Helper()
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		payload = bytes.NewReader(raw)
	}
	at := d.broker
	if d.direct != "" {
		at = "http://" + d.direct
	}
	req, err := http.NewRequestWithContext(t.Context(), method, at+path, payload)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = strings.TrimPrefix(d.broker, "http://")
	req.Header.Set(wire.HeaderAPIKey, judgeKey)
	req.Header.Set("Accept", wire.TypeJSON)
	if body != nil {
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, raw)
		}
	}
	if resp.StatusCode >= 300 && into != nil {
		t.Fatalf("%s %s: status %d: %s", method, path, resp.StatusCode, raw)
	}
	return resp.StatusCode
}

// typeIn plays a person who compares the code, fills in the form and sends it:
// what the page's script does, in Go.
func (d *deployment) typeIn(t *testing.T, code string, values map[string]string) {
	t.Helper()
	var session struct {
		Code      string
		PublicKey string `json:"public_key"`
		Fields    []struct{ Name string }
	}
	d.api(t, http.MethodGet, "/v1/connect/"+code, "", nil, &session)
	if session.Code != code {
		t.Fatalf("the page shows code %q, the agent said %q", session.Code, code)
	}
	for _, f := range session.Fields {
		if _, ok := values[f.Name]; !ok {
			t.Errorf("the page asks for %q, which nobody types", f.Name)
		}
	}
	var confirmed struct {
		Token string `json:"connect_token"`
	}
	d.api(t, http.MethodPost, "/v1/connect/"+code+"/confirm", "", nil, &confirmed)
	pub, err := wire.ParsePublicKey(session.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := wire.Seal(pub, plain)
	if err != nil {
		t.Fatal(err)
	}
	status := d.api(t, http.MethodPost, "/v1/connect/"+code+"/complete", "", map[string]string{
		"ciphertext": sealed, "algorithm": wire.Algorithm, "connect_token": confirmed.Token,
	}, nil)
	if status != http.StatusNoContent {
		t.Fatalf("complete: status %d, want 204", status)
	}
}

// click plays a person who signs in and allows everything.
func (d *deployment) click(t *testing.T, link, code string) {
	t.Helper()
	if _, err := d.person.Open(t.Context(), link, code, standin.Choice{}); err != nil {
		t.Fatal(err)
	}
}

// redeems reports whether the tenant takes text for a refresh token.
func (d *deployment) redeems(t *testing.T, text string) bool {
	t.Helper()
	form := "grant_type=refresh_token&client_id=" + standin.DemoClientID + "&client_secret=" + standin.DemoClientSecret + "&refresh_token=" + text
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+d.tenant+"/oauth/token", strings.NewReader(form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	d.world.Auth0().ServeHTTP(rec, req)
	return rec.Code == http.StatusOK
}

// readsMail reports whether the stand-in Gmail takes text for an access token.
func (d *deployment) readsMail(t *testing.T, text string) bool {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/gmail/v1/users/me/profile", nil)
	req.Header.Set("Authorization", "Bearer "+text)
	rec := httptest.NewRecorder()
	d.world.Gmail().ServeHTTP(rec, req)
	return rec.Code == http.StatusOK
}
