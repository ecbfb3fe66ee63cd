package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/server"
)

// The numbers are those of the checklist for URL elicitation (E) and for
// multi round-trip requests (M) that docs/clients.md names.

func TestE01OnlyAClientThatDeclaresLinksGetsADialog(t *testing.T) {
	for _, caps := range []string{canNone, canForm, `{"elicitation":{"form":{}}}`, `{"sampling":{},"roots":{}}`} {
		t.Run(caps, func(t *testing.T) {
			onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
				l := w.open(t, d, d.server, caps)
				l.call("search", `{}`, "").words(t)
				l.call("search", `{}`, "").words(t)
				d.signIn()
				l.call("search", `{}`, "").ok(t, "search")
			})
		})
	}
	t.Run("a link client", func(t *testing.T) {
		onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
			w.open(t, d, d.server, canURL).call("search", `{}`, "").elicited(t, w)
		})
	})
}

func TestE02NothingPersonalIsInTheDialog(t *testing.T) {
	onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
		l := w.open(t, d, d.server, canURL)
		shown := l.call("search", `{"query":"from:`+mailCanary+`"}`, "").elicited(t, w)
		for _, word := range []string{mailCanary, tokenCanary, bearerCanary, "ada"} {
			if strings.Contains(shown.Message+shown.URL, word) {
				t.Errorf("the dialog holds %q: %s %s", word, shown.Message, shown.URL)
			}
		}
		if n := len(shown.Message) + len(shown.URL); n > 4096 {
			t.Errorf("the dialog has %d bytes; some clients break above 4096", n)
		}
	})
}

func TestE03OnlySafeLinksAreOpenedForTheUser(t *testing.T) {
	for link, dialog := range map[string]bool{
		"https://broker.example/connect/WOLF-4711":                               true,
		"http://127.0.0.1:4182/connect/WOLF-4711":                                true,
		"http://localhost:4182/connect/WOLF-4711":                                true,
		"http://broker.example/connect/WOLF-4711":                                false,
		"http://127.0.0.1.evil.example/WOLF-4711":                                false,
		"javascript:alert('WOLF-4711')":                                          false,
		"file:///etc/WOLF-4711":                                                  false,
		"https://ada:secret@broker.example/WOLF-4711":                            false,
		"https://broker.example/WOLF-4711?" + strings.Repeat("x", 2048):          false,
		"https://broker.example/\x7fWOLF-4711":                                   false,
		"//broker.example/connect/WOLF-4711":                                     false,
		"https://broker.example/connect/WOLF-4711#fp=" + strings.Repeat("a", 43): true,
	} {
		t.Run(link[:min(40, len(link))], func(t *testing.T) {
			onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
				d.change(func() { d.link.URL = link })
				r := w.open(t, d, d.server, canURL).call("search", `{}`, "")
				if dialog {
					r.elicited(t, w)
				} else {
					r.words(t)
				}
			})
		})
	}
}

func TestE04TheLinkIsThePageWithTheCodeAndNoOther(t *testing.T) {
	onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
		shown := w.open(t, d, d.server, canURL).call("search", `{}`, "").elicited(t, w)
		if shown.URL != d.link.URL {
			t.Errorf("the dialog opens %s, want the connect page %s", shown.URL, d.link.URL)
		}
	})
	t.Run("a provider's own page has no code", func(t *testing.T) {
		onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
			d.change(func() { d.link.URL, d.link.Code = "https://accounts.google.com/o/oauth2/v2/auth?client_id=WOLF-1", "" })
			w.open(t, d, d.server, canURL).call("search", `{}`, "").words(t)
		})
	})
}

func TestE05TheDialogNamesTheCodeToCompare(t *testing.T) {
	onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
		shown := w.open(t, d, d.server, canURL).call("search", `{}`, "").elicited(t, w)
		if !strings.Contains(shown.Message, "only if it shows the code WOLF-4711") {
			t.Errorf("message = %q", shown.Message)
		}
	})
}

func TestE06IDsCannotBeGuessedAndEndSoon(t *testing.T) {
	d := at(t, -1)
	l := wires[0].open(t, d, d.server, canURL)
	id := l.call("search", `{}`, "").elicited(t, wires[0]).ElicitationID
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) < 16 {
		t.Errorf("id %q has %d bits, want 128", id, 8*len(raw))
	}
	other := at(t, -1) // the same link with another key
	if again := wires[0].open(t, other, other.server, canURL).call("search", `{}`, "").elicited(t, wires[0]).ElicitationID; again == id {
		t.Error("the id of a link can be computed from the link")
	}
	m := at(t, -1)
	m.change(func() { m.link.Expires = m.clock.Add(24 * time.Hour) })
	first := wires[1].open(t, m, m.server, canURL).call("search", `{}`, "")
	first.elicited(t, wires[1])
	m.signIn()
	m.pass(10*time.Minute + time.Second)
	r := wires[1].open(t, m, m.server, canURL).call("search", `{}`, answered(first.state, "accept"))
	if !r.failed || len(m.effects()) != 0 {
		t.Errorf("after ten minutes: %s, want it refused", r.raw)
	}
}

func TestE07TheStateIsTheUsersAndNotTheSessions(t *testing.T) {
	onEachWire(t, time.Minute, func(t *testing.T, d *desk, w wire) {
		first := w.open(t, d, d.server, canURL).call("search", `{}`, "")
		first.elicited(t, w)
		d.pass(2 * time.Second)

		// Another user of the same store: the link is new to them, and what
		// was given to the first one is worth nothing.
		mallory := d.open(t, -1, "mallory")
		if w.modern {
			if r := w.open(t, d, mallory, canURL).call("search", `{}`, w.again(first)); !r.failed {
				t.Errorf("another user's requestState is answered %s", r.raw)
			}
		}
		w.open(t, d, mallory, canURL).call("search", `{}`, "").elicited(t, w)

		// The same user in another process and session goes on.
		d.signIn()
		w.open(t, d, d.open(t, time.Minute, "ada"), canURL).call("search", `{}`, w.again(first)).ok(t, "search")
	})
}

func TestE08NoTokenReachesTheClientOrTheLog(t *testing.T) {
	onEachWire(t, time.Minute, func(t *testing.T, d *desk, w wire) {
		l := w.open(t, d, d.server, canURL)
		first := l.call("search", `{}`, "")
		first.elicited(t, w)
		d.pass(2 * time.Second)
		d.signIn()
		l.call("search", `{}`, w.again(first)).ok(t, "search")
		l.call("send", `{}`, "").ok(t, "send")
		for place, text := range map[string]string{"an answer": d.said.String(), "the log": d.log.String()} {
			for _, secret := range []string{tokenCanary, bearerCanary} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %s", place, secret)
				}
			}
		}
		if first.state != "" && strings.Contains(d.log.String(), first.state) {
			t.Error("the log holds a requestState")
		}
		if strings.Contains(d.log.String(), "WOLF-4711") {
			t.Error("the log holds a code")
		}
	})
}

func TestE09TheClientsOwnCredentialGoesNowhere(t *testing.T) {
	onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
		d.signIn()
		w.open(t, d, d.server, canURL).call("search", `{}`, "").ok(t, "search")
		if got, want := d.effects(), []string{"/search Bearer " + tokenCanary}; !slices.Equal(got, want) {
			t.Errorf("the service saw %q, want %q", got, want)
		}
	})
}

func TestE10EveryAnswerOfAUserEndsSanely(t *testing.T) {
	t.Run("declined", func(t *testing.T) {
		for _, action := range []string{"decline", "cancel", "shrug"} {
			d := at(t, time.Minute)
			l := wires[1].open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			d.pass(2 * time.Second)
			d.signIn()
			r := l.call("search", `{}`, answered(first.state, action))
			if !r.failed || !strings.Contains(r.text, "the user declined") || len(d.effects()) != 0 {
				t.Errorf("%s: %s with effects %q, want an error and nothing done", action, r.raw, d.effects())
			}
		}
	})
	t.Run("declined by the client itself", func(t *testing.T) {
		d := at(t, time.Minute)
		l := wires[1].open(t, d, d.server, canURL)
		first := l.call("search", `{}`, "")
		d.pass(1499 * time.Millisecond)
		l.call("search", `{}`, answered(first.state, "decline")).words(t)
		l.call("search", `{}`, "").words(t) // and never a dialog again
	})
	t.Run("repeated at once by a client of the older protocol", func(t *testing.T) {
		for _, w := range []wire{wires[0], wires[2]} {
			d := at(t, time.Hour) // it must not wait
			l := w.open(t, d, d.server, canURL)
			l.call("search", `{}`, "").elicited(t, w)
			l.call("search", `{}`, "").words(t)
		}
	})
	t.Run("agreed and not done", func(t *testing.T) {
		onEachWire(t, 5*time.Millisecond, func(t *testing.T, d *desk, w wire) {
			l := w.open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			first.elicited(t, w)
			d.pass(2 * time.Second)
			r := l.call("search", `{}`, w.again(first))
			r.words(t)
			if !strings.Contains(r.text, "has not finished the sign-in yet") {
				t.Errorf("text = %q", r.text)
			}
			for range 5 { // an impatient model
				l.call("search", `{}`, "").words(t)
			}
			l.call("send", `{}`, "").words(t)
			d.signIn()
			l.call("search", `{}`, "").ok(t, "search")
		})
	})
	t.Run("done while the repeated call waits", func(t *testing.T) {
		onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
			l := w.open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			first.elicited(t, w)
			<-d.tried
			d.pass(2 * time.Second)
			go func() {
				<-d.tried // the repeated call has found no token
				d.signIn()
			}()
			l.call("search", `{}`, w.again(first)).ok(t, "search")
		})
	})
	t.Run("refused while the repeated call waits", func(t *testing.T) {
		onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
			l := w.open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			<-d.tried
			d.pass(2 * time.Second)
			go func() {
				<-d.tried
				d.change(func() {
					d.failure = &auth.Failure{Kind: auth.Denied, Code: "access_denied", Message: "the person said no at Google", Hint: "Call again."}
				})
			}()
			r := l.call("search", `{}`, w.again(first))
			if !r.failed || !strings.Contains(r.text, "the person said no at Google") {
				t.Errorf("got %s, want what happened", r.raw)
			}
		})
	})
	t.Run("the next step is there before the call is repeated", func(t *testing.T) {
		onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
			l := w.open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			first.elicited(t, w)
			d.pass(2 * time.Second)
			d.change(func() { d.link.URL, d.link.Code, d.link.Step = "https://broker.example/connect/WOLF-2", "WOLF-2", 2 })
			second := l.call("search", `{}`, w.again(first))
			if !w.modern {
				second.words(t)
				// Another call is not the one that was repeated, but the link is known.
				l.call("send", `{}`, "").words(t)
				return
			}
			second.elicited(t, w)
		})
	})
	t.Run("the next step", func(t *testing.T) {
		onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
			l := w.open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			<-d.tried
			d.pass(2 * time.Second)
			go func() {
				<-d.tried
				d.change(func() { d.link.URL, d.link.Code, d.link.Step = "https://broker.example/connect/WOLF-2", "WOLF-2", 2 })
			}()
			second := l.call("search", `{}`, w.again(first))
			if !w.modern {
				// These clients repeat a call once.
				second.words(t)
				d.signIn()
				l.call("search", `{}`, "").ok(t, "search")
				return
			}
			if shown := second.elicited(t, w); !strings.Contains(shown.Message, "One more step") {
				t.Errorf("message = %q", shown.Message)
			}
			d.signIn()
			l.call("search", `{}`, w.again(second)).ok(t, "search")
		})
	})
}

func TestE11TheDialogIsNamedAndItsEndToldToItsSessionOnly(t *testing.T) {
	d := at(t, -1)
	base, stop := serving(t, d.server, false)
	withLinks := strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+canURL, 1)
	var ids [2]string
	var notes [2]events
	for i := range ids {
		ids[i] = request(t, "POST", base+"/mcp", withLinks).header.Get("Mcp-Session-Id")
		notes[i] = stream(t.Context(), t, base+"/mcp", "Accept", "text/event-stream", "Mcp-Session-Id", ids[i])
	}
	got := request(t, "POST", base+"/mcp", call(2, "search"), "Mcp-Session-Id", ids[0])
	var m map[string]any
	if err := json.Unmarshal([]byte(messagesOf(got)[0]), &m); err != nil {
		t.Fatal(err)
	}
	shown := read(t, m).elicited(t, wires[2])
	if shown.ElicitationID == "" {
		t.Fatal("the dialog has no id")
	}
	d.signIn()
	note := notes[0].next()
	if !strings.Contains(note, "notifications/elicitation/complete") || !strings.Contains(note, shown.ElicitationID) {
		t.Errorf("the session that asked was told %s", note)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(notes[1].r); err != nil || strings.Contains(string(rest), "elicitation") {
		t.Errorf("another session was told %q (%v)", rest, err)
	}
	t.Run("over stdio", func(t *testing.T) {
		d := at(t, time.Hour)
		l := wires[0].open(t, d, d.server, canURL)
		id := l.call("search", `{}`, "").elicited(t, wires[0]).ElicitationID
		<-d.tried
		d.pass(2 * time.Second)
		go func() {
			<-d.tried
			d.signIn()
		}()
		l.call("search", `{}`, "").ok(t, "search")
		// The end may be told before or after the answer.
		for len(l.notes()) == 0 {
			l.say("ping", "")
		}
		if note := l.notes()[0]; !strings.Contains(note, id) || !strings.Contains(note, "elicitation/complete") {
			t.Errorf("the client was told %s", note)
		}
	})
	t.Run("nothing is told of a link that ran out", func(t *testing.T) {
		d := at(t, -1)
		l := wires[0].open(t, d, d.server, canURL)
		l.call("search", `{}`, "").elicited(t, wires[0])
		d.pass(time.Hour)
		d.server.Close()
		l.say("ping", "")
		if notes := l.notes(); len(notes) > 0 {
			t.Errorf("the client was told %s", notes)
		}
	})
}

func TestE12AFormIsNeverAskedFor(t *testing.T) {
	onEachWire(t, 5*time.Millisecond, func(t *testing.T, d *desk, w wire) {
		for _, caps := range []string{canNone, canForm, canURL, `{"elicitation":{"form":{}}}`} {
			l := w.open(t, d, d.server, caps)
			first := l.call("search", `{}`, "")
			for _, shown := range first.ask {
				if shown.Mode != "url" {
					t.Errorf("mode = %q, want url", shown.Mode)
				}
			}
			d.pass(2 * time.Second)
			l.call("search", `{}`, w.again(first))
		}
		if strings.Contains(d.said.String(), "requestedSchema") || strings.Contains(d.said.String(), `"form"`) {
			t.Errorf("a form was asked for:\n%s", d.said)
		}
	})
}

func TestM01OnlyACallAsksAndOnlyForWhatWasDeclared(t *testing.T) {
	d := at(t, -1)
	l := wires[1].open(t, d, d.server, canURL)
	for _, method := range []string{"tools/list", "server/discover", "prompts/list", "resources/list"} {
		m := l.say(method, `"requestState":"x"`)
		if b, _ := json.Marshal(m); strings.Contains(string(b), "input_required") {
			t.Errorf("%s asks for input: %s", method, b)
		}
	}
	l.call("search", `{}`, "").elicited(t, wires[1])
}

func TestM02ABadStateIsRefusedBeforeAnythingHappens(t *testing.T) {
	for _, w := range []wire{wires[1], wires[3]} {
		t.Run(w.name, func(t *testing.T) {
			d := at(t, time.Minute)
			l := w.open(t, d, d.server, canURL)
			first := l.call("send", `{"to":"a@example.com","n":1}`, "")
			first.elicited(t, w)
			foreign := at(t, time.Minute)
			theirs := w.open(t, foreign, foreign.server, canURL).call("send", `{"to":"a@example.com","n":1}`, "")
			d.pass(2 * time.Second)
			d.signIn()
			s := first.state
			for name, r := range map[string]reply{
				"made up":          l.call("send", `{"to":"a@example.com","n":1}`, answered("AAAA", "accept")),
				"not base64":       l.call("send", `{"to":"a@example.com","n":1}`, answered("?!", "accept")),
				"huge":             l.call("send", `{"to":"a@example.com","n":1}`, answered(strings.Repeat("A", 1<<16), "accept")),
				"changed":          l.call("send", `{"to":"a@example.com","n":1}`, answered(s[:20]+flip(s[20])+s[21:], "accept")),
				"shortened":        l.call("send", `{"to":"a@example.com","n":1}`, answered(s[:len(s)-1], "accept")),
				"another key's":    l.call("send", `{"to":"a@example.com","n":1}`, answered(theirs.state, "accept")),
				"other arguments":  l.call("send", `{"to":"b@example.com","n":1}`, answered(s, "accept")),
				"more arguments":   l.call("send", `{"to":"a@example.com","n":1,"x":0}`, answered(s, "accept")),
				"a larger number":  l.call("send", `{"to":"a@example.com","n":9007199254740993}`, answered(s, "accept")),
				"another tool":     l.call("search", `{"to":"a@example.com","n":1}`, answered(s, "accept")),
				"a no for another": l.call("search", `{"to":"a@example.com","n":1}`, answered(s, "decline")),
			} {
				if !r.failed || !strings.Contains(r.text, "requestState was not accepted") {
					t.Errorf("%s: %s, want it refused", name, r.raw)
				}
			}
			if got := d.effects(); len(got) != 0 {
				t.Errorf("the service saw %q", got)
			}
			// None of this has used it up, and order and spacing do not matter.
			l.call("send", `{ "n":1, "to":"a@example.com" }`, answered(s, "accept")).ok(t, "send")
		})
	}
	t.Run("expired with its link", func(t *testing.T) {
		d := at(t, time.Minute)
		l := wires[1].open(t, d, d.server, canURL)
		first := l.call("send", `{}`, "")
		d.pass(10 * time.Minute)
		d.signIn()
		if r := l.call("send", `{}`, answered(first.state, "accept")); !r.failed || len(d.effects()) != 0 {
			t.Errorf("got %s, want it refused", r.raw)
		}
	})
}

// flip returns another character of the alphabet.
func flip(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

func TestM03SingleUse(t *testing.T) {
	for _, w := range []wire{wires[1], wires[3]} {
		t.Run(w.name, func(t *testing.T) {
			d := at(t, time.Minute)
			first := w.open(t, d, d.server, canURL).call("send", `{}`, "")
			first.elicited(t, w)
			d.pass(2 * time.Second)
			d.signIn()
			// Ten clients in ten processes replay it at once.
			var lines []*line
			for range 10 {
				lines = append(lines, w.open(t, d, d.open(t, time.Minute, "ada"), canURL))
			}
			var wg sync.WaitGroup
			var good sync.Map
			for i, l := range lines {
				wg.Go(func() {
					if r := l.call("send", `{}`, w.again(first)); !r.failed {
						good.Store(i, r.raw)
					}
				})
			}
			wg.Wait()
			n := 0
			good.Range(func(any, any) bool { n++; return true })
			if got := d.effects(); n != 1 || len(got) != 1 {
				t.Errorf("%d of ten replays were accepted, and the service saw %q; want one", n, got)
			}
		})
	}
	t.Run("a no uses it up as well", func(t *testing.T) {
		d := at(t, time.Minute)
		l := wires[1].open(t, d, d.server, canURL)
		first := l.call("send", `{}`, "")
		d.pass(2 * time.Second)
		d.signIn()
		l.call("send", `{}`, answered(first.state, "decline"))
		if r := l.call("send", `{}`, answered(first.state, "accept")); !r.failed || len(d.effects()) != 0 {
			t.Errorf("got %s, want it refused", r.raw)
		}
	})
	t.Run("what was forgotten is refused", func(t *testing.T) {
		d := at(t, time.Minute)
		first := wires[1].open(t, d, d.server, canURL).call("send", `{}`, "")
		d.signIn()
		for _, key := range []string{"server/ticket-key"} {
			if err := d.store.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		r := wires[1].open(t, d, d.open(t, time.Minute, "ada"), canURL).call("send", `{}`, answered(first.state, "accept"))
		if !r.failed || len(d.effects()) != 0 {
			t.Errorf("got %s, want it refused", r.raw)
		}
	})
}

func TestM04AMissingAnswerIsAnsweredAndASurplusOneIgnored(t *testing.T) {
	for name, more := range map[string]string{
		"no answers":         `"requestState":%q`,
		"an empty set":       `"requestState":%q,"inputResponses":{}`,
		"only another":       `"requestState":%q,"inputResponses":{"other":{"action":"accept"}}`,
		"one of no meaning":  `"requestState":%q,"inputResponses":{"sign_in":{"roots":[]}}`,
		"answers and no key": `"inputResponses":{"sign_in":{"action":"decline"}}%.0s`,
	} {
		t.Run(name, func(t *testing.T) {
			d := at(t, time.Hour) // it must not wait
			l := wires[1].open(t, d, d.server, canURL)
			first := l.call("search", `{}`, "")
			d.pass(time.Second)
			l.call("search", `{}`, fmt.Sprintf(more, first.state)).words(t)
			if len(d.effects()) != 0 {
				t.Errorf("the service saw %q", d.effects())
			}
		})
	}
	t.Run("one too many", func(t *testing.T) {
		d := at(t, time.Hour)
		l := wires[1].open(t, d, d.server, canURL)
		first := l.call("search", `{}`, "")
		d.pass(2 * time.Second)
		d.signIn()
		l.call("search", `{}`, fmt.Sprintf(
			`"requestState":%q,"inputResponses":{"other":{"action":"decline"},"sign_in":{"action":"accept"}}`, first.state)).ok(t, "search")
	})
}

func TestM05NothingHappensTwice(t *testing.T) {
	onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
		l := w.open(t, d, d.server, canURL)
		first := l.call("send", `{}`, "")
		<-d.tried
		d.pass(2 * time.Second)
		go func() {
			<-d.tried
			d.signIn()
		}()
		l.call("send", `{}`, w.again(first)).ok(t, "send")
		if got := d.effects(); len(got) != 1 {
			t.Errorf("the service saw %q, want one send", got)
		}
	})
}

func TestALinkIsPutBeforeTheUserOnceWhateverTheCall(t *testing.T) {
	onEachWire(t, -1, func(t *testing.T, d *desk, w wire) {
		w.open(t, d, d.server, canURL).call("search", `{"query":"a"}`, "").elicited(t, w)
		for _, s := range []*server.Server{d.server, d.open(t, -1, "ada")} {
			l := w.open(t, d, s, canURL)
			l.call("search", `{"query":"b"}`, "").words(t)
			l.call("send", `{}`, "").words(t)
		}
		d.change(func() { d.link.URL, d.link.Previous = "https://broker.example/connect/WOLF-2", auth.Expired })
		shown := w.open(t, d, d.server, canURL).call("search", `{}`, "").elicited(t, w)
		if !strings.Contains(shown.Message, "ran out") {
			t.Errorf("message = %q, want what became of the link before", shown.Message)
		}
	})
}

func TestWithoutAStateEveryChallengeIsTold(t *testing.T) {
	d := at(t, -1)
	s, err := server.New(server.Config{Name: "x", Version: "1", Tools: catalogue(nil, nil)})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wires {
		l := w.open(t, d, s, canURL)
		if w.name == "HTTP, 2026-07-28" {
			continue // its tools are not this server's
		}
		if r := l.call("challenge", `{}`, ""); r.status != "auth_required" {
			t.Errorf("%s: %s", w.name, r.raw)
		}
	}
}

func TestAnUnusableStoreTellsTheLinkInWords(t *testing.T) {
	onEachWire(t, time.Hour, func(t *testing.T, d *desk, w wire) {
		d.store = broken{}
		l := w.open(t, d, d.open(t, time.Hour, "ada"), canURL)
		l.call("search", `{}`, "").words(t)
		l.call("search", `{}`, "").words(t)
		if !strings.Contains(d.log.String(), "cannot be kept") {
			t.Errorf("the log does not say why:\n%s", d.log)
		}
	})
}
