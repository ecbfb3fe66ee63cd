package main

import (
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// doing reports which of these functions a goroutine is in.
func doing(functions ...string) (found []string) {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, name := range functions {
		if strings.Contains(string(stacks), name+"(") {
			found = append(found, name)
		}
	}
	return found
}

func TestADemoThatEndsLeavesNothingBehind(t *testing.T) {
	work := []string{"broker.(*Broker).Run", "http.(*Server).Serve"}
	d, err := startDemo(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(d.Broker + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the broker is not ready: %d", resp.StatusCode)
	}
	if got := doing(work...); len(got) != len(work) {
		t.Fatalf("a running demo is seen in %q only; the probe is blind", got)
	}
	d.stop()
	if got := doing(work...); len(got) != 0 {
		t.Errorf("after its end there is still %q", got)
	}
	d.stop() // may come twice
}

func TestADemoThatCannotStartLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "not there")) // noticed when all servers run
	if d, err := startDemo(t.Context(), nil); err == nil {
		d.stop()
		t.Fatal("it started")
	}
	if got := doing("broker.(*Broker).Run", "http.(*Server).Serve"); len(got) != 0 {
		t.Errorf("there is still %q", got)
	}
}
