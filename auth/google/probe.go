package google

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// ProbeRequest says what [Provider.Probe] looks at.
type ProbeRequest struct {
	Principal auth.Principal
	// Scopes are the services, each as in [auth.Request]. At least one.
	Scopes []string
	// AuthURL is Google's authorization endpoint, where it is this machine's
	// browser that goes there; empty leaves that request out.
	AuthURL string
	// Seen is called with each check as it is done; nil for none.
	Seen func(auth.Check)
}

// testingLife is how long Google honours a sign-in of an app in Testing.
const testingLife = 7 * 24 * time.Hour

// madeUpToken is a refresh token that Google has never given out: Google
// checks the client first.
const madeUpToken = "1//not-a-refresh-token"

// Places to change a setting, for people.
const (
	whereClient  = "Google Cloud console > APIs & Services > Credentials"
	whereConsent = "Google Cloud console > APIs & Services > OAuth consent screen"
	whereLogin   = "linkmail login"
)

// Probe finds out what stands between here and the service's token, in order;
// after the first failure the rest is skipped. It starts no sign-in and
// discards nothing. The tokens are those of the services for which Probe got
// that far.
func (p *Provider) Probe(ctx context.Context, req ProbeRequest) (map[string]secret.Text, []auth.Check) {
	d := &prober{p: p, req: req, pass: &pass{
		p: p, keys: p.keys(req.Principal), req: auth.Request{Principal: req.Principal},
	}}
	for _, scope := range req.Scopes {
		d.wanted = union(d.wanted, p.cfg.Scopes[scope])
	}
	for _, look := range []func(context.Context) []auth.Check{one(d.client), one(d.page), d.signedIn, one(d.renews)} {
		failed := false
		for _, check := range look(ctx) {
			failed = failed || check.Verdict == auth.Failed
			d.checks = append(d.checks, check)
			if req.Seen != nil {
				req.Seen(check)
			}
		}
		if failed || d.waiting {
			break
		}
	}
	tokens := map[string]secret.Text{}
	for _, scope := range req.Scopes {
		if !d.token.IsZero() && len(missing(p.cfg.Scopes[scope], d.kept.Scopes)) == 0 {
			tokens[scope] = d.token
		}
	}
	return tokens, d.checks
}

// one makes a list of a check, which is empty if there was nothing to look at.
func one(look func(context.Context) auth.Check) func(context.Context) []auth.Check {
	return func(ctx context.Context) []auth.Check {
		if check := look(ctx); check.ID != "" {
			return []auth.Check{check}
		}
		return nil
	}
}

// prober is one run of all probes.
type prober struct {
	*pass
	p       *Provider
	req     ProbeRequest
	checks  []auth.Check
	kept    grantRecord
	waiting bool        // nobody has signed in: nothing further can be told
	token   secret.Text // for all that was granted
}

// client asks for a renewal that cannot work, to see whether the client is known.
func (d *prober) client(ctx context.Context) auth.Check {
	if !d.p.renews() {
		return auth.Check{}
	}
	check := auth.Check{ID: "google_client", Title: "Google knows the client", Verdict: auth.Passed, Saw: "it does, with this secret"}
	_, err := d.p.renew(ctx, secret.New(madeUpToken))
	refusal, refused := errors.AsType[*auth.EndpointError](err)
	failure, explained := errors.AsType[*auth.Failure](err)
	switch {
	case explained:
		check.Verdict, check.Saw, check.Advice, check.Setting = auth.Failed, failure.Message, failure.Hint, "google_client"
		check.Where = "the network, or the broker"
		if failure.Code == "provider_busy" {
			check.Verdict = auth.Unclear
		}
	case refused && refusal.Code == "invalid_grant":
	case refused && refusal.Code == "invalid_request" && d.p.cfg.ClientSecret.IsZero():
		check.Verdict, check.Saw = auth.Failed, "this type of client has a secret, and GOOGLE_CLIENT_SECRET is not set"
		check.Setting, check.Where, check.Advice = "google_client", whereClient, "Set GOOGLE_CLIENT_SECRET to the client's secret; a desktop client has one too."
	case refused && refusal.Code == "unauthorized_client":
		check.Verdict, check.Saw = auth.Failed, "this type of client may not renew a sign-in"
		check.Setting, check.Where, check.Advice = "google_client_type", whereClient, "Make a client of the type Desktop app, or Web application with the callback among its redirect URIs."
	case refused:
		why := refusedClient(refusal)
		check.Verdict, check.Saw, check.Advice, check.Setting = auth.Failed, why.Message, why.Hint, "google_client"
		check.Where = "GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET"
	default:
		check.Verdict, check.Saw = auth.Unclear, "Google did not refuse a made-up token as expected, so nothing follows from it"
	}
	return check
}

// page asks for the consent page and looks at where Google sends the browser.
// Nobody is shown the page.
func (d *prober) page(ctx context.Context) auth.Check {
	if d.req.AuthURL == "" {
		return auth.Check{}
	}
	callback := d.p.cfg.Connector.CallbackURL()
	check := auth.Check{ID: "google_page", Title: "Google shows its consent page", Verdict: auth.Unclear}
	said, status, err := d.ask(ctx, callback)
	switch {
	case err != nil:
		check.Saw = "Google's page could not be reached"
	case strings.Contains(said, "redirect_uri_mismatch"):
		check.Verdict, check.Saw, check.Setting = auth.Failed, "the client does not allow the redirect URI "+callback, "google_redirect"
		check.Where, check.Advice = whereClient, "Use a client of the type Desktop app, or add exactly this redirect URI to the Web application."
	case strings.Contains(said, "client type"), strings.Contains(said, "custom scheme"), strings.Contains(said, "custom_scheme"), strings.Contains(said, "unauthorized_client"):
		check.Verdict, check.Saw, check.Setting = auth.Failed, "the client is of a type that cannot sign in this way", "google_client_type"
		check.Where, check.Advice = whereClient, "Make a client of the type Desktop app."
	case strings.Contains(said, "invalid_client"), strings.Contains(said, "deleted_client"):
		check.Verdict, check.Saw, check.Setting = auth.Failed, "Google knows no client with the id in GOOGLE_CLIENT_ID", "google_client"
		check.Where, check.Advice = "GOOGLE_CLIENT_ID", "Copy the id from "+whereClient+"."
	case status >= 300 && status < 400:
		check.Verdict, check.Saw = auth.Passed, "it does, with the callback "+callback
	case status == http.StatusOK:
		check.Verdict, check.Saw = auth.Passed, "it answers with a page"
	default:
		check.Saw = fmt.Sprintf("Google answers with HTTP %d, and does not say why in a way that is known", status)
	}
	return check
}

// pageLimit bounds what is read of Google's page, in bytes.
const pageLimit = 256 << 10

// ask sends the authorization request and returns, in lower case, all that the
// answer may say of an error: the page, and where the browser is sent. Google
// puts the error into a parameter, in base64.
func (d *prober) ask(ctx context.Context, callback string) (said string, status int, _ error) {
	query := url.Values{
		"response_type": {"code"}, "client_id": {d.p.cfg.ClientID}, "redirect_uri": {callback},
		"scope": {strings.Join(union(identityScopes, d.wanted), " ")}, "state": {newAttempt()},
		"access_type": {"offline"}, "prompt": {"consent"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.req.AuthURL+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return "", 0, errors.New("google: the address of the page cannot be read")
	}
	resp, err := auth.NoRedirects(d.p.cfg.HTTP).Do(req)
	if err != nil {
		return "", 0, errors.New("google: the page could not be reached")
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, pageLimit))
	if err != nil {
		return "", 0, errors.New("google: the page could not be read")
	}
	location := resp.Header.Get("Location")
	if u, err := url.Parse(location); err == nil {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if text, err := encoding.DecodeString(u.Query().Get("authError")); err == nil {
				location += " " + string(text)
			}
		}
	}
	if resp.StatusCode == http.StatusOK {
		body = nil // a page that asks somebody to sign in says all kinds of things
	}
	return strings.ToLower(location + " " + string(body)), resp.StatusCode, nil
}

// signedIn looks for what the person has granted for each service.
func (d *prober) signedIn(ctx context.Context) []auth.Check {
	check := auth.Check{ID: "sign_in", Title: "somebody has signed in", Verdict: auth.Passed}
	kept, ok, err := auth.LoadRecord[grantRecord](ctx, d.p.cfg.Store, d.grantKey())
	switch {
	case err != nil:
		check.Verdict, check.Saw, check.Where = auth.Failed, "the cache could not be read", "LINKMAIL_CACHE_DIR"
		return []auth.Check{check}
	case !ok:
		d.waiting = true
		check.Verdict, check.Setting, check.Where = auth.Unclear, "sign_in", whereLogin
		check.Saw = "not signed in yet: run linkmail login or call a tool"
		return []auth.Check{check}
	}
	d.kept, d.waiting = kept, true
	var checks []auth.Check
	for _, scope := range d.req.Scopes {
		check := d.granted(check, scope)
		d.waiting = d.waiting && check.Verdict == auth.Unclear
		checks = append(checks, check)
	}
	return checks
}

// granted compares what a service needs with what the person was asked for and
// has granted.
func (d *prober) granted(check auth.Check, scope string) auth.Check {
	wanted := d.p.cfg.Scopes[scope]
	check.Service, check.Saw = scope, "there is a sign-in from "+d.kept.Obtained.UTC().Format("2006-01-02 15:04 UTC")
	switch lacking := missing(wanted, d.kept.Scopes); {
	case len(lacking) == 0:
		return check
	case len(missing(wanted, d.kept.Asked)) > 0:
		check.Verdict, check.Setting, check.Where = auth.Unclear, "sign_in", whereLogin+" "+scope
		check.Saw += ", which did not ask for this service yet"
	default:
		check.Verdict, check.Setting, check.Where = auth.Failed, "scopes", whereLogin
		check.Saw += ", but without " + strings.Join(lacking, ", ")
		check.Advice = "Sign in again and leave the boxes on Google's page ticked."
	}
	return check
}

// renews gets the token, by a renewal where there is something to renew with.
func (d *prober) renews(ctx context.Context) auth.Check {
	check := auth.Check{ID: "google_token", Title: "Google gives a token", Verdict: auth.Passed, Saw: "it does"}
	if d.kept.Token == "" {
		d.wanted = nil // one token is good for all that was granted
		token, err := d.cached(ctx)
		if err != nil || token == nil {
			check.Verdict, check.Setting, check.Where = auth.Unclear, "sign_in", whereLogin
			check.Saw, check.Advice = "the sign-in has run out, and nothing here can renew it", "Set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET to the client that it was made with, or sign in again."
			return check
		}
		d.token, check.Saw = secret.New(token.AccessToken), "the one from the sign-in is still good"
		return check
	}
	unlock, err := d.p.cfg.Store.Lock(ctx, d.keys+"lock")
	if err != nil {
		check.Verdict, check.Saw = auth.Unclear, "another process holds the sign-in"
		return check
	}
	defer unlock()
	if now, ok, err := auth.LoadRecord[grantRecord](ctx, d.p.cfg.Store, d.grantKey()); err == nil && ok {
		d.kept = now
	}
	answer, err := d.p.renew(ctx, secret.New(d.kept.Token))
	refusal, refused := errors.AsType[*auth.EndpointError](err)
	failure, explained := errors.AsType[*auth.Failure](err)
	switch {
	case explained:
		check.Verdict, check.Saw, check.Advice, check.Where = auth.Failed, failure.Message, failure.Hint, whereClient
	case refused && refusal.Code == "invalid_grant":
		return d.dead(check)
	case refused:
		why := refusedClient(refusal)
		check.Verdict, check.Saw, check.Advice, check.Where = auth.Failed, why.Message, why.Hint, whereClient
		check.Setting = "google_client"
	case err != nil:
		check.Verdict, check.Saw = auth.Unclear, "interrupted"
	default:
		if err := d.keepRenewed(ctx, answer); err != nil {
			check.Verdict, check.Saw, check.Where = auth.Failed, "a new refresh token could not be stored", "LINKMAIL_CACHE_DIR"
			return check
		}
		d.token = answer.AccessToken
	}
	return check
}

// keepRenewed stores a refresh token that came in place of the one before.
func (d *prober) keepRenewed(ctx context.Context, answer auth.TokenAnswer) error {
	if answer.RefreshToken.IsZero() {
		return nil
	}
	d.kept.Token = answer.RefreshToken.Reveal()
	return auth.SaveRecord(ctx, d.p.cfg.Store, d.grantKey(), d.kept, 0)
}

// dead says why Google may no longer accept the sign-in.
func (d *prober) dead(check auth.Check) auth.Check {
	check.Verdict, check.Setting, check.Where, check.Advice = auth.Failed, "sign_in", whereLogin, "Sign in again."
	check.Saw = "Google no longer accepts the sign-in: access was removed in the Google account, it was not used for six months, or the password was changed"
	if age := d.p.cfg.Now().Sub(d.kept.Obtained); age >= testingLife {
		check.Setting, check.Where = "google_testing", whereConsent+" > Publishing status"
		check.Saw = fmt.Sprintf("Google no longer accepts the sign-in, which is %d days old: an app whose publishing status is Testing loses it after 7 days. Otherwise access was removed, or the password was changed", int(age.Hours()/24))
		check.Advice = "Publish the app, then sign in again."
	}
	return check
}
