package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/server"
	"linkmail/tools"
)

// callExample has the quotes that a shell wants around JSON.
const callExample = `linkmail call search_emails '{"query":"is:unread"}'`

// maxCallInput is the size of the largest JSON argument of call, in bytes.
const maxCallInput = 16 << 20

// call runs one tool in this process and prints its result.
func (p process) call(ctx context.Context, args []string) error {
	fs := newFlags("linkmail call TOOL JSON",
		"Runs one tool and prints its result as one JSON object. JSON may be - for standard input.\n"+
			"If a person has to sign in first, the result says so with a link and a code, and the\nsame call repeated afterwards goes on from there.")
	text := fs.Bool("text", false, "print the text for the model instead of JSON")
	wait := fs.Duration("wait", 0, "if a person has to sign in, wait up to this `duration` for it")
	src := fs.withSettings(settingsFor(false))
	rest, err := fs.parse(p, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) < 1 || len(rest) > 2:
		return usagef("call takes a tool and its arguments as JSON: %s", callExample)
	case *wait < 0:
		return usagef("--wait must not be negative")
	}
	input, err := p.toolInput(rest[1:])
	if err != nil {
		return usagef("%v. For example: %s", err, callExample)
	}
	src.read(p, fs)
	cfg, err := src.client("warn")
	if err != nil {
		return err
	}
	if *wait > 0 {
		cfg.browse = p.browse // without a wait nobody would be here when it comes back
		cfg.lives = true
	}
	cfg.once = true
	way, err := cfg.connect(ctx)
	if err != nil {
		return err
	}
	defer way.close()
	if !slices.Contains(way.tools, rest[0]) {
		_, message, hint, _ := tools.Missing(cfg.offer.tools(), rest[0]).Explain()
		return usagef("%s. %s Run \"linkmail tools\" for the list.", message, hint)
	}
	answer := p.callUntil(ctx, way, rest[0], input, *wait)
	out := string(answer.Envelope)
	if *text {
		out = answer.Text
	}
	if _, err := fmt.Fprintln(p.stdout, out); err != nil {
		return err
	}
	if cfg.mode == modeDemo && forgotten(answer) {
		p.say("Each process of --auth demo has a new mailbox: what was changed in it ends with it.\n\"linkmail demo\" runs one that lasts.")
	}
	if answer.IsError {
		return statusError(exitError)
	}
	return nil
}

// forgotten reports whether an answer is about what only a process that has
// ended may have known.
func forgotten(a server.Answer) bool {
	var e struct{ Error struct{ Code string } }
	return json.Unmarshal(a.Envelope, &e) == nil && strings.HasSuffix(e.Error.Code, "not_found")
}

// toolInput returns the JSON object for a tool; none means {}.
func (p process) toolInput(args []string) (json.RawMessage, error) {
	text := "{}"
	if len(args) > 0 {
		text = args[0]
	}
	if text == "-" {
		raw, err := io.ReadAll(io.LimitReader(p.stdin, maxCallInput+1))
		if err != nil {
			return nil, fmt.Errorf("standard input cannot be read: %w", err)
		}
		text = string(raw)
	}
	if len(text) > maxCallInput {
		return nil, fmt.Errorf("the arguments are larger than %d bytes", maxCallInput)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("the arguments are not JSON: %w at byte %d", syntax, syntax.Offset)
		}
		return nil, errors.New("the arguments must be a JSON object")
	}
	return json.RawMessage(text), nil
}

// retryEvery is how often a command that waits for a person asks again by
// itself. The connector keeps to the broker's poll interval.
const retryEvery = time.Second

// callUntil calls the tool, again and again while a person has to sign in and
// the wait lasts. Each new link is shown on standard error.
func (p process) callUntil(ctx context.Context, w *way, tool string, input json.RawMessage, wait time.Duration) server.Answer {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	shown := ""
	for {
		answer := w.server.Call(ctx, tool, input)
		link := linkOf(answer)
		if link == "" || wait == 0 {
			return answer
		}
		if link != shown {
			shown = link
			p.say("%s", answer.Text)
		}
		if p.awaitNews(waiting, w.watcher, link); waiting.Err() != nil {
			return answer
		}
	}
}

// awaitNews returns when the sign-in that a link is for has come to something,
// and otherwise when it is time to ask again.
func (p process) awaitNews(ctx context.Context, watcher *auth.Watcher, link string) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.every, retryEvery))
	defer cancel()
	if watcher.Wait(ctx, localUser, &auth.Challenge{URL: link}) != nil {
		<-ctx.Done() // nobody watches it, so nothing is heard of it
	}
}

// linkOf returns the link of an answer that asks for a person, else nothing.
func linkOf(a server.Answer) string {
	var e struct {
		Auth struct{ URL string }
	}
	if json.Unmarshal(a.Envelope, &e) != nil {
		return ""
	}
	return e.Auth.URL
}
