package storetest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkmail/broker/wire"
)

// LoginSteps are the points of a login at which [KillLogin] kills the broker.
// They number the changes of the store: 1 is the confirmation.
var LoginSteps = []string{
	"before update 2", "after update 2", // the browser leaves for the provider
	"before update 3", "after update 3", // it comes back, and the verifier is taken
	"exchange under way",
	"before update 4", "after update 4", // the envelope is stored
	"before update 5", "after update 5", // and delivered
}

// later is by how much the clock of the second restart is ahead: an exchange
// whose broker was killed is over by then, a session is not.
const later = 2 * time.Minute

// KillLogin runs a login at an OAuth provider against a broker that is killed
// at each of [LoginSteps] in turn, and is started again on the same store and
// behind the same address. A session is never ready without an envelope, the
// code is redeemed and the envelope delivered once at most, and wherever the
// login is lost the person is told to ask for a new link, and the agent that
// it has failed.
func KillLogin(t *testing.T, address string) {
	t.Helper()
	for _, step := range LoginSteps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			l := newLogin(t, address, step)
			l.run()
			l.afterwards()
		})
	}
}

// login is one login and its surroundings.
type login struct {
	*testing.T
	address, step string
	provider      *provider
	front         *Front
	door          *door
	flow          Flow
}

// door stands before the brokers, as a reverse proxy does: the address stays
// when a broker is replaced by the next.
type door struct {
	url    string
	inside atomic.Pointer[url.URL]
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := new(door)
	d.url = serving(t, &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(d.inside.Load()); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	return d
}

func newLogin(t *testing.T, address, step string) *login {
	t.Helper()
	l := &login{T: t, address: address, step: step, provider: newProvider(t), door: newDoor(t)}
	l.front = Dial(l.door.url)
	t.Cleanup(l.front.Close)
	p := l.broker(step, 0)
	if step == "exchange under way" {
		var once sync.Once
		l.provider.asked = func() { once.Do(func() { _ = p.cmd.Process.Kill() }) }
	}
	return l
}

// broker starts a broker behind the door.
func (l *login) broker(kill string, ahead time.Duration) *Process {
	l.Helper()
	p := start(l.T, l.address, envKill+"="+kill, envBase+"="+l.door.url, envProvider+"="+l.provider.url, envAhead+"="+ahead.String())
	inside, err := url.Parse(p.URL)
	if err != nil {
		l.Fatal(err)
	}
	l.door.inside.Store(inside)
	return p
}

// again makes a request and, if the broker dies in it, starts another one and
// makes the request once more. It reports whether that was so.
func (l *login) again(request func() (int, error)) (status int, died bool) {
	l.Helper()
	status, err := request()
	if died = err == nil && status == http.StatusBadGateway; died {
		l.broker("", 0)
		status, err = request()
	}
	if err != nil {
		l.Fatal(err)
	}
	return status, died
}

// run goes through the login as far as it gets.
func (l *login) run() {
	l.Helper()
	var status int
	var err error
	if l.flow, status, err = l.front.CreateLogin(); err != nil || status != http.StatusCreated {
		l.Fatalf("create: %d, %v", status, err)
	}
	if status, err := l.front.Confirm(&l.flow); err != nil || status != http.StatusOK {
		l.Fatalf("confirm: %d, %v", status, err)
	}
	var left Page
	status, died := l.again(func() (status int, err error) {
		left, err = l.front.LeaveFor(&l.flow)
		return left.Status, err
	})
	if died && l.step == "after update 2" { // where the browser was to go died with the broker
		l.lost(left, http.StatusConflict)
		l.wantPoll(wire.Confirmed)
		return
	}
	if status != http.StatusSeeOther {
		l.Fatalf("leave: %d", status)
	}
	back, err := l.provider.agree(left.Location)
	if err != nil {
		l.Fatal(err)
	}
	var came Page
	tries := 1 // so that the changes of the store can be counted
	status, died = l.again(func() (status int, err error) {
		came, err = l.comeBack(back, tries)
		tries = 8 // an impatient person
		return came.Status, err
	})
	switch {
	case !died || l.step == "before update 3":
		if status != http.StatusSeeOther {
			l.Fatalf("callback: %d", status)
		}
	case l.step == "after update 4": // stored, and the browser was not told
		l.lost(came, http.StatusBadRequest)
	default:
		l.lost(came, http.StatusBadRequest)
		l.wantPoll(wire.Confirmed) // it could still come, for all that the store says
		l.broker("", later)
		l.wantPoll(wire.Failed)
		return
	}
	l.deliver()
}

// comeBack is the callback, so many times at once, of which one succeeds at
// most. The page is that of the one.
func (l *login) comeBack(back url.Values, tries int) (Page, error) {
	pages, errs := make([]Page, tries), make([]error, tries)
	var all sync.WaitGroup
	for i := range tries {
		all.Go(func() { pages[i], errs[i] = l.front.ComeBack(back) })
	}
	all.Wait()
	page, won := pages[0], 0
	for _, p := range pages {
		if p.Status == http.StatusSeeOther {
			page = p
			won++
		}
	}
	if won > 1 {
		return Page{}, fmt.Errorf("%d callbacks succeeded", won)
	}
	return page, errors.Join(errs...)
}

// lost checks that a person whose login is lost reads what to do.
func (l *login) lost(page Page, status int) {
	l.Helper()
	if page.Status != status || !strings.Contains(page.Text, "sk your assistant for a new") {
		l.Errorf("the person gets %d and reads %q, want %d and a way on", page.Status, page.Text, status)
	}
}

// wantPoll polls once. An answer never says ready without an envelope, see
// [Front.Poll].
func (l *login) wantPoll(want wire.Status) {
	l.Helper()
	p, status, err := l.front.Poll(&l.flow, l.flow.PollToken)
	if err != nil || status != http.StatusOK || p.Status != want || (want == wire.Failed) != (p.Error != "") {
		l.Errorf("poll: %d, %+v, %v; want %s", status, p, err, want)
	}
}

// deliver polls until the session is consumed and checks what came.
func (l *login) deliver() {
	l.Helper()
	delivered := 0
	var last wire.Status
	for ahead := later; last != wire.Consumed; ahead += time.Minute { // no interval has to be waited for
		if ahead > later+3*time.Minute {
			l.Fatalf("the last poll said %q", last)
		}
		p, status, err := l.front.Poll(&l.flow, l.flow.PollToken)
		switch {
		case err != nil:
			l.Fatal(err)
		case status == http.StatusOK:
			last = p.Status
		}
		if p.Ciphertext != nil {
			delivered++
			if text, err := Opened(*p.Ciphertext); err != nil || text != tokens {
				l.Errorf("the agent got %q, %v", text, err)
			}
		}
		l.broker("", ahead)
	}
	if want := map[bool]int{true: 0, false: 1}[l.step == "after update 5"]; delivered != want {
		l.Errorf("%d deliveries, want %d", delivered, want)
	}
}

// afterwards checks that a code was redeemed once at most, and that the same
// person and agent succeed with a new link.
func (l *login) afterwards() {
	l.Helper()
	if n := l.provider.exchanged(); n > 1 || n == 0 && l.step != "after update 2" && l.step != "after update 3" {
		l.Errorf("%d exchanges", n)
	}
	l.step = "none"
	l.broker("", 0)
	l.run()
}
