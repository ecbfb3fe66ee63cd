package broker

import (
	"context"
	"errors"
	"net/http"
	"time"

	"linkmail/broker/wire"
)

// withCode finds the session that a code names and runs act on it. A wrong
// code is charged to the address, and so is a right one that the address never
// saw open and that act refuses.
func (b *Broker) withCode(r *http.Request, text string, act func(Session) error) error {
	ctx := r.Context()
	code, malformed := parseCode(text)
	turn, wait, err := b.guesses.begin(ctx, clientAddr(r), digest(code))
	if errors.Is(err, errGuessing) {
		return tooMany(wait, "There were too many wrong codes. Wait a few minutes.")
	}
	if err != nil {
		return err
	}
	// Whatever is not settled below, or ends in a panic, was a miss.
	defer turn.miss()
	if malformed != nil {
		return noSession()
	}
	s, err := b.find(ctx, Ref{Code: digest(code)})
	if err != nil {
		return err
	}
	if s, err = b.onward(r, s); err != nil {
		return err
	}
	if s.State == Pending {
		// Settled before act: of racing browsers behind one address the
		// losers are then known to have seen the session open.
		if err := turn.hit(ctx); err != nil {
			return err
		}
		return act(s)
	}
	if err = act(s); err == nil {
		// It is done and answered: a charge that stays is the lesser fault.
		_ = turn.hit(ctx)
	}
	return err
}

// resolve is POST /v1/connect/resolve: a person typed the code.
func (b *Broker) resolve(w http.ResponseWriter, r *http.Request) error {
	req, err := readJSON[wire.Resolve](w, r, maxSmallBody)
	if err != nil {
		return err
	}
	return b.describe(w, r, req.UserCode)
}

// connect is GET /v1/connect/{code}.
func (b *Broker) connect(w http.ResponseWriter, r *http.Request) error {
	return b.describe(w, r, r.PathValue("code"))
}

// describe tells the page what a pending session asks for.
func (b *Broker) describe(w http.ResponseWriter, r *http.Request, code string) error {
	return b.withCode(r, code, func(s Session) error {
		if s.State != Pending {
			return noSession()
		}
		kind := "oauth"
		if s.Kind == Form {
			kind = "form"
		}
		fields := s.Fields
		if fields == nil {
			fields = []wire.Field{}
		}
		return writeJSON(w, http.StatusOK, wire.Connect{
			Status: wire.Pending, DisplayName: s.DisplayName, TemplateType: kind,
			Code: s.shownCode(), Fields: fields, PublicKey: s.PublicKey,
			Security: b.security(), AskedBy: s.KeyName, Destination: b.destination(s),
			Scopes: s.asked(), ExpiresAt: s.Expires.UTC(),
			Step: s.step(), Steps: s.Steps,
		})
	})
}

// security tells what the configuration says about the way to this broker.
// The page looks for itself whether its context is secure.
func (b *Broker) security() wire.Security {
	if b.base.Scheme == "https" {
		return wire.Security{Secure: true, Mode: "production", Message: "The connection is encrypted."}
	}
	return wire.Security{Mode: "development", Message: "The broker runs on this machine without encryption."}
}

// confirm is POST /v1/connect/{code}/confirm: the person has compared the
// codes. It lets exactly one browser in.
func (b *Broker) confirm(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength != 0 {
		if _, err := readBody(w, r, wire.TypeJSON, maxSmallBody); err != nil {
			return err
		}
	}
	token := connectToken()
	cookie := b.browser(r)
	err := b.withCode(r, r.PathValue("code"), func(s Session) error {
		_, err := b.update(r.Context(), s.ID, func(s *Session, _ time.Time) error {
			return s.confirm(token, cookie)
		})
		if errors.Is(err, errNotPending) {
			return conflict("Already Confirmed", "This link is already in use. Ask your assistant for a new one.")
		}
		return err
	})
	if err != nil {
		return err
	}
	b.remember(w, r, cookie)
	return writeJSON(w, http.StatusOK, wire.Confirmation{ConnectToken: token.Reveal()})
}

// complete is POST /v1/connect/{code}/complete: the browser has encrypted the
// form.
func (b *Broker) complete(w http.ResponseWriter, r *http.Request) error {
	req, err := readJSON[wire.Complete](w, r, maxCompleteBody)
	if err != nil {
		return err
	}
	switch {
	case req.ConnectToken == nil:
		return invalid(fault("connect_token", "is missing"))
	case req.Ciphertext == nil || *req.Ciphertext == "":
		return invalid(fault("ciphertext", "is missing"))
	case req.Algorithm != "" && req.Algorithm != wire.Algorithm:
		return invalid(fault("algorithm", "is not "+wire.Algorithm))
	case !wellFormed(*req.ConnectToken, wire.ConnectTokenPrefix):
		return wrongConnectToken()
	}
	err = b.withCode(r, r.PathValue("code"), func(s Session) error {
		_, err := b.update(r.Context(), s.ID, func(s *Session, _ time.Time) error {
			return s.complete(*req.ConnectToken, *req.Ciphertext)
		})
		switch {
		case errors.Is(err, errToken):
			return wrongConnectToken()
		case errors.Is(err, errNotOpen), errors.Is(err, errWrongWay):
			return conflict("Session Not Completable", "This session does not wait for a form. Ask your assistant for a new link.")
		}
		return err
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func wrongConnectToken() *problem {
	return newProblem(http.StatusForbidden, "Invalid Connect Token", "The connect_token is not the one of this session.")
}

// outcome is GET /v1/connect/{code}/status: how it ended, for the browser that
// confirmed and for no other.
func (b *Broker) outcome(w http.ResponseWriter, r *http.Request) error {
	return b.withCode(r, r.PathValue("code"), func(s Session) error {
		cookie, ok := b.cookie(r)
		if !ok || !s.Browser.is(cookie) {
			return noSession()
		}
		return writeJSON(w, http.StatusOK, wire.Outcome{
			Status: s.status(), Error: s.Failure, Step: s.step(), Steps: s.Steps,
		})
	})
}

// cookieName is the name of the cookie that binds a session to a browser.
// Browsers accept a __Host- cookie only from the host itself and over https,
// so no neighbour under the same domain can plant one.
func (b *Broker) cookieName() string {
	if b.base.Scheme == "https" {
		return "__Host-linkauth"
	}
	return "linkauth-dev"
}

// cookie returns the browser's cookie if it has a good one.
func (b *Broker) cookie(r *http.Request) (string, bool) {
	c, err := r.Cookie(b.cookieName())
	if err != nil || !wellFormed(c.Value, "") {
		return "", false
	}
	return c.Value, true
}

// browser returns the value that binds a session to this browser: that of its
// cookie, or a new one. One browser keeps one cookie for all its sessions, so
// that two open tabs do not take it from each other.
func (b *Broker) browser(r *http.Request) string {
	if value, ok := b.cookie(r); ok {
		return value
	}
	return randomText()
}

// remember gives the browser its cookie, once the session is bound to it: the
// loser of a race must not overwrite the winner's.
func (b *Broker) remember(w http.ResponseWriter, r *http.Request, value string) {
	if known, ok := b.cookie(r); ok && known == value {
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure except on loopback without TLS
		Name: b.cookieName(), Value: value, Path: "/",
		Secure: b.base.Scheme == "https", HttpOnly: true,
		// Lax, not Strict: the provider's redirect back is cross-site.
		SameSite: http.SameSiteLaxMode,
	})
}

// detached is a context for work that must not be cut off half way by a
// browser that closes its tab.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), proxyDeadline)
}
