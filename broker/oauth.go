package broker

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"linkmail/broker/wire"
)

// authorize is GET and POST /v1/oauth/authorize/{code}: the browser leaves for
// the provider. Our page uses POST, which keeps the token out of URLs; GET is
// for pages and scripts written for other brokers.
func (b *Broker) authorize(w http.ResponseWriter, r *http.Request) error {
	token, err := b.presented(w, r)
	if err != nil {
		return err
	}
	if !wellFormed(token, wire.ConnectTokenPrefix) {
		return wrongConnectToken()
	}
	var location string
	err = b.withCode(r, r.PathValue("code"), func(s Session) error {
		location, err = b.depart(w, r, s, token)
		return err
	})
	switch {
	case err != nil:
		return err
	case prefersJSON(r):
		return writeJSON(w, http.StatusOK, wire.Location{Location: location})
	}
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther // RFC 9700 section 4.12: not to be repeated as POST
	}
	w.Header().Set("Location", location)
	w.WriteHeader(status)
	return nil
}

// presented returns the connect token of a request.
func (b *Broker) presented(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Method == http.MethodGet {
		return r.URL.Query().Get("connect_token"), nil
	}
	body, err := readBody(w, r, "application/x-www-form-urlencoded", maxSmallBody)
	if err != nil {
		return "", err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", newProblem(http.StatusBadRequest, "Bad Request", "The body is not a form.")
	}
	return form.Get("connect_token"), nil
}

// depart moves the session on and returns where the browser goes.
func (b *Broker) depart(w http.ResponseWriter, r *http.Request, s Session, token string) (string, error) {
	if s.Kind == Form {
		return "", newProblem(http.StatusBadRequest, "Not an OAuth Session", "This session is completed with a form.")
	}
	var state, verifier, location string
	if s.Kind == Passthrough {
		location = s.Target.Reveal()
	} else {
		p := b.providers[s.Provider]
		if p == nil {
			return "", unavailable("The OAuth provider is not configured any more.")
		}
		if !s.holds(token) {
			return "", wrongConnectToken() // before anything is fetched
		}
		at, err := p.endpoints(r.Context(), b.egress, b.now())
		if err != nil {
			b.audit.fault(s, "provider metadata")
			return "", unavailable("The OAuth provider cannot be reached.")
		}
		state, verifier = randomText(), oauth2.GenerateVerifier()
		location = b.authorizationURL(p, at, s, state, verifier)
	}
	cookie := b.browser(r)
	_, err := b.update(r.Context(), s.ID, func(s *Session, _ time.Time) error {
		return s.leave(token, cookie, state, verifier)
	})
	switch {
	case errors.Is(err, errToken):
		return "", wrongConnectToken()
	case errors.Is(err, errNotOpen):
		return "", conflict("Already Started", "This link has been used. Ask your assistant for a new one.")
	}
	if err == nil {
		b.remember(w, r, cookie)
	}
	return location, err
}

// callback is GET /v1/oauth/callback: the browser comes back.
func (b *Broker) callback(w http.ResponseWriter, r *http.Request) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	states := q["state"]
	if err != nil || len(states) != 1 || states[0] == "" || len(states[0]) > maxState {
		return newProblem(http.StatusBadRequest, "Invalid Callback", "The request lacks what a provider sends back.")
	}
	state := states[0]
	cookie, ok := b.cookie(r)
	if !ok {
		return wrongState()
	}
	s, err := b.find(r.Context(), Ref{State: digest(state)})
	if errors.Is(err, ErrNoSession) {
		return wrongState()
	}
	if err != nil {
		return err
	}
	if s.returned(state, cookie) != nil {
		return wrongState()
	}
	if s.Kind == Passthrough {
		err = b.capture(r, s, state, cookie, q)
	} else {
		err = b.redeem(r, s, state, cookie, q)
	}
	switch {
	case errors.Is(err, errToken), errors.Is(err, errNotAwaited), errors.Is(err, errNotOpen):
		return wrongState() // another callback was faster
	case errors.Is(err, ErrNoSession):
		return wrongState()
	case err != nil:
		return err
	}
	w.Header().Set("Location", b.base.String()+"/connect/"+s.shownCode()+"?status=success")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// wrongState is the one answer to a callback that is unknown, late, repeated
// or brought by another browser.
func wrongState() *problem {
	return newProblem(http.StatusBadRequest, "Invalid State",
		"This sign-in was not started in this browser, or it has already ended. Ask your assistant for a new link.")
}

func authorizationFailed() *problem {
	return newProblem(http.StatusBadRequest, "OAuth Authorization Failed",
		"Access was not granted. Your assistant has been told; ask it for a new link to try again.")
}

// errorCode is an error code as RFC 6749 section 4.1.2.1 has them. Others are
// replaced: the text goes to agents and logs.
var errorCode = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func failureCode(text string) string {
	if errorCode.MatchString(text) {
		return text
	}
	return "server_error"
}

// refused marks a session as failed because the provider, or the person there,
// said so.
func (b *Broker) refused(r *http.Request, s Session, state, cookie, code string) error {
	_, err := b.update(r.Context(), s.ID, func(s *Session, _ time.Time) error {
		if err := s.returned(state, cookie); err != nil {
			return err
		}
		s.fail(failureCode(code))
		return nil
	})
	if err != nil {
		return err
	}
	return authorizationFailed()
}

// prefersHTML reports whether a browser's window waits for the answer.
func prefersHTML(r *http.Request) bool { return accepts(r, "text/html") && !prefersJSON(r) }

// prefersJSON reports whether a script waits for the answer.
func prefersJSON(r *http.Request) bool {
	return strings.HasPrefix(strings.TrimSpace(r.Header.Get("Accept")), wire.TypeJSON)
}

func accepts(r *http.Request, mediaType string) bool {
	return strings.Contains(r.Header.Get("Accept"), mediaType)
}
