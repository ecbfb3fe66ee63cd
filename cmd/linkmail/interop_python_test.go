//go:build interop

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// dialogue runs an example that prints "Open LINK" and "Code CODE", waits for
// a line, and in the end prints "Credential TEXT". It returns the text, and
// how many different links there were.
func dialogue(t *testing.T, cmd *exec.Cmd, act func(link, code string)) (credential string, links int) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("%s ended with %v:\n%s", strings.Join(cmd.Args, " "), err, errs.String())
		}
	}()
	link := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "Open":
			link = rest
			links++
		case "Code":
			act(link, rest)
		case "Press":
			if _, err := io.WriteString(in, "\n"); err != nil {
				t.Error(err)
			}
		case "Credential":
			credential = rest
		}
	}
	return credential, links
}

// TestInteropWithThePublishedPythonClient drives the broker with
// mcs-auth-linkauth and mcs-auth-auth0, through examples/python.
func TestInteropWithThePublishedPythonClient(t *testing.T) {
	python := os.Getenv("LINKAUTH_PYTHON")
	if python == "" {
		t.Fatal("LINKAUTH_PYTHON must name a Python with the published clients; make interop sets it")
	}
	d := deploy(t, binary(t), deploymentOptions{})
	d.world.Tenant(func(t *standin.Tenant) { t.PlainTickets = true }) // Auth0Provider does not escape them
	typed := "typed by a person: " + rand.Text() + " ÄÖ€"

	play := func(flow string, act func(link, code string)) (string, int) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		cmd := exec.CommandContext(ctx, python, "../../examples/python/connect.py", flow, "--show")
		cmd.Env = []string{
			"PATH=/usr/bin:/bin", "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1",
			"LINKAUTH_BROKER_URL=" + d.broker, "LINKAUTH_API_KEY=" + judgeKey,
			"AUTH0_DOMAIN=" + d.tenant, "AUTH0_CLIENT_ID=" + standin.DemoClientID, "AUTH0_CLIENT_SECRET=" + standin.DemoClientSecret,
		}
		return dialogue(t, cmd, act)
	}
	signIn := func(link, code string) { d.click(t, link, code) }

	t.Run("form", func(t *testing.T) {
		got, _ := play("form", func(_, code string) { d.typeIn(t, code, map[string]string{"api_key": typed}) })
		if got != typed {
			t.Errorf("the client received %q, the person typed %q", got, typed)
		}
	})
	for _, flow := range []string{"oauth", "passthrough"} {
		t.Run(flow, func(t *testing.T) {
			if got, links := play(flow, signIn); links != 1 || !d.redeems(t, got) {
				t.Errorf("after %d links the tenant does not take what the client received (%d bytes) for a refresh token", links, len(got))
			}
		})
	}
	t.Run("double flow to a Google token", func(t *testing.T) {
		if got, links := play("vault", signIn); links != 2 || !d.readsMail(t, got) {
			t.Errorf("after %d links Gmail does not take what the client received (%d bytes) for a token", links, len(got))
		}
	})
}
