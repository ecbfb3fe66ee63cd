package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/auth"
)

// State keeps small values for all processes of a user. An error of Get means
// that there is nothing. cache.Store is one.
type State interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// elicitations knows which links have been put before a user, by whichever
// process. A link is put there once: a client that gets it a second time takes
// it for a loop.
type elicitations struct {
	store State
	now   func() time.Time
	known atomic.Pointer[[]byte] // the key, once it was read
}

// elicited is a link that was put before a user, or the call that it was for.
type elicited struct {
	Link   string    `json:"link"` // its id
	Nonce  string    `json:"nonce"`
	Issued time.Time `json:"issued"`
	Until  time.Time `json:"until"` // when this is forgotten
	// Answered says that the call has come back once, or never will.
	Answered bool `json:"answered"`
}

// first records that the link goes out, and reports whether it never did before.
func (e *elicitations) first(ctx context.Context, id string, one elicited) (bool, error) {
	unlock, err := e.store.Lock(ctx, recordOf(id)+"/lock")
	if err != nil {
		return false, fmt.Errorf("server: lock elicitation: %w", err)
	}
	defer unlock()
	if _, err := e.store.Get(ctx, recordOf(id)); err == nil {
		return false, nil
	}
	if err := e.keep(ctx, id, one); err != nil {
		return false, err
	}
	return true, nil
}

// answer uses up the one time that a call may come back, if there is a record
// of it that is the call's. That holds for all processes, and whatever the
// call is worth.
func (e *elicitations) answer(ctx context.Context, id string, its func(elicited) bool) (one elicited, ok bool, err error) {
	unlock, err := e.store.Lock(ctx, recordOf(id)+"/lock")
	if err != nil {
		return one, false, fmt.Errorf("server: lock elicitation: %w", err)
	}
	defer unlock()
	raw, err := e.store.Get(ctx, recordOf(id))
	if err != nil || json.Unmarshal(raw, &one) != nil || one.Answered || !its(one) {
		return one, false, nil
	}
	one.Answered = true
	return one, true, e.keep(ctx, id, one)
}

func (e *elicitations) keep(ctx context.Context, id string, one elicited) error {
	raw, err := json.Marshal(one)
	if err == nil {
		err = e.store.Put(ctx, recordOf(id), raw, max(one.Until.Sub(e.now()), time.Minute))
	}
	if err != nil {
		return fmt.Errorf("server: keep elicitation: %w", err)
	}
	return nil
}

func recordOf(id string) string { return "server/elicited/" + id }

// asking tells how a client wants to be asked to open a link.
type asking int

const (
	inWords   asking = iota // a result: the model tells the user
	asError                 // up to 2025-11-25: error -32042
	asRequest               // 2026-07-28: a result that asks for input
)

// askingOf reads what the client has declared. An empty elicitation capability
// means forms only, and a form is never the way to sign in.
func askingOf(ctx context.Context) asking {
	caps, modern := capabilitiesOf(ctx)
	switch {
	case caps.Elicitation == nil || caps.Elicitation.URL == nil:
		return inWords
	case modern:
		return asRequest
	default:
		return asError
	}
}

// capabilitiesOf returns what the client of a call has declared, and whether
// it speaks the protocol of 2026-07-28.
func capabilitiesOf(ctx context.Context) (caps mcp.ClientCapabilities, modern bool) {
	if info := mcpserver.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities != nil {
			caps = *info.ClientCapabilities
		}
		return caps, true
	}
	if s, ok := mcpserver.ClientSessionFromContext(ctx).(mcpserver.SessionWithClientInfo); ok {
		caps = s.GetClientCapabilities()
	}
	return caps, false
}

// maxLink bounds a link in a dialog, in bytes; some clients break on more
// than 4096 characters for link and text together.
const maxLink = 2 << 10

// dialog returns what a client shows to the user for c, and whether c is fit
// for that: the link has to be a page that shows a code to compare, and safe
// to open.
func dialog(c *auth.Challenge) (mcp.ElicitationParams, bool) {
	u, err := url.Parse(c.URL)
	if err != nil || u.User != nil || len(c.URL) > maxLink || c.Code == "" {
		return mcp.ElicitationParams{}, false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !auth.Loopback(u.Hostname())) {
		return mcp.ElicitationParams{}, false
	}
	var b strings.Builder
	b.WriteString(before(c))
	if c.Step > 1 {
		b.WriteString("One more step to ")
	} else {
		b.WriteString("To ")
	}
	fmt.Fprintf(&b, "connect %s, open this page and sign in. Go on only if it shows the code %s.", service(c.Scope), c.Code)
	return mcp.ElicitationParams{Mode: mcp.ElicitationModeURL, Message: b.String(), URL: c.URL}, true
}

// digestOf is the SHA-256 of the arguments of a call, whatever order and
// spacing the client sends them in.
func digestOf(req mcp.CallToolRequest) string {
	raw := []byte(req.Params.RawArguments)
	if len(raw) == 0 {
		raw, _ = json.Marshal(req.Params.Arguments) // came out of JSON
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		if canonical, err := json.Marshal(v); err == nil {
			raw = canonical
		}
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
