package broker_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"linkmail/broker"
)

// FuzzDuplicated: a text without members of two names that are the same is
// never refused, however it is written; encoding a map makes such a text.
func FuzzDuplicated(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `{"a":{"b":1},"b":[{"a":1},{"a":2}]}`, `{"headers":{"x":"","X":""}}`, `{"ſ":1,"s":2}`, `[`, `"x"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		twice := broker.TestDuplicated(body) // must end, whatever comes
		var inner any
		if json.Unmarshal(body, &inner) != nil {
			return
		}
		if want := decodedTwice(body); twice != want {
			t.Errorf("duplicated(%q) = %v, want %v", body, twice, want)
		}
		once, err := json.Marshal(map[string]any{"only": inner})
		if err != nil {
			t.Fatal(err)
		}
		if broker.TestDuplicated(once) {
			t.Errorf("%s has nothing twice (%s: %v)", once, body, twice)
		}
	})
}

// decodedTwice finds members that are there twice by decoding the whole text.
func decodedTwice(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	var open []map[string]bool // the names so far, of each open object; nil is a list
	name := false              // whether a name comes next
	for {
		token, err := dec.Token()
		if err != nil {
			return false // the end: the text was found valid before
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				open = append(open, make(map[string]bool))
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
		case string:
			if !name {
				break
			}
			key := token
			if len(open) == 1 {
				key = strings.ToLower(strings.ToUpper(key)) // also of letters such as the long s
			}
			names := open[len(open)-1]
			if names[key] {
				return true
			}
			names[key] = true
			name = false
			continue
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}

// FuzzHop: what is read from X-Forwarded-For is an address without a zone, in
// its one spelling.
func FuzzHop(f *testing.F) {
	for _, seed := range []string{"203.0.113.1", "203.0.113.1:80", "[2001:db8::1]:443", "2001:db8::1%eth0", "::ffff:10.0.0.1", "unknown", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, ok := broker.TestParseHop(text)
		if ok && (!addr.IsValid() || addr.Zone() != "" || addr.Is4In6()) {
			t.Errorf("parseHop(%q) = %v", text, addr)
		}
		if again, err := netip.ParseAddr(addr.String()); ok && (err != nil || again != addr) {
			t.Errorf("parseHop(%q) = %v, which reads as %v", text, addr, again)
		}
	})
}
