package auth0

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// tenant reads the discovery document (OpenID Connect Discovery 1.0, section 4).
func (d *prober) tenant(ctx context.Context) []auth.Check {
	a, err := d.p.get(ctx, "discovery", "/.well-known/openid-configuration", secret.Text{})
	if err == nil && !a.ok() {
		err = d.passing(a)
	}
	if err != nil {
		return d.blame(err)
	}
	if !a.ok() {
		return d.wrong(setDomain, fmt.Sprintf("there is no Auth0 tenant at %s (HTTP %d)", d.p.base, a.status))
	}
	var in struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	if err := a.decode(&in); err != nil {
		return d.blame(err)
	}
	for _, address := range []string{in.Issuer, in.Token} {
		u, err := url.Parse(address)
		if err != nil || u.Scheme+"://"+strings.ToLower(u.Host) != d.p.base {
			return d.wrong(setDomain, d.p.base+" answers, but calls itself by another host; it is not the tenant, or one of its two domains is mixed up")
		}
	}
	return passed(d.p.base + " answers as an Auth0 tenant")
}

// readSettings compares every setting with what it has to be.
func (d *prober) readSettings(ctx context.Context) []auth.Check {
	settings, err := d.management.Plan(ctx)
	if err != nil {
		return d.blame(err)
	}
	d.settings = true
	return d.compare(settings)
}

// managesAnother reports whether the service has a connection whose settings
// were not read yet.
func (d *prober) managesAnother() bool {
	return d.manages() && d.management.cfg.Connection != d.connection
}

// readConnection is readSettings for one more connection.
func (d *prober) readConnection(ctx context.Context) []auth.Check {
	another := *d.management
	another.cfg.Connection = d.connection
	settings, err := another.Plan(ctx)
	if err != nil {
		return d.blame(err)
	}
	return d.compare(slices.DeleteFunc(settings, func(s Setting) bool { return !ofConnection(s.ID) }))
}

// compare turns settings into checks.
func (d *prober) compare(settings []Setting) []auth.Check {
	checks := make([]auth.Check, 0, len(settings))
	for _, s := range settings {
		if s.State == Elsewhere {
			continue // the later checks look at it
		}
		check := auth.Check{ID: "settings." + s.ID, Title: s.Title, Verdict: auth.Passed, Saw: s.Have}
		switch s.State {
		case Wrong:
			check = d.naming(auth.Failed, s.ID, "it is "+s.Have+"; it has to be "+s.Want)
			check.ID, check.Title = "settings."+s.ID, s.Title
			if s.Dashboard {
				check.Setup = ""
			}
		case Unknown:
			check.Verdict, check.Saw, check.Setting = auth.Unclear, s.Why, s.ID
		}
		d.settings = d.settings && s.State == Right
		checks = append(checks, check)
	}
	return checks
}

// A refresh token that no tenant has given out, to see how far it gets: Auth0
// checks the client first, then the grant type, then the token.
const madeUpToken = "v1.not-a-refresh-token"

// client tries both grants with a token that cannot work.
func (d *prober) client(ctx context.Context) []auth.Check {
	for _, grant := range []string{callExchange, callRefresh} {
		err := d.try(ctx, d.p.holder(), grant)
		failure, refused := errors.AsType[*auth.Failure](err)
		switch {
		case errors.Is(err, errLoginDead):
			continue // as it should be
		case err == nil, !refused && !errors.Is(err, errLoginDead):
			return []auth.Check{{Verdict: auth.Unclear, Saw: "Auth0 did not refuse a made-up refresh token as expected, so nothing follows from it"}}
		case failure.Code != "grant_missing":
			return d.blame(err)
		case d.p.held():
			checks := d.blame(err)
			checks[0].Saw += "; whether it has no secret at all cannot be told from here, because the broker holds the secret"
			return checks
		}
		// An application without a secret is refused the vault for what it
		// is. It shows by not minding a wrong secret.
		wrong := tokenEndpoint{d.p, secret.New("not-" + rand.Text())}
		if other, ok := errors.AsType[*auth.Failure](d.try(ctx, wrong, grant)); ok && other.Code == "grant_missing" {
			return d.wrong(setApplication, "Auth0 does not ask this application for its secret, so it is a public one (SPA or native), which may not use Token Vault")
		}
		return d.blame(err)
	}
	if d.p.held() {
		return passed("Auth0 knows the client of the broker, which holds the secret, and allows it the Refresh Token and Token Vault grants")
	}
	return passed("Auth0 knows the application and its secret, and allows it the Refresh Token and Token Vault grants")
}

// try uses a grant with a made-up refresh token. The error is never nil if the
// tenant is sane.
func (d *prober) try(ctx context.Context, holder auth.SecretHolder, call string) error {
	var reply auth.EndpointReply
	var err error
	if call == callExchange {
		reply, err = holder.Exchange(ctx, secret.New(madeUpToken), d.connection, "")
	} else {
		reply, err = holder.Refresh(ctx, secret.New(madeUpToken), "", nil)
	}
	a, err := replied(call, reply, err)
	switch {
	case err != nil:
		return err
	case a.ok():
		return nil
	}
	return d.tokenError(a)
}

// loginRequest asks for the login page and looks at where Auth0 sends the
// browser. Nobody is shown the page.
func (d *prober) loginRequest(ctx context.Context) []auth.Check {
	callback := d.p.callback()
	query := url.Values{
		"response_type": {"code"}, "client_id": {d.p.cfg.ClientID}, "redirect_uri": {callback},
		"scope": {strings.Join(loginScopes, " ")}, "state": {rand.Text()},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
	}
	if d.p.cfg.Audience != "" {
		query.Set("audience", d.p.cfg.Audience)
	}
	a, err := d.p.get(ctx, "login request", "/authorize?"+query.Encode(), secret.Text{})
	if err != nil {
		return d.blame(err)
	}
	if a.status >= 300 && a.status < 400 {
		return d.redirected(a.header.Get("Location"), callback)
	}
	page := strings.ToLower(string(a.body))
	switch {
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return d.blame(d.passing(a))
	case strings.Contains(page, "callback url mismatch"):
		return d.wrong(setCallbacks, "Auth0 does not know the callback "+callback)
	case strings.Contains(page, "unknown client"), strings.Contains(page, "invalid_client"):
		return d.wrong(setCredentials, "Auth0 knows no application with the id in AUTH0_CLIENT_ID")
	case a.ok():
		return []auth.Check{{Verdict: auth.Unclear, Saw: "Auth0 answered the login request with a page instead of sending the browser on"}}
	}
	check := auth.Check{
		Verdict: auth.Failed, Saw: fmt.Sprintf("Auth0 answers the login request with an error page (HTTP %d)", a.status),
		Where: "Monitoring > Logs", Advice: "The tenant's log says why; the client id and the callback " + callback + " are the first to compare.",
	}
	return []auth.Check{check}
}

// redirected reads where the login request was sent to.
func (d *prober) redirected(location, callback string) []auth.Check {
	u, err := url.Parse(location)
	if err != nil || location == "" {
		return []auth.Check{{Verdict: auth.Unclear, Saw: "Auth0 sent the login request on to an address that cannot be read"}}
	}
	query := u.Query()
	if failure := auth.CallbackFailure(query); failure != nil && strings.HasPrefix(location, callback) {
		err := d.loginFailure(failure)
		checks := d.blame(err)
		if named, ok := errors.AsType[*auth.Failure](err); ok && named.Code == "client_grant_missing" {
			checks = d.wrong(setAPI, named.Message)
		}
		return checks
	}
	saw := "with the callback " + callback
	if d.p.cfg.Audience != "" {
		saw += " and the API that AUTH0_AUDIENCE names"
	}
	return passed("Auth0 shows its login page, " + saw)
}

// listAll reads a list of the My Account API, at most 10 pages.
func listAll[T any](ctx context.Context, d *prober, call, name string) ([]T, error) {
	var all []T
	query := url.Values{"take": {"20"}}
	for range 10 {
		a, err := d.p.get(ctx, call, "/me/v1/connected-accounts/"+name+"?"+query.Encode(), d.access)
		if err != nil {
			return nil, err
		}
		if !a.ok() {
			return nil, d.myAccountError(a)
		}
		var page map[string]any
		var list struct {
			Accounts    []T    `json:"accounts"`
			Connections []T    `json:"connections"`
			Next        string `json:"next"`
		}
		if err := errors.Join(a.decode(&page), a.decode(&list)); err != nil {
			return nil, err
		}
		all = slices.Concat(all, list.Accounts, list.Connections)
		if list.Next == "" {
			break
		}
		query.Set("from", list.Next)
	}
	return all, nil
}
