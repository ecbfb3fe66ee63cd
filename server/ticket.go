package server

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// ticketKeySize is the size of the key that seals tickets, in bytes.
	ticketKeySize = 32
	// ticketLife bounds how long a ticket is good.
	ticketLife = 10 * time.Minute
	// maxTicket bounds a sealed ticket, in characters. An honest one has some 400.
	maxTicket = 4 << 10
	// ticketUse is authenticated with every ticket: a key of another use, or
	// of another version of this, opens nothing.
	ticketUse = "linkmail requestState 1"
)

// ticket is what an interrupted call leaves with its client (requestState of
// the 2026-07-28 protocol) and gets back when the client repeats it.
type ticket struct {
	// User and Tool are who called what, and Args is the digest of the arguments.
	User string `json:"u"`
	Tool string `json:"t"`
	Args string `json:"a"`
	// Challenge is the id of the elicitation, and Nonce the one time that it
	// was put before the user.
	Challenge string `json:"c"`
	Nonce     string `json:"n"`
	// Question is the digest of what the user was asked, if it was a question.
	Question string `json:"q,omitempty"`
	// Issued is in milliseconds and Expires in seconds of Unix time.
	Issued  int64 `json:"i"`
	Expires int64 `json:"e"`
}

// errTicket says that a ticket was not made here, or not for this call, or is
// past its time. Which of them is nobody's business.
var errTicket = errors.New("server: the ticket is not good")

// seal returns the ticket as text that only a holder of key can read or make.
func (t ticket) seal(key []byte) (string, error) {
	box, err := ticketBox(key)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("server: encode ticket: %w", err)
	}
	sealed := box.Seal(nil, nil, plain, []byte(ticketUse)) //nolint:gosec // the box makes a random nonce for each
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openTicket reads what seal has written.
func openTicket(key []byte, text string) (ticket, error) {
	if len(text) > maxTicket {
		return ticket{}, errTicket
	}
	box, err := ticketBox(key)
	if err != nil {
		return ticket{}, err
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return ticket{}, errTicket
	}
	plain, err := box.Open(nil, nil, sealed, []byte(ticketUse))
	if err != nil {
		return ticket{}, errTicket
	}
	var t ticket
	if json.Unmarshal(plain, &t) != nil {
		return ticket{}, errTicket
	}
	return t, nil
}

func ticketBox(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("server: ticket key: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("server: ticket key: %w", err)
	}
	return box, nil
}

const ticketKeyName = "server/ticket-key"

// key returns the key of tickets and ids, made once for all processes that
// share the store.
func (e *elicitations) key(ctx context.Context) ([]byte, error) {
	if known := e.known.Load(); known != nil {
		return *known, nil
	}
	unlock, err := e.store.Lock(ctx, ticketKeyName+"/lock")
	if err != nil {
		return nil, fmt.Errorf("server: lock ticket key: %w", err)
	}
	defer unlock()
	key, err := e.store.Get(ctx, ticketKeyName)
	if err != nil || len(key) != ticketKeySize {
		// There is none, or none that can be used. With a new one the tickets
		// that are out are worth nothing, which is the safe side.
		key = make([]byte, ticketKeySize)
		rand.Read(key) // never fails
		if err := e.store.Put(ctx, ticketKeyName, key, 0); err != nil {
			return nil, fmt.Errorf("server: keep ticket key: %w", err)
		}
	}
	e.known.Store(&key)
	return key, nil
}

// id names the link that a user is asked to open. It cannot be guessed, and
// another user's id for the same link is another one.
func (e *elicitations) id(ctx context.Context, subject, url string) (string, error) {
	return e.name(ctx, "link", subject, url)
}

// callID names a call of a tool with certain arguments by a user.
func (e *elicitations) callID(ctx context.Context, v visit) (string, error) {
	return e.name(ctx, "call", v.subject, v.req.Params.Name, v.args)
}

// name is a MAC of parts, none of which holds a zero byte except for the last.
func (e *elicitations) name(ctx context.Context, parts ...string) (string, error) {
	key, err := e.key(ctx)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("linkmail elicitation\x00" + strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16]), nil
}
