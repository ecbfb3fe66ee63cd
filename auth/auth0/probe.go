package auth0

import (
	"context"
	"errors"
	"strings"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// ProbeRequest says what [Provider.Probe] looks at.
type ProbeRequest struct {
	Principal auth.Principal
	// Scopes are the services, each as in [auth.Request]. At least one.
	Scopes []string
	// Management, unless nil, reads the tenant's settings too.
	Management *Management
	// Seen is called with each check as it is done; nil for none.
	Seen func(auth.Check)
}

// Probe finds out what stands between here and the service's token, in the
// order in which things depend on each other; after the first failure the rest
// is skipped, or the rest of the service if the failure is about one. It begins
// no login and no consent, and it discards nothing: a refresh token that Auth0
// refuses stays where it is. One that Auth0 rotates is stored, as ever.
//
// The tokens are those of the services for which Probe got that far.
func (p *Provider) Probe(ctx context.Context, req ProbeRequest) (map[string]secret.Text, []auth.Check) {
	d := &prober{
		pass: &pass{
			p: p, connection: p.cfg.Connections[req.Scopes[0]], keys: p.keys(req.Principal),
			req: auth.Request{Principal: req.Principal, Scope: req.Scopes[0]},
		},
		management: req.Management, seen: req.Seen,
	}
	for _, probe := range sharedProbes {
		d.step(ctx, probe)
	}
	failed, waiting := d.failed, d.waiting
	tokens := map[string]secret.Text{}
	for i, scope := range req.Scopes {
		d.service, d.failed, d.waiting = scope, failed, waiting
		d.req.Scope, d.connection = scope, p.cfg.Connections[scope]
		d.accounts, d.token = nil, secret.Text{}
		if i > 0 {
			d.step(ctx, settingsOfConnection)
		}
		for _, probe := range serviceProbes {
			d.step(ctx, probe)
		}
		if !d.token.IsZero() {
			tokens[scope] = d.token
		}
	}
	return tokens, d.checks
}

// prober is one run of all probes.
type prober struct {
	*pass
	management *Management
	seen       func(auth.Check)
	checks     []auth.Check
	service    string // that is looked at; empty while it is about all

	failed   bool        // a check failed: skip the rest
	waiting  bool        // nobody has signed in: nothing further can be told
	settings bool        // the settings were read, and all are right
	access   secret.Text // My Account token
	accounts []connectedAccount
	token    secret.Text // the service's
}

func (d *prober) manages() bool { return d.management != nil }
func (d *prober) asks() bool    { return d.p.cfg.Connector != nil }

// probe is one thing to look at.
type probe struct {
	id, title string
	// signedIn says that it takes a refresh token.
	signedIn bool
	// needed says whether there is anything to look at; nil: always.
	needed func(*prober) bool
	look   func(*prober, context.Context) []auth.Check
}

// sharedProbes look at what is the same for every service, serviceProbes at the
// rest.
var (
	sharedProbes = []probe{
		{"tenant", "Auth0 answers at AUTH0_DOMAIN", false, nil, (*prober).tenant},
		{"settings", "settings of the tenant", false, (*prober).manages, (*prober).readSettings},
		{"client", "application and its grants", false, nil, (*prober).client},
		{"login_request", "Auth0 accepts the login request", false, (*prober).asks, (*prober).loginRequest},
		{"sign_in", "somebody has signed in", false, nil, (*prober).signedIn},
		{"my_account", "the sign-in reaches the My Account API", true, nil, (*prober).myAccount},
	}
	serviceProbes = []probe{
		{"connection", "the connection can be connected", true, nil, (*prober).connectable},
		{"account", "an account is connected", true, nil, (*prober).account},
		{"vault", "the vault gives a token", true, nil, (*prober).vault},
	}
	// settingsOfConnection is for the services after the first, whose
	// connection is among the settings of the tenant.
	settingsOfConnection = probe{"settings", "settings of the connection", false, (*prober).managesAnother, (*prober).readConnection}
)

func (d *prober) step(ctx context.Context, probe probe) {
	if probe.needed != nil && !probe.needed(d) {
		return
	}
	base := auth.Check{ID: probe.id, Title: probe.title}
	switch {
	case ctx.Err() != nil:
		base.Verdict, base.Saw = auth.Skipped, "interrupted"
	case d.failed:
		base.Verdict, base.Saw = auth.Skipped, "not looked at, because an earlier check failed"
	case probe.signedIn && d.waiting:
		base.Verdict, base.Saw = auth.Unclear, "cannot tell before somebody has signed in"
	default:
		for _, check := range probe.look(d, ctx) {
			if check.ID == "" {
				check.ID = probe.id
			}
			if check.Title == "" {
				check.Title = probe.title
			}
			d.add(check)
		}
		return
	}
	d.add(base)
}

func (d *prober) add(check auth.Check) {
	check.Service = d.service
	d.failed = d.failed || check.Verdict == auth.Failed
	d.checks = append(d.checks, check)
	if d.seen != nil {
		d.seen(check)
	}
}

func passed(saw string) []auth.Check { return []auth.Check{{Verdict: auth.Passed, Saw: saw}} }

// wrong is a check that failed because of a setting.
func (d *prober) wrong(setting, saw string) []auth.Check {
	return []auth.Check{d.naming(auth.Failed, setting, saw)}
}

// naming is a check that points at a setting.
func (d *prober) naming(verdict auth.Verdict, setting, saw string) auth.Check {
	text := settingTexts[setting]
	fill := strings.NewReplacer("{connection}", d.connection, "{callback}", d.p.callback(), "{domain}", d.p.base)
	check := auth.Check{
		Verdict: verdict, Saw: saw, Setting: setting,
		Where: fill.Replace(text.where), Advice: fill.Replace(text.advice),
	}
	if setting == setCredentials && d.p.held() {
		check.Where = "the broker's " + d.p.heldClient()
	}
	if changeable(setting) {
		check.Setup = setting
	}
	return check
}

// changeable reports whether setup changes the setting.
func changeable(id string) bool {
	for _, step := range steps {
		if step.id == id {
			return step.change != nil
		}
	}
	return false
}

// settingOf maps the code of a failure to the setting behind it.
var settingOf = map[string]string{
	"connection_purpose":       setPurpose,
	"connection_disabled":      setEnabled,
	"connection_unknown":       setEnabled,
	"rotation_on":              setRotation,
	"client_type":              setApplication,
	"client_grant_missing":     setClientGrant,
	"my_account_inactive":      setMyAccount,
	"mrrt_missing":             setPolicy,
	"mfa_required":             setMFA,
	"my_account_mfa":           setMyAccountMFA,
	"grant_missing":            setGrants,
	"client_refused":           setCredentials,
	"policy_denied":            setAction,
	"my_account_token_refused": setDomain,
	"my_account_scope":         setClientGrant,
	"audience_unknown":         setAPI,
	"auth0_unreachable":        setDomain,
	"auth0_not_reached":        setDomain,
	"login_dead":               setSignIn,
	"secret_not_held":          setHolder,
	"secret_not_lent":          setHolder,
}

// blame turns the error of a call into a check.
func (d *prober) blame(err error) []auth.Check {
	if errors.Is(err, errLoginDead) {
		saw := "Auth0 refused the refresh token: it has expired, was revoked or rotated away, is of another application or tenant, or its user was deleted"
		if d.settings {
			saw += "; all settings are right now, so it may also be from before they were"
		}
		return d.wrong(setSignIn, saw)
	}
	failure, ok := errors.AsType[*auth.Failure](err)
	if !ok {
		return []auth.Check{{Verdict: auth.Unclear, Saw: "it could not be looked at: the store or the context failed"}}
	}
	check := auth.Check{Verdict: auth.Failed, Saw: failure.Message, Advice: failure.Hint}
	if setting := settingOf[failure.Code]; setting != "" {
		check = d.naming(auth.Failed, setting, failure.Message)
	}
	if setting := settingOf[failure.Code]; setting == setHolder || failure.Code == "auth0_not_reached" || settingOf[failure.Code] == "" {
		check.Advice = failure.Hint // it knows better what happened
	}
	if failure.Code == "auth0_busy" || failure.Code == "auth0_unavailable" {
		check.Verdict = auth.Unclear
	}
	return []auth.Check{check}
}
