package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzStdio throws bytes at a connection. Whatever comes, each line that goes
// out is a JSON-RPC message and the end of the input is a normal end.
func FuzzStdio(f *testing.F) {
	for _, seed := range []string{
		initialize + "\n" + initialized + "\n" + call(2, "whoami") + "\n",
		call(1, "panics") + "\n" + call(1, "challenge"),
		`{"jsonrpc":"2.0","id":null,"method":"tools/call"}`, `[]`, `"x"`, "\x00\n\xff\n",
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
		`{"jsonrpc":"2.0","id":1,"result":{}}`, `{"jsonrpc":"2.0","id":{},"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modernMeta + `}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte("wait")) {
			t.Skip("waits for ever")
		}
		s, _ := newServer(t, nil, nil)
		var out bytes.Buffer
		if err := s.Stdio(t.Context(), bytes.NewReader(in), &out); err != nil {
			t.Fatalf("Stdio = %v", err)
		}
		lines := bufio.NewScanner(&out)
		lines.Buffer(nil, 10<<20)
		for lines.Scan() {
			var m struct {
				Version string `json:"jsonrpc"`
			}
			if err := json.Unmarshal(lines.Bytes(), &m); err != nil || m.Version != "2.0" {
				t.Errorf("%q is not a JSON-RPC message: %v", lines.Text(), err)
			}
			if strings.Contains(lines.Text(), "canary") {
				t.Errorf("%q quotes an error", lines.Text())
			}
		}
	})
}
