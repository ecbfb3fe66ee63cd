package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asLinkmail makes this test binary behave as linkmail itself, so that tests
// can start it as a process of its own, and kill it.
const asLinkmail = "TEST_BINARY_AS_LINKMAIL"

func TestMain(m *testing.M) {
	if os.Getenv(asLinkmail) != "" {
		main()
	}
	os.Exit(m.Run())
}

// linkmail returns a command that runs linkmail in a process of its own with
// exactly this environment.
func linkmail(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{asLinkmail + "=1"}, env...)
	return cmd
}

// ran is how a run of linkmail ended.
type ran struct {
	status         int
	stdout, stderr string
}

// run runs a command line inside the test's process.
func run(t *testing.T, env []string, args ...string) ran {
	t.Helper()
	return runWith(t, env, "", args...)
}

func runWith(t *testing.T, env []string, stdin string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	p := process{env: env, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}
	status := p.run(t.Context(), args)
	return ran{status, out.String(), errs.String()}
}

// envelope decodes the one JSON object that call prints.
func (r ran) envelope(t *testing.T) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(r.stdout), &e); err != nil {
		t.Fatalf("standard output is not one JSON object: %v\nstatus %d\nstdout %q\nstderr %q", err, r.status, r.stdout, r.stderr)
	}
	return e
}

// demoFor starts a demo for the test.
func demoFor(t *testing.T, wrap wrapper) *demoWorld {
	t.Helper()
	d, err := startDemo(t.Context(), wrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	return d
}
