package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"linkmail/internal/standin"
)

// tour plays one conversation: what the model calls, what it is answered, what
// the user clicks. Every call is a fresh run of "linkmail call" with nothing
// but the cache between them, as in a sandbox.
func (d *demoWorld) tour(ctx context.Context, p process) error {
	t := &tour{demo: d, p: p, person: standin.NewPerson()}
	steps := []struct {
		title string
		play  func(context.Context) error
	}{
		{"The model searches for unread mail, before anybody signed in", t.firstCall},
		{"The user opens the link, compares the code and signs in", t.click},
		{"The model calls again: signed in, but Gmail is not connected yet", t.secondCall},
		{"The user's tab goes on by itself, and the user allows Gmail", t.goOn},
		{"The model calls again and gets the mails", t.mails},
		{"The model reads the first one", t.read},
		{"The model wants to send a mail: the user has to agree to the exact text", t.confirm},
		{"The user agreed, the model calls again with the token", t.send},
		{"The same call again sends nothing", t.sendAgain},
		{"The sent mail is found", t.findSent},
	}
	for i, s := range steps {
		t.print("%d. %s", i+1, s.title)
		if err := s.play(ctx); err != nil {
			t.print("   FAILED: %v", err)
			return fmt.Errorf("the tour stopped at step %d: %w", i+1, err)
		}
	}
	t.print("All %d steps held.", len(steps))
	return t.failed
}

// tour is the state of one conversation.
type tour struct {
	demo   *demoWorld
	p      process
	person *standin.Person

	url, code string // the challenge in hand
	firstID   string // the first hit
	token     string // the confirmation in hand
	failed    error  // the first failure to print
}

// envelope is a tool's answer as the tour looks at it.
type envelope struct {
	Status  string `json:"status"`
	Account string `json:"account"`
	Auth    *struct {
		URL, Code, Scope, ExpiresAt, Message string
	} `json:"auth"`
	Data struct {
		Items []struct {
			MessageID string `json:"messageId"`
			Subject   string `json:"subject"`
			Body      string `json:"body"`
		} `json:"items"`
		Outcome           string `json:"outcome"`
		MessageID         string `json:"messageId"`
		ConfirmationToken string `json:"confirmationToken"`
	} `json:"data"`
	Error *struct {
		Code, Message, Hint string
	} `json:"error"`
}

func (t *tour) print(format string, args ...any) {
	if _, err := fmt.Fprintf(t.p.stdout, format+"\n", args...); err != nil && t.failed == nil {
		t.failed = err
	}
}

// call runs "linkmail call" in the demo's environment and prints both sides.
// The wait lets the broker's poll interval pass; it is no wait for a person,
// who has already acted.
func (t *tour) call(ctx context.Context, tool string, args any, flags ...string) (envelope, error) {
	input, err := json.Marshal(args)
	if err != nil {
		return envelope{}, err
	}
	t.print("   $ linkmail call %s '%s'", tool, input)
	var out, errs bytes.Buffer
	p := process{env: t.demo.environ(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	status := p.run(ctx, append([]string{"call", tool, string(input)}, flags...))
	var e envelope
	if err := json.Unmarshal(out.Bytes(), &e); err != nil {
		return e, fmt.Errorf("exit status %d and no JSON on standard output; standard error: %s", status, errs.String())
	}
	if e.Error != nil {
		t.print("   error %s: %s", e.Error.Code, e.Error.Message)
		return e, nil
	}
	t.print("   status %s", e.Status)
	return e, nil
}

var unread = map[string]any{"query": "is:unread", "maxResults": 5}

func (t *tour) firstCall(ctx context.Context) error {
	e, err := t.challenge(ctx)
	if err != nil {
		return err
	}
	t.url, t.code = e.Auth.URL, e.Auth.Code
	t.print("   link  %s", t.url)
	t.print("   code  %s", t.code)
	return nil
}

// secondCall needs no second link: the broker keeps both steps in one tab.
func (t *tour) secondCall(ctx context.Context) error {
	for {
		e, err := t.challenge(ctx)
		if err != nil {
			return err
		}
		if e.Auth.URL != t.url || e.Auth.Code != t.code {
			return errors.New("the second step has another link or code")
		}
		there, err := t.person.Awaited(ctx, t.url)
		if err != nil || there {
			return err
		}
		// The broker asks for a pause between two polls.
		if err := sleep(ctx, retryEvery); err != nil {
			return err
		}
	}
}

// challenge calls and expects to be told that the user has to act.
func (t *tour) challenge(ctx context.Context) (envelope, error) {
	e, err := t.call(ctx, "search_emails", unread)
	if err == nil && (e.Status != "auth_required" || e.Auth == nil) {
		err = fmt.Errorf("want status auth_required, got %q", e.Status)
	}
	return e, err
}

func (t *tour) click(ctx context.Context) error {
	visit, err := t.person.Open(ctx, t.url, t.code, standin.Choice{})
	t.show(visit)
	return err
}

func (t *tour) goOn(ctx context.Context) error {
	visit, went, err := t.person.GoOn(ctx, t.url, t.code, standin.Choice{})
	t.show(visit)
	if err == nil && !went {
		err = errors.New("the tab found nothing to go on with")
	}
	return err
}

func (t *tour) show(visit standin.Visit) {
	for _, s := range visit.Steps {
		t.print("   browser: %-4s %s  %d  %s", s.Method, s.Path, s.Status, s.Title)
	}
}

func (t *tour) mails(ctx context.Context) error {
	e, err := t.call(ctx, "search_emails", unread, "--wait", "20s")
	switch {
	case err != nil:
		return err
	case e.Status != "ok":
		return fmt.Errorf("want status ok, got %q", e.Status)
	case e.Account != standin.DefaultUser:
		return fmt.Errorf("want the mails of %s, got those of %q", standin.DefaultUser, e.Account)
	case len(e.Data.Items) == 0:
		return errors.New("no mail came back")
	}
	t.print("   account %s", e.Account)
	for _, m := range e.Data.Items {
		t.print("   %s  %s", m.MessageID, m.Subject)
	}
	t.firstID = e.Data.Items[0].MessageID
	return nil
}

func (t *tour) read(ctx context.Context) error {
	e, err := t.call(ctx, "read_email", map[string]any{"messageId": t.firstID, "maxBodyChars": 600})
	if err != nil {
		return err
	}
	if e.Status != "ok" || len(e.Data.Items) != 1 || e.Data.Items[0].Body == "" {
		return fmt.Errorf("want one mail with a body, got status %q and %d mails", e.Status, len(e.Data.Items))
	}
	for line := range strings.SplitSeq(strings.TrimSpace(e.Data.Items[0].Body), "\n") {
		t.print("   | %s", line)
	}
	return nil
}

// letter is the mail the tour sends, to an address that exists nowhere.
func (t *tour) letter(token string) map[string]any {
	m := map[string]any{
		"to":      []string{"Zoë Müller <zoe@example.net>"},
		"subject": "Grüße from the linkmail tour",
		"body":    "Hello Zoë,\n\nthis mail went through the whole double flow.\n",
	}
	if token != "" {
		m["confirmationToken"] = token
	}
	return m
}

func (t *tour) confirm(ctx context.Context) error {
	e, err := t.call(ctx, "send_email", t.letter(""))
	if err != nil {
		return err
	}
	if e.Status != "confirmation_required" || e.Data.ConfirmationToken == "" {
		return fmt.Errorf("want status confirmation_required with a token, got %q", e.Status)
	}
	if n := len(t.demo.world.Sent(standin.DefaultUser)); n != 0 {
		return fmt.Errorf("%d mails were sent before the user agreed", n)
	}
	t.token = e.Data.ConfirmationToken
	return nil
}

func (t *tour) send(ctx context.Context) error {
	e, err := t.call(ctx, "send_email", t.letter(t.token))
	if err != nil {
		return err
	}
	if e.Status != "ok" || e.Data.Outcome != "sent" {
		return fmt.Errorf("want outcome sent, got status %q and outcome %q", e.Status, e.Data.Outcome)
	}
	t.print("   outcome %s as %s", e.Data.Outcome, e.Data.MessageID)
	return nil
}

func (t *tour) sendAgain(ctx context.Context) error {
	e, err := t.call(ctx, "send_email", t.letter(t.token))
	if err != nil {
		return err
	}
	if e.Data.Outcome != "duplicate" {
		return fmt.Errorf("want outcome duplicate, got status %q and outcome %q", e.Status, e.Data.Outcome)
	}
	t.print("   outcome %s of %s", e.Data.Outcome, e.Data.MessageID)
	if n := len(t.demo.world.Sent(standin.DefaultUser)); n != 1 {
		return fmt.Errorf("want 1 sent mail, the stand-in has %d", n)
	}
	return nil
}

func (t *tour) findSent(ctx context.Context) error {
	e, err := t.call(ctx, "search_emails", map[string]any{"query": "in:sent to:zoe@example.net"})
	if err != nil {
		return err
	}
	if e.Status != "ok" || len(e.Data.Items) != 1 {
		return fmt.Errorf("want the sent mail, got status %q and %d mails", e.Status, len(e.Data.Items))
	}
	t.print("   %s  %s", e.Data.Items[0].MessageID, e.Data.Items[0].Subject)
	return nil
}
