package auth0_test

import (
	"errors"

	"linkmail/auth"
	"linkmail/auth/auth0"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// managerScopes are what a management token needs for doctor and setup.
var managerScopes = []string{
	"read:clients", "update:clients", "read:connections", "read:connections_options", "update:connections",
	"read:resource_servers", "create:resource_servers", "update:resource_servers",
	"read:client_grants", "create:client_grants", "update:client_grants", "read:mfa_policies", "read:tenant_settings",
}

var errStuck = errors.New("the person got stuck on a page")

// walk asks until there is a token or a failure, and opens every link.
func (r *rig) walk(with func(*auth0.Config)) error {
	r.t.Helper()
	var stuck string // the link that led to an error page
	for range 5 {
		_, err := r.provider(with).Token(r.t.Context(), gmail)
		link, ok := errors.AsType[*auth.Challenge](err)
		switch {
		case !ok:
			return err
		case link.URL == stuck:
			return errStuck
		}
		// One link may lead through both steps, and is then shown again.
		if _, err := r.person.Open(r.t.Context(), link.URL, link.Code, standin.Choice{}); err != nil {
			stuck = link.URL
		}
		r.poll()
	}
	return errors.New("there is no end of links")
}

// probe is one visit of the doctor.
func (r *rig) probe(with func(*auth0.Config), management bool) []auth.Check {
	r.t.Helper()
	p := r.provider(with)
	req := auth0.ProbeRequest{Principal: gmail.Principal, Scopes: []string{gmail.Scope}}
	if management {
		req.Management = r.management(p, managerScopes...)
	}
	_, checks := p.Probe(r.t.Context(), req)
	return checks
}

func (r *rig) management(p *auth0.Provider, scopes ...string) *auth0.Management {
	r.t.Helper()
	m, err := p.Management(secret.New(r.world.ManagementToken(scopes...)), "gmail", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}
