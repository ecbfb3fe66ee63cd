package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/cache"
	"linkmail/internal/standin"
)

// statusView is what status prints. It holds no secret.
type statusView struct {
	Mode       string        `json:"mode"`
	Account    string        `json:"account,omitempty"`
	Expected   string        `json:"expectedAccount,omitempty"`
	SignedIn   bool          `json:"signedIn"`
	Since      *time.Time    `json:"since,omitempty"`
	Configured string        `json:"configuredBy,omitempty"`
	SecretAt   string        `json:"clientSecretAt,omitempty"` // the broker's address
	Services   []serviceView `json:"services"`
	Cache      cacheView     `json:"cache"`
	Health     healthView    `json:"health"`
}

type serviceView struct {
	Name        string     `json:"name"`
	Connection  string     `json:"connection,omitempty"`
	Granted     []string   `json:"granted"`
	Missing     []string   `json:"missing,omitempty"`
	CachedUntil *time.Time `json:"cachedUntil,omitempty"`
	Waiting     bool       `json:"waiting,omitempty"`
}

type cacheView struct {
	Directory string        `json:"directory,omitempty"`
	Key       cache.KeyKind `json:"key,omitempty"`
	Protects  string        `json:"protects"`
}

// healthView is how the sign-in does. State is ok, renewed_on_use, waiting,
// signed_out, refused or unknown.
type healthView struct {
	State   string `json:"state"`
	Message string `json:"message"`
}

// status shows what is kept, and asks Gmail whether it works if that costs no
// renewal. It never starts a sign-in.
func (p process) status(ctx context.Context, args []string) error {
	fs := newFlags("linkmail status [--json]",
		"Shows who is signed in, what was granted, what is kept until when and how it is protected.\nNever shows a secret and never starts a sign-in.")
	asJSON := fs.Bool("json", false, "print one JSON object")
	account, err := fs.account(ctx, p, args, "error")
	if err != nil {
		return err
	}
	defer account.close()
	view, err := account.cfg.view(ctx, account.provider)
	if err != nil {
		return p.fail(ctx, err)
	}
	if *asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(view)
	}
	_, err = io.WriteString(p.stdout, view.text())
	return err
}

// view collects what status shows.
func (c *client) view(ctx context.Context, provider auth.Provider) (statusView, error) {
	v := statusView{
		Mode: c.mode, Expected: c.signIn.account, Services: []serviceView{},
		Cache: cacheView{Directory: c.cacheAt, Key: c.keySource.Kind, Protects: c.keySource.String()},
	}
	if c.mode == modeDemo {
		v.Account, v.SignedIn, v.Health = standin.DefaultUser, true, healthView{"ok", "The demo needs no sign-in. Each process has a new mailbox."}
		return v, nil
	}
	if c.secretAtBroker() {
		v.SecretAt = c.brokerURL
	}
	live := c.mode == modeToken
	if keeper, ok := provider.(auth.Keeper); ok {
		kept, err := keeper.Status(ctx, localUser)
		if err != nil {
			return v, err
		}
		v.Account, v.SignedIn, v.Configured = kept.Account, kept.SignedIn, kept.Configured
		v.Since = moment(kept.Since)
		for _, s := range kept.Services {
			v.Services = append(v.Services, serviceView{
				Name: s.Scope, Connection: s.Connection, Granted: append([]string{}, s.Granted...), Missing: s.Missing,
				CachedUntil: moment(s.Until), Waiting: s.Waiting,
			})
			live = live || s.Scope == mailService && lasts(s, time.Minute)
			kept.Waiting = kept.Waiting || s.Waiting
		}
		switch {
		case kept.Waiting:
			v.Health = healthView{"waiting", "A link was given out and nobody has finished it yet: open it, or run \"linkmail login\"."}
		case kept.SignedIn:
			v.Health = healthView{"renewed_on_use", "No access token is kept; the next call gets one."}
		default:
			v.Health = healthView{"signed_out", "Nobody is signed in: run \"linkmail login\", or call a tool."}
		}
	} else {
		v.SignedIn, v.Configured = true, "LINKMAIL_GMAIL_TOKEN"
	}
	if live {
		v.Account, v.Health = c.health(ctx, provider, v.Account)
	}
	return v, nil
}

// moment is t, or nothing.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// health asks Gmail with the token that is kept.
func (c *client) health(ctx context.Context, provider auth.Provider, known string) (string, healthView) {
	token, err := provider.Token(ctx, auth.Request{Principal: localUser, Scope: mailService})
	if failure, ok := errors.AsType[*auth.Failure](err); ok {
		return known, healthView{"refused", failure.Message + ". " + failure.Hint}
	}
	if err != nil {
		return known, healthView{"unknown", "The token ran out just now; the next call renews it."}
	}
	who, err := c.owner(&http.Client{Transport: egress(c.p), Timeout: apiTimeout})(ctx, mailService, token)
	if err != nil {
		return known, healthView{"refused", err.Error() + ". \"linkmail doctor\" may know why."}
	}
	return who, healthView{"ok", "Gmail answers."}
}

// text is the view for people.
func (v statusView) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	account := v.Account
	switch {
	case account == "" && v.SignedIn:
		account = "signed in, account not known yet"
	case account == "":
		account = "nobody is signed in"
	}
	if v.Expected != "" {
		account += " (LINKMAIL_ACCOUNT expects " + v.Expected + ")"
	}
	line("account", "%s", account)
	line("mode", "%s", v.Mode)
	if v.Configured != "" {
		line("from", "%s", v.Configured)
	}
	if v.SecretAt != "" {
		line("secret", "the Auth0 client secret is at the broker, %s, which renews tokens with it", v.SecretAt)
	}
	if v.Since != nil {
		line("since", "%s", v.Since.Format(time.RFC3339))
	}
	for _, s := range v.Services {
		kept := "no token kept"
		if s.CachedUntil != nil {
			kept = "token kept until " + s.CachedUntil.Format(time.RFC3339)
		}
		if s.Waiting {
			kept += ", a link waits"
		}
		if s.Connection != "" {
			kept += ", over " + s.Connection
		}
		line("service", "%s: %s", s.Name, kept)
		if len(s.Granted) > 0 {
			line("", "granted: %s", strings.Join(s.Granted, " "))
		}
		if len(s.Missing) > 0 {
			line("", "not granted: %s", strings.Join(s.Missing, " "))
		}
	}
	if v.Cache.Directory != "" {
		line("cache", "%s", v.Cache.Directory)
	}
	line("key", "%s", v.Cache.Protects)
	line("health", "%s: %s", v.Health.State, v.Health.Message)
	return b.String()
}
