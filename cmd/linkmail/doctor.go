package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/auth/google"
	"linkmail/auth/linkauth"
	"linkmail/cache"
	"linkmail/internal/secret"
)

// maxFailures is the largest exit status that says how many checks failed;
// shells use those above for their own purposes.
const maxFailures = 125

// doctor finds out what stands in the way of the mailbox.
func (p process) doctor(ctx context.Context, args []string) error {
	fs := newFlags("linkmail doctor [SERVICE...]",
		"Looks at everything between here and the mailbox, in order, and names the setting that is wrong.\n"+
			"SERVICE is what to look at the way to, gmail if none is named. It changes nothing and asks nobody to sign in. With AUTH0_MANAGEMENT_TOKEN it reads the settings\n"+
			"of the Auth0 tenant too. The exit status is the number of checks that failed.")
	asJSON := fs.Bool("json", false, "print the checks as one JSON object")
	src := fs.withSettings(settingsFor(false))
	services, err := fs.parse(p, args)
	if err != nil {
		return err
	}
	src.read(p, fs)
	management := src.secret("AUTH0_MANAGEMENT_TOKEN")
	cfg, err := src.clientFor(&services, "off")
	if err != nil {
		return err
	}
	d := &examination{client: cfg, management: management, services: services}
	if !*asJSON {
		d.show = func(check auth.Check) { _, _ = fmt.Fprint(p.stdout, checkLines(check)) }
	}
	if isTerminal(p.stderr) && *asJSON {
		d.show = func(check auth.Check) { p.say("%s %s", check.ID, check.Verdict) }
	}
	d.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if *asJSON {
		err = d.printJSON(p)
	} else {
		_, err = fmt.Fprintf(p.stdout, "\n%s\n", d.summary())
	}
	if err != nil {
		return err
	}
	if n := d.failures(); n > 0 {
		return statusError(min(n, maxFailures))
	}
	return nil
}

// examination is one run of the doctor.
type examination struct {
	client     *client
	management secret.Text
	services   []string         // what to look at the way to
	show       func(auth.Check) // nil: nothing
	checks     []auth.Check
}

func (d *examination) add(checks ...auth.Check) {
	for _, check := range checks {
		d.checks = append(d.checks, check)
		if d.show != nil {
			d.show(check)
		}
	}
}

func (d *examination) failures() int {
	n := 0
	for _, check := range d.checks {
		if check.Verdict == auth.Failed {
			n++
		}
	}
	return n
}

// run looks at the cache, then at the broker, then at the provider, then at
// the mailbox; what depends on a failed check is not looked at.
func (d *examination) run(ctx context.Context) {
	store, ok := d.cache(ctx)
	if !ok {
		return
	}
	defer closeStore(store)
	if !d.broker(ctx) {
		return
	}
	switch d.client.mode {
	case modeDemo:
		d.add(auth.Check{ID: "demo", Title: "the demo's mailbox", Verdict: auth.Passed, Saw: "it is inside the process and needs nothing"})
	case modeToken:
		d.mailbox(ctx, d.client.token, "LINKMAIL_GMAIL_TOKEN")
	default:
		d.provider(ctx, store)
	}
}

// cache looks at the directory and says what its key protects against.
func (d *examination) cache(ctx context.Context) (cache.Store, bool) {
	check := auth.Check{ID: "cache", Title: "the sign-in can be kept", Verdict: auth.Passed}
	store, err := d.client.store(ctx)
	switch {
	case err != nil:
		check.Verdict, check.Saw = auth.Failed, err.Error()
		check.Setting, check.Where, check.Advice = "cache", "LINKMAIL_CACHE_DIR, LINKMAIL_KEY", "Name a directory of your own that linkmail may write to."
		if !d.client.redis.IsZero() {
			check.Where, check.Advice = "LINKMAIL_STORE, LINKMAIL_KEY", "Look whether the Redis runs, and whether its address and password are the right ones."
		}
	case d.client.mode == modeDemo || d.client.mode == modeToken && d.client.cacheAt == "":
		check.Saw = "nothing has to be kept in this mode"
	case d.client.cacheAt == "":
		check.Verdict, check.Saw = auth.Unclear, "no directory can be written: the sign-in will be forgotten when linkmail ends"
		check.Setting, check.Where, check.Advice = "cache", "LINKMAIL_CACHE_DIR", "Name a directory that linkmail may write to."
	default:
		check.Saw = d.client.cacheAt + " can be written. " + d.client.keySource.String()
	}
	d.add(check)
	return store, err == nil
}

// broker looks at the broker if the mode has one.
func (d *examination) broker(ctx context.Context) bool {
	c := d.client
	if c.brokerURL == "" || c.mode == modeToken || c.mode == modeDemo {
		return true
	}
	target := ""
	if c.via == "broker" && c.usesAuth0() {
		target = c.auth0.Domain
		if !strings.Contains(target, "://") {
			target = "https://" + target
		}
		target = strings.TrimRight(target, "/") + "/.well-known/openid-configuration"
	}
	checks := linkauth.Probe(ctx, linkauth.Config{BrokerURL: c.brokerURL, APIKey: c.brokerKey, HTTP: c.out()}, target)
	d.add(checks...)
	return checks[len(checks)-1].Verdict != auth.Failed
}

// provider looks at the provider of the mode, then at the mailbox with the
// token that it gave.
func (d *examination) provider(ctx context.Context, store cache.Store) {
	check := auth.Check{ID: "config", Title: "configuration", Verdict: auth.Failed}
	made, err := d.client.provider(store)
	if err != nil {
		check.Saw = err.Error()
		d.add(check)
		return
	}
	switch provider := made.(type) {
	case *auth0.Provider:
		d.auth0(ctx, provider)
	case *google.Provider:
		d.google(ctx, provider)
	default:
		check.Verdict, check.Saw = auth.Unclear, "there are no checks for this mode yet"
		d.add(check)
	}
}

func (d *examination) auth0(ctx context.Context, provider *auth0.Provider) {
	if d.client.secretAtBroker() {
		check := auth.Check{ID: "client_secret", Title: "the client secret is at the broker", Verdict: auth.Passed, Saw: "there is none on this machine"}
		if !d.client.auth0.ClientSecret.IsZero() {
			check.Verdict, check.Saw = auth.Unclear, "there is one on this machine, too; it is not used, and whether it is the one of the broker cannot be told"
			check.Setting, check.Where, check.Advice = "client_secret", "AUTH0_CLIENT_SECRET", "Remove it: with LINKMAIL_AUTH0_VIA=vault only the broker needs it."
		}
		d.add(check)
	}
	req := auth0.ProbeRequest{Principal: localUser, Scopes: d.services, Seen: func(check auth.Check) { d.add(check) }}
	if !d.management.IsZero() {
		// Directly, whatever LINKMAIL_AUTH0_VIA says: a broker that saw this
		// token could change the tenant.
		m, err := provider.Management(d.management, d.services[0], d.client.out())
		if err != nil {
			d.add(auth.Check{ID: "settings", Title: "settings of the tenant", Verdict: auth.Failed, Saw: err.Error()})
			return
		}
		req.Management = m
	}
	tokens, checks := provider.Probe(ctx, req)
	d.mailboxWith(ctx, tokens, checks)
}

// google looks at the modes that have a Google client and no Auth0.
func (d *examination) google(ctx context.Context, provider *google.Provider) {
	req := google.ProbeRequest{Principal: localUser, Scopes: d.services, Seen: func(check auth.Check) { d.add(check) }}
	if d.client.mode == modeGoogle {
		req.AuthURL = d.client.signIn.googleURL(google.AuthURL, "/o/oauth2/v2/auth")
	}
	tokens, checks := provider.Probe(ctx, req)
	d.mailboxWith(ctx, tokens, checks)
}

// mailboxWith looks at the mailbox, if gmail is among the services. It is the
// only service that is asked itself.
func (d *examination) mailboxWith(ctx context.Context, tokens map[string]secret.Text, before []auth.Check) {
	if !slices.Contains(d.services, mailService) {
		return
	}
	if token, ok := tokens[mailService]; ok {
		d.mailbox(ctx, token, "")
		return
	}
	check := auth.Check{ID: "gmail", Service: mailService, Title: "Gmail answers", Verdict: auth.Unclear, Saw: "cannot tell before somebody has signed in"}
	for _, b := range before {
		if b.Verdict == auth.Failed && (b.Service == "" || b.Service == mailService) {
			check.Verdict, check.Saw = auth.Skipped, "not looked at, because an earlier check failed"
		}
	}
	d.add(check)
}

func (d *examination) summary() string {
	unclear := 0
	for _, check := range d.checks {
		if check.Verdict == auth.Unclear {
			unclear++
		}
	}
	switch n := d.failures(); {
	case n == 1:
		return "One check failed."
	case n > 1:
		return fmt.Sprintf("%d checks failed.", n)
	case unclear > 0:
		return fmt.Sprintf("Nothing is wrong as far as can be told; %d could not be told.", unclear)
	}
	return "All is well."
}

func (d *examination) printJSON(p process) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Mode     string       `json:"mode"`
		Failures int          `json:"failures"`
		Checks   []auth.Check `json:"checks"`
	}{d.client.mode, d.failures(), d.checks})
}

// marks begin the line of a check.
var marks = map[auth.Verdict]string{
	auth.Passed: "ok", auth.Failed: "FAILED", auth.Unclear: "cannot tell", auth.Skipped: "skipped",
}

// checkLines is a check for people: one line, and what to do below it.
func checkLines(check auth.Check) string {
	var b strings.Builder
	title := check.Title
	if check.Service != "" && check.Service != mailService {
		title += " (" + check.Service + ")"
	}
	fmt.Fprintf(&b, "%-12s %s: %s\n", marks[check.Verdict], title, check.Saw)
	if check.Verdict != auth.Failed && check.Verdict != auth.Unclear {
		return b.String()
	}
	for _, hint := range [][2]string{{"setting", check.Setting}, {"where", check.Where}, {"do", check.Advice}} {
		if hint[1] != "" {
			fmt.Fprintf(&b, "%-12s   %-8s %s\n", "", hint[0], hint[1])
		}
	}
	if check.Setup != "" {
		fmt.Fprintf(&b, "%-12s   %-8s linkmail setup --apply does it (step %s)\n", "", "or", check.Setup)
	}
	return b.String()
}
