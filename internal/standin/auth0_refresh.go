package standin

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxRefreshTokens is how many refresh tokens a user may have; the oldest is
// dropped without a word.
const maxRefreshTokens = 200

// deadRefreshToken is the text for a token that is expired, revoked, rotated
// away or made up; Auth0 does not say which.
const deadRefreshToken = "Unknown or invalid refresh token."

// tokenFamily is one login and every refresh token that descends from it.
type tokenFamily struct {
	sub, audience string
	scopes        []string
	policies      []RefreshPolicy // as they were at the login
	started       time.Time
	revoked       bool
	previous      *refreshToken // the one that the leeway is for
}

// refreshToken is one member of a family.
type refreshToken struct {
	family   *tokenFamily
	number   int // issued before every higher one
	used     time.Time
	rotating bool
	retired  time.Time // zero while it is the current one
}

// startFamily issues the refresh token of a new login.
func (s *auth0State) startFamily(now time.Time, user TenantUser, audience string, scopes []string) string {
	rotate := s.tenant.Application.RefreshToken
	return s.issue(now, &tokenFamily{
		sub: user.Sub, audience: audience, scopes: slices.Clone(scopes),
		policies: slices.Clone(rotate.Policies), started: now,
	}, rotate.Rotation)
}

func (s *auth0State) issue(now time.Time, f *tokenFamily, rotating bool) string {
	live, oldest := 0, ""
	number := 0
	for token, rt := range s.refresh {
		number = max(number, rt.number+1)
		if rt.family.sub != f.sub || rt.family.revoked || !rt.retired.IsZero() {
			continue
		}
		if live++; oldest == "" || rt.number < s.refresh[oldest].number {
			oldest = token
		}
	}
	if live >= maxRefreshTokens {
		delete(s.refresh, oldest)
	}
	token := "v1.M" + rand.Text() + rand.Text()
	s.refresh[token] = &refreshToken{family: f, number: number, used: now, rotating: rotating}
	return token
}

// live finds a refresh token that may still be used. Using one that has been
// rotated away kills its family, because one of the two users stole it.
func (s *auth0State) live(now time.Time, token string, status int) (*refreshToken, TenantUser, *oauthError) {
	dead := oauthInvalidGrant(status, deadRefreshToken)
	rt := s.refresh[token]
	if rt == nil || rt.family.revoked {
		return nil, TenantUser{}, dead
	}
	set := s.tenant.Application.RefreshToken
	if !rt.retired.IsZero() && (rt != rt.family.previous || now.Sub(rt.retired) >= set.Leeway) {
		rt.family.revoked = true
		return nil, TenantUser{}, dead
	}
	if set.Lifetime > 0 && now.Sub(rt.family.started) >= set.Lifetime ||
		set.IdleLifetime > 0 && now.Sub(rt.used) >= set.IdleLifetime {
		return nil, TenantUser{}, dead
	}
	user, ok := s.tenant.userBySub(rt.family.sub)
	if !ok {
		return nil, TenantUser{}, oauthInvalidGrant(status, "The refresh_token was generated for a user who doesn't exist anymore.")
	}
	return rt, user, nil
}

// unattended is what stands in the way of a grant that no person is present at.
func (t *Tenant) unattended() *oauthError {
	switch {
	case t.MFAAlways:
		return &oauthError{
			status: http.StatusForbidden, code: "mfa_required", description: "Multifactor authentication required",
			extra: map[string]any{"mfa_token": rand.Text()},
		}
	case t.DenyText != "":
		return oauthDenied(t.DenyText)
	}
	return nil
}

// refreshGrant is RFC 6749, section 6, with Auth0's audience parameter.
func (s *tenantServer) refreshGrant(base string, p map[string]string) (tokenAnswer, *oauthError) {
	var none tokenAnswer
	if p["refresh_token"] == "" {
		return none, oauthInvalidRequest("Missing required parameter: refresh_token")
	}
	now, t := s.world.cfg.Now(), &s.state.tenant
	rt, user, e := s.state.live(now, p["refresh_token"], http.StatusForbidden)
	if e == nil {
		e = t.unattended()
	}
	if e != nil {
		return none, e
	}
	audience, allowed, e := t.refreshFor(base, p["audience"], rt.family)
	if e != nil {
		return none, e
	}
	scopes := allowed
	if wanted := strings.Fields(p["scope"]); len(wanted) > 0 {
		scopes = intersectScopes(wanted, allowed)
	}
	answer := s.answer(base, user, audience, scopes, "")
	rt.used = now
	// A rotating token stays one until it is used once with rotation off.
	if rotate := t.Application.RefreshToken.Rotation; rotate || rt.rotating {
		if rt.retired.IsZero() {
			rt.retired, rt.family.previous = now, rt
		}
		answer.RefreshToken = s.state.issue(now, rt.family, rotate)
	}
	return answer, nil
}

// refreshFor decides for which audience a refresh token of f is used and what
// it may get there.
func (t *Tenant) refreshFor(base, asked string, f *tokenFamily) (audience string, allowed []string, e *oauthError) {
	if asked == "" || asked == f.audience {
		_, e = t.target(base, f.audience)
		return f.audience, f.scopes, e
	}
	api, e := t.target(base, asked)
	if e != nil {
		return "", nil, e
	}
	set, ofMe := t.Application.RefreshToken, asked == base+MyAccount
	now, known := policyFor(set.Policies, base, asked)
	then, knew := policyFor(f.policies, base, asked)
	if !known || !knew || !t.Application.FirstParty || ofMe && !t.MyAccount.SkipConsent {
		if set.Strict {
			return "", nil, &oauthError{
				status: http.StatusBadRequest, code: "invalid_target",
				description: "The audience is not authorized by the refresh token policy",
			}
		}
		return f.audience, f.scopes, nil
	}
	if ofMe && t.MyAccount.Require2FA {
		return "", nil, &oauthError{
			status: http.StatusForbidden, code: "unmet_authentication_requirements",
			description: "The authentication does not meet the requirements of the resource server.",
		}
	}
	allowed = append(intersectScopes(f.scopes, oidcScopes), intersectScopes(intersectScopes(api.scopes, now), then)...)
	return asked, allowed, nil
}

// revoke is POST /oauth/revoke (RFC 7009): 200 also for what is not a token.
func (s *tenantServer) revoke(rw http.ResponseWriter, r *http.Request) {
	p, e := readParams(r)
	if e == nil {
		e = s.revokeToken(p)
	}
	if e != nil {
		tenantJSON(rw, e.status, e.body())
		return
	}
	rw.WriteHeader(http.StatusOK)
}

func (s *tenantServer) revokeToken(p map[string]string) *oauthError {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	if e := authenticate(&s.state.tenant.Application, p); e != nil {
		return e
	}
	if p["token"] == "" {
		return oauthInvalidRequest("Missing required parameter: token")
	}
	if rt := s.state.refresh[p["token"]]; rt != nil {
		rt.family.revoked = true
	}
	return nil
}
