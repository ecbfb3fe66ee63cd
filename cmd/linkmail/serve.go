package main

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"time"

	"linkmail/server"
)

// serve runs the MCP server until standard input ends or a signal arrives.
func (p process) serve(ctx context.Context, args []string) error {
	fs := newFlags("linkmail serve [--http ADDR [--sse]] [--wait DURATION]",
		"MCP server on standard input and output, or on HTTP for the user of this machine.")
	addr := fs.String("http", "", "serve streamable HTTP at `addr`/mcp, on a loopback address such as 127.0.0.1:8765")
	sse := fs.Bool("sse", false, "with --http, also serve the older SSE transport at /sse and /message")
	wait := fs.Duration("wait", 45*time.Second, "how long a call that is repeated after its client showed a sign-in link waits for the user, a `duration`; 0 for not at all")
	src := fs.withSettings(settingsFor(false))
	if err := fs.alone(p, args, src); err != nil {
		return err
	}
	if *sse && *addr == "" {
		src.problem("--sse needs --http")
	}
	if *wait < 0 {
		src.problem("--wait must not be negative")
	}
	if *addr != "" {
		if err := server.Loopback(*addr); err != nil {
			src.problem("--http %s: %s", clip(*addr), plain(err))
		}
	}
	cfg, err := src.client("info")
	if err != nil {
		return err
	}
	cfg.browse, cfg.overHTTP = p.browse, *addr != ""
	if cfg.lives, cfg.wait = true, *wait; *wait == 0 {
		cfg.wait = -1
	}
	way, err := cfg.connect(ctx)
	if err != nil {
		return err
	}
	defer way.close()
	collectEarly()
	if *addr == "" {
		return way.server.Stdio(ctx, p.stdin, p.stdout)
	}
	return serveHTTP(ctx, cfg, way.server, *addr, *sse)
}

// collectEarly has garbage collected when it is half of what is in use instead
// of as much, unless GOGC says otherwise. Nearly all that a large mail takes is
// garbage as soon as it is converted, and a server lives long with what it took
// once; the price is some milliseconds for such a mail.
func collectEarly() {
	const usual, early = 100, 50 // percent
	if set := debug.SetGCPercent(early); set != usual {
		debug.SetGCPercent(set)
	}
}

// serveHTTP listens until ctx ends.
func serveHTTP(ctx context.Context, cfg *client, srv *server.Server, addr string, sse bool) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return usagef("--http %s: %v", clip(addr), err)
	}
	h, err := srv.HTTP(server.HTTPConfig{Addr: ln.Addr().String(), SSE: sse})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	cfg.log.Info().Msg("listening on http://" + ln.Addr().String() + "/mcp")
	return h.Serve(ctx, ln)
}
