package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/linkauth"
	"linkmail/auth/loopback"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
	"linkmail/mailbox"
	"linkmail/server"
	"linkmail/tools"
)

// The authorization modes: the words LINKMAIL_AUTH takes.
const (
	modeToken    = "token"
	modeAuth0    = "auth0-token"
	modeLinkAuth = "auth0-linkauth"
	modeDemo     = "demo"
)

// localUser is the single user of stdio, of call and of loopback HTTP.
var localUser = auth.Principal{Subject: "local"}

// client is the configuration of every command that reaches a mailbox.
type client struct {
	mode      string
	gmail     *url.URL
	units     int // of Gmail's quota, a minute
	auth0     auth0.Config
	brokerURL string
	brokerKey secret.Text
	via       string
	token     secret.Text
	cacheDir  string // empty: the default
	key       secret.Text
	redis     secret.Text // the URL of a shared cache; none if it is in files
	signIn    signIn
	once      bool // this process runs one call and ends
	offer     offer
	log       zerolog.Logger
	p         process
	// lives says that the process goes on after a challenge was answered, so that
	// sign-ins are finished in the background. wait bounds how long a call of a
	// server may wait for one.
	lives bool
	// overHTTP says that it serves whoever reaches its port.
	overHTTP bool
	wait     time.Duration

	// browse opens the user's browser; nil where nothing here would wait for
	// it to come back.
	browse func(context.Context, string) error
	// keySource and loopback are known once the store and the provider are made.
	keySource cache.KeySource
	cacheAt   string
	loopback  *loopback.Connector
}

// client reads the settings and reports everything wrong with them at once.
func (s *source) client(quiet string) (*client, error) {
	c := &client{p: s.p}
	c.log = s.logger(quiet)
	c.mode = s.choice("LINKMAIL_AUTH", "", modes...)
	if c.mode == "" && !s.unread {
		s.problem("LINKMAIL_AUTH is not set; it must be one of: %s (demo needs no account)", strings.Join(modes, ", "))
	}
	c.via = s.choice("LINKMAIL_AUTH0_VIA", "auto", "auto", "direct", "broker", viaVault)
	why := "LINKMAIL_AUTH=" + c.mode
	switch c.mode {
	case modeToken:
		s.need(why, "LINKMAIL_GMAIL_TOKEN")
	case modeAuth0:
		s.need(why, "AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_REFRESH_TOKEN")
	case modeLinkAuth:
		names := []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "LINKAUTH_BROKER_URL"}
		if c.via == viaVault { // the broker has the secret
			why, names = why+" with LINKMAIL_AUTH0_VIA="+viaVault, slices.Delete(names, 2, 3)
		}
		s.need(why, names...)
	}
	c.signIn = s.signIn(c.mode)
	if who := c.signIn.account; c.mode == modeDemo && who != "" && !auth.SameAccount(who, standin.DefaultUser) {
		s.problem("LINKMAIL_ACCOUNT is %q, but the mailbox of the demo is %s", clip(who), standin.DefaultUser)
	}
	c.token = s.secret("LINKMAIL_GMAIL_TOKEN")
	c.auth0 = auth0.Config{
		Domain:       s.text("AUTH0_DOMAIN"),
		ClientID:     s.text("AUTH0_CLIENT_ID"),
		ClientSecret: s.secret("AUTH0_CLIENT_SECRET"),
		Audience:     s.text("AUTH0_AUDIENCE"),
		RefreshToken: s.secret("AUTH0_REFRESH_TOKEN"),
	}
	if c.auth0.Domain != "" && c.usesAuth0() {
		s.origin("AUTH0_DOMAIN", c.auth0.Domain, "https")
	}
	c.brokerURL, c.brokerKey = s.text("LINKAUTH_BROKER_URL"), s.secret("LINKAUTH_API_KEY")
	if c.brokerURL != "" {
		s.origin("LINKAUTH_BROKER_URL", c.brokerURL, "")
	}
	if c.via == "broker" && c.brokerURL == "" && c.usesAuth0() {
		s.problem("LINKMAIL_AUTH0_VIA is broker, but LINKAUTH_BROKER_URL is not set")
	}
	if c.via == viaVault && c.usesAuth0() && c.mode != modeLinkAuth {
		s.problem("LINKMAIL_AUTH0_VIA is %s, which goes with LINKMAIL_AUTH=%s only: the sign-in has to be the broker's, too", viaVault, modeLinkAuth)
	}
	endpoint := s.text("LINKMAIL_GMAIL_ENDPOINT")
	if endpoint == "" {
		endpoint = "https://gmail.googleapis.com/"
	}
	c.gmail = s.origin("LINKMAIL_GMAIL_ENDPOINT", endpoint, "")
	if c.units = s.number("LINKMAIL_GMAIL_UNITS", mailbox.DefaultUnits); c.units < mailbox.MinUnits {
		s.problem("LINKMAIL_GMAIL_UNITS must be at least %d, which is what a single send costs", mailbox.MinUnits)
	}
	c.cacheDir, c.key = s.text("LINKMAIL_CACHE_DIR"), s.secret("LINKMAIL_KEY")
	if !c.key.IsZero() {
		if _, err := cache.ParseKey(c.key); err != nil {
			s.problem("LINKMAIL_KEY must be the base64 of 32 random bytes: %s", plain(err))
		}
	}
	c.redis = s.sharedStore(c.key)
	c.offer = s.offer()
	c.signIn.widen(c.offer, c.usesAuth0())
	return c, s.err()
}

// offer is which tools there are and what they may do.
type offer struct {
	readOnly bool
	toolsets []tools.Toolset
	send     tools.SendPolicy
	files    string // a directory; empty if there is none
	perDay   int    // mails; negative is any number
}

// tools is the part of the catalogue's configuration that needs no mailbox.
func (o offer) tools() tools.Config {
	return tools.Config{ReadOnly: o.readOnly, Toolsets: o.toolsets, Send: o.send, PerDay: o.perDay}
}

// viaVault is the word of LINKMAIL_AUTH0_VIA for a client secret that is at the
// broker and not here.
const viaVault = "vault"

// secretAtBroker reports whether the broker asks Auth0 with its client secret.
func (c *client) secretAtBroker() bool { return c.mode == modeLinkAuth && c.via == viaVault }

func (c *client) usesAuth0() bool {
	return c.mode == modeAuth0 || c.mode == modeLinkAuth || c.mode == modeOAuth
}

// origin checks an address of a service: a scheme, a host, and plain http on
// loopback only, because tokens travel over it. scheme is assumed if there is none.
func (s *source) origin(env, raw, scheme string) *url.URL {
	text := raw
	if scheme != "" && !strings.Contains(text, "://") {
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		s.problem("%s is %q; it must be an address such as https://host", env, clip(raw))
	case u.User != nil:
		s.problem("%s holds a user name; remove it", env)
	case u.RawQuery != "" || u.Fragment != "":
		s.problem("%s is %q; remove what follows the path", env, clip(raw))
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		s.problem("%s is %q; plain http is for loopback addresses only, use https", env, clip(raw))
	case u.Scheme != "http" && u.Scheme != "https":
		s.problem("%s is %q; the scheme must be https", env, clip(raw))
	case scheme != "" && strings.Trim(u.Path, "/") != "":
		s.problem("%s is %q; it must be a host without a path", env, clip(raw))
	default:
		return u
	}
	return &url.URL{}
}

// store opens the cache. A directory that was asked for and cannot be used is
// an error. If none was asked for, linkmail goes on in memory and says so,
// except where that could never work: a single call that begins a sign-in.
//
// The demo keeps nothing unless it is told where: its mailbox is gone with the
// process, and what was sent from it must not count for the next one. Only from
// one call to the next a confirmation lives on, or nobody could see how it works.
func (c *client) store(ctx context.Context) (cache.Store, error) {
	if c.mode == modeDemo && !c.once && c.cacheDir == "" && c.redis.IsZero() {
		return cache.NewMemory(nil), nil
	}
	if !c.redis.IsZero() {
		return c.openRedis(ctx)
	}
	dir, configDir := c.cacheDir, ""
	if base := c.userDir("XDG_CACHE_HOME", os.UserCacheDir); dir == "" && base != "" {
		dir = filepath.Join(base, "linkmail")
	}
	if base := c.userDir("XDG_CONFIG_HOME", os.UserConfigDir); base != "" {
		configDir = filepath.Join(base, "linkmail")
	}
	file, err := c.openFile(ctx, dir, configDir)
	var unusable *cache.DirError
	switch {
	case err == nil:
		return file, nil
	case c.cacheDir == "" && (errors.As(err, &unusable) || errors.Is(err, cache.ErrNoPlace)):
		if c.once && c.mode == modeLinkAuth {
			return nil, usagef("no directory can be written, so a sign-in could not be remembered from one call to the next (tried %s). Set LINKMAIL_CACHE_DIR to a directory that linkmail may write.", first(dir, "the user's cache directory"))
		}
		c.log.Warn().Str("dir", dir).Msg("no directory can be written: logins and confirmations are forgotten when linkmail ends; set LINKMAIL_CACHE_DIR to one that can")
		return cache.NewMemory(nil), nil
	case errors.As(err, &unusable):
		return nil, usagef("the cache directory %s cannot be used: %v. Set LINKMAIL_CACHE_DIR to a directory that linkmail may write.", unusable.Dir, unusable.Err)
	}
	return nil, usagef("%s", plain(err))
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// openFile finds the key and opens the sealed directory.
func (c *client) openFile(ctx context.Context, dir, configDir string) (cache.Store, error) {
	if dir == "" {
		return nil, cache.ErrNoPlace
	}
	bus, _ := c.p.lookup("DBUS_SESSION_BUS_ADDRESS")
	key, source, err := cache.FindKey(ctx, cache.KeyConfig{
		Configured: c.key,
		Keyring:    cache.SystemKeyring(bus),
		ConfigDir:  configDir,
		CacheDir:   dir,
	})
	if err != nil {
		return nil, err
	}
	c.keySource, c.cacheAt = source, dir
	c.log.Debug().Stringer("key", source).Msg("cache key found")
	return cache.OpenFile(cache.FileConfig{
		Dir: dir,
		Key: key,
		Damaged: func(d cache.Damage) {
			c.log.Warn().Str("kept", d.Kept).Str("cause", string(d.Cause)).Msg("a cache file could not be used and was kept aside; what it held is asked for again")
		},
	})
}

// isLoopback reports whether a host is this machine itself.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// userDir returns one of the user's base directories, or nothing.
func (c *client) userDir(xdg string, def func() (string, error)) string {
	if v, ok := c.p.lookup(xdg); ok && filepath.IsAbs(v) {
		return v
	}
	if _, ok := c.p.lookup("HOME"); !ok && os.PathSeparator == '/' {
		return ""
	}
	dir, err := def()
	if err != nil {
		return ""
	}
	return dir
}

// apiTimeout bounds one request to Auth0 or to the broker, which answers from
// its proxy within 12 seconds.
const apiTimeout = 15 * time.Second

// provider builds the way to a token for the mode.
func (c *client) provider(store cache.Store) (auth.Provider, error) {
	if c.mode == modeToken {
		return c.checked(auth.Static(c.token, "LINKMAIL_GMAIL_TOKEN")), nil
	}
	direct := egress(c.p)
	out := &http.Client{Transport: direct, Timeout: apiTimeout}
	if c.mode == modeGoogle || c.mode == modeDirect {
		return c.google(store, out)
	}
	cfg := c.auth0
	cfg.Store, cfg.HTTP = store, out
	c.personal(&cfg, out)
	if c.mode == modeOAuth {
		connector, err := c.local(store, out)
		if err != nil {
			return nil, err
		}
		cfg.Connector = connector
	}
	if c.brokerURL != "" {
		broker := linkauth.Config{BrokerURL: c.brokerURL, APIKey: c.brokerKey, Store: store, HTTP: out}
		if c.mode == modeLinkAuth {
			connector, err := linkauth.New(broker)
			if err != nil {
				return nil, usagef("LINKAUTH_BROKER_URL: %s", plain(err))
			}
			cfg.Connector = connector
			if c.secretAtBroker() {
				cfg.Holder, cfg.ClientSecret = connector.Desk("auth0"), secret.Text{}
			}
		}
		proxy, err := linkauth.NewProxy(broker)
		if err != nil {
			return nil, usagef("LINKAUTH_BROKER_URL: %s", plain(err))
		}
		switch c.via {
		case "broker":
			cfg.HTTP = &http.Client{Transport: proxy, Timeout: apiTimeout}
		case "auto", viaVault:
			// Twice the time: the direct attempt may use up its own first.
			cfg.HTTP = &http.Client{Transport: linkauth.NewFallback(direct, proxy, nil), Timeout: 2 * apiTimeout}
		}
	}
	p, err := auth0.New(cfg)
	if err != nil {
		return nil, usagef("%s", plain(err))
	}
	return p, nil
}

// way is the whole way from a tool to the mailbox.
type way struct {
	server  *server.Server
	watcher *auth.Watcher // nil unless the process lives on
	tools   []string      // their names
	close   func()        // ends what was started
}

// connect wires it.
func (c *client) connect(ctx context.Context) (*way, error) {
	store, err := c.store(ctx)
	if err != nil {
		return nil, err
	}
	w := &way{close: c.closing(store)} //nolint:contextcheck // it ends what has no context
	var provider auth.Provider
	if c.mode == modeDemo {
		world := standin.NewWorld(standin.Config{})
		if c.gmail, w.close, err = onLoopback(ctx, world.Gmail()); err != nil {
			return nil, err
		}
		token := world.IssueToken(standin.DefaultUser, []string{gmailScope, settingsScope}, 24*time.Hour)
		provider = auth.Static(secret.New(token), "LINKMAIL_AUTH")
	} else if provider, err = c.provider(store); err != nil {
		return nil, err
	}
	keeper, _ := provider.(auth.Keeper)
	var arrived func(context.Context)
	warm := &warmer{log: c.log}
	if c.lives {
		w.watcher = auth.NewWatcher(auth.WatcherConfig{Provider: provider})
		provider = &unattended{Provider: w.watcher, kept: provider, asksNobody: c.mode == modeAuth0}
		arrived = warm.start
	}
	box, err := mailbox.New(mailbox.Config{ //nolint:contextcheck // it keeps no context: each request brings its own
		HTTP: func(scope string) http.RoundTripper {
			return &auth.Transport{Provider: provider, Scope: scope, Hosts: []string{c.gmail.Host}, Base: egress(c.p)}
		},
		Endpoint:       c.gmail.String(),
		UnitsPerMinute: c.units,
		NearlySpent: func(spent, limit int) {
			c.log.Warn().Int("spent", spent).Int("limit", limit).Msg("most of this minute's Gmail quota is spent; calls beyond it will be told to wait")
		},
		Version: buildVersion(),
	})
	if err != nil {
		w.close()
		return nil, usagef("LINKMAIL_GMAIL_ENDPOINT: %s", plain(err))
	}
	warm.box = box
	offered := c.offer.tools()
	offered.Mailbox, offered.Confirmations = box, store
	offered.Ask = func(ctx context.Context, question string) (yes, asked bool, err error) {
		return server.Ask(ctx, server.Question{Text: question, Yes: "Send the mail"})
	}
	offered.Links = c.lives && !c.once
	if keeper != nil {
		offered.Scopes = func(ctx context.Context) []string { return granted(ctx, keeper) }
	}
	switch {
	case c.overHTTP:
		if c.offer.files != "" {
			c.log.Warn().Msg("LINKMAIL_DOWNLOADS is not used over HTTP: whoever reaches the port would write to and read from this disk")
		}
		offered.Files = tools.NoDirectory("files are switched off for a server that is reached over HTTP")
	case c.offer.files != "":
		if offered.Files, err = tools.OpenDirectory(c.offer.files); err != nil {
			w.close()
			return nil, usagef("LINKMAIL_DOWNLOADS: %s", plain(err))
		}
		if offered.Files.Made() {
			c.log.Info().Str("directory", c.offer.files).Msg("LINKMAIL_DOWNLOADS: the directory was made")
		}
		if n := offered.Files.RemoveUnfinished(time.Now()); n > 0 {
			c.log.Info().Int("files", n).Msg("LINKMAIL_DOWNLOADS: unfinished files of an earlier process were removed")
		}
		stop := w.close
		w.close = func() {
			stop()
			_ = offered.Files.Close()
		}
	}
	catalogue := tools.Catalogue(offered)
	for _, t := range catalogue {
		w.tools = append(w.tools, t.Tool.Name)
	}
	w.server, err = server.New(server.Config{
		Name:         "linkmail",
		Version:      buildVersion(),
		Instructions: tools.Instructions,
		Tools:        catalogue,
		Missing:      func(name string) error { return tools.Missing(offered, name) },
		Prompts:      tools.Prompts(offered),
		Resources:    tools.Resources(offered),
		Principal:    localUser,
		Log:          c.log,
		Watcher:      w.watcher,
		State:        store,
		Arrived:      arrived,
		Wait:         c.wait,
		Progress: func(ctx context.Context, tell func(done, total int, what string)) context.Context {
			return mailbox.WithProgress(ctx, tell)
		},
	})
	if err != nil {
		w.close()
		return nil, err
	}
	stop := w.close
	w.close = func() {
		warm.close()
		w.server.Close()
		stop()
	}
	return w, nil
}

// gmailScope lets the demo's token read, change and send.
const gmailScope = "https://www.googleapis.com/auth/gmail.modify"

// onLoopback serves h on a free loopback port until stop is called.
func onLoopback(ctx context.Context, h http.Handler) (*url.URL, func(), error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	return &url.URL{Scheme: "http", Host: ln.Addr().String(), Path: "/"}, func() { _ = srv.Close() }, nil
}
