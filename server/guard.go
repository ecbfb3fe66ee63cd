package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"linkmail/auth"
)

const (
	// maxBody bounds a request, in bytes.
	maxBody = 1 << 20
	// bodyTimeout bounds how long a client may take to send one.
	bodyTimeout = 30 * time.Second
)

// refusal is why a request is not let through.
type refusal struct {
	status int
	// reason is for the client and the log; it never quotes the request.
	reason string
}

// ServeHTTP checks a request and passes it on. A refused one changes nothing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Answers may be streams, which a proxy must not hold back.
	w.Header().Set("X-Accel-Buffering", "no")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = r.WithContext(auth.WithPrincipal(r.Context(), h.server.cfg.Principal))
	var body []byte
	no := h.check(r)
	if no == nil && r.Method == http.MethodPost {
		body, no = buffer(w, r)
	}
	if no != nil {
		h.server.cfg.Log.Warn().Int("status", no.status).Str("reason", no.reason).Msg("request refused")
		http.Error(w, no.reason, no.status)
		return
	}
	if r.URL.Path == "/mcp" && cancelsAcrossSessions(r.Header, body) {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// check judges a request by its head.
func (h *Handler) check(r *http.Request) *refusal {
	if !slices.Contains(h.hosts, strings.ToLower(r.Host)) {
		return &refusal{http.StatusForbidden, "host not allowed"}
	}
	for _, origin := range r.Header.Values("Origin") {
		if !slices.Contains(h.origins, strings.ToLower(origin)) {
			return &refusal{http.StatusForbidden, "origin not allowed"}
		}
	}
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodDelete:
	default:
		return &refusal{http.StatusMethodNotAllowed, "method not allowed"}
	}
	subject := subjectOf(r.Context())
	if id := r.Header.Get("Mcp-Session-Id"); id != "" && !h.ids.valid(mcpSession, subject, id) {
		return &refusal{http.StatusNotFound, "no such session"}
	}
	if r.URL.Path == "/message" && !h.ids.valid(sseSession, subject, r.URL.Query().Get("sessionId")) {
		return &refusal{http.StatusNotFound, "no such session"}
	}
	if r.Method == http.MethodDelete && r.Header.Get("Mcp-Session-Id") == "" {
		return &refusal{http.StatusBadRequest, "no session named"}
	}
	if r.Method == http.MethodPost {
		// A page may send text/plain anywhere without asking; JSON it may not.
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return &refusal{http.StatusUnsupportedMediaType, "content type must be application/json"}
		}
	}
	return nil
}

// buffer reads the body of a request whole, within its bounds.
func buffer(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	// Not every ResponseWriter has deadlines; the server's own has.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, &refusal{http.StatusRequestEntityTooLarge, "request is larger than 1 MiB"}
		}
		return nil, &refusal{http.StatusBadRequest, "request could not be read"}
	}
	_ = control.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// cancelsAcrossSessions reports whether a message is a cancellation without a
// session. mcp-go finds the call to cancel by session and request id; without
// a session that is any client's call of the same id. Newer clients have no
// session at all, and cancel by closing the connection.
func cancelsAcrossSessions(head http.Header, body []byte) bool {
	var message struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(body, &message) != nil || message.Method != string(mcp.MethodNotificationCancelled) {
		return false
	}
	var meta struct {
		Params struct {
			Meta *mcp.Meta `json:"_meta"`
		} `json:"params"`
	}
	return head.Get("Mcp-Session-Id") == "" ||
		mcp.IsModernProtocol(head.Get("Mcp-Protocol-Version")) ||
		json.Unmarshal(body, &meta) == nil && mcp.IsModernProtocol(meta.Params.Meta.ProtocolVersion())
}
