package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"linkmail/broker"
	"linkmail/internal/secret"
	"linkmail/server"
)

// brokerDrain is how long a stopping broker waits for running requests.
const brokerDrain = 10 * time.Second

// broker runs the LinkAuth broker until a signal arrives.
func (p process) broker(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "keys" {
		return p.brokerKeys(ctx, args[1:])
	}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return usagef("there is no command \"broker %s\"%s Run \"linkmail broker --help\" for what there is.", clip(args[0]), suggest(args[0], []string{"keys"}))
	}
	fs := newFlags("linkmail broker [--listen ADDR] [--dev]\n       linkmail broker keys add|list|revoke",
		"LinkAuth broker: receives OAuth callbacks and form secrets for agents without a browser,\nencrypted to the agent's key. Sessions live ten minutes, fifteen if the agent\nasks for it, in a database in the data directory\nunless LINKAUTH_STORE says otherwise.")
	listen := fs.String("listen", "127.0.0.1:8080", "`addr` to listen on")
	dev := fs.Bool("dev", false, "plain http and no keys, on loopback only")
	proxy := fs.String("proxy-allow", "", "`hosts` that /v1/proxy may reach, comma-separated, exact or *.suffix; none without it")
	passthrough := fs.String("passthrough-allow", "", "`hosts` that a passthrough session may send the browser to")
	src := fs.withSettings(settingsFor(true))
	if err := fs.alone(p, args, src); err != nil {
		return err
	}
	if err := server.Loopback(*listen); *dev && err != nil {
		src.problem("--dev serves this machine only; --listen %s is not a loopback address", clip(*listen))
	}
	cfg := src.brokerConfig(*dev)
	cfg.ProxyAllow, cfg.PassthroughAllow = list(*proxy), list(*passthrough)
	sessions := src.sessionStore(*dev)
	if err := src.err(); err != nil {
		return err
	}
	store, closer, err := sessions.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }() // the requests have ended: nothing more is stored
	cfg.Store = store
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return usagef("--listen %s: %v", clip(*listen), err)
	}
	if cfg.BaseURL == "" && *dev {
		cfg.BaseURL = "http://" + ln.Addr().String()
	}
	b, err := broker.New(cfg)
	if err != nil {
		_ = ln.Close()
		return usagef("broker: %s", plain(err))
	}
	hs := b.Server()
	served := make(chan error, 1)
	go func() { served <- hs.Serve(b.Listener(ln)) }()
	var background sync.WaitGroup
	running, stop := context.WithCancel(ctx)
	defer background.Wait() // before the store is closed
	defer stop()
	background.Go(func() { b.Run(running) })
	p.say("listening on http://%s", ln.Addr())
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), brokerDrain)
	defer cancel()
	err = errors.Join(err, hs.Shutdown(end))
	b.Close(end)
	return err
}

// brokerConfig reads the broker's settings.
func (s *source) brokerConfig(dev bool) broker.Config {
	cfg := broker.Config{
		BaseURL:   strings.TrimSuffix(s.text("LINKAUTH_BASE_URL"), "/"),
		Dev:       dev,
		Keys:      s.apiKeys(dev),
		Providers: s.oauthProviders(),
		Log:       s.logger("info"),
	}
	if n := s.number("LINKAUTH_SESSIONS_PER_MINUTE", 30); n > 0 {
		cfg.SessionsPerMinute = n
	} else {
		cfg.SessionsPerMinute = -1
	}
	cfg.MaxSessions = s.number("LINKAUTH_MAX_SESSIONS", 0)
	if cfg.BaseURL != "" {
		s.origin("LINKAUTH_BASE_URL", cfg.BaseURL, "")
	} else if !dev {
		s.problem("LINKAUTH_BASE_URL is not set; browsers and agents need the broker's public https address (or use --dev on loopback)")
	}
	s.brokerEdges(&cfg)
	keys := s.keyFile(dev)
	if keys != nil {
		cfg.KeySource = keys
	}
	if len(cfg.Keys) == 0 && !dev {
		s.needKeys(keys)
	}
	return cfg
}

// apiKeys reads LINKAUTH_API_KEYS: comma-separated KEY or NAME:KEY. Under dev a
// key may be short enough to type.
func (s *source) apiKeys(dev bool) []broker.APIKey {
	var keys []broker.APIKey
	for i, item := range list(s.secret("LINKAUTH_API_KEYS").Reveal()) {
		name, text, named := strings.Cut(item, ":")
		if !named {
			name, text = fmt.Sprintf("key%d", i+1), item
		}
		key := broker.APIKey{Name: name, Secret: secret.New(text)}
		if err := broker.CheckKey(key.Secret); err != nil && !dev {
			s.problem("LINKAUTH_API_KEYS: key %d %v; \"openssl rand -hex 32\" makes a good one, or \"linkmail broker keys add NAME\" one in the key file", i+1, err)
		}
		keys = append(keys, key)
	}
	return keys
}

// oauthProviders reads OAUTH_{PROVIDER}_* variables.
func (s *source) oauthProviders() map[string]broker.Provider {
	providers := map[string]broker.Provider{}
	seen := func(key string) {
		name, ok := strings.CutPrefix(key, "OAUTH_")
		if !ok {
			return
		}
		if name, ok = strings.CutSuffix(name, "_CLIENT_ID"); ok && name != "" {
			providers[strings.ToLower(name)] = broker.Provider{}
		}
	}
	for _, kv := range s.p.env {
		key, _, _ := strings.Cut(kv, "=")
		seen(key)
	}
	for key := range s.file {
		seen(key)
	}
	for name := range providers {
		prefix := "OAUTH_" + strings.ToUpper(name) + "_"
		providers[name] = broker.Provider{
			ClientID:      s.text(prefix + "CLIENT_ID"),
			ClientSecret:  s.secret(prefix + "CLIENT_SECRET"),
			Issuer:        s.text(prefix + "ISSUER"),
			AuthURL:       s.text(prefix + "AUTH_URL"),
			TokenURL:      s.text(prefix + "TOKEN_URL"),
			RevocationURL: s.text(prefix + "REVOCATION_URL"),
			Scopes:        strings.Fields(s.text(prefix + "SCOPES")),
			OwnCallback:   s.on(prefix + "OWN_CALLBACK"),
			BasicAuth:     s.on(prefix + "BASIC_AUTH"),
			Audiences:     words(s.text(prefix + "AUDIENCES")),
			Connections:   words(s.text(prefix + "CONNECTIONS")),
		}
		// These two are where the operator's tenant is; the others have one address for all.
		if p := providers[name]; (name == "auth0" || name == "keycloak") && p.Issuer == "" && (p.AuthURL == "" || p.TokenURL == "") {
			s.problem("%sISSUER is not set, nor both %sAUTH_URL and %sTOKEN_URL; the broker has to know where to log in", prefix, prefix, prefix)
		}
	}
	return providers
}

// words splits a value at spaces; nothing is nil.
func words(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Fields(text)
}

// list splits a comma-separated value.
func list(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
