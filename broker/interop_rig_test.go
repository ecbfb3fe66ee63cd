//go:build interop

package broker_test

import (
	"bufio"
	"encoding/json"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"linkmail/broker"
	"linkmail/internal/secret"
)

const playwrightPackage = "playwright-core@1.65.1"

// chromium is a real browser, driven through testdata/page.mjs.
type chromium struct {
	t     *testing.T
	shots string

	mu  sync.Mutex
	in  io.Writer
	out *bufio.Scanner
}

// newChromium starts the browser; it ends with the test.
func newChromium(t *testing.T) *chromium {
	t.Helper()
	shots, err := filepath.Abs("../.artifacts/page")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	// The module has to be found from the script's folder.
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/page.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "page.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-save", "--ignore-scripts", "--silent", "--prefer-offline", playwrightPackage)
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	cmd := exec.Command("node", "page.mjs")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // the script then closes the browser
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	return &chromium{t: t, shots: shots, in: in, out: lines}
}

// tab is one tab. Tabs whose names share the part before a slash are of one
// browser, that is, share their cookies.
type tab struct {
	t       *testing.T
	b       *chromium
	name    string
	options map[string]any
}

func (b *chromium) tab(t *testing.T, name string, options map[string]any) *tab {
	return &tab{t: t, b: b, name: name, options: options}
}

// do sends one command and returns the result.
func (p *tab) do(what string, args map[string]any) json.RawMessage {
	p.t.Helper()
	command := map[string]any{"tab": p.name, "options": p.options, "does": what}
	maps.Copy(command, args)
	line, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if _, err := p.b.in.Write(append(line, '\n')); err != nil {
		p.t.Fatalf("the browser has ended: %v", err)
	}
	if !p.b.out.Scan() {
		p.t.Fatalf("the browser ended at %s", what)
	}
	var answer struct {
		Result json.RawMessage
		Error  string
		Text   string
	}
	if err := json.Unmarshal(p.b.out.Bytes(), &answer); err != nil {
		p.t.Fatal(err)
	}
	if answer.Error != "" {
		p.t.Fatalf("%s %v: %s\nthe page reads:\n%s", what, args, answer.Error, answer.Text)
	}
	return answer.Result
}

func (p *tab) text(what string, args map[string]any) string {
	p.t.Helper()
	var text string
	if err := json.Unmarshal(p.do(what, args), &text); err != nil {
		p.t.Fatal(err)
	}
	return text
}

func (p *tab) open(address string) { p.t.Helper(); p.do("open", map[string]any{"url": address}) }
func (p *tab) click(name string)   { p.t.Helper(); p.do("click", map[string]any{"text": name}) }
func (p *tab) press(key string)    { p.t.Helper(); p.do("press", map[string]any{"text": key}) }

func (p *tab) fill(label, text string) {
	p.t.Helper()
	p.do("fill", map[string]any{"label": label, "text": text})
}

// heading waits for the heading, keeps a screenshot and returns the text of
// the page.
func (p *tab) heading(text, shot string) string {
	p.t.Helper()
	read := p.text("heading", map[string]any{"text": text})
	p.shot(shot)
	return read
}

func (p *tab) shot(name string) {
	p.t.Helper()
	p.do("shot", map[string]any{"path": filepath.Join(p.b.shots, name+".png")})
}

func (p *tab) eval(script string, into any) {
	p.t.Helper()
	if err := json.Unmarshal(p.do("eval", map[string]any{"script": script}), into); err != nil {
		p.t.Fatal(err)
	}
}

// content fails the test if the browser found a fault with the page, for
// example a breach of its policy.
func (p *tab) content() {
	p.t.Helper()
	var complaints []string
	if err := json.Unmarshal(p.do("complaints", nil), &complaints); err != nil {
		p.t.Fatal(err)
	}
	if len(complaints) > 0 {
		p.t.Errorf("the browser complains: %s", strings.Join(complaints, "\n"))
	}
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title><main><h1>{{.Host}}</h1>
{{range $name, $to := .Ways}}<form action="{{$to.Action}}">{{range $k, $v := $to.Query}}<input type="hidden" name="{{$k}}" value="{{index $v 0}}">{{end}}<button>{{$name}}</button></form>{{end}}</main>`))

// signIn is a provider's pages: one that leads back at once, with a button to
// allow and one to deny.
func signIn(t *testing.T, callback func() string) *httptest.Server {
	t.Helper()
	type way struct {
		Action string
		Query  url.Values
	}
	show := func(w http.ResponseWriter, r *http.Request, allow, deny url.Values) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = signInPage.Execute(w, map[string]any{"Host": r.Host, "Ways": map[string]way{"Allow": {callback(), allow}, "Deny": {callback(), deny}}})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		state := r.URL.Query().Get("state")
		show(w, r, url.Values{"state": {state}, "code": {"the-code"}}, url.Values{"state": {state}, "error": {"access_denied"}})
	})
	mux.HandleFunc("GET /connected-accounts/connect", func(w http.ResponseWriter, r *http.Request) {
		show(w, r, url.Values{"state": {customState}, "connect_code": {"cc-1"}}, url.Values{"state": {customState}, "error": {"access_denied"}})
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// newPageRig is a broker with a provider whose pages a browser can walk.
func newPageRig(t *testing.T) (*rig, *idp) {
	t.Helper()
	tokens := newIDP(t)
	var r *rig
	pages := signIn(t, func() string { return r.url + "/v1/oauth/callback" })
	r = newRig(t, func(cfg *broker.Config) {
		cfg.Providers = map[string]broker.Provider{"auth0": {
			ClientID: "client-1", ClientSecret: secret.New("client-secret-canary"),
			AuthURL: pages.URL + "/authorize", TokenURL: tokens.URL + "/token",
		}}
	})
	return r, &idp{Server: pages}
}
