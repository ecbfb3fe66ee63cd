package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// patientBroker makes a broker wish for five minutes between two polls, which
// is longer than a test may take: whoever finishes a sign-in has not waited for
// a poll.
func patientBroker(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if service != "broker" || !strings.HasPrefix(r.URL.Path, "/v1/sessions") || strings.HasSuffix(r.URL.Path, "/events") {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.Header().Del("Content-Length")
		w.WriteHeader(rec.Code)
		_, _ = io.WriteString(w, strings.Replace(rec.Body.String(), `"interval":1,`, `"interval":300,`, 1))
	})
}

// TestASignInIsFinishedWithoutWaitingForAPoll in each command that waits for one.
func TestASignInIsFinishedWithoutWaitingForAPoll(t *testing.T) {
	for _, mode := range []string{modeLinkAuth, modeDirect} {
		t.Run("login, "+mode, func(t *testing.T) {
			k := newDesk(t, demoFor(t, patientBroker), mode)
			if got := k.loginOverLinks("login", "--timeout", "1m"); got.status != exitOK {
				t.Errorf("login: status %d, %q\n%s", got.status, got.stdout, got.stderr)
			}
		})
	}
	t.Run("call --wait", func(t *testing.T) {
		k := newDesk(t, demoFor(t, patientBroker), modeLinkAuth)
		// The call before it has given out the link, and this one goes on with it.
		first := k.run(nil, "call", "search_emails", "{}").envelope(t)
		if first.Auth == nil {
			t.Fatalf("status %q, want auth_required", first.Status)
		}
		k.wg.Go(func() {
			if err := bothSteps(t.Context(), k.person, first.Auth.URL, first.Auth.Code); err != nil {
				t.Errorf("the person: %v", err)
			}
		})
		var out, errs bytes.Buffer
		p := process{env: k.env, stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		status := p.run(t.Context(), []string{"call", "search_emails", "{}", "--wait", "1m"})
		if e := (ran{status, out.String(), errs.String()}).envelope(t); e.Status != "ok" || e.Account != standin.DefaultUser {
			t.Errorf("got %s, want the mails\n%s", out.String(), errs.String())
		}
	})
	t.Run("serve", func(t *testing.T) {
		k := newDesk(t, demoFor(t, patientBroker), modeLinkAuth)
		c := converse(t, k.env)
		shown := c.search()
		if shown.Error == nil || len(shown.Error.Data.Elicitations) != 1 {
			t.Fatalf("the first call: %+v, want a dialog", shown)
		}
		link := shown.Error.Data.Elicitations[0].URL
		if err := bothSteps(t.Context(), k.person, link, path.Base(strings.SplitN(link, "#", 2)[0])); err != nil {
			t.Fatal(err)
		}
		for len(c.finished) == 0 {
			c.next()
		}
		if m := c.search(); m.Result.StructuredContent.Status != "ok" {
			t.Errorf("the repeated call: %s", c.out.Bytes())
		}
		c.end()
	})
}
