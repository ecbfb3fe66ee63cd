package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/internal/standin"
)

// desk is where a user of a mode sits: a demo, an environment and a browser.
type desk struct {
	t      *testing.T
	d      *demoWorld
	env    []string
	person *standin.Person
	choice standin.Choice
	opened map[string]bool

	// wait is how long a call waits for the person: long where the browser is
	// opened by the call itself, and comes back to it or to nobody.
	wait string
	// mayGetStuck says that a visit that does not come back is no mistake of
	// the test: it ends the command that waits for it.
	mayGetStuck bool

	mu     sync.Mutex
	errs   []error
	giveUp context.CancelCauseFunc // ends the command that runs now
	trips  int
	wg     sync.WaitGroup

	gaveUp bool // that the last command was ended so
}

// errGaveUp is why a command ends whose visit does not come back.
var errGaveUp = errors.New("the person gave up")

// quickly is how often a command of a test asks again.
const quickly = 10 * time.Millisecond

// unusedPort returns a port that nobody listens on.
func unusedPort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

func newDesk(t *testing.T, d *demoWorld, mode string, more ...string) *desk {
	t.Helper()
	port := unusedPort(t)
	d.world.AllowCallback(fmt.Sprintf("http://127.0.0.1:%d/callback", port))
	env := append(d.environ(),
		"LINKMAIL_AUTH="+mode, fmt.Sprintf("LINKMAIL_CALLBACK_PORT=%d", port),
		"LINKMAIL_CACHE_DIR="+filepath.Join(t.TempDir(), "cache"))
	k := &desk{t: t, d: d, env: append(env, more...), person: standin.NewPerson(), opened: map[string]bool{}, wait: "2s"}
	if mode == modeOAuth || mode == modeGoogle {
		k.wait = "2m"
	}
	t.Cleanup(k.wg.Wait)
	return k
}

// browse is what a desktop does: the call returns at once, the person clicks.
func (k *desk) browse(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	// A link of Auth0 to connect an account does not name the way back.
	home := u.Query().Get("redirect_uri")
	if home == "" {
		for _, kv := range k.env {
			if port, ok := strings.CutPrefix(kv, "LINKMAIL_CALLBACK_PORT="); ok {
				home = "http://127.0.0.1:" + port + "/callback"
			}
		}
	}
	k.mu.Lock()
	giveUp := k.giveUp
	k.mu.Unlock()
	k.wg.Go(func() {
		_, err := standin.NewPerson().Browse(context.WithoutCancel(ctx), address, home, k.choice)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.trips++
		switch {
		case err != nil && k.mayGetStuck:
			giveUp(errGaveUp)
		case err != nil:
			k.errs = append(k.errs, err)
		}
	})
	return nil
}

// run runs a command line at the desk.
func (k *desk) run(stdin io.Reader, args ...string) ran {
	k.t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithCancelCause(k.t.Context())
	defer cancel(nil)
	k.mu.Lock()
	k.giveUp = cancel
	k.mu.Unlock()
	p := process{env: k.env, stdin: stdin, stdout: &out, stderr: &errs, browse: k.browse, every: quickly}
	status := p.run(ctx, args)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gaveUp = errors.Is(context.Cause(ctx), errGaveUp)
	for _, err := range k.errs {
		k.t.Errorf("the browser: %v", err)
	}
	k.errs = nil
	return ran{status, out.String(), errs.String()}
}

// ask calls a tool until it has an answer; links of a broker are followed.
func (k *desk) ask(tool string, args any) envelope {
	k.t.Helper()
	input, err := json.Marshal(args)
	if err != nil {
		k.t.Fatal(err)
	}
	for range 60 {
		got := k.run(strings.NewReader(""), "call", tool, string(input), "--wait", k.wait)
		e := got.envelope(k.t)
		if e.Status != "auth_required" {
			return e
		}
		if e.Auth.Code != "" && !k.opened[e.Auth.URL] {
			k.opened[e.Auth.URL] = true
			if _, err := k.person.Open(k.t.Context(), e.Auth.URL, e.Auth.Code, k.choice); err != nil {
				k.t.Fatal(err)
			}
		} else if e.Auth.Code != "" {
			if _, _, err := k.person.GoOn(k.t.Context(), e.Auth.URL, e.Auth.Code, k.choice); err != nil {
				k.t.Fatal(err)
			}
		}
	}
	k.t.Fatal("there never was an answer")
	return envelope{}
}

// TestTheSameConversationInEveryMode walks search, sign-in, mails and a send
// that the user agrees to, with nothing changed but the word LINKMAIL_AUTH and
// what the mode asks for.
func TestTheSameConversationInEveryMode(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			d := demoFor(t, nil)
			var more []string
			switch mode {
			case modeToken:
				more = []string{"LINKMAIL_GMAIL_TOKEN=" + d.world.IssueToken(standin.DefaultUser, []string{gmailScope}, time.Hour)}
			case modeAuth0:
				d.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "profile", "email", gmailScope)
				more = []string{"AUTH0_REFRESH_TOKEN=" + d.world.AddRefreshToken(standin.DefaultUser)}
			}
			k := newDesk(t, d, mode, more...)
			found := k.ask("search_emails", map[string]any{"query": "is:unread", "maxResults": 3})
			if found.Status != "ok" || len(found.Data.Items) != 3 || found.Account != standin.DefaultUser {
				t.Fatalf("search: %+v", found)
			}
			read := k.ask("read_email", map[string]any{"messageIds": []string{found.Data.Items[0].MessageID}})
			if read.Status != "ok" || len(read.Data.Items) != 1 || read.Data.Items[0].Body == "" {
				t.Fatalf("read: %+v", read)
			}
			mail := map[string]any{"to": []string{"bob@example.com"}, "subject": "Same words", "body": "In every mode."}
			agreed := k.ask("send_email", mail)
			if agreed.Status != "confirmation_required" || agreed.Data.ConfirmationToken == "" {
				t.Fatalf("send: %+v", agreed)
			}
			if mode == modeDemo {
				return // its mailbox lives for one call, and nothing of it is kept
			}
			mail["confirmationToken"] = agreed.Data.ConfirmationToken
			if sent := k.ask("send_email", mail); sent.Status != "ok" || sent.Data.Outcome != "sent" {
				t.Fatalf("send with the token: %+v", sent)
			}
		})
	}
}

func TestLoginStatusLogoutInEveryModeWithAPerson(t *testing.T) {
	for _, mode := range []string{modeOAuth, modeLinkAuth, modeDirect, modeGoogle} {
		t.Run(mode, func(t *testing.T) {
			d := demoFor(t, nil)
			k := newDesk(t, d, mode)
			if got := k.run(nil, "status"); got.status != exitOK || !strings.Contains(got.stdout, "signed_out") {
				t.Fatalf("status before: %+v", got)
			}
			got := k.loginOverLinks("login", "--timeout", "30s")
			if got.status != exitOK || got.stdout != "signed in: gmail as "+standin.DefaultUser+"\n" {
				t.Fatalf("login: status %d, %q, %s", got.status, got.stdout, got.stderr)
			}
			var view statusView
			shown := k.run(nil, "status", "--json")
			if err := json.Unmarshal([]byte(shown.stdout), &view); err != nil {
				t.Fatal(err)
			}
			if view.Mode != mode || view.Account != standin.DefaultUser || !view.SignedIn || view.Health.State != "ok" || view.Cache.Key != "configured" {
				t.Errorf("status: %s", shown.stdout)
			}
			if len(view.Services) != 1 || view.Services[0].CachedUntil == nil || len(view.Services[0].Missing) != 0 || !strings.Contains(strings.Join(view.Services[0].Granted, " "), gmailScope) {
				t.Errorf("services: %+v", view.Services)
			}
			text := k.run(nil, "status")
			for _, secret := range []string{"ya29.", "v1.M", "1//", standin.DemoClientSecret, standin.DemoGoogleClientSecret, "eyJ"} {
				if strings.Contains(text.stdout+shown.stdout+text.stderr+shown.stderr+got.stderr, secret) {
					t.Errorf("a secret (%s...) is shown", secret)
				}
			}
			out := k.run(nil, "logout")
			if out.status != exitOK || !strings.Contains(out.stdout, "forgotten on this machine") || strings.Contains(out.stdout, "could not") {
				t.Errorf("logout: %+v", out)
			}
			if got := k.run(nil, "status"); !strings.Contains(got.stdout, "signed_out") {
				t.Errorf("status after: %+v", got)
			}
			if got := k.run(nil, "logout"); got.stdout != "Nobody was signed in.\n" {
				t.Errorf("a second logout: %+v", got)
			}
			e := k.run(nil, "call", "search_emails", "{}").envelope(t)
			if e.Status != "auth_required" {
				t.Errorf("after the logout a call is answered %+v", e)
			}
		})
	}
}

// loginOverLinks runs login; links of a broker that it prints are followed.
func (k *desk) loginOverLinks(args ...string) ran {
	k.t.Helper()
	reader, writer := io.Pipe()
	done, ended := make(chan struct{}), make(chan struct{})
	var tabs sync.WaitGroup
	var said bytes.Buffer
	k.wg.Go(func() {
		defer close(done)
		link := ""
		lines := newLines(reader, &said)
		for line := range lines {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "http") {
				link = line
			}
			if code, ok := strings.CutPrefix(line, "Go on only if the page shows the code "); ok {
				if _, err := k.person.Open(context.WithoutCancel(k.t.Context()), link, strings.TrimSuffix(code, "."), k.choice); err != nil {
					k.t.Errorf("the person: %v", err)
				}
				opened := link
				tabs.Go(func() { // the tab stays open for the second step
					for went := false; !went; {
						select {
						case <-ended:
							return
						case <-time.After(quickly):
						}
						var err error
						if _, went, err = k.person.GoOn(context.WithoutCancel(k.t.Context()), opened, strings.TrimSuffix(code, "."), k.choice); err != nil {
							k.t.Errorf("the tab: %v", err)
							return
						}
					}
				})
			}
		}
	})
	var out bytes.Buffer
	p := process{env: k.env, stdin: strings.NewReader(""), stdout: &out, stderr: writer, browse: k.browse, every: quickly}
	status := p.run(k.t.Context(), args)
	close(ended)
	_ = writer.Close()
	<-done
	tabs.Wait()
	return ran{status, out.String(), said.String()}
}

// newLines yields the lines of r and keeps a copy.
func newLines(r io.Reader, kept *bytes.Buffer) func(func(string) bool) {
	return func(yield func(string) bool) {
		var line []byte
		one := make([]byte, 1)
		for {
			if _, err := r.Read(one); err != nil {
				return
			}
			kept.Write(one)
			if one[0] != '\n' {
				line = append(line, one[0])
				continue
			}
			if !yield(string(line)) {
				return
			}
			line = line[:0]
		}
	}
}

func TestABrowserOnAnotherMachineIsPastedBack(t *testing.T) {
	for _, mode := range []string{modeOAuth, modeGoogle} {
		t.Run(mode, func(t *testing.T) {
			d := demoFor(t, nil)
			k := newDesk(t, d, mode)
			// A tool call began it, in a process that is gone.
			e := k.run(nil, "call", "search_emails", "{}").envelope(t)
			if e.Status != "auth_required" || e.Auth.Code != "" {
				t.Fatalf("the call was answered %+v", e)
			}
			reader, writer := io.Pipe()
			errs := &linkWatcher{first: e.Auth.URL, open: func(link string) {
				for _, line := range []string{"nonsense", k.walkAway(link)} {
					_, _ = io.WriteString(writer, line+"\n")
				}
			}}
			var out bytes.Buffer
			p := process{env: k.env, stdin: reader, stdout: &out, stderr: errs}
			if status := p.run(t.Context(), []string{"login", "--timeout", "30s"}); status != exitOK || !strings.Contains(out.String(), standin.DefaultUser) {
				t.Fatalf("status %d, %q\n%s", status, out.String(), errs.String())
			}
			_ = writer.Close()
			errs.wg.Wait()
			if !strings.Contains(errs.String(), e.Auth.URL) {
				t.Error("login did not go on with the link of the tool call")
			}
			if !strings.Contains(errs.String(), "the whole address from the browser") {
				t.Error("login did not say what is wrong with nonsense")
			}
		})
	}
}

// linkWatcher is a terminal that a person watches for links.
type linkWatcher struct {
	first string
	open  func(link string)
	mu    sync.Mutex
	all   bytes.Buffer
	seen  map[string]bool
	wg    sync.WaitGroup
}

func (w *linkWatcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(b)
	for line := range strings.SplitSeq(string(b), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "http") && !w.seen[line] {
			if w.seen == nil {
				w.seen = map[string]bool{}
			}
			w.seen[line] = true
			w.wg.Go(func() { w.open(line) })
		}
	}
	return len(b), nil
}

func (w *linkWatcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

// walkAway follows a link in a browser that cannot reach this machine's
// callback, and returns the address it ends at.
func (k *desk) walkAway(link string) string {
	home := ""
	client := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			home = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := client.Get(link)
	if err != nil {
		k.t.Error(err)
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	page, _ := io.ReadAll(resp.Body)
	form := url.Values{"user": {standin.DefaultUser}, "account": {standin.DefaultUser}, "scope": {gmailScope}}
	form.Set("action", "allow")
	if strings.Contains(string(page), `value="continue"`) {
		form.Set("action", "continue")
	}
	resp, err = client.PostForm(resp.Request.URL.String(), form)
	if err != nil {
		k.t.Error(err)
		return ""
	}
	_ = resp.Body.Close()
	if home == "" {
		k.t.Errorf("the browser never left for the callback: HTTP %d", resp.StatusCode)
	}
	return home
}
