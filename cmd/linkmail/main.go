// Command linkmail is Gmail for AI agents that cannot open a browser.
//
// It is an MCP server (stdio, streamable HTTP, SSE), a one-shot tool command
// for skills, and a LinkAuth broker. Protocol messages and results go to
// standard output, everything else to standard error. This package is the only
// one that touches arguments, environment, standard streams and exit status.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a sandbox may have no zone files
)

func main() {
	// Libraries write to the standard logger what may quote a request.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := process{
		env:    os.Environ(),
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
	}
	if exe, err := os.Executable(); err == nil {
		p.executable = exe
	}
	p.browse = browserFor(p)
	status := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
