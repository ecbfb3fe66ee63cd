package main

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"runtime"
)

// errNoBrowser says that there is no browser to open here.
var errNoBrowser = errors.New("there is no browser here")

// browserFor returns a function that opens an address in the browser of the
// user of this machine, with the environment of p.
func browserFor(p process) func(context.Context, string) error {
	return func(ctx context.Context, address string) error {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return errNoBrowser
		}
		var name string
		var args []string
		switch runtime.GOOS {
		case "darwin":
			name = "open"
		case "windows":
			name, args = "rundll32", []string{"url.dll,FileProtocolHandler"}
		default:
			_, x11 := p.lookup("DISPLAY")
			_, wayland := p.lookup("WAYLAND_DISPLAY")
			if !x11 && !wayland {
				return errNoBrowser
			}
			name = "xdg-open"
		}
		// No shell, and the address, which the provider or our own configuration
		// gave, is one argument that begins with http. It outlives the call that
		// needed it, like every window of the user.
		cmd := exec.CommandContext(context.WithoutCancel(ctx), name, append(args, u.String())...) //nolint:gosec // see above
		if err := cmd.Start(); err != nil {
			return errNoBrowser
		}
		go func() { _ = cmd.Wait() }() // ends with the opener, which hands over and exits
		return nil
	}
}
