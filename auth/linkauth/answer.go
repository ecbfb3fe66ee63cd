package linkauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"linkmail/auth"
	"linkmail/broker/wire"
)

// Brokers differ in what they send, so their answers are read with less
// trust in their shape than package wire has, and with none in their content:
// link and code end up in front of a person and of a model.

const (
	defaultInterval = 5 * time.Second
	maxInterval     = 5 * time.Minute
	// defaultLife is how long a session lives at a broker that does not say.
	defaultLife = 10 * time.Minute
	maxLife     = time.Hour
)

// opened is a session as the broker opened it.
type opened struct {
	id, pollToken string
	url, code     string
	interval      time.Duration
	life          time.Duration
	// steps is how many sessions the broker is ready to chain; zero if it
	// knows nothing of that.
	steps int
}

// readOpened reads the answer to the creation of a session. The life is the
// difference of two times of the broker's own clock, its expires_at and the
// Date of its answer: this machine's clock may be days off.
func readOpened(body []byte, date string) (opened, error) {
	var in struct {
		SessionID string          `json:"session_id"`
		PollToken string          `json:"poll_token"`
		Code      string          `json:"code"`
		UserCode  string          `json:"user_code"`
		URL       string          `json:"url"`
		Complete  string          `json:"verification_uri_complete"`
		Plain     string          `json:"verification_uri"`
		ExpiresAt json.RawMessage `json:"expires_at"`
		Interval  seconds         `json:"interval"`
		Steps     json.RawMessage `json:"steps"`
	}
	if !isObject(body) || json.Unmarshal(body, &in) != nil {
		return opened{}, errors.New("not a JSON object")
	}
	out := opened{
		id: in.SessionID, pollToken: in.PollToken,
		code: first(in.Code, in.UserCode), url: first(in.URL, in.Complete, in.Plain),
		interval: in.Interval.interval(), life: life(in.ExpiresAt, date),
	}
	_ = json.Unmarshal(in.Steps, &out.steps) // what is no number is no promise
	switch {
	case out.id == "" || len(out.id) > 256:
		return opened{}, errors.New("no session id")
	case out.pollToken == "" || len(out.pollToken) > 512 || !visible(out.pollToken):
		return opened{}, errors.New("no poll token")
	case out.code == "" || len(out.code) > 64 || strings.Trim(out.code, codeLetters) != "":
		return opened{}, errors.New("no code")
	case !showable(out.url):
		return opened{}, errors.New("no link")
	}
	return out, nil
}

// codeLetters is the alphabet of codes. A person compares them, so nothing
// that could say anything else gets through.
const codeLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

// showable reports whether a person may be told to open raw.
func showable(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > 2048 || !visible(raw) || u.User != nil || u.Hostname() == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && auth.Loopback(u.Hostname())
}

// visible reports whether s consists of printable ASCII without spaces.
func visible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// life is how long a session lives, from when the broker sent its answer.
func life(expiresAt json.RawMessage, date string) time.Duration {
	var text string
	if json.Unmarshal(expiresAt, &text) != nil {
		return defaultLife
	}
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return defaultLife
	}
	sent, err := time.Parse(time.RFC1123, date)
	if err != nil {
		return defaultLife
	}
	d := end.Sub(sent)
	if d <= 0 || d > maxLife {
		return defaultLife
	}
	return d
}

// polled is how a session stands.
type polled struct {
	status     wire.Status
	interval   time.Duration
	ciphertext string
	algorithm  string
	reason     string // an OAuth error code, if it failed
}

// readPolled reads the answer to a poll.
func readPolled(body []byte) (polled, error) {
	var in struct {
		Status     wire.Status `json:"status"`
		Interval   seconds     `json:"interval"`
		Ciphertext *string     `json:"ciphertext"`
		Algorithm  *string     `json:"algorithm"`
		Error      *string     `json:"error"`
	}
	if !isObject(body) || json.Unmarshal(body, &in) != nil || in.Status == "" {
		return polled{}, errors.New("not the state of a session")
	}
	out := polled{status: in.Status, interval: in.Interval.interval()}
	for _, field := range []struct {
		from *string
		to   *string
	}{{in.Ciphertext, &out.ciphertext}, {in.Algorithm, &out.algorithm}, {in.Error, &out.reason}} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	return out, nil
}

func isObject(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// seconds is a number of seconds, by some implementations in quotes or null.
// What is not a positive number is zero.
type seconds float64

// UnmarshalJSON implements [json.Unmarshaler].
func (n *seconds) UnmarshalJSON(data []byte) error {
	if v, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64); err == nil && v > 0 {
		*n = seconds(min(v, 10*365*24*3600))
	} else {
		*n = 0
	}
	return nil
}

func (n seconds) duration() time.Duration { return time.Duration(float64(n) * float64(time.Second)) }

// interval is n as the time between two polls.
func (n seconds) interval() time.Duration {
	if n <= 0 {
		return defaultInterval
	}
	return min(max(n.duration(), time.Second), maxInterval)
}
