package standin

import (
	"net/http"
	"net/url"
	"slices"
)

const consentEnded = "This page has expired or was already answered. Start again in the application."

// consentRequest is what Google asks on its consent page, whoever sent the
// browser there: the tenant, for its vault, or an application itself.
type consentRequest struct {
	app         string // who asks
	account     string // which account is chosen unless the person chooses another
	scopes      []string
	redirectURI string
}

// showConsent shows who asks, for what, with a tick box for every scope that
// can be left out. Looking at it changes nothing. find is called under the lock.
func (s *auth0State) showConsent(rw http.ResponseWriter, r *http.Request, path string, find func(page string) *consentRequest) {
	page := r.URL.Query().Get("flow")
	s.mu.Lock()
	asks := find(page)
	var accounts []string
	for _, u := range s.tenant.Users {
		accounts = append(accounts, u.Email)
	}
	s.mu.Unlock()
	if asks == nil {
		errorPage(rw, http.StatusBadRequest, "invalid_request", consentEnded)
		return
	}
	basic := intersectScopes(asks.scopes, basicScopes)
	showPage(rw, http.StatusOK, asks.redirectURI, "consent.html", map[string]any{
		"App": asks.app, "Accounts": accounts, "Account": asks.account, "Basic": basic,
		"Scopes": slices.DeleteFunc(slices.Clone(asks.scopes), func(s string) bool { return slices.Contains(basic, s) }),
		"Action": path + "?" + url.Values{"flow": {page}}.Encode(),
	})
}

// ticked are those of the scopes that the person has allowed: the basic ones
// come without a box.
func ticked(scopes []string, form url.Values) []string {
	return intersectScopes(scopes, append(slices.Clone(basicScopes), form["scope"]...))
}
