package broker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// maxWebhookBody bounds what a third party may deposit, in bytes.
const maxWebhookBody = 64 << 10

var errNoWebhook = errors.New("broker: session takes no webhook")

// webhook is POST /v1/sessions/{id}/webhook: a third party deposits, once, in
// place of the person. The token is in the query because services that call
// webhooks can be given a URL and nothing else; the log has the route only.
func (b *Broker) webhook(w http.ResponseWriter, r *http.Request) error {
	s, err := b.find(r.Context(), Ref{ID: r.PathValue("id")})
	if err != nil {
		return err
	}
	token := r.URL.Query().Get("token")
	if err := s.deposits(token); err != nil {
		return webhookRefused(err)
	}
	plaintext, err := deposit(w, r)
	if err != nil {
		return err
	}
	defer clear(plaintext)
	envelope, err := sealTo(s, plaintext)
	if err != nil {
		return err
	}
	s, err = b.update(r.Context(), s.ID, func(s *Session, _ time.Time) error {
		if err := s.deposits(token); err != nil {
			return err
		}
		return s.ready(envelope)
	})
	if err != nil {
		return webhookRefused(err)
	}
	return writeJSON(w, http.StatusOK, wire.Deposited{Status: "accepted", SessionID: s.ID})
}

func webhookRefused(err error) error {
	switch {
	case errors.Is(err, errNoWebhook):
		return newProblem(http.StatusForbidden, "Webhook Not Enabled", "This session takes no webhook.")
	case errors.Is(err, errToken):
		return newProblem(http.StatusForbidden, "Invalid Webhook Token", "The token is not the one of this session.")
	case errors.Is(err, errNotOpen):
		return conflict("Session Not Completable", "This session has its credential, or is over.")
	}
	return err
}

// deposits reports whether the holder of the token may write now.
func (s *Session) deposits(token string) error {
	switch {
	case s.Webhook == Digest{}:
		return errNoWebhook
	case !wellFormed(token, wire.WebhookTokenPrefix) || !s.Webhook.is(token):
		return errToken
	case s.State != Pending && s.State != Confirmed:
		return errNotOpen
	}
	return nil
}

// deposit puts the request into the form in which the agent gets it.
func deposit(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBody))
	defer clear(body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, newProblem(http.StatusRequestEntityTooLarge, "Payload Too Large", fmt.Sprintf("The body may have %d bytes.", tooLarge.Limit))
	}
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "Bad Request", "The body could not be read.")
	}
	d := wire.Deposit{Headers: answerHeaders(r.Header), Body: string(body), ContentType: r.Header.Get("Content-Type")}
	if !utf8.Valid(body) {
		d.Body, d.BodyEncoding = base64.StdEncoding.EncodeToString(body), "base64"
	}
	return json.Marshal(d)
}

// composeDelivery adds the ways in and out that are not the person's browser
// and the agent's poll. Which they are is fixed here, for the session's life.
func (b *Broker) composeDelivery(s *Session, req wire.Create) (webhookToken secret.Text, err error) {
	if req.CallbackURL != "" {
		u, err := b.callbackTarget(req.CallbackURL)
		if err != nil {
			return secret.Text{}, newProblem(http.StatusBadRequest, "Invalid Callback URL",
				"The callback_url is refused: "+err.Error()+". It must be https on port 443 of a host that this broker allows, without user name and fragment.")
		}
		s.Callback = secret.New(u.String())
		s.CallbackSecret = secret.New(wire.CallbackSecretPrefix + randomText())
	}
	if !req.EnableWebhook {
		return secret.Text{}, nil
	}
	if s.Kind != Form {
		// Whoever holds the URL could put tokens of another account in the
		// place of those that the person is about to grant.
		return secret.Text{}, newProblem(http.StatusBadRequest, "Webhook Not Supported", "Only a form session can take a webhook.")
	}
	token := secret.New(wire.WebhookTokenPrefix + randomText())
	s.Webhook = digest(token.Reveal())
	return token, nil
}

// webhookURL is where the third party deposits; nil if it may not.
func (b *Broker) webhookURL(s Session, token secret.Text) *string {
	if token.IsZero() {
		return nil
	}
	u := b.base.String() + "/v1/sessions/" + s.ID + "/webhook?token=" + token.Reveal()
	return &u
}

// optional is nil for the empty secret.
func optional(t secret.Text) *string {
	if t.IsZero() {
		return nil
	}
	text := t.Reveal()
	return &text
}
