package server_test

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"linkmail/server"
)

// Whoever calls a tool that there is not learns why, in the same words
// everywhere, and from the error that the protocol has for it.
func TestACallOfNoToolIsExplained(t *testing.T) {
	log := &journal{}
	s, err := server.New(server.Config{
		Name: "linkmail", Version: "1.2.3", Tools: catalogue(nil, nil), Log: zerolog.New(log),
		Missing: func(name string) error {
			if name != "ecko" && name != "no_such_tool" {
				t.Errorf("asked about %q", name)
			}
			return explained{}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "Error not_found: no mail has this id. Search for it."
	if a := s.Call(t.Context(), "ecko", []byte(`{}`)); !a.IsError || !strings.HasPrefix(a.Text, want) {
		t.Errorf("Call: %+v", a)
	}
	base, _ := serving(t, s, false)
	id := session(t, base)
	p := dial(t.Context(), t, s)
	p.send(initialize, initialized)
	p.recv()
	for _, name := range []string{"ecko", "no_such_tool"} {
		p.send(call(7, name))
		if e := object(t, p.recv()["error"]); e["message"] != want || e["code"] != -32602.0 {
			t.Errorf("stdio: %v", e)
		}
		if got := request(t, "POST", base+"/mcp", call(7, name), "Mcp-Session-Id", id); !strings.Contains(got.body, want) || !strings.Contains(got.body, `"code":-32602`) {
			t.Errorf("http: %d %s", got.status, got.body)
		}
	}
	p.end()
	if strings.Contains(log.String(), "ecko") {
		t.Errorf("the log has what a client made up: %s", log)
	}
}
