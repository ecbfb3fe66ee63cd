package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// walk is one visit in progress.
type walk struct {
	person *Person
	choice Choice
	home   string // where the visit ends
	visit  Visit
}

// reply is an answer that has been read.
type reply struct {
	url    *url.URL
	method string
	status int
	kind   string // media type
	header http.Header
	body   []byte
}

// fromBroker does what the broker's page and its script do, up to the redirect
// to the login or consent page, and follows that.
func (w *walk) fromBroker(ctx context.Context, link, code string) error {
	broker, linkCode, ok := cutLink(link)
	if !ok {
		return errors.New("the link does not end in /connect/CODE")
	}
	w.home = broker + "/"
	page, err := w.send(ctx, http.MethodGet, link, nil, "")
	if err != nil {
		return err
	}
	if page.status != http.StatusOK || page.kind != "text/html" {
		return fmt.Errorf("the link answers with status %d and %q instead of a page", page.status, page.kind)
	}
	api := broker + "/v1/connect/" + linkCode
	var session struct {
		Code     string `json:"code"`
		Template string `json:"template_type"`
	}
	if err := w.call(ctx, http.MethodGet, api, link, &session); err != nil {
		return err
	}
	if plainCode(session.Code) != plainCode(code) || code == "" {
		return ErrCode
	}
	if session.Template != "oauth" {
		return errors.New("the page asks for credentials to be typed in")
	}
	var confirmed struct {
		Token string `json:"connect_token"`
	}
	if err := w.call(ctx, http.MethodPost, api+"/confirm", link, &confirmed); err != nil {
		return err
	}
	form := url.Values{"connect_token": {confirmed.Token}}
	authorize := broker + "/v1/oauth/authorize/" + linkCode
	next, err := w.send(ctx, http.MethodPost, authorize, form, link)
	if err == nil && (next.status == http.StatusNotFound || next.status == http.StatusMethodNotAllowed) {
		// The reference broker knows only the form with a query.
		next, err = w.send(ctx, http.MethodGet, authorize+"?"+form.Encode(), nil, link)
	}
	if err != nil {
		return err
	}
	return w.follow(ctx, next)
}

// nextIsThere asks how the session stands that this browser has finished.
func (w *walk) nextIsThere(ctx context.Context, link string) (bool, error) {
	broker, code, ok := cutLink(link)
	if !ok {
		return false, errors.New("the link does not end in /connect/CODE")
	}
	a, err := w.send(ctx, http.MethodGet, broker+"/v1/connect/"+code+"/status", nil, link)
	if err != nil || a.status != http.StatusOK {
		return false, err // a broker without steps, or a browser that has done nothing here
	}
	var session struct {
		Status string `json:"status"`
		Step   int    `json:"step"`
	}
	if err := json.Unmarshal(a.body, &session); err != nil {
		return false, errors.New("the broker says how a session stands in no way that can be read")
	}
	return session.Status == "pending" && session.Step > 1, nil
}

// cutLink splits a broker link into the broker's address and the code.
func cutLink(link string) (broker, code string, ok bool) {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return "", "", false
	}
	prefix, code, ok := strings.Cut(u.EscapedPath(), "/connect/")
	if !ok || code == "" || strings.Contains(code, "/") {
		return "", "", false
	}
	return u.Scheme + "://" + u.Host + prefix, code, true
}

// plainCode drops what differs between two ways of writing one code.
func plainCode(code string) string {
	return strings.ToUpper(strings.ReplaceAll(code, "-", ""))
}

// follow goes through redirects and forms until the browser is home.
func (w *walk) follow(ctx context.Context, a reply) error {
	for {
		var err error
		switch {
		case a.status >= 300 && a.status < 400:
			a, err = w.redirect(ctx, a)
		case strings.HasPrefix(a.url.String(), w.home):
			return w.arrive(a)
		case a.kind != "text/html" || a.status != http.StatusOK:
			w.visit.Text = pageText(a.body)
			return fmt.Errorf("%s%s answers with status %d", a.url.Host, a.url.Path, a.status)
		default:
			a, err = w.click(ctx, a)
		}
		if err != nil {
			return err
		}
	}
}

// arrive ends the visit, which must be at a page. One that reports an error is
// what a person who refused expects to see, and nobody else.
func (w *walk) arrive(a reply) error {
	w.visit.Text = pageText(a.body)
	refused := w.choice.CancelLogin || w.choice.CancelConsent
	if a.kind != "text/html" || a.status >= 500 || a.status >= 400 && !refused {
		return fmt.Errorf("the last answer, of %s, is %q with status %d", a.url.Path, a.kind, a.status)
	}
	return nil
}

// redirect follows one Location. Only a GET may be repeated elsewhere.
func (w *walk) redirect(ctx context.Context, a reply) (reply, error) {
	to, err := a.url.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" {
		return reply{}, fmt.Errorf("%s%s redirects to no address", a.url.Host, a.url.Path)
	}
	if a.status >= http.StatusTemporaryRedirect && a.method != http.MethodGet {
		return reply{}, fmt.Errorf("%s%s would repeat a form elsewhere", a.url.Host, a.url.Path)
	}
	return w.send(ctx, http.MethodGet, to.String(), nil, "")
}

// click fills in the form of a page and presses a button.
func (w *walk) click(ctx context.Context, a reply) (reply, error) {
	f, ok := firstForm(a.body)
	if !ok {
		return reply{}, fmt.Errorf("the page %q has no form", pageTitle(a.body))
	}
	values, err := w.fill(f)
	if err != nil {
		return reply{}, fmt.Errorf("the page %q: %w", pageTitle(a.body), err)
	}
	to, err := a.url.Parse(f.action)
	if err != nil {
		return reply{}, fmt.Errorf("the page %q: its form leads to no address", pageTitle(a.body))
	}
	if f.method != http.MethodPost {
		to.RawQuery = values.Encode()
		return w.send(ctx, http.MethodGet, to.String(), nil, a.url.String())
	}
	return w.send(ctx, http.MethodPost, to.String(), values, a.url.String())
}

// fill answers the login page, which has a button Continue, or the consent
// page, which has a button Allow.
func (w *walk) fill(f *form) (url.Values, error) {
	if f.button("Allow") != nil {
		if w.choice.User != "" && !f.choose("account", w.choice.User) {
			return nil, errors.New("does not offer the account " + w.choice.User)
		}
		for _, scope := range w.choice.Untick {
			if !f.untick("scope", scope) {
				return nil, errors.New("has no tick box for " + scope)
			}
		}
		return f.press(either(w.choice.CancelConsent, "Cancel", "Allow"))
	}
	if f.button("Continue") != nil {
		if w.choice.User != "" && !f.choose("user", w.choice.User) {
			return nil, errors.New("does not offer the user " + w.choice.User)
		}
		return f.press(either(w.choice.CancelLogin, "Cancel", "Continue"))
	}
	return nil, errors.New("has neither of the buttons Continue and Allow")
}

func either(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}

// call does what the page's script does: a request that is answered with JSON.
func (w *walk) call(ctx context.Context, method, address, from string, into any) error {
	a, err := w.send(ctx, method, address, nil, from)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", a.url.Path, a.status)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("%s answers with something else than the JSON object that was expected", a.url.Path)
	}
	return nil
}

// send makes one request as a browser would that is on the page from, and
// notes it down. A POST carries the form, or nothing.
func (w *walk) send(ctx context.Context, method, address string, form url.Values, from string) (reply, error) {
	if len(w.visit.Steps) >= maxClicks {
		return reply{}, fmt.Errorf("gave up after %d requests", maxClicks)
	}
	u, err := url.Parse(address)
	if err != nil || !onLoopback(u) {
		return reply{}, errors.New("an address is not on loopback: a stand-in person goes nowhere else")
	}
	u.Fragment = ""
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return reply{}, errors.New("an address cannot be requested")
	}
	req.Header.Set("Accept", "text/html,application/json;q=0.9,*/*;q=0.8")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	setBrowserHeaders(req, from)
	res, err := w.person.client.Do(req)
	if err != nil {
		// The error of net/http names the whole URL, and a URL here has codes in it.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return reply{}, fmt.Errorf("%s %s%s: %w", method, u.Host, u.Path, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return reply{}, fmt.Errorf("%s %s%s: %w", method, u.Host, u.Path, err)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	a := reply{url: u, method: method, status: res.StatusCode, kind: kind, header: res.Header, body: data}
	step := Step{Method: method, Host: u.Host, Path: u.Path, Status: res.StatusCode}
	if kind == "text/html" {
		step.Title = pageTitle(data)
	}
	w.visit.Steps = append(w.visit.Steps, step)
	return a, nil
}

// setBrowserHeaders says where a request comes from, as every browser does and
// servers that defend against forged requests look at.
func setBrowserHeaders(req *http.Request, from string) {
	site := "none"
	if f, err := url.Parse(from); err == nil && f.Host != "" {
		site = "cross-site"
		if f.Scheme == req.URL.Scheme && f.Host == req.URL.Host {
			site = "same-origin"
		} else if f.Hostname() == req.URL.Hostname() {
			site = "same-site"
		}
		if req.Method == http.MethodPost {
			req.Header.Set("Origin", f.Scheme+"://"+f.Host)
		}
	}
	req.Header.Set("Sec-Fetch-Site", site)
}

// onLoopback reports whether u leads to this machine.
func onLoopback(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
