package standin_test

import (
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// pageBroker is as much of a LinkAuth broker as a person's browser sees. It
// insists on the headers and the cookie that a browser would send.
type pageBroker struct {
	code     string // that the page shows
	template string
	getOnly  bool   // as the reference broker: authorize takes no form
	target   string // where authorize leads, with %state for the state
	got      url.Values
	*httptest.Server
}

func newPageBroker(t *testing.T) *pageBroker {
	t.Helper()
	const code = "ABCD-1234"
	b := &pageBroker{code: code, template: "oauth"}
	mux := http.NewServeMux()
	page := func(rw http.ResponseWriter, status int, text string) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, "<!doctype html><title>Broker</title><style>p{}</style><p hidden>not now</p><p>"+html.EscapeString(text)+"</p>")
	}
	mux.HandleFunc("GET /connect/{code}", func(rw http.ResponseWriter, r *http.Request) {
		page(rw, 200, "Connected "+r.URL.Query().Get("status"))
	})
	mux.HandleFunc("GET /v1/connect/{code}", func(rw http.ResponseWriter, r *http.Request) {
		if r.PathValue("code") != code {
			http.Error(rw, "{}", http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(rw).Encode(map[string]string{"code": b.code, "template_type": b.template})
	})
	mux.HandleFunc("POST /v1/connect/{code}/confirm", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != b.URL || r.Header.Get("Sec-Fetch-Site") != "same-origin" {
			http.Error(rw, "{}", http.StatusForbidden)
			return
		}
		http.SetCookie(rw, &http.Cookie{Name: "linkauth", Value: "here", Path: "/", HttpOnly: true})
		_ = json.NewEncoder(rw).Encode(map[string]string{"connect_token": "ct_1"})
	})
	authorize := func(rw http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("linkauth"); err != nil || c.Value != "here" || r.FormValue("connect_token") != "ct_1" {
			http.Error(rw, "{}", http.StatusForbidden)
			return
		}
		http.Redirect(rw, r, b.target, http.StatusSeeOther)
	}
	mux.HandleFunc("GET /v1/oauth/authorize/{code}", authorize)
	mux.HandleFunc("POST /v1/oauth/authorize/{code}", func(rw http.ResponseWriter, r *http.Request) {
		if b.getOnly {
			http.Error(rw, "{}", http.StatusMethodNotAllowed)
			return
		}
		authorize(rw, r)
	})
	mux.HandleFunc("GET /v1/oauth/callback", func(rw http.ResponseWriter, r *http.Request) {
		b.got = r.URL.Query()
		if b.got.Has("error") {
			page(rw, 400, "The sign-in was refused.")
			return
		}
		http.Redirect(rw, r, "/connect/"+code+"?status=success", http.StatusSeeOther)
	})
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

func (b *pageBroker) link() string { return b.URL + "/connect/" + b.code }

// login makes the broker lead to the tenant's login.
func (b *pageBroker) login(tt *tenantTest) {
	back := b.URL + "/v1/oauth/callback"
	tt.world.AllowCallback(back)
	b.target = tt.url + "/authorize" + query(with(tt.authorizeParams(), "redirect_uri", back))
}

func TestAPersonLogsInThroughTheBroker(t *testing.T) {
	for name, getOnly := range map[string]bool{"with a form": false, "at a broker that takes no form": true} {
		t.Run(name, func(t *testing.T) {
			tt, b := newTenantTest(t), newPageBroker(t)
			b.login(tt)
			b.getOnly = getOnly
			visit, err := standin.NewPerson().Open(t.Context(), b.link(), "ABCD-1234", standin.Choice{User: standin.SecondUser})
			if err != nil {
				t.Fatal(err)
			}
			if b.got.Get("code") == "" || b.got.Get("state") != "state-1" {
				t.Errorf("the broker got %v", b.got)
			}
			if visit.Text != "Connected success" || visit.Last().Path != "/connect/ABCD-1234" || visit.Last().Title != "Broker" {
				t.Errorf("last: %+v %q", visit.Last(), visit.Text)
			}
			var steps []string
			for _, s := range visit.Steps {
				if strings.ContainsAny(s.Path, "?=") {
					t.Errorf("a query in step %+v", s)
				}
				steps = append(steps, s.Method+" "+s.Path)
			}
			want := []string{
				"GET /connect/ABCD-1234", "GET /v1/connect/ABCD-1234", "POST /v1/connect/ABCD-1234/confirm",
				"POST /v1/oauth/authorize/ABCD-1234", "GET /authorize", "GET /u/login", "POST /u/login",
				"GET /v1/oauth/callback", "GET /connect/ABCD-1234",
			}
			if getOnly {
				want = slices.Insert(want, 4, "GET /v1/oauth/authorize/ABCD-1234")
			}
			if !slices.Equal(steps, want) {
				t.Errorf("steps %q", steps)
			}
		})
	}
}

func TestAPersonConsentsAndRefusesThroughTheBroker(t *testing.T) {
	tt, b := newTenantTest(t), newPageBroker(t)
	back := b.URL + "/v1/oauth/callback"
	tt.world.AllowCallback(back)
	me := tt.myAccountToken(tt.login().text("refresh_token")).text("access_token")
	person := standin.NewPerson()
	open := func(choice standin.Choice) (standin.Visit, error) {
		t.Helper()
		body := tt.connectBody()
		body["redirect_uri"] = back
		b.target = ticketURL(t, tt.me(me, "POST", "connect", body))
		return person.Open(t.Context(), b.link(), "abcd1234", choice)
	}
	if visit, err := open(standin.Choice{}); err != nil || b.got.Get("connect_code") == "" {
		t.Errorf("allow: %v, %+v, %v", err, visit.Last(), b.got)
	}
	visit, err := open(standin.Choice{CancelConsent: true})
	if err != nil || b.got.Get("error") != "access_denied" || visit.Last().Status != 400 || visit.Text != "The sign-in was refused." {
		t.Errorf("cancel: %v, %+v, %v", err, visit.Last(), b.got)
	}
	if _, err := open(standin.Choice{Untick: []string{"https://example.com/none"}}); err == nil || !strings.Contains(err.Error(), "has no tick box for https://example.com/none") {
		t.Errorf("a box that is not there: %v", err)
	}
	if _, err := open(standin.Choice{User: "nobody@example.com"}); err == nil || !strings.Contains(err.Error(), "does not offer the account nobody@example.com") {
		t.Errorf("an account that is not there: %v", err)
	}
}

func TestAPersonStopsWhenThePageShowsAnotherCode(t *testing.T) {
	tt, b := newTenantTest(t), newPageBroker(t)
	b.login(tt)
	for name, code := range map[string]string{"another": "ABCD-1235", "none": ""} {
		visit, err := standin.NewPerson().Open(t.Context(), b.link(), code, standin.Choice{})
		if !errors.Is(err, standin.ErrCode) {
			t.Errorf("%s: %v", name, err)
		}
		if visit.Last().Path != "/v1/connect/ABCD-1234" {
			t.Errorf("%s: went on to %+v", name, visit.Last())
		}
	}
	link := b.link()
	b.code = ""
	if _, err := standin.NewPerson().Open(t.Context(), link, "", standin.Choice{}); !errors.Is(err, standin.ErrCode) {
		t.Errorf("no code on either side: %v", err)
	}
}

func TestAPersonReportsWhatWentWrong(t *testing.T) {
	serve := func(status int, kind, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			rw.Header().Set("Location", body)
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
		}))
		t.Cleanup(s.Close)
		return s.URL + "/page?secret=s3cret"
	}
	for name, c := range map[string]struct{ target, want string }{
		"a page without a form":    {serve(200, "text/html", "<title>Hm</title>"), `the page "Hm" has no form`},
		"a form with other labels": {serve(200, "text/html", "<title>Hm</title><form><button>Go</button></form>"), `the page "Hm": has neither of the buttons`},
		"a form for ever":          {serve(200, "text/html", "<form action=/x><button>Continue</button></form>"), "gave up after 40 requests"},
		"an error page":            {serve(500, "text/html", "oh"), "answers with status 500"},
		"JSON":                     {serve(200, "application/json", "{}"), "answers with status 200"},
		"a redirect off loopback":  {serve(302, "text/html", "https://example.com/?secret=s3cret"), "not on loopback"},
		"a redirect to nowhere":    {serve(302, "text/html", ""), "redirects to no address"},
		"a redirect to a file":     {serve(302, "text/html", "file:///etc/passwd"), "not on loopback"},
		"a loop":                   {serve(302, "text/html", "?secret=s3cret"), "gave up after 40 requests"},
		"a dead port":              {"http://127.0.0.1:1/?secret=s3cret", "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newPageBroker(t)
			b.target = c.target
			_, err := standin.NewPerson().Open(t.Context(), b.link(), "ABCD-1234", standin.Choice{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestAPersonDoesNotOpenWhatIsNoLink(t *testing.T) {
	b := newPageBroker(t)
	b.template = "form"
	for name, c := range map[string]struct{ link, want string }{
		"no link":              {"hello", "does not end in /connect/CODE"},
		"no code":              {b.URL + "/connect/", "does not end in /connect/CODE"},
		"another host":         {"http://example.com/connect/ABCD-1234", "not on loopback"},
		"a broker that is off": {"http://127.0.0.1:1/connect/ABCD-1234", "connection refused"},
		"no page":              {b.URL + "/v1/connect/ABCD-1234", `with status 200 and "text/plain"`},
		"an unknown code":      {b.URL + "/connect/ZZZZ-9999", "/v1/connect/ZZZZ-9999 answers with status 404"},
		"a form to fill in":    {b.link(), "asks for credentials to be typed in"},
		"a page below a path":  {b.URL + "/below/connect/ABCD-1234", "the link answers with status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := standin.NewPerson().Open(t.Context(), c.link, "ABCD-1234", standin.Choice{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestFormsAreReadAsABrowserReadsThem(t *testing.T) {
	for name, c := range map[string]struct{ page, press, want string }{
		"everything that has a name": {
			`<form method=POST action="/a?b=c"><input name=h type=hidden value=1><input name=t value=" x "><textarea name=a>long
			text</textarea><input value=nameless><button name=b value=go>Go</button><button name=b value=no>No</button></form>`,
			"Go", "POST /a?b=c a=long+text&b=go&h=1&t=+x+",
		},
		"ticks and choices": {
			`<form><input type=checkbox name=c checked><input type=checkbox name=c value=2><input type=radio name=r value=1><input type=radio name=r value=2 checked>
			<select name=s><option>one<option selected value=2>two</select><select name=e></select><select name=f><option>first<option>second</select><button>Go</button></form>`,
			"Go", "  c=on&e=&f=first&r=2&s=2",
		},
		"unclosed and nested markup": {
			`<div><form action=x><label><b><input name=a value=1 <button name=z>Go`, "Go", "",
		},
		"disabled and foreign buttons": {
			`<form><button disabled name=a>Go</button><button type=button name=b>Go</button><button type=reset>Go</button><input type=submit name=c value=Go></form>`,
			"Go", "  c=Go",
		},
		"entities in labels": {`<form><button name=a value="&amp;">Yes &amp; no</button></form>`, "Yes & no", "  a=%26"},
		"the second form":    {`<form action=1><button>A</button></form><form action=2><button>B</button></form>`, "B", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := standin.PressButton([]byte(c.page), c.press); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzForms(f *testing.F) {
	f.Add([]byte(`<form method=post action="/u/login"><input type=radio name=user value=a checked><button name=action value=continue>Continue</button></form>`))
	f.Add([]byte(`<form><select name=account><option value=a>a</select><input type=checkbox name=scope checked></form>`))
	f.Add([]byte(`<form><form><template><button>`))
	f.Fuzz(func(_ *testing.T, page []byte) { standin.PressButton(page, "Continue") })
}
