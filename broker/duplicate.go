package broker

import (
	"bytes"
	"encoding/json"
	"strings"
)

// duplicated reports whether an object in the valid JSON text body has a member
// twice: what checks a request and what acts on it may not agree on which of
// them counts (RFC 8259 section 4). At the top, where package json takes names
// in any case, the case makes no difference here either. Values are stepped
// over and not decoded: some are secret.
func duplicated(body []byte) bool {
	var open []map[string]bool // the names so far, of each open object; nil is a list
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{':
			open = append(open, make(map[string]bool))
		case '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		case '"':
			end := textEnd(body, i)
			if rest := bytes.TrimLeft(body[end:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' && len(open) > 0 && open[len(open)-1] != nil {
				var name string
				if json.Unmarshal(body[i:end], &name) != nil {
					return false // not JSON
				}
				if len(open) == 1 {
					name = strings.ToLower(strings.ToUpper(name)) // also of letters such as the long s
				}
				names := open[len(open)-1]
				if names[name] {
					return true
				}
				names[name] = true
			}
			i = end - 1
		}
	}
	return false
}

// textEnd returns the index after the text that begins at body[begin].
func textEnd(body []byte, begin int) int {
	for i := begin + 1; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(body)
}
