package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"
)

// HTTPConfig configures a [Handler].
type HTTPConfig struct {
	// Addr is the host:port that the handler is reached under. Required, and
	// on loopback: there is one user, and nothing but the machine's own
	// boundary says who it is.
	Addr string
	// SSE also serves the older transport, /sse with /message. Off by default:
	// it is deprecated.
	SSE bool
	// Origins are web origins whose pages may call, beside the server's own,
	// for example "http://localhost:6274". A request without Origin does not
	// come from a web page and needs none.
	Origins []string
}

// Loopback returns an error that says what is wrong unless addr is host:port
// on loopback.
func Loopback(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fmt.Errorf("server: %q is not host:port, for example 127.0.0.1:8765", addr)
	}
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return fmt.Errorf("server: %q is not on loopback; without a login for its callers this server listens on 127.0.0.1, [::1] or localhost only", addr)
	}
	return nil
}

// Handler serves MCP over HTTP: streamable HTTP under /mcp and, if configured,
// SSE under /sse and /message. It is for one user on loopback.
//
// A browser lets any web page send requests to loopback. So every request must
// name the server by its own host (against DNS rebinding) and, if it comes
// from a page, the page must be the server's own or a configured one.
type Handler struct {
	server  *Server
	hosts   []string
	origins []string
	ids     *sessionIDs
	mux     http.Handler
	stream  *mcpserver.StreamableHTTPServer
	sse     *mcpserver.SSEServer // nil if not served
}

const (
	// idleTTL is after how long without a request mcp-go forgets what it holds
	// for a session. The session's id stays good.
	idleTTL = time.Hour
	// keepAlive is how often a silent SSE stream gets a ping, so that nothing
	// on the way takes it for dead.
	keepAlive = 15 * time.Second
)

// HTTP returns the handler for cfg. Close it, or let Serve do it.
func (s *Server) HTTP(cfg HTTPConfig) (*Handler, error) {
	if err := Loopback(cfg.Addr); err != nil {
		return nil, err
	}
	hosts := hostsOf(cfg.Addr)
	h := &Handler{server: s, hosts: hosts, ids: newSessionIDs(s.cfg.Now)}
	for _, host := range hosts {
		h.origins = append(h.origins, "http://"+host)
	}
	for _, o := range cfg.Origins {
		h.origins = append(h.origins, strings.ToLower(strings.TrimSuffix(o, "/")))
	}
	h.stream = mcpserver.NewStreamableHTTPServer(s.mcp,
		mcpserver.WithSessionIdManagerResolver(h.ids),
		mcpserver.WithSessionIdleTTL(idleTTL),
		mcpserver.WithStreamableHTTPLogger(bridge(s.cfg.Log)),
	)
	mux := http.NewServeMux()
	mux.Handle("/mcp", judging(h.stream))
	if cfg.SSE {
		h.sse = mcpserver.NewSSEServer(s.mcp,
			mcpserver.WithKeepAliveInterval(keepAlive),
			// Left alone, mcp-go lets every origin read the stream.
			mcpserver.WithSSECORS(mcpserver.WithCORSAllowedOrigins(h.origins...)),
			mcpserver.WithSessionIDGenerator(func(ctx context.Context, _ *http.Request) (string, error) {
				return streamID(ctx), nil
			}),
		)
		mux.Handle("GET /sse", h.openStream(h.sse.SSEHandler()))
		mux.Handle("POST /message", forOlderClients(h.sse.MessageHandler()))
	}
	h.mux = mux
	return h, nil
}

// hostsOf returns the Host headers under which a loopback address is reached.
func hostsOf(addr string) []string {
	_, port, _ := net.SplitHostPort(addr) // checked by Loopback
	hosts := []string{strings.ToLower(addr)}
	for _, name := range []string{"127.0.0.1", "localhost", "::1"} {
		hosts = append(hosts, net.JoinHostPort(name, port))
		if port == "80" {
			hosts = append(hosts, strings.TrimSuffix(net.JoinHostPort(name, port), ":80"))
		}
	}
	return hosts
}

// openStream gives an SSE stream its id, which is worth nothing once it ends.
func (h *Handler) openStream(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := h.ids.issue(sseSession, subjectOf(r.Context()))
		defer h.ids.revoke(id)
		next.ServeHTTP(w, r.WithContext(withStreamID(r.Context(), id)))
	})
}

// forOlderClients hides the protocol version that some clients send: mcp-go
// then asks for headers that the SSE transport never had.
func forOlderClients(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Mcp-Protocol-Version")
		next.ServeHTTP(w, r)
	})
}

// Close ends all open streams. Running requests go on.
func (h *Handler) Close(ctx context.Context) error {
	err := h.stream.Shutdown(ctx)
	if h.sse != nil {
		h.sse.CloseSessions()
	}
	return err
}

// Serve serves on ln until ctx ends, then closes open streams and gives
// running requests Config.Grace to finish. That is a normal end and returns
// nil; ln is closed in any case.
func (h *Handler) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(wordless{h.server.cfg.Log}, "", 0),
		// What the requests see of ctx is that it has ended, which is no
		// reason to break off.
		BaseContext: func(net.Listener) context.Context {
			return withEnding(context.WithoutCancel(ctx), ctx.Done())
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("server: serve http: %w", err), h.Close(context.WithoutCancel(ctx)))
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.server.cfg.Grace)
	defer cancel()
	// Streams first: Shutdown waits for every request, and they never end.
	err := h.Close(grace)
	if srv.Shutdown(grace) != nil {
		err = errors.Join(err, srv.Close())
	}
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
