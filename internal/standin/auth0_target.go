package standin

import (
	"fmt"
	"slices"
	"strings"
)

// public says that the application cannot keep a secret.
func (a *Application) public() bool {
	return a.AuthMethod == "none" || a.Type == "spa" || a.Type == "native"
}

func (a *Application) mayUse(grant string) bool {
	if !slices.Contains(a.GrantTypes, grant) {
		return false
	}
	// The vault gives out other people's tokens, so it wants more of a client.
	return grant != GrantVault || a.FirstParty && a.OIDCConformant && !a.public()
}

// apiTarget is an API as one request may use it.
type apiTarget struct {
	audience string // complete; empty for the tenant's own user info
	scopes   []string
	offline  bool
}

// target finds the API that a request names and what the application may have
// of it. An empty audience means tokens for the tenant's user info alone.
func (t *Tenant) target(base, audience string) (apiTarget, *oauthError) {
	if audience == "" {
		return apiTarget{offline: true}, nil
	}
	relative := audience
	api := t.API(audience)
	if audience == base+MyAccount {
		relative = MyAccount
		if api = nil; t.MyAccount.Active {
			api = &API{Identifier: MyAccount, Scopes: myAccountScopes, UserPolicy: RequireClientGrant}
		}
	}
	if api == nil {
		return apiTarget{}, oauthDenied("Service not found: " + audience)
	}
	allowed := api.Scopes
	switch api.UserPolicy {
	case AllowAll:
	case RequireClientGrant:
		i := slices.IndexFunc(t.ClientGrants, func(g ClientGrant) bool {
			return g.Audience == relative && g.SubjectType == "user"
		})
		if i < 0 {
			return apiTarget{}, t.unauthorized(audience)
		}
		allowed = intersectScopes(allowed, t.ClientGrants[i].Scopes)
	default:
		return apiTarget{}, t.unauthorized(audience)
	}
	return apiTarget{audience: audience, scopes: slices.Clone(allowed), offline: api.AllowOfflineAccess}, nil
}

func (t *Tenant) unauthorized(audience string) *oauthError {
	return oauthDenied(fmt.Sprintf("Client %q is not authorized to access resource server %q", t.Application.ID, audience))
}

// policyFor returns what a refresh token with these policies may do elsewhere.
func policyFor(policies []RefreshPolicy, base, audience string) ([]string, bool) {
	for _, p := range policies {
		if p.Audience == audience || strings.HasPrefix(p.Audience, "/") && base+p.Audience == audience {
			return p.Scopes, true
		}
	}
	return nil, false
}

// intersectScopes keeps the elements of a that are in b, once each, in a's order.
func intersectScopes(a, b []string) []string {
	var out []string
	for _, s := range a {
		if slices.Contains(b, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
