package tools

import (
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
)

// SendPolicy decides what send_email does. The zero value asks for the user's
// confirmation.
//
// Draft mode is the hard gate: whatever a model was talked into, nothing leaves
// before the user sends it from Gmail. Confirm mode is not one. It makes sure
// that there is a second call, for exactly the mail that the first one showed
// and within ten minutes, but the token for it goes to the model: it holds as
// far as the client, or the model, really asks the user in between. The same
// goes for the recipients whom allow does not name.
type SendPolicy struct {
	mode  sendMode
	allow []string // lower-case; an address, or "@domain" for all of a domain
}

type sendMode int

const (
	confirmFirst sendMode = iota
	draftOnly
	sendDirectly
)

// ParseSendPolicy reads a policy from its configured form:
//
//	confirm (or empty)      ask for the user's confirmation of every mail; the
//	                        client or the model does the asking
//	draft                   save a draft instead of sending; the only one that
//	                        does not rely on anybody's asking
//	allow:PATTERN,...       send without asking if every recipient matches a
//	                        pattern, an address or *@domain; otherwise ask
//	direct                  send without asking
func ParseSendPolicy(s string) (SendPolicy, error) {
	word, patterns, listed := strings.Cut(strings.TrimSpace(s), ":")
	switch {
	case word == "" && !listed, word == "confirm" && !listed:
		return SendPolicy{}, nil
	case word == "draft" && !listed:
		return SendPolicy{mode: draftOnly}, nil
	case word == "direct" && !listed:
		return SendPolicy{mode: sendDirectly}, nil
	case word == "allow" && listed:
		return parseAllow(patterns)
	}
	return SendPolicy{}, fmt.Errorf("tools: send policy %q is none of confirm, draft, allow:PATTERN,... and direct", s)
}

func parseAllow(patterns string) (SendPolicy, error) {
	var p SendPolicy
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern = lower(strings.TrimSpace(pattern))
		if pattern == "" {
			continue
		}
		probe := strings.Replace(pattern, "*@", "any@", 1)
		if a, err := netmail.ParseAddress(probe); err != nil || a.Address != probe || strings.Contains(probe, "*") {
			return SendPolicy{}, fmt.Errorf("tools: send policy: %q is neither an address nor *@domain", pattern)
		}
		p.allow = append(p.allow, strings.TrimPrefix(pattern, "*"))
	}
	if len(p.allow) == 0 {
		return SendPolicy{}, fmt.Errorf("tools: send policy: allow: needs at least one address or *@domain")
	}
	return p, nil
}

// unasked reports whether a mail to these addresses goes out without asking.
func (p SendPolicy) unasked(recipients []string) bool {
	if p.mode == sendDirectly {
		return true
	}
	for _, r := range recipients {
		if !p.allows(r) {
			return false
		}
	}
	return len(recipients) > 0
}

// names reports whether the policy names a recipient by its whole address.
func (p SendPolicy) names(recipient string) bool {
	return slices.Contains(p.allow, lower(recipient))
}

func (p SendPolicy) allows(recipient string) bool {
	recipient = lower(recipient)
	at := strings.LastIndexByte(recipient, '@')
	for _, pattern := range p.allow {
		if pattern == recipient || at >= 0 && pattern == recipient[at:] {
			return true
		}
	}
	return false
}

// lower folds ASCII letters only. Unicode has letters that fold to ASCII ones
// (the Kelvin sign to k), and an address with one is not the one that was allowed.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
