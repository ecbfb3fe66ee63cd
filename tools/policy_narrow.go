package tools

import (
	"slices"
	"strings"
)

// Narrow returns what both policies allow: a draft if either only drafts, and
// no recipient unasked whom one of them would ask about.
func (p SendPolicy) Narrow(other SendPolicy) SendPolicy {
	switch {
	case p.mode == draftOnly || other.mode == draftOnly:
		return SendPolicy{mode: draftOnly}
	case p.mode == sendDirectly:
		return other
	case other.mode == sendDirectly:
		return p
	}
	both := SendPolicy{}
	for _, pattern := range slices.Concat(p.allow, other.allow) {
		if p.covers(pattern) && other.covers(pattern) && !slices.Contains(both.allow, pattern) {
			both.allow = append(both.allow, pattern)
		}
	}
	return both
}

// covers reports whether every recipient of a pattern is one that p allows.
func (p SendPolicy) covers(pattern string) bool {
	at := strings.LastIndexByte(pattern, '@')
	return slices.Contains(p.allow, pattern) || slices.Contains(p.allow, pattern[at:])
}

// Equal reports whether two policies are the same.
func (p SendPolicy) Equal(other SendPolicy) bool {
	return p.mode == other.mode && slices.Equal(p.allow, other.allow)
}
