package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"linkmail/mailbox"
	"linkmail/tools"
)

// post is a mail as send_email takes it.
const post = `{"to":["Anna <anna@example.com>"],"cc":["carl@example.org"],"bcc":"boss@example.net","subject":"Minutes","body":"Dear all","from":"me@example.com"%s}`

// posted is the same as the mailbox gets it.
var posted = mailbox.Outgoing{
	To: []string{"Anna <anna@example.com>"}, Cc: []string{"carl@example.org"}, Bcc: []string{"boss@example.net"},
	From: "me@example.com", Subject: "Minutes", Text: "Dear all", Markdown: true,
}

// noon is when tests happen.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// desk is a catalogue over a mailbox and a store, with a clock.
type desk struct {
	box   *box
	shelf *shelf
	now   time.Time
}

func newDesk() *desk { return &desk{&box{}, newShelf(), noon} }

func (d *desk) cfg(t testing.TB, policy string) tools.Config {
	t.Helper()
	p, err := tools.ParseSendPolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	return tools.Config{Mailbox: d.box, Send: p, Confirmations: d.shelf, Now: func() time.Time { return d.now }}
}

// token is the extra argument that redeems a.
func token(t testing.TB, a answer) string {
	t.Helper()
	s, _ := a.data()["confirmationToken"].(string)
	if a.envelope["status"] != "confirmation_required" || s == "" {
		t.Fatalf("%v asks for no confirmation", a.envelope)
	}
	return fmt.Sprintf(`,"confirmationToken":%q`, s)
}

func TestProblem21SendAsksFirst(t *testing.T) {
	d := newDesk()
	a := must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))
	tok, _ := a.data()["confirmationToken"].(string)
	want := map[string]any{
		"status": "confirmation_required", "account": "me@example.com",
		"data": map[string]any{
			"outcome": "not_sent", "confirmationToken": tok, "expiresAt": "2026-11-24T12:10:00Z", "from": "me@example.com",
			"recipients": map[string]any{"to": []any{"Anna <anna@example.com>"}, "cc": []any{"carl@example.org"}, "bcc": []any{"boss@example.net"}},
			"subject":    "Minutes", "preview": "Dear all", "attachments": []any{},
		},
	}
	if diff := cmp.Diff(want, a.envelope); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	text := `Account: me@example.com
Nothing was sent. Show the user this mail and ask whether to send it.
From: me@example.com
To: Anna <anna@example.com>
Cc: carl@example.org
Bcc: boss@example.net
Subject: Minutes
Attachments: none

Dear all

Only after the user agreed, call send_email again with exactly the same arguments and confirmationToken "` + tok + `" (for one use, until 2026-11-24T12:10:00Z). Any change needs a new confirmation.`
	if diff := cmp.Diff(text, a.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if len(d.box.sent) > 0 || d.box.checked != 1 {
		t.Error("the mail was sent, or not checked, before the user agreed")
	}

	a = must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, token(t, a)))
	if diff := cmp.Diff([]mailbox.Outgoing{posted}, d.box.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	want = map[string]any{
		"status": "ok", "account": "me@example.com",
		"data": map[string]any{
			"outcome": "sent", "messageId": "18c0000000000001", "threadId": "18c0000000000001", "from": "me@example.com",
			"recipients": map[string]any{"to": []any{"Anna <anna@example.com>"}, "cc": []any{"carl@example.org"}, "bcc": []any{"boss@example.net"}},
			"subject":    "Minutes", "attachments": []any{},
		},
	}
	if diff := cmp.Diff(want, a.envelope); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(a.text, "Account: me@example.com\nSent: message 18c0000000000001, thread 18c0000000000001.\nFrom: me@example.com\nTo: Anna") {
		t.Errorf("text:\n%s", a.text)
	}
}

func TestTokenIsWorthOneMailOnce(t *testing.T) {
	change := func(old, replacement string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, replacement, 1) }
	}
	const (
		unknown  = "The confirmationToken was not accepted: it is unknown, used or expired."
		mismatch = "The confirmationToken was not accepted: it was given for a mail with other recipients, subject, body, attachments or sender."
	)
	for _, test := range []struct {
		name   string
		change func(string) string
		wait   time.Duration
		why    string // empty if the mail is sent
	}{
		{"the same mail", nil, 0, ""},
		{"the same mail in another spelling", change(`["carl@example.org"]`, `"<carl@example.org>"`), 0, ""},
		{"shortly before the end", nil, 10*time.Minute - time.Second, ""},
		{"at the end", nil, 10 * time.Minute, unknown},
		{"another recipient", change("anna@example.com", "evil@example.com"), 0, mismatch},
		{"one more recipient", change(`"bcc":"boss@example.net"`, `"bcc":"boss@example.net,evil@example.com"`), 0, mismatch},
		{"one recipient fewer", change(`"cc":["carl@example.org"],`, ``), 0, mismatch},
		{"another name on the recipient", change("Anna <", "Boss <"), 0, mismatch},
		{"another subject", change("Minutes", "minutes"), 0, mismatch},
		{"another body", change("Dear all", "Dear all "), 0, mismatch},
		{"an HTML body that was not shown", change(`"body"`, `"htmlBody":"<b>x</b>","body"`), 0, mismatch},
		{"another sender", change("me@example.com", "you@example.com"), 0, mismatch},
		{"a made-up token", change(`"confirmationToken":"`, `"confirmationToken":"A`), 0, unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk()
			first := must(t, d.cfg(t, "confirm"), "send_email", fmt.Sprintf(post, ""))
			args := fmt.Sprintf(post, token(t, first))
			if test.change != nil {
				args = test.change(args)
			}
			d.now = d.now.Add(test.wait)
			a := must(t, d.cfg(t, "confirm"), "send_email", args)
			if test.why == "" {
				if len(d.box.sent) != 1 || a.data()["outcome"] != "sent" {
					t.Fatalf("%d mails were sent, answer %v", len(d.box.sent), a.envelope)
				}
				again := must(t, d.cfg(t, "confirm"), "send_email", args)
				if len(d.box.sent) != 1 || again.data()["outcome"] != "duplicate" {
					t.Errorf("the same call again: %d mails were sent, answer %v", len(d.box.sent), again.envelope)
				}
				// A second time the token is worth nothing.
				again = must(t, d.cfg(t, "confirm"), "send_email", strings.TrimSuffix(args, "}")+`,"allowDuplicate":true}`)
				if len(d.box.sent) != 1 || again.data()["note"] != unknown {
					t.Errorf("a used token: %d mails were sent, answer %v", len(d.box.sent), again.envelope)
				}
				return
			}
			if len(d.box.sent) != 0 || a.envelope["status"] != "confirmation_required" {
				t.Fatalf("%d mails were sent, answer %v", len(d.box.sent), a.envelope)
			}
			if a.data()["note"] != test.why || !strings.Contains(a.text, "\n"+test.why+" Nothing was sent.") {
				t.Errorf("note = %q, want %q; text:\n%s", a.data()["note"], test.why, a.text)
			}
			if a.data()["confirmationToken"] == first.data()["confirmationToken"] {
				t.Error("the new question has the old token")
			}
		})
	}
}

func TestTokenForAnotherMailIsUsedUp(t *testing.T) {
	d := newDesk()
	args := fmt.Sprintf(post, token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))))
	must(t, d.cfg(t, ""), "send_email", strings.Replace(args, "Dear all", "Dear evil", 1))
	a := must(t, d.cfg(t, ""), "send_email", args)
	if len(d.box.sent) != 0 || a.envelope["status"] != "confirmation_required" {
		t.Errorf("%d mails were sent, answer %v", len(d.box.sent), a.envelope)
	}
}

func TestRecipientsCannotMoveBetweenFields(t *testing.T) {
	d := newDesk()
	ask := `{"to":"a@example.com","cc":"b@example.com","subject":"s","body":"b"%s}`
	moved := `{"to":"a@example.com","bcc":"b@example.com","subject":"s","body":"b"%s}`
	tok := token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(ask, "")))
	if a := must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(moved, tok)); len(d.box.sent) != 0 || a.envelope["status"] != "confirmation_required" {
		t.Errorf("%d mails were sent, answer %v", len(d.box.sent), a.envelope)
	}
}

// TestOneTokenSendsOneMail lets many callers race, each with a catalogue of
// its own, as processes have that share a cache.
func TestOneTokenSendsOneMail(t *testing.T) {
	d := newDesk()
	args := fmt.Sprintf(post, token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))))
	var group sync.WaitGroup
	for range 20 {
		one := find(t, d.cfg(t, ""), "send_email")
		group.Go(func() {
			var req mcp.CallToolRequest
			req.Params.RawArguments = []byte(args)
			if _, err := one.Handler(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(d.box.sent) != 1 {
		t.Errorf("%d mails were sent, want 1", len(d.box.sent))
	}
}

func TestConfirmationOutlivesAFailureThatSentNothing(t *testing.T) {
	d := newDesk()
	args := fmt.Sprintf(post, token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))))
	challenge := errors.New("a person has to sign in first")
	d.box.sendErr = challenge
	if _, err := run(t, d.cfg(t, ""), "send_email", args); !errors.Is(err, challenge) {
		t.Fatalf("error = %v, want %v", err, challenge)
	}
	d.box.sendErr = nil
	if a := must(t, d.cfg(t, ""), "send_email", args); len(d.box.sent) != 1 {
		t.Errorf("the user has to agree twice: %v", a.envelope)
	}
}

func TestConfirmationIsUsedUpByACallThatWasBroken(t *testing.T) {
	d := newDesk()
	args := fmt.Sprintf(post, token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.box.sending, d.box.sendErr = cancel, context.Canceled // what happened to the mail is not known
	var req mcp.CallToolRequest
	req.Params.RawArguments = []byte(args)
	if _, err := find(t, d.cfg(t, ""), "send_email").Handler(ctx, req); err == nil {
		t.Fatal("a broken call returned no error")
	}
	d.box.sending, d.box.sendErr = nil, nil
	must(t, d.cfg(t, ""), "send_email", args)
	if len(d.box.sent) != 0 {
		t.Error("the token was good again, though the mail may have been sent")
	}
}

func TestUnknownOutcomeIsNotMistakenForOne(t *testing.T) {
	d := newDesk()
	d.box.outcome = mailbox.Unknown
	args := fmt.Sprintf(post, token(t, must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))))
	a := must(t, d.cfg(t, ""), "send_email", args)
	if a.data()["outcome"] != "unknown" || !strings.Contains(a.text, "It is unknown whether the mail was sent. Do not send it again before the user has looked in Sent. check Sent before retrying") {
		t.Errorf("answer %v\n%s", a.envelope, a.text)
	}
	must(t, d.cfg(t, ""), "send_email", args)
	if len(d.box.sent) != 1 {
		t.Error("the token was good again, though the mail may have been sent")
	}
}

func TestPolicies(t *testing.T) {
	to := func(list string) string { return `{"to":` + list + `,"subject":"s","body":"b"}` }
	for _, test := range []struct {
		name, policy, args, want string
	}{
		{"direct sends", "direct", to(`"a@example.com"`), "sent"},
		{"draft saves", "draft", to(`"a@example.com"`), "drafted"},
		{"confirm asks", "confirm", to(`"a@example.com"`), "not_sent"},
		{"an allowed address", "allow:a@example.com", to(`"A@Example.COM"`), "sent"},
		{"an allowed address with a name", "allow:a@example.com", to(`"\"b@example.com\" <a@example.com>"`), "sent"},
		{"an address in the name only", "allow:a@example.com", to(`"\"a@example.com\" <evil@example.org>"`), "not_sent"},
		{"an allowed domain", "allow: *@Example.com , x@y.org", to(`["a@example.com","x@y.org"]`), "sent"},
		{"a subdomain", "allow:*@example.com", to(`"a@mail.example.com"`), "not_sent"},
		{"a domain that ends alike", "allow:*@example.com", to(`"a@badexample.com"`), "not_sent"},
		{"an address that begins alike", "allow:a@example.com", to(`"aa@example.com"`), "not_sent"},
		{"a domain inside a quoted part", "allow:*@example.com", to(`"\"a@example.com\"@evil.org"`), "not_sent"},
		{"a letter that folds to an allowed one", "allow:k@example.com", to(`"\u212a@example.com"`), "not_sent"},
		{"one of several not allowed", "allow:*@example.com", to(`["a@example.com","b@example.org"]`), "not_sent"},
		{"a hidden one not allowed", "allow:*@example.com", `{"to":"a@example.com","bcc":"b@example.org","subject":"s","body":"b"}`, "not_sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk()
			a := must(t, d.cfg(t, test.policy), "send_email", test.args)
			if got := a.data()["outcome"]; got != test.want {
				t.Errorf("outcome = %v, want %s", got, test.want)
			}
			if sent := len(d.box.sent) == 1; sent != (test.want == "sent") {
				t.Errorf("%d mails were sent", len(d.box.sent))
			}
			if drafted := len(d.box.drafted) == 1; drafted != (test.want == "drafted") {
				t.Errorf("%d drafts were saved", len(d.box.drafted))
			}
			if test.want == "drafted" && (a.data()["draftId"] != "r-77" || !strings.Contains(a.text, "saved as draft r-77 (message 18c0000000000002, thread 18c0000000000002)")) {
				t.Errorf("answer %v\n%s", a.envelope, a.text)
			}
		})
	}
}

func TestPoliciesThatAreNone(t *testing.T) {
	for _, s := range []string{"yes", "confirm:x", "direct:", "draft:a@example.com", "allow", "allow:", "allow: , ", "allow:*", "allow:*@", "allow:a", "allow:a@b,*", "allow:*a@example.com", "allow:a@*.com", ":"} {
		if _, err := tools.ParseSendPolicy(s); err == nil {
			t.Errorf("ParseSendPolicy(%q) accepts it", s)
		}
	}
}

func TestDescriptionTellsThePolicy(t *testing.T) {
	for policy, want := range map[string]string{
		"":                    "the first call sends nothing and answers confirmation_required",
		"draft":               "Writes a draft; sends nothing.",
		"direct":              "Sends a mail at once. If",
		"allow:a@example.com": "Sends a mail: at once to recipients that were set to need no asking",
	} {
		d := find(t, newDesk().cfg(t, policy), "send_email").Tool.Description
		if !strings.Contains(d, want) {
			t.Errorf("policy %q: description %q lacks %q", policy, d, want)
		}
	}
}

func TestNothingIsSentWhenConfirmationsCannotBeKept(t *testing.T) {
	d := newDesk()
	d.shelf.broken = errors.New("disk full")
	for name, cfg := range map[string]tools.Config{
		"a store that fails": d.cfg(t, ""),
		"no store":           {Mailbox: d.box},
	} {
		_, err := run(t, cfg, "send_email", fmt.Sprintf(post, `,"confirmationToken":"ABC"`))
		e, ok := err.(interface {
			Explain() (string, string, string, time.Duration)
		})
		if !ok {
			t.Errorf("%s: error = %v, want one that explains itself", name, err)
			continue
		}
		if code, _, _, _ := e.Explain(); code != "confirmation_unavailable" {
			t.Errorf("%s: code = %q", name, code)
		}
	}
	if len(d.box.sent) > 0 {
		t.Error("a mail was sent")
	}
}

func TestStoreNeverHoldsTheTokenOrTheMail(t *testing.T) {
	d := newDesk()
	a := must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))
	tok := a.field(t, "confirmationToken")
	for key, value := range d.shelf.values {
		for _, secret := range []string{tok, "anna", "Minutes", "Dear"} {
			if strings.Contains(key+string(value), secret) {
				t.Errorf("the store holds %q", secret)
			}
		}
	}
}

func TestConfirmationShowsWhatIsSent(t *testing.T) {
	long := "BEGIN" + strings.Repeat(" word", 5000) + " END"
	for _, test := range []struct {
		name, body, html string
		has, hasNot      []string // in the preview
		data             map[string]any
	}{
		{
			name: "other words in the HTML", body: "visible text", html: "<p>WIRE MONEY</p>",
			has:  []string{"[Warning: the HTML and the plain text do not say the same]", "WIRE MONEY", "visible text"},
			data: map[string]any{"textPartDiffers": true},
		},
		{
			name: "HTML alone, with hidden text", html: `<p>Hello <b>Anna</b></p><p style="display:none">secret</p>`,
			has: []string{"[Warning: 6 characters in the HTML, not shown here", "Hello Anna"}, hasNot: []string{"secret", "display", "<p>"},
			data: map[string]any{"hiddenChars": 6.0},
		},
		{
			name: "the same in both", body: "Hello Anna", html: "<p>Hello <b>Anna</b></p>",
			has: []string{"the plain text has the same words", "Hello Anna"}, hasNot: []string{"Warning"},
		},
		{
			name: "HTML that shows nothing", html: `<p style="display:none">secret</p>`, has: []string{"[nothing that a reader sees]"},
			data: map[string]any{"hiddenChars": 6.0},
		},
		{name: "a picture", html: `<p>Hi</p><img src="https://example.com/pay.png">`, has: []string{"[Warning: 1 picture in the HTML"}},
		{
			name: "invisible characters", body: "pay \u202e1000\u200b now",
			has: []string{"pay [U+202E]1000[U+200B] now", "[Warning: 2 characters in the plain text"}, hasNot: []string{"\u202e", "\u200b"},
			data: map[string]any{"invisibleChars": 2.0},
		},
		{name: "19,000 characters, whole", body: "BEGIN" + strings.Repeat("é", 18990) + "middle END", has: []string{strings.Repeat("é", 18990) + "middle END"}, hasNot: []string{"Warning"}},
		{name: "more, the beginning and the end", body: long, has: []string{"BEGIN word", "word END", "[Warning: 5009 of 25009 characters, in the middle, are not shown here]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			args, err := json.Marshal(map[string]any{"to": "a@example.com", "subject": "s", "body": test.body, "htmlBody": test.html})
			if err != nil {
				t.Fatal(err)
			}
			a := must(t, newDesk().cfg(t, ""), "send_email", string(args))
			shown := a.field(t, "preview")
			if !strings.Contains(a.text, shown) {
				t.Errorf("the text does not say what the preview says:\n%s", a.text)
			}
			for _, want := range test.has {
				if !strings.Contains(shown, want) {
					t.Errorf("preview %.2000q lacks %q", shown, want)
				}
			}
			for _, unwanted := range test.hasNot {
				if strings.Contains(shown, unwanted) {
					t.Errorf("preview %.2000q has %q", shown, unwanted)
				}
			}
			for _, field := range []string{"textPartDiffers", "hiddenChars", "invisibleChars"} {
				if a.data()[field] != test.data[field] {
					t.Errorf("%s = %v, want %v", field, a.data()[field], test.data[field])
				}
			}
			if len([]rune(shown)) > 20500 {
				t.Errorf("the preview takes %d characters", len([]rune(shown)))
			}
		})
	}
}

func TestNobodyIsAskedAboutAMailThatCannotGoOut(t *testing.T) {
	d := newDesk()
	d.box.checkErr = &mailbox.Error{Code: "from_not_allowed", Message: "the account may not send from this address"}
	_, err := run(t, d.cfg(t, ""), "send_email", fmt.Sprintf(post, ""))
	if !errors.Is(err, d.box.checkErr) || len(d.shelf.values) > 0 {
		t.Errorf("error = %v with %d confirmations, want %v without any", err, len(d.shelf.values), d.box.checkErr)
	}
}

func TestTokenIsForTheSenderThatWasShown(t *testing.T) {
	d := newDesk()
	ask := `{"to":"a@example.com","subject":"s","body":"b"%s}`
	first := must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(ask, ""))
	if got := first.field(t, "from"); got != "me@example.com" || !strings.Contains(first.text, "From: me@example.com\n") {
		t.Errorf("from = %q, text:\n%s", got, first.text)
	}
	d.box.own = "other@example.com" // another account was signed in
	a := must(t, d.cfg(t, ""), "send_email", fmt.Sprintf(ask, token(t, first)))
	if len(d.box.sent) != 0 || a.envelope["status"] != "confirmation_required" {
		t.Errorf("%d mails were sent, answer %v", len(d.box.sent), a.envelope)
	}
}
