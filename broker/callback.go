package broker

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"linkmail/broker/wire"
	"linkmail/internal/secret"
)

// callbackTimeout is how long one attempt may take.
const callbackTimeout = 10 * time.Second

// callbackPauses are the pauses after each failed attempt but the last one.
var callbackPauses = []time.Duration{time.Second, 4 * time.Second}

// callbackLease is how long an attempt keeps other brokers on the same store
// away from a delivery. It is longer than the attempt.
const callbackLease = callbackTimeout + 5*time.Second

var (
	errNotDue = errors.New("broker: no delivery is due")
	// errReceiver says that the receiver failed in a way that may pass.
	errReceiver = errors.New("broker: receiver of a callback failed")
	// errReceiverRefused says that it did not want the delivery.
	errReceiverRefused = errors.New("broker: receiver of a callback refused it")
)

// callbackTarget checks a callback URL. Its name is not resolved: what it
// resolves to is checked when it is dialled.
func (b *Broker) callbackTarget(raw string) (*url.URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	if b.cfg.Dev && loopbackName(u.Hostname()) {
		return u, nil
	}
	if !mayBePublic(u.Hostname()) {
		return nil, errForeign
	}
	if b.callbacks.empty() {
		if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
			return nil, errBadURL
		}
		return u, nil
	}
	return b.callbacks.target(raw)
}

// mayBePublic is false for what is known to be no public host without asking
// anybody.
func mayBePublic(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		network := "tcp4"
		if ip.Is6() {
			network = "tcp6"
		}
		return onlyPublic([]uint16{443})(network, netip.AddrPortFrom(ip, 443).String(), nil) == nil
	}
	return !loopbackName(host)
}

// owe notes that a delivery is due, when a session with a callback gets its
// envelope.
func (s *Session) owe(from State, now time.Time) {
	if s.State == Ready && from != Ready && !s.Callback.IsZero() {
		s.Due = now.Round(0) // without the monotonic part, which no store keeps
	}
}

// lease takes the delivery for one attempt. mine is the Due that the caller
// itself wrote before its last pause, zero if it was none of it.
func (s *Session) lease(now, mine time.Time) error {
	if s.Due.IsZero() || s.Due.After(now) && !s.Due.Equal(mine) {
		return errNotDue
	}
	if s.Ciphertext == "" || s.Attempts > len(callbackPauses) {
		s.Due = time.Time{} // the poll was faster, or the last attempt was cut off
		return nil
	}
	s.Attempts++
	s.Due = now.Round(0).Add(callbackLease)
	return nil
}

// attempted writes down how an attempt ended.
func (s *Session) attempted(outcome error, now time.Time) {
	s.Due = time.Time{}
	if errors.Is(outcome, errReceiver) && s.Attempts <= len(callbackPauses) && s.Ciphertext != "" {
		s.Due = now.Round(0).Add(callbackPauses[s.Attempts-1])
	}
}

// deliver makes one attempt to deliver the envelope of s. A refusal is final,
// and so is a redirect: the URL that the agent gave is the one.
func (b *Broker) deliver(ctx context.Context, s Session) error {
	body, err := json.Marshal(wire.Delivery{
		SessionID: s.ID, Status: wire.Ready, Ciphertext: s.Ciphertext, Algorithm: wire.Algorithm,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, callbackTimeout)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Callback.Reveal(), bytes.NewReader(body))
	if err != nil {
		return errReceiverRefused
	}
	timestamp := strconv.FormatInt(b.now().Unix(), 10)
	req.Header.Set("Content-Type", wire.TypeJSON)
	req.Header.Set(wire.HeaderDelivery, deliveryID(s.ID))
	req.Header.Set(wire.HeaderSignature, sign(s.CallbackSecret, body))
	req.Header.Set(wire.HeaderTimestamp, timestamp)
	req.Header.Set(wire.HeaderSignatureV2, sign(s.CallbackSecret, []byte(timestamp+"."), body))
	resp, err := b.egress.callBack(req, b.cfg.Dev)
	if errors.Is(err, errBlocked) {
		return fmt.Errorf("%w: %w", errReceiverRefused, errBlocked)
	}
	if err != nil {
		return errReceiver
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode >= 500:
		return errReceiver
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return errReceiverRefused
	}
	return nil
}

// callBack sends a delivery: to public addresses or, under Dev, to this
// machine, where the agent is as well.
func (e *egress) callBack(req *http.Request, dev bool) (*http.Response, error) {
	if dev && loopbackName(req.URL.Hostname()) {
		return e.loopback.Do(req) // every dial is checked: loopback only
	}
	return e.public.Do(req) // every dial is checked: public addresses only
}

// sign is the value of a signature header.
func sign(key secret.Text, parts ...[]byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	for _, part := range parts {
		mac.Write(part)
	}
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// deliveryID is a UUID that follows from the session (RFC 9562 section 5.8), so
// that every attempt, of every process, has the same one.
func deliveryID(session string) string {
	sum := sha256.Sum256([]byte("linkauth delivery " + session))
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
