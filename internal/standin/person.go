package standin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
)

// maxReply is the largest answer that a Person reads, in bytes, and maxClicks
// how many requests one visit may take.
const (
	maxReply  = 1 << 20
	maxClicks = 40
)

// Person plays the user who gets a link and a code from an assistant: it opens
// the link, compares the code, and clicks through the broker's page and the
// pages of the stand-ins, with a browser's cookies and headers but without a
// browser. It talks to loopback addresses only. A Person keeps its cookies from
// one visit to the next and is not safe for concurrent use.
type Person struct {
	client *http.Client
}

// NewPerson returns a person with an empty cookie jar.
func NewPerson() *Person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // no options, no error
	}
	return &Person{client: &http.Client{
		Jar:           jar,
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Trust makes the person's browser accept the servers that roots vouches for,
// and no others, behind TLS. It is called before the first visit.
func (p *Person) Trust(roots *x509.CertPool) {
	p.client.Transport = &http.Transport{
		Proxy:             nil,
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}
}

// Choice is what the person does on the pages. The zero value logs in as the
// first user that is offered and allows everything.
type Choice struct {
	// User is the e-mail address to log in with and of the Google account.
	User string
	// CancelLogin and CancelConsent press Cancel on the login page and on the
	// consent page.
	CancelLogin, CancelConsent bool
	// Untick names scopes whose boxes are cleared on the consent page. It is
	// an error if there is no such box.
	Untick []string
}

// Visit is what happened after a link was opened.
type Visit struct {
	// Steps are the requests, in order.
	Steps []Step
	// Text is what can be read on the last page, with single spaces.
	Text string
}

// Step is one request of a visit. It holds nothing secret: no query, no form.
type Step struct {
	Method string
	// Host and Path say where it went; a code in the path is shown, as it is
	// on the person's screen.
	Host, Path string
	Status     int
	// Title is the title of the page, empty if the answer was none.
	Title string
}

// Last is the last step, which is the zero Step if there was none.
func (v Visit) Last() Step {
	if len(v.Steps) == 0 {
		return Step{}
	}
	return v.Steps[len(v.Steps)-1]
}

// ErrCode says that the page shows another code than the assistant did. The
// person closes it.
var ErrCode = errors.New("standin: the page does not show the code that the assistant gave")

// Open opens the link of a broker page, .../connect/CODE, and goes on until the
// browser is back at the broker. The visit is returned with the error too, as
// far as it went.
func (p *Person) Open(ctx context.Context, link, code string, choice Choice) (Visit, error) {
	w := &walk{person: p, choice: choice}
	err := w.fromBroker(ctx, link, code)
	if err != nil && !errors.Is(err, ErrCode) {
		err = fmt.Errorf("standin: person: %w", err)
	}
	return w.visit, err
}

// GoOn is what the tab does that [Person.Open] left open after the first of two
// steps: it asks the broker once whether the next step is there, and if so takes
// it. It reports whether there was one.
func (p *Person) GoOn(ctx context.Context, link, code string, choice Choice) (Visit, bool, error) {
	there, err := p.Awaited(ctx, link)
	if err != nil || !there {
		return Visit{}, false, err
	}
	visit, err := p.Open(ctx, link, code, choice)
	return visit, true, err
}

// Awaited asks the broker, as the open tab does, whether the second step of a
// link is there for this person's browser.
func (p *Person) Awaited(ctx context.Context, link string) (bool, error) {
	w := &walk{person: p}
	there, err := w.nextIsThere(ctx, link)
	if err != nil {
		err = fmt.Errorf("standin: person: %w", err)
	}
	return there, err
}

// Browse starts at any address, for flows without a broker, and goes on until
// the browser reaches a page at an address that begins with home. If nothing
// answers there, that is the error.
func (p *Person) Browse(ctx context.Context, address, home string, choice Choice) (Visit, error) {
	w := &walk{person: p, choice: choice, home: home}
	a, err := w.send(ctx, http.MethodGet, address, nil, "")
	if err == nil {
		err = w.follow(ctx, a)
	}
	if err != nil {
		err = fmt.Errorf("standin: person: %w", err)
	}
	return w.visit, err
}
