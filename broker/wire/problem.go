package wire

import (
	"encoding/json"
	"strconv"
)

// SlowDown is the type of the problem that answers a poll which came too soon.
const SlowDown = "urn:ietf:params:oauth:error:slow_down"

// Problem is an error of the API, after RFC 9457. It never repeats a value of
// the request.
type Problem struct {
	// Type is a URI; about:blank when Title says it all.
	Type   string
	Title  string
	Status int
	Detail string
	// Interval is the number of seconds to wait between polls from now on.
	Interval int
	// Error is an OAuth error code for clients of the draft, for example
	// slow_down.
	Error string
	// Errors name the members of a request that were refused.
	Errors []FieldError
	// Refusal is an envelope with a [Refusal], to the key of the request that a
	// provider refused.
	Refusal string
	// Nested puts the problem a second time under "detail", as an object: the
	// form in which API key errors are sent, because the first LinkAuth broker
	// sent them so. A member of an unexpected type is to be ignored
	// (RFC 9457 section 3.1), so other clients are not disturbed.
	Nested bool
}

// FieldError says what is wrong with one member of a request.
type FieldError struct {
	// Loc is the path to the member, for example ["body", "ttl"].
	Loc []string `json:"loc"`
	Msg string   `json:"msg"`
}

// members is the common shape of a problem in JSON.
type members struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   any          `json:"detail,omitempty"`
	Interval int          `json:"interval,omitempty"`
	Error    string       `json:"error,omitempty"`
	Errors   []FieldError `json:"errors,omitempty"`
	Refusal  string       `json:"refusal,omitempty"`
}

// MarshalJSON writes the problem.
func (p Problem) MarshalJSON() ([]byte, error) {
	m := members{p.Type, p.Title, p.Status, nil, p.Interval, p.Error, p.Errors, p.Refusal}
	if p.Detail != "" {
		m.Detail = p.Detail
	}
	if p.Nested {
		inner := m
		m.Detail = inner
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads a problem as leniently as RFC 9457 section 3.1 wants it:
// a member of the wrong type counts as absent. The detail may be text, an
// object that is itself a problem, or a list of objects with "loc" and "msg".
func (p *Problem) UnmarshalJSON(data []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	*p = Problem{}
	read(m["type"], &p.Type)
	read(m["title"], &p.Title)
	read(m["status"], &p.Status)
	read(m["interval"], &p.Interval)
	read(m["error"], &p.Error)
	read(m["errors"], &p.Errors)
	read(m["refusal"], &p.Refusal)
	detail := m["detail"]
	if read(detail, &p.Detail) || read(detail, &p.Errors) {
		return nil
	}
	var inner members
	if read(detail, &inner) {
		p.Nested = true
		p.Detail, _ = inner.Detail.(string)
		if p.Title == "" {
			p.Title = inner.Title
		}
		if p.Type == "" {
			p.Type = inner.Type
		}
	}
	return nil
}

// read decodes raw into v and reports whether it was there and fitted. On
// failure v is left as it was, because json may fill it half.
func read[T any](raw json.RawMessage, v *T) bool {
	if len(raw) == 0 || string(raw) == "null" {
		return false
	}
	var got T
	if json.Unmarshal(raw, &got) != nil {
		return false
	}
	*v = got
	return true
}

// String is the problem in one line, for a log: status and title. The detail
// stays out, because a foreign broker may have put anything there.
func (p Problem) String() string {
	return strconv.Itoa(p.Status) + " " + strconv.Quote(p.Title)
}
