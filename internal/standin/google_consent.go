package standin

import (
	"crypto/rand"
	"net/http"
	"net/url"
)

// Where the browser goes to connect an account: with the ticket to the tenant,
// which sends it on to what stands in for Google's consent page.
const (
	connectPath = "/connected-accounts/connect"
	consentPath = "/google/o/oauth2/v2/auth"
)

// openTicket takes a ticket and sends the browser to Google. A ticket opens
// once: whoever gets hold of a used link gets nowhere.
func (s *tenantServer) openTicket(rw http.ResponseWriter, r *http.Request) {
	to, ok := s.takeTicket(r.URL.Query().Get("ticket"))
	if !ok {
		errorPage(rw, http.StatusBadRequest, "invalid_ticket", "This link has expired, was already opened or was never issued. Start again in the application.")
		return
	}
	sendTo(rw, to)
}

func (s *tenantServer) takeTicket(ticket string) (string, bool) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	flow := s.state.connectBy(func(f *connectFlow) bool { return ticket != "" && f.ticket == ticket })
	if flow == nil || !s.world.cfg.Now().Before(flow.expires) {
		return "", false
	}
	flow.ticket = ""
	if flow.prompt == "none" {
		return backTo(flow.redirectURI, flow.state, url.Values{
			"error": {"interaction_required"}, "error_description": {"Google has to ask the user."},
		}), true
	}
	if c := s.state.tenant.Connection(flow.connection); c != nil && c.ApprovalPrompt != "" && flow.prompt != "" {
		return backTo(flow.redirectURI, flow.state, url.Values{
			"error": {"invalid_request"}, "error_description": {"Conflict params: approval_prompt and prompt"},
		}), true
	}
	flow.page = rand.Text()
	return consentPath + "?" + url.Values{"flow": {flow.page}}.Encode(), true
}

func (s *auth0State) connectBy(match func(*connectFlow) bool) *connectFlow {
	for _, f := range s.connects {
		if match(f) {
			return f
		}
	}
	return nil
}

// consentFlow finds the flow of an open consent page.
func (s *tenantServer) consentFlow(page string) *connectFlow {
	flow := s.state.connectBy(func(f *connectFlow) bool { return page != "" && f.page == page })
	if flow == nil || !s.world.cfg.Now().Before(flow.expires) {
		return nil
	}
	return flow
}

// consentPage shows what Google would.
func (s *tenantServer) consentPage(rw http.ResponseWriter, r *http.Request) {
	s.state.showConsent(rw, r, consentPath, func(page string) *consentRequest {
		flow := s.consentFlow(page)
		if flow == nil {
			return nil
		}
		t := &s.state.tenant
		// With Auth0's own keys it is not the application that Google knows.
		app := t.Application.Name
		if c := t.Connection(flow.connection); c != nil && c.DevKeys {
			app = "auth0.com"
		}
		user, _ := t.userBySub(flow.sub)
		return &consentRequest{app: app, account: user.Email, scopes: flow.scopes, redirectURI: flow.redirectURI}
	})
}

// consentAnswer is what the person chose on the consent page.
func (s *tenantServer) consentAnswer(rw http.ResponseWriter, r *http.Request) {
	answerForm(rw, r, r.URL.Query().Get("flow"), s.finishConsent)
}

// finishConsent ends the page and returns the address that the browser goes to.
func (s *tenantServer) finishConsent(page string, form url.Values) (string, *oauthError) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	flow := s.consentFlow(page)
	if flow == nil {
		return "", oauthInvalidRequest(consentEnded)
	}
	refuse := func() (string, *oauthError) {
		flow.page = ""
		return backTo(flow.redirectURI, flow.state, url.Values{
			"error": {"access_denied"}, "error_description": {"User did not authorize the request"},
		}), nil
	}
	account, known := s.state.tenant.userByEmail(form.Get("account"))
	c := s.state.tenant.Connection(flow.connection)
	switch {
	case form.Get("action") == "cancel":
		return refuse()
	case form.Get("action") != "allow" || !known || c == nil:
		return "", oauthInvalidRequest("Choose one of the accounts and a button.")
	}
	granted := ticked(flow.scopes, form)
	if len(granted) == 0 {
		return refuse()
	}
	flow.page, flow.google, flow.granted = "", account.Email, granted
	consented := s.state.consent(account.Email, flow.prompt, granted)
	flow.offline = consented && c.OfflineAccess && !c.DevKeys
	flow.code = rand.Text()
	return backTo(flow.redirectURI, flow.state, url.Values{"connect_code": {flow.code}}), nil
}
