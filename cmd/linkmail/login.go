package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
	"linkmail/tools"
)

// loginPatience is how long login waits for the person if not told otherwise.
const loginPatience = 15 * time.Minute

// login signs in from a terminal and waits until it is done.
func (p process) login(ctx context.Context, args []string) error {
	fs := newFlags("linkmail login [SERVICE...]",
		"Signs in, without a model, and waits until it is done. SERVICE is what to connect, gmail if none\n"+
			"is named. What a tool call or an interrupted login has begun is gone on with.")
	noBrowser := fs.Bool("no-browser", false, "print the link instead of opening the browser")
	timeout := fs.Duration("timeout", loginPatience, "give up after this `duration`")
	src := fs.withSettings(settingsFor(false))
	services, err := fs.parse(p, args)
	if err != nil {
		return err
	}
	src.read(p, fs)
	if *timeout <= 0 {
		src.problem("--timeout must be longer than nothing")
	}
	cfg, err := src.clientFor(&services, "warn")
	if err != nil {
		return err
	}
	if !*noBrowser {
		cfg.browse = p.browse
	}
	account, err := cfg.account(ctx)
	if err != nil {
		return err
	}
	defer account.close()
	if cfg.mode == modeToken || cfg.mode == modeDemo {
		return usagef("LINKMAIL_AUTH=%s needs no sign-in", cfg.mode)
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	watcher := auth.NewWatcher(auth.WatcherConfig{Provider: account.provider})
	defer watcher.Close()
	l := &login{p: p, cfg: cfg, provider: account.provider, watcher: watcher}
	for _, service := range services {
		if err := l.connect(ctx, service); err != nil {
			return p.fail(ctx, err)
		}
	}
	return nil
}

// fail puts an error of a provider into words for a terminal.
func (p process) fail(ctx context.Context, err error) error {
	failure, ok := errors.AsType[*auth.Failure](err)
	switch {
	case ok && failure.Hint != "":
		return fmt.Errorf("%s. %s", failure.Message, failure.Hint)
	case ok:
		return errors.New(failure.Message)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("nobody finished the sign-in in time; run the same command again to go on with it")
	case ctx.Err() != nil:
		return errors.New("stopped; run the same command again to go on with the sign-in")
	}
	return err
}

// login is one run of the command.
type login struct {
	p        process
	cfg      *client
	provider auth.Provider
	watcher  *auth.Watcher // over provider
	shown    string        // the link on the screen
	pasted   <-chan string
}

// maxUnreached is how often in a row a provider may be out of reach while a
// person is at work, before login gives up.
const maxUnreached = 10

// connect waits until there is a token for the service and says whose it is.
func (l *login) connect(ctx context.Context, service string) error {
	for unreached := 0; ; {
		token, err := l.watcher.Token(ctx, auth.Request{Principal: localUser, Scope: service})
		challenge, waiting := errors.AsType[*auth.Challenge](err)
		failure, failed := errors.AsType[*auth.Failure](err)
		switch {
		case err == nil:
			return l.report(ctx, service, token)
		case waiting:
			unreached = 0
			l.show(ctx, challenge)
		case failed && failure.Kind == auth.Unavailable && l.shown != "" && unreached < maxUnreached:
			unreached++
		default:
			return err
		}
		if err := l.pause(ctx); err != nil {
			return err
		}
	}
}

// show prints a link that is new.
func (l *login) show(ctx context.Context, c *auth.Challenge) {
	if c.URL == l.shown {
		return
	}
	l.shown = c.URL
	if c.Why != "" {
		l.p.say("%s", c.Why)
	}
	switch c.Previous {
	case auth.Expired:
		l.p.say("The link before this one has run out.")
	case auth.Lost:
		l.p.say("What came of the link before this one was lost; it has to be done again.")
	}
	if c.Step > 1 {
		l.p.say("One more step: connect the account.")
	}
	l.p.say("Open this link:\n\n  %s\n", c.URL)
	if c.Code != "" {
		l.p.say("Go on only if the page shows the code %s.", c.Code)
	} else if l.pasted == nil {
		l.pasted = l.p.lines(ctx)
		l.p.say("If the browser is on another machine, it ends at an address that does not answer:\npaste that whole address here and press Enter.")
	}
	l.p.say("Waiting ...")
}

// pause waits a moment for the person, or for a pasted address.
func (l *login) pause(ctx context.Context) error {
	waiting, cancel := context.WithCancel(ctx)
	news := make(chan struct{})
	go func() {
		defer close(news)
		l.p.awaitNews(waiting, l.watcher, l.shown)
	}()
	defer func() {
		cancel()
		<-news
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-news:
		return ctx.Err()
	case line, ok := <-l.pasted:
		switch {
		case !ok:
			l.pasted = never // the input has ended; the browser may still come back
		case strings.TrimSpace(line) != "" && l.cfg.loopback != nil:
			if err := l.cfg.loopback.Deliver(ctx, secret.New(line)); err != nil {
				l.p.say("%v", l.p.fail(ctx, err))
			}
		}
		return nil
	}
}

// never is an input on which nothing comes.
var never = make(chan string)

// maxPasted is the longest line that is read, in bytes.
const maxPasted = 64 << 10

// lines reads standard input. The reader ends with the input or, as a read
// from a terminal cannot be called off, with the process.
func (p process) lines(ctx context.Context) <-chan string {
	out := make(chan string)
	in := p.stdin
	if in == nil {
		in = strings.NewReader("")
	}
	go func() {
		defer close(out)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxPasted)
		for scanner.Scan() {
			select {
			case out <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// report says that the service can be reached, and as whom.
func (l *login) report(ctx context.Context, service string, token *oauth2.Token) error {
	who, err := l.cfg.owner(&http.Client{Transport: egress(l.p), Timeout: apiTimeout})(ctx, service, token)
	if err != nil {
		l.p.say("The sign-in worked, but %v. \"linkmail doctor\" may know why.", err)
	}
	if keeper, ok := l.provider.(auth.Keeper); ok && who == "" {
		if status, err := keeper.Status(ctx, localUser); err == nil {
			who = status.Account
		}
	}
	if who == "" {
		who = "an account that did not give its name"
	}
	_, err = fmt.Fprintf(l.p.stdout, "signed in: %s as %s\n", service, who)
	return err
}

// logout ends the sign-in.
func (p process) logout(ctx context.Context, args []string) error {
	fs := newFlags("linkmail logout [--json]",
		"Ends the sign-in where it was made, as far as that is possible, and forgets it on this machine,\nopen confirmations of mails included. Says what could not be ended and where to do it.")
	asJSON := fs.Bool("json", false, "print what was done and what is left as one JSON object")
	account, err := fs.account(ctx, p, args, "warn")
	if err != nil {
		return err
	}
	defer account.close()
	out, open := auth.SignedOut{}, 0
	if account.store != nil {
		if open, err = tools.EndConfirmations(ctx, account.store); err != nil {
			return err
		}
	}
	if keeper, ok := account.provider.(auth.Keeper); ok {
		if out, err = keeper.SignOut(ctx, localUser); err != nil {
			return p.fail(ctx, err)
		}
	} else if account.cfg.mode == modeToken {
		out.Left = []string{"LINKMAIL_GMAIL_TOKEN is still set; it works until it runs out."}
	}
	if open > 0 {
		out.Done = append(out.Done, fmt.Sprintf("Mails that waited for a confirmation and will not be sent: %d.", open))
	}
	if *asJSON {
		return json.NewEncoder(p.stdout).Encode(map[string][]string{"done": append([]string{}, out.Done...), "left": append([]string{}, out.Left...)})
	}
	var b strings.Builder
	if len(out.Done)+len(out.Left) == 0 {
		b.WriteString("Nobody was signed in.\n")
	}
	for _, line := range out.Done {
		b.WriteString(line + "\n")
	}
	for _, line := range out.Left {
		b.WriteString("Left to do: " + line + "\n")
	}
	_, err = io.WriteString(p.stdout, b.String())
	return err
}
