package broker

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"linkmail/internal/secret"
)

// Profiles name whose spelling the broker follows where the LinkAuth draft and
// its first implementation contradict each other.
const (
	// Reference follows the implementation: a wrong poll token is 403.
	Reference = "reference"
	// Draft follows the text: a wrong poll token is 401.
	Draft = "draft"
)

// Config configures a [Broker].
type Config struct {
	// BaseURL is where browsers and agents reach the broker: scheme and host,
	// no path. It must be https, except on loopback.
	BaseURL string
	// Dev is for one machine: it allows to run without API keys, and plain
	// http to loopback hosts that ProxyAllow, PassthroughAllow or Providers
	// name with their port. BaseURL must then be on loopback, and only
	// loopback clients are answered.
	Dev bool
	// Keys admit agents. None, here and in KeySource, is allowed only under
	// Dev, and then everyone on the machine is admitted until a key comes.
	Keys []APIKey
	// Providers are the OAuth providers by name, for example "google".
	Providers map[string]Provider
	// ProxyAllow lists the hosts that POST /v1/proxy may reach: exact names,
	// "*.example.com" for every name below example.com, and under Dev
	// loopback "host:port". Empty turns the proxy off.
	ProxyAllow []string
	// PassthroughAllow lists, in the same form, the hosts that a custom
	// authorize URL may send a browser to. Nil allows *.auth0.com; the host of
	// a provider named "auth0" is always allowed.
	PassthroughAllow []string
	// SessionsPerMinute limits how many sessions one API key, and one address,
	// may open. Zero means 30; negative means no limit.
	SessionsPerMinute int
	// MaxSessions limits how many sessions are open at once; zero means
	// 20,000. It does not apply to a Store given here.
	MaxSessions int
	// SessionTTL is the life of a session that does not ask for one; zero
	// means 10 minutes.
	SessionTTL time.Duration
	// MaxTTL is the longest life a session may ask for; zero means 15
	// minutes, which is also the most that is allowed.
	MaxTTL time.Duration
	// PollInterval is the least time between two polls of one session, in
	// whole seconds; zero means 5 s.
	PollInterval time.Duration
	// Profile is [Reference] or [Draft]; empty means Reference.
	Profile string
	// Store keeps the sessions; nil means a [Memory].
	Store Store
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// KeySource admits further agents, by keys that may come and go while the
	// broker runs; nil means none.
	KeySource KeySource
	// CallbackAllow lists, in the form of ProxyAllow, the hosts that a callback
	// URL may name. Nil allows every host with a public address. Under Dev
	// this machine is always allowed.
	CallbackAllow []string
	// TrustedProxies are the addresses of reverse proxies whose
	// X-Forwarded-For is believed: the client is the last entry that is not
	// one of them. Nil believes nobody.
	TrustedProxies []netip.Prefix
	// ExpiredAsStatus answers the poll of a session that has expired with
	// status "expired" for ten minutes, instead of 404: some clients take a
	// 404 for a fault that passes. This process only knows the sessions that
	// it made itself.
	ExpiredAsStatus bool
	// Log receives one line per transition of a session (level info), per
	// request (debug) and per fault (warn, error). No line holds a value that
	// a client sent, a code, a token or a URL. The zero value logs nothing.
	Log zerolog.Logger
}

// APIKey admits one agent, or one group of them.
type APIKey struct {
	// Name is shown to the person and written to the audit log.
	Name string
	// Secret is what the agent sends as X-API-Key. The broker keeps its hash.
	// Outside Dev it has to pass [CheckKey].
	Secret secret.Text
	// Scopes is what the key may do; none means everything.
	Scopes []Scope
	// Expires is when the key ends; zero means never.
	Expires time.Time
}

// Provider is one OAuth 2.0 authorization server with the broker's client. Of
// those that [KnownProviders] lists, the endpoints need not be given.
type Provider struct {
	ClientID     string
	ClientSecret secret.Text
	// AuthURL and TokenURL are the endpoints. Where one is empty it is looked
	// up at Issuer when it is first needed (RFC 8414, OpenID Discovery).
	AuthURL, TokenURL string
	// RevocationURL is where the broker gives tokens back that it got and could
	// not store (RFC 7009); "{client_id}" in it stands for ClientID. Empty is
	// what the issuer says or what is commonly known; [NoRevocation] turns it
	// off, for servers such as Google's that end all sign-ins of the person at
	// this client with one token.
	RevocationURL string
	// Issuer is the server's identifier; with it, a callback that names
	// another issuer is refused (RFC 9207).
	Issuer string
	// Scopes are asked for when a session names none.
	Scopes []string
	// Extra parameters go into every authorization request; a session may
	// override them.
	Extra map[string]string
	// OwnCallback uses /v1/oauth/callback/{name} as redirect URI, instead of
	// the /v1/oauth/callback that all providers share.
	OwnCallback bool
	// Audiences lists what POST /v1/oauth/refresh may ask for besides what was
	// granted. Nil allows one: {scheme and host of the token endpoint}/me/, the
	// API at which an Auth0 user connects accounts.
	Audiences []string
	// Connections lists what POST /v1/oauth/vault may ask for. Nil allows every
	// connection of the tenant.
	Connections []string
	// BasicAuth sends the client's secret to the token endpoint in an
	// Authorization header and not in the form. It is so anyway where the
	// issuer says that it takes nothing else.
	BasicAuth bool
}

const (
	defaultSessionsPerMinute = 30
	defaultMaxSessions       = 20_000
	defaultTTL               = 10 * time.Minute
	minTTL                   = time.Minute
	maxTTL                   = 15 * time.Minute
)

func (c Config) sessionsPerMinute() int { return cmp.Or(c.SessionsPerMinute, defaultSessionsPerMinute) }
func (c Config) maxSessions() int       { return cmp.Or(c.MaxSessions, defaultMaxSessions) }
func (c Config) maxTTL() time.Duration  { return cmp.Or(c.MaxTTL, maxTTL) }
func (c Config) sessionTTL() time.Duration {
	return cmp.Or(c.SessionTTL, min(defaultTTL, c.maxTTL()))
}

// configure checks the configuration and fills in everything that follows
// from it alone.
func (b *Broker) configure() error {
	cfg := b.cfg
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	var err error
	b.base, err = parseBase(cfg.BaseURL)
	fault(err)
	if cfg.Dev && b.base != nil && !loopbackName(b.base.Hostname()) {
		fault(errors.New("under Dev the host of BaseURL is this machine by a loopback name or address"))
	}
	b.keys, err = newKeyring(cfg.Keys, cfg.KeySource, cfg.Dev)
	fault(err)
	if b.keys.open.Load() && !cfg.Dev {
		b.keys.open.Store(false)
		fault(errors.New("no API keys: add one, or use Dev on loopback"))
	}

	pass := cfg.PassthroughAllow
	if pass == nil {
		pass = []string{"*.auth0.com"}
	}
	b.proxy, err = parseHosts("ProxyAllow", cfg.ProxyAllow, cfg.Dev)
	fault(err)
	b.pass, err = parseHosts("PassthroughAllow", pass, cfg.Dev)
	fault(err)
	b.callbacks, err = parseHosts("CallbackAllow", cfg.CallbackAllow, cfg.Dev)
	fault(err)

	b.providers = make(map[string]*provider, len(cfg.Providers))
	named := slices.Concat(b.proxy.local(), b.pass.local())
	ports := []uint16{443}
	for name, p := range cfg.Providers {
		made, err := newProvider(name, p, cfg.Dev)
		fault(err)
		if err != nil {
			continue
		}
		b.providers[name] = made
		for _, u := range made.urls {
			if loopbackName(u.Hostname()) {
				named = append(named, u.Host)
			} else if port, err := netip.ParseAddrPort("[::]:" + cmp.Or(u.Port(), "443")); err == nil {
				ports = append(ports, port.Port())
			}
			if name == "auth0" {
				b.pass.add(u)
			}
		}
	}
	b.egress = newEgress(ports, named)

	fault(checkNumbers(cfg))
	if cfg.Profile != "" && cfg.Profile != Reference && cfg.Profile != Draft {
		fault(errors.New(`unknown Profile: want "reference" or "draft"`))
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	b.hosts = answeredHosts(b.base, cfg.Dev)
	return nil
}

func checkNumbers(cfg Config) error {
	var faults []error
	if cfg.MaxSessions < 0 {
		faults = append(faults, errors.New("MaxSessions is negative"))
	}
	if cfg.MaxTTL != 0 && (cfg.MaxTTL < minTTL || cfg.MaxTTL > maxTTL) {
		faults = append(faults, fmt.Errorf("MaxTTL is not between %v and %v", minTTL, maxTTL))
	}
	if cfg.SessionTTL != 0 && (cfg.SessionTTL < minTTL || cfg.SessionTTL > cfg.maxTTL()) {
		faults = append(faults, fmt.Errorf("SessionTTL is not between %v and MaxTTL", minTTL))
	}
	if cfg.PollInterval < 0 || cfg.PollInterval%time.Second != 0 {
		faults = append(faults, errors.New("PollInterval is not a number of whole seconds"))
	}
	return errors.Join(faults...)
}

// parseBase checks a base URL: it becomes part of links, of redirect URIs that
// providers compare byte by byte, and of the list of answered hosts.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("BaseURL is not a URL such as https://broker.example")
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("BaseURL has more than scheme and host")
	case u.Scheme == "https", u.Scheme == "http" && loopbackName(u.Hostname()):
		u.Host = strings.ToLower(u.Host)
		return u, nil
	}
	return nil, errors.New("BaseURL is not https (http is for loopback only)")
}

// answeredHosts lists the Host headers that the broker answers. A page of
// another name that resolves to this machine (DNS rebinding) is not one.
func answeredHosts(base *url.URL, dev bool) map[string]bool {
	names := []string{base.Hostname()}
	if dev {
		names = append(names, "localhost", "127.0.0.1", "::1")
	}
	usual := map[string]string{"http": "80", "https": "443"}[base.Scheme]
	port := cmp.Or(base.Port(), usual)
	hosts := make(map[string]bool)
	for _, name := range names {
		hosts[strings.ToLower(net.JoinHostPort(name, port))] = true
		if port == usual {
			if strings.Contains(name, ":") {
				name = "[" + name + "]"
			}
			hosts[strings.ToLower(name)] = true
		}
	}
	return hosts
}

// loopbackName reports whether host is this machine by its spelling alone.
func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() && ip.Zone() == ""
}
