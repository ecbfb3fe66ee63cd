package auth0

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/internal/secret"
)

// connectedAccount is an account as the My Account API lists it.
type connectedAccount struct {
	Connection string    `json:"connection"`
	AccessType string    `json:"access_type"`
	Scopes     []string  `json:"scopes"`
	Created    time.Time `json:"created_at"`
}

// signedIn looks for the refresh token.
func (d *prober) signedIn(ctx context.Context) []auth.Check {
	stored, ok, err := auth.LoadRecord[refreshRecord](ctx, d.p.cfg.Store, d.refreshKey())
	switch {
	case err != nil:
		return d.blame(err)
	case ok && stored.Token != "":
		d.refresh = secret.New(stored.Token)
		return passed("there is a refresh token from " + day(stored.Obtained))
	case !d.p.cfg.RefreshToken.IsZero():
		d.refresh = d.p.cfg.RefreshToken
		return passed("there is a refresh token in AUTH0_REFRESH_TOKEN")
	}
	d.waiting = true
	none := d.naming(auth.Unclear, setSignIn, "not signed in yet: run linkmail login or call a tool")
	none.Advice = ""
	if d.p.cfg.Audience == "" || d.settings {
		return []auth.Check{none}
	}
	offline := d.naming(auth.Unclear, setOffline, "it does not show from outside; a login that ends without a refresh token means that it is off")
	offline.ID, offline.Title = "offline_access", settingTexts[setOffline].title
	return []auth.Check{none, offline}
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// myAccount trades the refresh token for a My Account token, under the
// account's lock, because a rotating token must have one user at a time.
func (d *prober) myAccount(ctx context.Context) []auth.Check {
	unlock, err := d.p.cfg.Store.Lock(ctx, d.keys+"lock")
	if err != nil {
		return d.blame(auth.CacheFailure(ctx, "lock", err))
	}
	defer unlock()
	if stored, ok, err := auth.LoadRecord[refreshRecord](ctx, d.p.cfg.Store, d.refreshKey()); err == nil && ok && stored.Token != "" {
		d.refresh = secret.New(stored.Token)
	}
	before := d.refresh
	token, err := d.myAccountToken(ctx)
	rotated := !before.Equal(d.refresh)
	failure, _ := errors.AsType[*auth.Failure](err)
	switch {
	case rotated:
		return d.wrong(setRotation, "Auth0 answered with a new refresh token, so it rotates them, which Token Vault does not support")
	case failure != nil && failure.Code == "mrrt_missing" && d.settings:
		return d.wrong(setSignIn, "all settings are right, but this sign-in is from before: its refresh token does not reach the My Account API")
	case failure != nil && failure.Code == "mrrt_missing":
		checks := d.blame(err)
		checks[0].Saw += "; the policy is missing, or this sign-in is from before it, or the API does not skip the consent: which of them cannot be told from outside"
		return checks
	case err != nil:
		return d.blame(err)
	}
	d.access = secret.New(token.AccessToken)
	return passed("Auth0 gave a token for the My Account API")
}

// connectable looks whether the connection is among those that can be connected.
func (d *prober) connectable(ctx context.Context) []auth.Check {
	type connection struct {
		Name string `json:"name"`
	}
	all, err := listAll[connection](ctx, d, "list of connections", "connections")
	var cause *ResponseError
	if errors.As(err, &cause) && cause.Status == http.StatusNotFound {
		return d.wrong(setMyAccount, "the My Account API does not list connections, so it may not be active")
	}
	if err != nil {
		return d.blame(err)
	}
	if slices.ContainsFunc(all, func(c connection) bool { return c.Name == d.connection }) {
		return passed(d.connection + " can be connected")
	}
	// The vault's refusal tells the two possible reasons apart.
	_, err = d.askVault(ctx)
	if failure, ok := errors.AsType[*auth.Failure](err); ok && failure.Code == "connection_purpose" {
		return d.wrong(setPurpose, d.connection+" is not set up for Token Vault")
	}
	checks := d.wrong(setEnabled, "the application may not connect "+d.connection+": it is not enabled for the application, its purpose lacks Connected Accounts, or it does not exist")
	checks[0].Advice += " " + hintFor(d.connection)
	return checks
}

// hintFor names what is special about a connection.
func hintFor(connection string) string {
	switch connection {
	case "github":
		return "It has to be a GitHub App with expiring user tokens, not an OAuth App."
	case "slack", "sign-in-with-slack":
		return "The connection is called sign-in-with-slack, and its Slack app has to use token rotation."
	case "windowslive":
		return "Its permissions have to include offline_access."
	}
	return "Its purpose has to include Connected Accounts for Token Vault."
}

// account looks whether the person's account is connected, and with what.
func (d *prober) account(ctx context.Context) []auth.Check {
	all, err := listAll[connectedAccount](ctx, d, "list of accounts", "accounts")
	if err != nil {
		return d.blame(err)
	}
	d.accounts = slices.DeleteFunc(all, func(a connectedAccount) bool { return a.Connection != d.connection })
	switch {
	case len(d.accounts) == 0 && d.p.cfg.Connector != nil:
		d.waiting = true
		return []auth.Check{d.naming(auth.Unclear, setConnected, "signed in, but no account of "+d.connection+" is connected yet")}
	case len(d.accounts) == 0:
		return d.wrong(setConnected, "signed in, but no account of "+d.connection+" is connected")
	}
	first := d.accounts[0]
	saw := "connected since " + day(first.Created)
	if first.AccessType == "online" {
		checks := d.wrong(setUpstream, saw+", but without a refresh token of the service: the connection does not ask for offline access, or uses Auth0's developer keys")
		if !d.ofGoogle(nil) {
			checks[0].Advice = hintFor(d.connection) + " Then connect again."
		}
		return checks
	}
	if lacking := missingFamily(d.p.cfg.Scopes[d.req.Scope], first.Scopes); lacking != "" {
		return d.wrong(setScopes, saw+", but without "+lacking)
	}
	if n := len(d.accounts); n > 1 && d.p.cfg.Account == "" {
		return d.wrong(setAccount, fmt.Sprintf("%d accounts of %s are connected, and it is not said which one is meant", n, d.connection))
	}
	return passed(saw)
}

// vaultAnswer is what the vault gave.
type vaultAnswer struct {
	token  secret.Text
	scopes []string
	life   time.Duration
}

// askVault exchanges the refresh token. Nothing is kept. Of several accounts it
// asks for the expected one, as a call would in the end.
func (d *prober) askVault(ctx context.Context) (vaultAnswer, error) {
	hint := ""
	if len(d.accounts) > 1 {
		hint = d.p.cfg.Account
	}
	reply, err := d.p.holder().Exchange(ctx, d.refresh, d.connection, hint)
	a, err := replied(callExchange, reply, err)
	if err != nil {
		return vaultAnswer{}, err
	}
	if !a.ok() {
		return vaultAnswer{}, d.tokenError(a)
	}
	var in struct {
		Access  string  `json:"access_token"`
		Scope   string  `json:"scope"`
		Expires seconds `json:"expires_in"`
	}
	if err := a.decode(&in); err != nil {
		return vaultAnswer{}, err
	}
	if in.Access == "" {
		return vaultAnswer{}, incomplete(a, "access_token")
	}
	return vaultAnswer{secret.New(in.Access), splitScopes(in.Scope), time.Duration(in.Expires)}, nil
}

// testingLife is how long Google honours a refresh token of an app in Testing.
const testingLife = 7 * 24 * time.Hour

// vault exchanges for the service's token.
func (d *prober) vault(ctx context.Context) []auth.Check {
	got, err := d.askVault(ctx)
	var cause *ResponseError
	switch {
	case err == nil:
	case errors.As(err, &cause) && cause.Code == "user_not_found":
		checks := d.wrong(setConnected, "the vault knows no account "+d.p.cfg.Account+" of this user, which LINKMAIL_ACCOUNT names")
		checks[0].Where = "LINKMAIL_ACCOUNT, linkmail login"
		return checks
	case errors.Is(err, errNotConnected):
		checks := d.wrong(setOwnKeys, "the account is connected, but the vault has no refresh token of "+d.connection+": Auth0's developer keys, no offline access, an account of another Auth0 user, or an entry that was dropped")
		if !d.ofGoogle(nil) {
			checks[0].Advice = hintFor(d.connection) + " Then connect again."
		}
		return checks
	case errors.Is(err, errGrantDead):
		return d.grantDead()
	default:
		return d.blame(err)
	}
	if lacking := missingFamily(d.p.cfg.Scopes[d.req.Scope], got.scopes); lacking != "" {
		return d.wrong(setScopes, "the vault's token lacks "+lacking+": its box was left unticked, or another consent replaced it")
	}
	d.token = got.token
	saw := "the vault gave a token"
	if got.life > 0 {
		saw += fmt.Sprintf(", good for %s", got.life.Round(time.Second))
	}
	return passed(saw)
}

// grantDead says why the service may no longer honour what the vault has.
func (d *prober) grantDead() []auth.Check {
	saw := d.connection + " no longer honours the vault's refresh token: it was revoked, the password was changed, it was unused for six months, or the client's secret was changed at the provider and not in Auth0"
	if len(d.accounts) > 0 && d.connection == googleConnection {
		age := d.p.cfg.Now().Sub(d.accounts[0].Created)
		if age >= testingLife {
			saw = "Google no longer honours the vault's refresh token, and the account was connected " + days(age) +
				" ago: an app whose publishing status is Testing loses it after 7 days. Otherwise it was revoked, the password was changed, or the client's secret"
		} else {
			saw = strings.Replace(saw, d.connection, "Google", 1)
		}
	}
	return d.wrong(setGoogleGrant, saw)
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }
