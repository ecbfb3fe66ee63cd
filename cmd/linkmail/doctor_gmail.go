package main

import (
	"context"
	"errors"
	"net/http"

	"linkmail/auth"
	"linkmail/internal/secret"
	"linkmail/mailbox"
)

// out is a client for requests that leave this machine directly.
func (c *client) out() *http.Client {
	return &http.Client{Transport: egress(c.p), Timeout: apiTimeout}
}

// mailbox reads the profile of the mailbox, which costs one quota unit.
// variable is where the token comes from; empty if the provider has given it.
func (d *examination) mailbox(ctx context.Context, token secret.Text, variable string) {
	check := auth.Check{ID: "gmail", Service: mailService, Title: "Gmail answers", Verdict: auth.Passed}
	name := variable
	if name == "" {
		name = "the sign-in"
	}
	c := d.client
	box, err := mailbox.New(mailbox.Config{ //nolint:contextcheck // it keeps no context: each request brings its own
		HTTP: func(scope string) http.RoundTripper {
			return principal{&auth.Transport{Provider: auth.Static(token, name), Scope: scope, Hosts: []string{c.gmail.Host}, Base: egress(c.p)}}
		},
		Endpoint: c.gmail.String(),
		Version:  buildVersion(),
	})
	if err != nil {
		check.Verdict, check.Saw, check.Where = auth.Failed, err.Error(), "LINKMAIL_GMAIL_ENDPOINT"
		d.add(check)
		return
	}
	account, err := box.Account(ctx)
	if err == nil {
		check.Saw = "this is the mailbox of " + account
		if want := c.signIn.account; want != "" && !auth.SameAccount(account, want) {
			check.Verdict, check.Setting, check.Where = auth.Failed, "account", "LINKMAIL_ACCOUNT"
			check.Saw += ", but LINKMAIL_ACCOUNT expects " + want
			check.Advice = "Sign in with the other account, or change the setting."
		}
		d.add(check)
		return
	}
	d.add(gmailRefusal(check, err, variable))
}

// principal puts the user of this process into requests.
type principal struct{ next http.RoundTripper }

func (p principal) RoundTrip(r *http.Request) (*http.Response, error) {
	return p.next.RoundTrip(r.WithContext(auth.WithPrincipal(r.Context(), localUser)))
}

// gmailRefusal says which setting makes Gmail refuse.
func gmailRefusal(check auth.Check, err error, variable string) auth.Check {
	check.Verdict, check.Saw = auth.Failed, "Gmail could not be asked"
	code := ""
	var own *mailbox.Error
	var failure *auth.Failure
	switch {
	case errors.As(err, &failure):
		code, check.Saw, check.Advice = failure.Code, failure.Message, failure.Hint
	case errors.As(err, &own):
		code, check.Saw, check.Advice = own.Code, own.Message, own.Hint
	}
	switch code {
	case "token_refused":
		check.Setting, check.Where = "gmail_token", variable
		if variable == "" {
			check.Setting, check.Where = "google_grant", "linkmail login"
			check.Saw = "Gmail refused the token that was given just now: the person has withdrawn the access"
			check.Advice = "Connect the account again."
		}
	case "api_disabled":
		check.Setting, check.Where = "gmail_api", "Google Cloud console > APIs & Services > Library > Gmail API"
	case "missing_scope":
		check.Setting, check.Where = "scopes", "linkmail login"
		if variable != "" {
			check.Where = variable
		}
	case "domain_policy":
		check.Setting, check.Where = "domain_policy", "Google Workspace admin console > Security > API controls"
	case "mail_service_not_enabled":
		check.Setting, check.Where = "mailbox", "the Google account"
	case "rate_limited", "daily_limit":
		check.Verdict = auth.Unclear
	case "unavailable":
		check.Setting, check.Where = "gmail_endpoint", "LINKMAIL_GMAIL_ENDPOINT, the network"
	}
	return check
}
