package broker

import (
	"bytes"
	"encoding/json"
	"strings"
)

// duplicated reports whether an object in the JSON text body has a member
// twice: what checks a request and what acts on it may not agree on which of
// them counts (RFC 8259 section 4). At the top, where package json takes names
// in any case, the case makes no difference here either.
func duplicated(body []byte) bool {
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
