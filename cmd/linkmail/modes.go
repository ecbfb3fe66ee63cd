package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/google"
	"linkmail/auth/linkauth"
	"linkmail/auth/loopback"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// The modes that need a browser or a Google client, besides those in client.go.
const (
	modeOAuth  = "auth0-oauth"
	modeDirect = "linkauth"
	modeGoogle = "google"
)

// modes lists the words of LINKMAIL_AUTH, for messages and checks.
var modes = []string{modeToken, modeAuth0, modeOAuth, modeLinkAuth, modeDirect, modeGoogle, modeDemo}

// defaultCallbackPort is where the browser comes back to in the mode
// auth0-oauth: Auth0 compares callback URLs byte for byte, so it has to be one
// that can be registered.
const defaultCallbackPort = 18484

// signIn is the part of the configuration that the modes with a person need.
type signIn struct {
	account      string // the expected e-mail address; empty for any
	port         int    // of the callback; 0 for a free one
	connections  map[string]string
	scopes       map[string][]string
	googleID     string
	googleSecret secret.Text
	googleRoot   string // of Google's OAuth endpoints; empty for Google's own
}

// signIn reads the settings of the modes that ask a person.
func (s *source) signIn(mode string) signIn {
	var in signIn
	if in.account = s.text("LINKMAIL_ACCOUNT"); in.account != "" && auth.PlainAddress(in.account) == "" {
		s.problem("LINKMAIL_ACCOUNT is %q; it must be an e-mail address", clip(in.account))
	}
	port := 0
	if mode == modeOAuth {
		port = defaultCallbackPort
	}
	if in.port = s.number("LINKMAIL_CALLBACK_PORT", port); in.port > 65535 || in.port == 0 && mode == modeOAuth {
		s.problem("LINKMAIL_CALLBACK_PORT must be a port from 1 to 65535")
	}
	in.connections, in.scopes = s.connections()
	in.googleID, in.googleSecret = s.text("GOOGLE_CLIENT_ID"), s.secret("GOOGLE_CLIENT_SECRET")
	if root := s.text("LINKMAIL_GOOGLE_ENDPOINT"); root != "" {
		in.googleRoot = strings.TrimRight(s.origin("LINKMAIL_GOOGLE_ENDPOINT", root, "").String(), "/")
	}
	why := "LINKMAIL_AUTH=" + mode
	switch mode {
	case modeOAuth:
		s.need(why, "AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET")
	case modeDirect:
		s.need(why, "LINKAUTH_BROKER_URL")
	case modeGoogle:
		s.need(why, "GOOGLE_CLIENT_ID")
	}
	return in
}

// connections reads LINKMAIL_CONNECTIONS: NAME=CONNECTION entries separated by
// commas, each with the OAuth scopes to ask for after it, separated by spaces.
func (s *source) connections() (map[string]string, map[string][]string) {
	connections, scopes := map[string]string{}, map[string][]string{}
	for entry := range strings.SplitSeq(s.text("LINKMAIL_CONNECTIONS"), ",") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, rest, ok := strings.Cut(entry, "=")
		name, words := strings.TrimSpace(name), strings.Fields(rest)
		if !ok || len(words) == 0 || !plainName(name) || !plainName(words[0]) {
			s.problem("LINKMAIL_CONNECTIONS: %q must be NAME=CONNECTION or NAME=CONNECTION SCOPE SCOPE", clip(strings.TrimSpace(entry)))
			continue
		}
		if _, twice := connections[name]; twice {
			s.problem("LINKMAIL_CONNECTIONS names %q twice", name)
		}
		connections[name] = words[0]
		if len(words) > 1 {
			scopes[name] = words[1:]
		}
	}
	return connections, scopes
}

// mailService is what the tools need.
const mailService = "gmail"

// clientFor is [source.client] for a command whose arguments are services:
// those that no sign-in leads to are a problem like others. None means gmail.
func (s *source) clientFor(services *[]string, quiet string) (*client, error) {
	connections, scopes := s.connections()
	known := []string{mailService}
	switch mode := s.text("LINKMAIL_AUTH"); mode {
	case modeAuth0, modeOAuth, modeLinkAuth:
		known = auth0.Config{Connections: connections}.Services()
	case modeDirect, modeGoogle:
		known = google.Config{Scopes: scopes}.Services()
	}
	for i, name := range *services {
		switch {
		case !slices.Contains(known, name):
			s.problem("there is no service %q in this mode%s It has: %s", clip(name), suggest(name, known), strings.Join(known, ", "))
		case slices.Contains((*services)[:i], name):
			s.problem("the service %s is named twice", name)
		}
	}
	if len(*services) == 0 {
		*services = []string{mailService}
	}
	return s.client(quiet)
}

// plainName reports whether s can name a service or a connection.
func plainName(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// googleURL is one of Google's OAuth endpoints.
func (in signIn) googleURL(own, path string) string {
	if in.googleRoot == "" {
		return own
	}
	return in.googleRoot + path
}

// local is the way to a person through the browser of this machine.
func (c *client) local(store cache.Store, out *http.Client) (*loopback.Connector, error) {
	providers := map[string]loopback.Provider{}
	if c.mode == modeOAuth {
		base := c.auth0.Domain
		if !strings.Contains(base, "://") {
			base = "https://" + base
		}
		base = strings.TrimRight(base, "/")
		providers["auth0"] = loopback.Provider{
			Name: "Auth0", AuthURL: base + "/authorize", TokenURL: base + "/oauth/token",
			ClientID: c.auth0.ClientID, ClientSecret: c.auth0.ClientSecret,
		}
	} else {
		providers["google"] = loopback.Provider{
			Name: "Google", AuthURL: c.signIn.googleURL(google.AuthURL, "/o/oauth2/v2/auth"),
			TokenURL: c.signIn.googleURL(google.TokenURL, "/token"), Issuer: google.Issuer,
			ClientID: c.signIn.googleID, ClientSecret: c.signIn.googleSecret,
		}
	}
	connector, err := loopback.New(loopback.Config{
		Port: c.signIn.port, Providers: providers, Store: store, HTTP: out, Open: c.browse,
	})
	if err != nil {
		return nil, usagef("%v", err)
	}
	c.loopback = connector
	return connector, nil
}

// google is the provider of the modes without Auth0.
func (c *client) google(store cache.Store, out *http.Client) (auth.Provider, error) {
	cfg := google.Config{
		ClientID: c.signIn.googleID, ClientSecret: c.signIn.googleSecret,
		Scopes: c.signIn.scopes, Account: c.signIn.account, Owner: c.owner(out),
		TokenURL: c.signIn.googleURL(google.TokenURL, "/token"), RevokeURL: c.signIn.googleURL(google.RevokeURL, "/revoke"),
		Store: store, HTTP: out,
	}
	if c.mode == modeDirect {
		connector, err := linkauth.New(linkauth.Config{BrokerURL: c.brokerURL, APIKey: c.brokerKey, Store: store, HTTP: out})
		if err != nil {
			return nil, usagef("LINKAUTH_BROKER_URL: %v", err)
		}
		cfg.Connector = connector
		if cfg.ClientID == "" {
			// The broker has the client; it may also renew what it signed in.
			cfg.Refresh = func(ctx context.Context, token secret.Text) (auth.TokenAnswer, error) {
				return connector.Refresh(ctx, "google", token)
			}
		}
	} else {
		connector, err := c.local(store, out)
		if err != nil {
			return nil, err
		}
		cfg.Connector = connector
	}
	p, err := google.New(cfg)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return p, nil
}

// personal adds to an Auth0 configuration what a person's choices decide.
func (c *client) personal(cfg *auth0.Config, out *http.Client) {
	cfg.Account, cfg.Owner = c.signIn.account, c.owner(out)
	cfg.Connections, cfg.Scopes = c.signIn.connections, c.signIn.scopes
}

// checked makes sure that a configured token opens the expected mailbox, for a
// provider that does not look itself.
type checked struct {
	auth.Provider
	want  string
	owner auth.Owner

	mu   sync.Mutex
	seen map[string]bool // tokens that were found to be right
}

func (c *client) checked(p auth.Provider) auth.Provider {
	if c.signIn.account == "" {
		return p
	}
	out := &http.Client{Transport: egress(c.p), Timeout: apiTimeout}
	return &checked{Provider: p, want: c.signIn.account, owner: c.owner(out), seen: map[string]bool{}}
}

// Token implements [auth.Provider].
func (c *checked) Token(ctx context.Context, req auth.Request) (*oauth2.Token, error) {
	token, err := c.Provider.Token(ctx, req)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	known := c.seen[token.AccessToken]
	c.mu.Unlock()
	if known {
		return token, nil
	}
	have, err := c.owner(ctx, req.Scope, token)
	switch {
	case errors.Is(err, errTokenDead):
		return token, nil // it opens nothing; whoever uses it finds out, and says so
	case err != nil:
		return nil, auth.UnknownAccount(c.want, err)
	case !auth.SameAccount(have, c.want):
		failure := auth.WrongAccount(have, c.want)
		failure.Message = "LINKMAIL_GMAIL_TOKEN opens the mailbox of " + have + ", but LINKMAIL_ACCOUNT expects " + c.want
		failure.Hint = "change one of the two"
		return nil, failure
	}
	c.mu.Lock()
	c.seen[token.AccessToken] = true
	c.mu.Unlock()
	return token, nil
}

// maxProfile bounds what is read of a mailbox's profile, in bytes.
const maxProfile = 16 << 10

// errTokenDead says that Gmail no longer accepts a token.
var errTokenDead = errors.New("the access token was refused by Gmail")

// owner asks Gmail whose mailbox a token opens. Other services are not asked.
func (c *client) owner(out *http.Client) auth.Owner {
	endpoint := strings.TrimRight(c.gmail.String(), "/") + "/gmail/v1/users/me/profile?fields=emailAddress"
	return func(ctx context.Context, scope string, token *oauth2.Token) (string, error) {
		if scope != mailService {
			return "", nil
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, http.NoBody)
		if err != nil {
			return "", errors.New("the endpoint cannot be asked")
		}
		token.SetAuthHeader(req)
		resp, err := auth.NoRedirects(out).Do(req)
		if err != nil {
			return "", errors.New("there was no answer from Gmail")
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode == http.StatusUnauthorized {
			return "", errTokenDead
		}
		if resp.StatusCode != http.StatusOK {
			return "", fmt.Errorf("the answer of Gmail was HTTP %d", resp.StatusCode)
		}
		var in struct {
			Email string `json:"emailAddress"`
		}
		if err := json.NewDecoder(io.LimitReader(resp.Body, maxProfile)).Decode(&in); err != nil || auth.PlainAddress(in.Email) == "" {
			return "", errors.New("the answer of Gmail names no address")
		}
		return in.Email, nil
	}
}
