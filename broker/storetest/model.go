package storetest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"linkmail/broker"
	"linkmail/broker/wire"
)

// Model runs random flows against a broker over a store and compares every
// answer with what a model of three sessions says. open makes an empty store;
// it is called once for each flow.
//
// What holds, whatever comes in whatever order: a session moves pending,
// confirmed, (redirected,) ready, consumed; tokens work once; the envelope is
// there exactly while the session is ready, is that of the one writer, and is
// delivered at most once; nothing moves after the session has expired, and
// nothing makes it live longer.
func Model(t *testing.T, open func(t *testing.T, limit int) Env) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		// What the environment needs ends with the test, not with the flow.
		m := newModel(rt, open(t, 100))
		rt.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"create":   m.create,
			"look":     m.look,
			"confirm":  m.confirm,
			"complete": m.complete,
			"leave":    m.leave,
			"return":   m.comeBack,
			"poll":     m.poll,
			"wait":     m.wait,
		})
	})
}

// modelled is what the model knows of a session.
type modelled struct {
	flow        Flow
	passthrough bool
	state       broker.State
	sent        string // the text of the envelope, from ready on
	polled      time.Time
	delivered   int
}

type model struct {
	env      Env
	front    *Front
	sessions []*modelled
	made     int
}

func newModel(t *rapid.T, env Env) *model {
	if env.Now == nil || env.Advance == nil {
		t.Fatal("the model needs a clock")
	}
	b, err := NewBroker("", env.Store, env.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &model{env: env, front: NewFront(b.Handler())}
}

// pick draws a session that has not expired, or skips.
func (m *model) pick(t *rapid.T) *modelled {
	if len(m.sessions) == 0 {
		t.Skip("no session")
	}
	return rapid.SampledFrom(m.sessions).Draw(t, "session")
}

func (s *modelled) live(now time.Time) bool { return now.Before(s.flow.ExpiresAt) }

func (m *model) want(t *rapid.T, s *modelled, step string, want int, got int, err error) bool {
	t.Helper()
	if err != nil {
		t.Fatalf("%s in state %s: %v", step, s.state, err)
	}
	if !s.live(m.env.Now()) {
		// Too late, and too often too late is a guess.
		if want = http.StatusNotFound; step == "return" {
			want = http.StatusBadRequest
		}
		if got == http.StatusTooManyRequests && step != "poll" {
			return false
		}
	}
	if got != want {
		t.Fatalf("%s of a session that is %s (live: %v): %d, want %d", step, s.state, s.live(m.env.Now()), got, want)
	}
	return s.live(m.env.Now())
}

func (m *model) create(t *rapid.T) {
	if len(m.sessions) == 3 {
		t.Skip("enough")
	}
	s := &modelled{state: broker.Pending, passthrough: rapid.Bool().Draw(t, "passthrough")}
	m.made++
	state := ""
	if s.passthrough {
		state = fmt.Sprintf("state-number-%08d", m.made)
	}
	flow, status, err := m.front.Create(state, time.Duration(rapid.IntRange(60, 90).Draw(t, "ttl"))*time.Second)
	if err != nil || status != http.StatusCreated {
		t.Fatalf("create: %d, %v", status, err)
	}
	s.flow = flow
	m.sessions = append(m.sessions, s)
}

func (m *model) look(t *rapid.T) {
	s := m.pick(t)
	status, err := m.front.Look(&s.flow)
	want := http.StatusOK
	if s.state != broker.Pending {
		want = http.StatusNotFound
	}
	if status == http.StatusTooManyRequests {
		t.Skip("guessed too often")
	}
	m.want(t, s, "look", want, status, err)
}

func (m *model) confirm(t *rapid.T) {
	s := m.pick(t)
	status, err := m.front.Confirm(&s.flow)
	want := http.StatusConflict
	if s.state == broker.Pending {
		want = http.StatusOK
	}
	if m.want(t, s, "confirm", want, status, err) && s.state == broker.Pending {
		s.state = broker.Confirmed
	}
}

// token draws the right connect token, or one that is not.
func (s *modelled) token(t *rapid.T) (token string, right bool) {
	wrong := wire.ConnectTokenPrefix + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if s.flow.Token == "" || rapid.IntRange(0, 3).Draw(t, "wrong token") == 0 {
		return wrong, false
	}
	return s.flow.Token, true
}

func (m *model) complete(t *rapid.T) {
	s := m.pick(t)
	token, right := s.token(t)
	text := fmt.Sprintf("text %d", rapid.IntRange(0, 1_000_000).Draw(t, "text"))
	status, err := m.front.Complete(&s.flow, token, Envelope(text))
	want := http.StatusConflict
	switch {
	case s.passthrough, s.state == broker.Pending:
	case !right:
		want = http.StatusForbidden
	case s.state == broker.Confirmed:
		want = http.StatusNoContent
	}
	if m.want(t, s, "complete", want, status, err) && status == http.StatusNoContent {
		s.state, s.sent = broker.Ready, text
	}
}

func (m *model) leave(t *rapid.T) {
	s := m.pick(t)
	token, right := s.token(t)
	status, err := m.front.Leave(&s.flow, token)
	want := http.StatusConflict
	switch {
	case !s.passthrough:
		want = http.StatusBadRequest
	case !right:
		want = http.StatusForbidden
	case s.state == broker.Confirmed:
		want = http.StatusSeeOther
	}
	if m.want(t, s, "leave", want, status, err) && status == http.StatusSeeOther {
		s.state = broker.Redirected
	}
}

func (m *model) comeBack(t *rapid.T) {
	s := m.pick(t)
	if !s.passthrough {
		t.Skip("nowhere to come back from")
	}
	text := fmt.Sprintf("code %d", rapid.IntRange(0, 1_000_000).Draw(t, "text"))
	status, err := m.front.Return(&s.flow, text)
	want := http.StatusBadRequest
	if s.state == broker.Redirected {
		want = http.StatusSeeOther
	}
	if m.want(t, s, "return", want, status, err) && status == http.StatusSeeOther {
		s.state, s.sent = broker.Ready, `{"connect_code":"`+text+`"}`
	}
}

func (m *model) poll(t *rapid.T) {
	s := m.pick(t)
	token, right := s.flow.PollToken, true
	if rapid.IntRange(0, 3).Draw(t, "wrong token") == 0 {
		token, right = wire.PollTokenPrefix+"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false
	}
	now := m.env.Now()
	p, status, err := m.front.Poll(&s.flow, token)
	want := http.StatusOK
	switch {
	case !right:
		want = http.StatusForbidden
	case s.state != broker.Ready && !s.polled.IsZero() && now.Sub(s.polled) < pollInterval:
		want = http.StatusTooManyRequests
	}
	if !m.want(t, s, "poll", want, status, err) || status != http.StatusOK {
		return
	}
	s.polled = now
	says := map[broker.State]wire.Status{broker.Redirected: wire.Confirmed}[s.state]
	if says == "" {
		says = wire.Status(s.state)
	}
	if p.Status != says {
		t.Fatalf("poll says %s of a session that is %s", p.Status, s.state)
	}
	if !p.ExpiresAt.Equal(s.flow.ExpiresAt) {
		t.Fatalf("the session ends at %v, and was to end at %v", p.ExpiresAt, s.flow.ExpiresAt)
	}
	if s.state != broker.Ready {
		return
	}
	s.state = broker.Consumed
	if s.delivered++; s.delivered > 1 {
		t.Fatal("the envelope was delivered twice")
	}
	if got, err := Opened(*p.Ciphertext); err != nil || got != s.sent {
		t.Fatalf("the agent got %q, %v; want %q", got, err, s.sent)
	}
}

func (m *model) wait(t *rapid.T) {
	for _, d := range []time.Duration{500 * time.Millisecond, time.Second, 20 * time.Second} {
		if rapid.IntRange(0, 2).Draw(t, "how long") == 0 {
			m.env.Advance(d)
			break
		}
	}
	if m.env.Sweep != nil && rapid.Bool().Draw(t, "sweep") {
		if err := m.env.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// check looks at the store itself. It forgets sessions that expired long ago,
// so that there is room for others.
func (m *model) check(t *rapid.T) {
	now := m.env.Now()
	kept := m.sessions[:0]
	for _, s := range m.sessions {
		if now.Sub(s.flow.ExpiresAt) < 30*time.Second {
			kept = append(kept, s)
		}
		if !s.live(now) {
			continue
		}
		got, err := m.env.Store.Find(t.Context(), broker.Ref{ID: s.flow.SessionID})
		if err != nil {
			t.Fatalf("a session that is %s: %v", s.state, err)
		}
		if got.State != s.state || (got.Ciphertext != "") != (s.state == broker.Ready) {
			t.Fatalf("the store has %s, with an envelope: %v; want %s", got.State, got.Ciphertext != "", s.state)
		}
		if !got.Expires.Equal(s.flow.ExpiresAt) {
			t.Fatalf("the store lets the session end at %v, and it was to end at %v", got.Expires, s.flow.ExpiresAt)
		}
	}
	m.sessions = kept
}
