package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"linkmail/internal/secret"
)

// maxTokenAnswer bounds what a token endpoint may answer, in bytes.
const maxTokenAnswer = 64 << 10

// redeem completes an OAuth session: it trades the code for tokens and seals
// them to the agent's key.
func (b *Broker) redeem(r *http.Request, s Session, state, cookie string, q url.Values) error {
	p := b.providers[s.Provider]
	if p == nil {
		return unavailable("The OAuth provider is not configured any more.")
	}
	at, err := p.endpoints(r.Context(), b.egress, b.now())
	if err != nil {
		b.audit.fault(s, "provider metadata")
		return unavailable("The OAuth provider cannot be reached.")
	}
	if !p.speaks(at, r.PathValue("provider"), q) {
		return newProblem(http.StatusBadRequest, "Invalid Callback", "The answer does not come from the provider that was asked.")
	}
	if q.Has("error") {
		return b.refused(r, s, state, cookie, q.Get("error"))
	}
	codes := q["code"]
	if len(codes) != 1 || codes[0] == "" || len(codes[0]) > maxCaptured {
		return newProblem(http.StatusBadRequest, "Invalid Callback", "The request lacks what a provider sends back.")
	}
	// From here the person's tab may close: a code that was sent is used up,
	// and its tokens are not to be lost.
	ctx, stop := detached(r.Context())
	defer stop()
	var verifier secret.Text
	s, err = b.update(ctx, s.ID, func(s *Session, now time.Time) (err error) {
		verifier, err = s.claim(state, cookie, now)
		return err
	})
	if err != nil {
		return err
	}
	cause := b.exchange(ctx, p, at, s, codes[0], verifier)
	switch {
	case cause == nil:
		return nil
	case errors.Is(cause, errNotKept):
		return notKept()
	}
	b.audit.fault(s, cause.Error())
	_, err = b.update(ctx, s.ID, func(s *Session, _ time.Time) error {
		if s.State != Exchanging {
			return errNotAwaited
		}
		s.fail("server_error")
		return nil
	})
	if err != nil {
		b.audit.fault(s, "failure could not be stored") // it shows by itself, see [exchangeLife]
	}
	return authorizationFailed()
}

// speaks reports whether a callback comes from this provider and not from
// another one that was tricked into answering for it (RFC 9207, RFC 9700
// section 4.4).
func (p *provider) speaks(at endpoints, path string, q url.Values) bool {
	own := ""
	if p.OwnCallback {
		own = p.name
	}
	if path != own {
		return false
	}
	iss := q["iss"]
	if len(iss) == 0 {
		return !at.issParameter
	}
	return p.Issuer == "" || len(iss) == 1 && sameIssuer(iss[0], p.Issuer)
}

// Causes of a failed exchange. Each is a word for the log.
var (
	errTokenEndpoint = errors.New("token endpoint did not answer")
	errTokenStatus   = errors.New("token endpoint refused")
	errTokenAnswer   = errors.New("token endpoint answered without tokens")
	errTokenSeal     = errors.New("tokens could not be sealed")
	// errNotKept says that there were tokens and that they were given back.
	errNotKept = errors.New("tokens could not be stored")
	// errStored says that an update of whose reply nobody knew was made.
	errStored = errors.New("broker: the envelope was stored")
)

// exchange redeems an authorization code (RFC 6749 section 4.1.3) and stores
// the whole answer, sealed. It is tried once: a code is good for one request.
// Tokens that cannot be stored go back to the provider; the error is then
// errNotKept, and has been logged.
func (b *Broker) exchange(ctx context.Context, p *provider, at endpoints, s Session, code string, verifier secret.Text) error {
	var f form
	defer f.clear()
	put(&f, "grant_type", "authorization_code")
	put(&f, "code", code)
	put(&f, "redirect_uri", b.redirectURI(p))
	put(&f, "code_verifier", verifier.Reveal())
	return b.grant(ctx, p, at, &f, func(answer []byte) error {
		err := b.deposit(ctx, s, answer)
		if err == nil {
			return nil
		}
		b.audit.notKept(s, err)
		b.giveBack(ctx, p, s, answer)
		return errNotKept
	}, nil)
}

// deposit seals an answer to the agent and stores it.
func (b *Broker) deposit(ctx context.Context, s Session, answer []byte) error {
	envelope, err := sealTo(s, answer)
	if err != nil {
		return err
	}
	_, err = b.update(ctx, s.ID, func(s *Session, _ time.Time) error {
		if s.State != Exchanging {
			return errNotAwaited
		}
		return s.ready(envelope)
	})
	if !errors.Is(err, ErrUnavailable) {
		return err
	}
	// Nobody knows whether that was stored. Only this call can have made the
	// session ready; if it has not, it ends it.
	_, settled := b.update(ctx, s.ID, func(s *Session, _ time.Time) error {
		if s.State == Ready || s.State == Consumed {
			return errStored
		}
		if s.State != Exchanging {
			return errNotAwaited
		}
		s.fail("server_error")
		return nil
	})
	if errors.Is(settled, errStored) {
		return nil
	}
	return err
}

// notKept is the answer to a person whose sign-in succeeded in vain.
func notKept() *problem {
	return newProblem(http.StatusServiceUnavailable, "Sign-In Not Kept",
		"You signed in, but the result could not be stored, and nobody has it. Ask your assistant for a new link.").
		with("Retry-After", "5")
}
