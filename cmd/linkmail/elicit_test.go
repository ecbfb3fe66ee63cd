package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// conversation is a running "linkmail serve" whose client can show links.
type conversation struct {
	t        *testing.T
	in       io.WriteCloser
	cmd      *exec.Cmd
	out      *bufio.Scanner
	id       int
	all      bytes.Buffer // all that came
	log      bytes.Buffer // complete after end
	finished []string     // ids of dialogs whose end was told
}

func (c *conversation) write(m map[string]any) {
	c.t.Helper()
	line, err := json.Marshal(m)
	if err == nil {
		_, err = c.in.Write(append(line, '\n'))
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// message is what a server says.
type message struct {
	ID     int
	Method string
	Params struct{ ElicitationID string }
	Error  *struct {
		Code int
		Data struct {
			Elicitations []struct{ Mode, Message, URL, ElicitationID string }
		}
	}
	Result struct {
		IsError           bool
		StructuredContent envelope
	}
}

// next returns the next message.
func (c *conversation) next() message {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("standard output ended: %v", c.out.Err())
	}
	c.all.Write(append(c.out.Bytes(), '\n'))
	var m message
	if err := json.Unmarshal(c.out.Bytes(), &m); err != nil {
		c.t.Fatalf("not JSON-RPC: %q", c.out.Bytes())
	}
	if m.Method == "notifications/elicitation/complete" {
		c.finished = append(c.finished, m.Params.ElicitationID)
	}
	return m
}

func (c *conversation) ask(method string, params map[string]any) message {
	c.t.Helper()
	c.id++
	c.write(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": method, "params": params})
	for {
		if m := c.next(); m.ID == c.id {
			return m
		}
	}
}

func (c *conversation) search() message {
	c.t.Helper()
	return c.ask("tools/call", map[string]any{"name": "search_emails", "arguments": map[string]any{"query": "is:unread", "maxResults": 3}})
}

// converse starts "linkmail serve" in the demo's environment.
func converse(t *testing.T, env []string) *conversation {
	t.Helper()
	cmd := linkmail(t.Context(), env, "serve", "--log-level", "trace")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &conversation{t: t, in: in, cmd: cmd, out: bufio.NewScanner(out)}
	c.out.Buffer(nil, 8<<20)
	cmd.Stderr = &c.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.ask("initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": map[string]any{"elicitation": map[string]any{"url": map[string]any{}}},
		"clientInfo": map[string]any{"name": "t", "version": "1"},
	})
	c.write(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	return c
}

// end ends the input and waits until the process is gone.
func (c *conversation) end() {
	c.t.Helper()
	if err := c.in.Close(); err != nil {
		c.t.Error(err)
	}
	for c.out.Scan() {
		c.all.Write(append(c.out.Bytes(), '\n'))
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("serve ended with %v", err)
	}
}

// bothSteps opens a link and stays in the tab until the second step is done,
// which begins when linkmail has asked for it.
func bothSteps(ctx context.Context, person *standin.Person, link, code string) error {
	if _, err := person.Open(ctx, link, code, standin.Choice{}); err != nil {
		return err
	}
	for {
		_, went, err := person.GoOn(ctx, link, code, standin.Choice{})
		if err != nil || went {
			return err
		}
		if err := sleep(ctx, retryEvery/4); err != nil {
			return err
		}
	}
}

// TestServeFinishesTheSignInByItself signs in through a dialog, and never asks
// while the user is at work: the server finds out that they are done.
func TestServeFinishesTheSignInByItself(t *testing.T) {
	tr := &traffic{}
	u := newUser(t, tr)
	c := converse(t, u.env)
	first := c.search()
	if first.Error == nil || first.Error.Code != -32042 || len(first.Error.Data.Elicitations) != 1 {
		t.Fatalf("the first call: %+v, want a dialog", first)
	}
	shown := first.Error.Data.Elicitations[0]
	code := path.Base(strings.SplitN(shown.URL, "#", 2)[0])
	if shown.Mode != "url" || !strings.Contains(shown.Message, code) {
		t.Errorf("dialog = %+v, want a link and its code", shown)
	}
	if err := bothSteps(t.Context(), u.person, shown.URL, code); err != nil {
		t.Fatal(err)
	}
	for len(c.finished) == 0 {
		c.next()
	}
	if c.finished[0] != shown.ElicitationID {
		t.Errorf("the end of %q was told, want that of %q", c.finished[0], shown.ElicitationID)
	}
	m := c.search()
	if e := m.Result.StructuredContent; e.Status != "ok" || len(e.Data.Items) != 3 {
		t.Errorf("the repeated call: %s, want 3 mails", c.out.Bytes())
	}
	c.end()
	if n := tr.count("broker POST /v1/sessions"); n != 2 {
		t.Errorf("%d sessions were opened, want one for each step:\n%s", n, tr)
	}
	for _, s := range issued.FindAllSubmatch(tr.bodies, -1) {
		if bytes.Contains(c.all.Bytes(), s[1]) || bytes.Contains(c.log.Bytes(), s[1]) {
			t.Errorf("the client or the log was told a secret that begins with %.12s", s[1])
		}
	}
}

// TestCallNeverShowsADialog keeps the one-shot command as it is.
func TestCallNeverShowsADialog(t *testing.T) {
	u := newUser(t, &traffic{})
	for range 2 {
		if e, _ := u.call(u.search()); e.Status != "auth_required" || e.Auth == nil {
			t.Errorf("status %q, want auth_required", e.Status)
		}
	}
}
