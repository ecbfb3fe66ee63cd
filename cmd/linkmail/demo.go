package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// The demo's preferred ports, so that a client's configuration entry works
// again the next day. A port that is taken is replaced by a free one.
const (
	demoGmailPort  = 4180
	demoAuth0Port  = 4181
	demoBrokerPort = 4182
	demoGooglePort = 4183
)

// demo runs stand-ins for Gmail and Auth0 and a real broker on loopback.
func (p process) demo(ctx context.Context, args []string) error {
	fs := newFlags("linkmail demo [--tour | --json]",
		"Starts a stand-in Gmail with 300 and more mails, a stand-in Auth0 and a LinkAuth broker on this\nmachine. Nothing leaves it and no account is needed. Ends with Ctrl-C.")
	asJSON := fs.Bool("json", false, "print addresses and environment as one JSON object when ready")
	tour := fs.Bool("tour", false, "play the whole conversation, the user's clicks included, and end")
	rest, err := fs.parse(p, args)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("demo takes no arguments, but %q was given", clip(rest[0]))
	case *asJSON && *tour:
		return usagef("--json and --tour exclude each other")
	}
	// The demo reads no setting, but whoever copies its environment would be
	// stopped by a misspelt one later.
	if err := (&source{problems: p.strangers()}).err(); err != nil {
		return err
	}
	d, err := startDemo(ctx, nil)
	if err != nil {
		return err
	}
	defer d.stop()
	switch {
	case *tour:
		return d.tour(ctx, p)
	case *asJSON:
		err = json.NewEncoder(p.stdout).Encode(d)
	default:
		_, err = fmt.Fprint(p.stdout, d.welcome(p.executable))
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// demoWorld is a running demo. Its JSON form is what demo --json prints.
type demoWorld struct {
	Gmail  string            `json:"gmail"`
	Auth0  string            `json:"auth0"`
	Broker string            `json:"broker"`
	Google string            `json:"google"`
	Env    map[string]string `json:"env"`

	world   *standin.World
	servers []*http.Server
	broker  *broker.Broker
	dir     string

	// work is what goes on beside this goroutine: each server, and the broker's
	// own, which quit ends.
	work sync.WaitGroup
	quit func()
}

// A wrapper puts something in front of one of the demo's services ("gmail",
// "auth0" or "broker"). Tests watch and disturb the traffic with it.
type wrapper func(service string, next http.Handler) http.Handler

// startDemo starts everything and returns when it can be used. wrap may be nil.
func startDemo(ctx context.Context, wrap wrapper) (*demoWorld, error) {
	if wrap == nil {
		wrap = func(_ string, next http.Handler) http.Handler { return next }
	}
	d := &demoWorld{world: standin.NewWorld(standin.Config{})}
	running, quit := context.WithCancel(ctx)
	d.quit = func() {
		quit()
		if d.broker != nil {
			d.broker.Close(running) // it has ended: nobody waits for a demo's deliveries
		}
	}
	standIn := func(h http.Handler) func(string) (*http.Server, error) {
		return func(string) (*http.Server, error) {
			return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}, nil
		}
	}
	var err error
	d.Gmail, err = d.listen(ctx, demoGmailPort, standIn(wrap("gmail", d.world.Gmail())))
	if err == nil {
		d.Auth0, err = d.listen(ctx, demoAuth0Port, standIn(wrap("auth0", d.world.Auth0())))
	}
	if err == nil {
		d.Google, err = d.listen(ctx, demoGooglePort, standIn(wrap("google", d.world.GoogleOAuth())))
	}
	if err == nil {
		d.Broker, err = d.listen(ctx, demoBrokerPort, func(base string) (*http.Server, error) {
			if err := d.newBroker(base); err != nil {
				return nil, err
			}
			d.work.Go(func() { d.broker.Run(running) })
			srv := d.broker.Server()
			srv.Handler = wrap("broker", srv.Handler)
			return srv, nil
		})
	}
	if err == nil {
		d.dir, err = os.MkdirTemp("", "linkmail-demo-")
	}
	if err != nil {
		d.stop()
		return nil, err
	}
	d.world.AllowCallback(fmt.Sprintf("http://127.0.0.1:%d/callback", defaultCallbackPort))
	// One environment for every mode: LINKMAIL_AUTH is the word that switches.
	d.Env = map[string]string{
		"LINKMAIL_AUTH":           modeLinkAuth,
		"LINKMAIL_GMAIL_ENDPOINT": d.Gmail + "/",
		"LINKMAIL_CACHE_DIR":      filepath.Join(d.dir, "cache"),
		"LINKMAIL_KEY":            randomKey(),
		"AUTH0_DOMAIN":            d.Auth0,
		"AUTH0_CLIENT_ID":         standin.DemoClientID,
		"AUTH0_CLIENT_SECRET":     standin.DemoClientSecret,
		"AUTH0_AUDIENCE":          standin.DemoAudience,
		"LINKAUTH_BROKER_URL":     d.Broker,

		"GOOGLE_CLIENT_ID":         standin.DemoGoogleClientID,
		"GOOGLE_CLIENT_SECRET":     standin.DemoGoogleClientSecret,
		"LINKMAIL_GOOGLE_ENDPOINT": d.Google + "/",
	}
	return d, nil
}

// newBroker makes the demo's broker: a real one, in development mode, that
// knows the stand-in tenant.
func (d *demoWorld) newBroker(base string) error {
	d.world.AllowCallback(base + "/v1/oauth/callback")
	tenant, err := url.Parse(d.Auth0)
	if err != nil {
		return err
	}
	d.broker, err = broker.New(broker.Config{
		BaseURL: base,
		Dev:     true,
		Providers: map[string]broker.Provider{"auth0": {
			ClientID:     standin.DemoClientID,
			ClientSecret: secret.New(standin.DemoClientSecret),
			Issuer:       d.Auth0,
			AuthURL:      d.Auth0 + "/authorize",
			TokenURL:     d.Auth0 + "/oauth/token",
		}, "google": {
			ClientID:     standin.DemoGoogleClientID,
			ClientSecret: secret.New(standin.DemoGoogleClientSecret),
			AuthURL:      d.Google + "/o/oauth2/v2/auth",
			TokenURL:     d.Google + "/token",

			RevocationURL: d.Google + "/revoke",
		}},
		ProxyAllow:        []string{tenant.Host},
		PassthroughAllow:  []string{tenant.Host},
		SessionsPerMinute: -1,
		PollInterval:      time.Second,
		Log:               zerolog.Nop(),
	})
	return err
}

// listen serves on the preferred loopback port, or on a free one.
func (d *demoWorld) listen(ctx context.Context, port int, server func(base string) (*http.Server, error)) (string, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		if ln, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	base := "http://" + ln.Addr().String()
	srv, err := server(base)
	if err != nil {
		return "", errors.Join(err, ln.Close())
	}
	d.servers = append(d.servers, srv)
	d.work.Go(func() { _ = srv.Serve(ln) })
	return base, nil
}

// stop ends all that the demo started, waits for it, and removes what it wrote.
// It may be called twice.
func (d *demoWorld) stop() {
	for _, s := range d.servers {
		_ = s.Close()
	}
	d.quit()
	d.work.Wait()
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

// environ returns the demo's environment as KEY=value.
func (d *demoWorld) environ() []string {
	var env []string
	for _, k := range sortedKeys(d.Env) {
		env = append(env, k+"="+d.Env[k])
	}
	return env
}

// welcome is what demo prints: what runs, and how to use it.
func (d *demoWorld) welcome(exe string) string {
	if exe == "" {
		exe = "linkmail"
	}
	entry, _ := json.MarshalIndent(map[string]any{"mcpServers": map[string]any{"gmail-demo": map[string]any{
		"command": exe, "args": []string{"serve"}, "env": d.Env,
	}}}, "", "  ")
	var b strings.Builder
	fmt.Fprintf(&b, "linkmail demo is ready. No account, nothing leaves this machine.\n\n")
	fmt.Fprintf(&b, "  Gmail  (stand-in)  %s   %d mails of %s\n", d.Gmail, d.world.MessageCount(standin.DefaultUser), standin.DefaultUser)
	fmt.Fprintf(&b, "  Auth0  (stand-in)  %s\n", d.Auth0)
	fmt.Fprintf(&b, "  Google (stand-in)  %s   sign-in\n", d.Google)
	fmt.Fprintf(&b, "  broker (real)      %s\n\n", d.Broker)
	fmt.Fprintf(&b, "For Claude Desktop, in claude_desktop_config.json:\n\n%s\n\n", entry)
	b.WriteString("Or in a shell. The first call answers with a link and a code: open the link, sign in,\nand repeat the call.\n\n")
	for _, kv := range d.environ() {
		k, v, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&b, "  export %s='%s'\n", k, v)
	}
	fmt.Fprintf(&b, "  %s call search_emails '{\"query\":\"is:unread\"}'\n\nCtrl-C ends the demo.\n", exe)
	return b.String()
}
