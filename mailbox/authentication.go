package mailbox

import (
	"regexp"
	"slices"
	"strings"

	gmail "google.golang.org/api/gmail/v1"
)

// Authentication is what Gmail found out about the sender of a mail when it
// arrived, in the words of RFC 8601: pass, fail, softfail, neutral, none,
// policy, temperror, permerror. A part is empty where Gmail said nothing of it.
// SPF and DKIM are about a server and a signature, of whatever domain; only
// DMARC is about the domain that the mail shows as its sender's.
type Authentication struct {
	SPF, DKIM, DMARC string
}

// gmailServer is the name under which Gmail writes its verdicts. Nobody else's
// are believed: those that came with the mail are the sender's own words.
const gmailServer = "mx.google.com"

// authenticationOf reads Gmail's verdict out of the headers of a mail, which
// are in the order in which they stand in it, the newest on top. Servers add
// theirs above what they received, so the verdict is the topmost one in Gmail's
// name, and stands above everything that a sender can write: behind the first
// field that no server adds, or behind the mark of another server that the
// mail came through, none is believed. ARC results are not looked at.
//
// A mail without the mark of any server was put into the mailbox, by IMAP, an
// import or the API. Its order says nothing: whoever did that could write on top
// as well. There the first verdict in Gmail's name counts, wherever it stands.
// It does not in a mail that was delivered, even if it is the only one: Gmail
// does not say that it adds a verdict to everything that it delivers, and a
// sender's forgery would be believed where it adds none.
func authenticationOf(headers []*gmail.MessagePartHeader) (a Authentication) {
	delivered := slices.ContainsFunc(headers, func(h *gmail.MessagePartHeader) bool {
		return strings.EqualFold(h.Name, "Received") || strings.EqualFold(h.Name, "X-Received")
	})
	trusted := true
	for _, h := range headers {
		switch name := strings.ToLower(h.Name); {
		case name == "received":
			trusted = receivedByGmail.MatchString(h.Value)
		case name == "authentication-results":
			if server, results := authResults(h.Value); trusted && server == gmailServer {
				return results
			}
		case delivered && !isTrace(name):
			return Authentication{}
		}
	}
	return Authentication{}
}

// receivedByGmail finds the mark of Gmail's own servers: by its name, or by an
// address between two of them.
var receivedByGmail = regexp.MustCompile(`(?i)(^|\s)by\s+(mx\.google\.com|2002:[0-9a-f:]+)\s`)

// isTrace reports whether servers add a field of this (lower-case) name on the
// way, above what they received.
func isTrace(name string) bool {
	switch name {
	case "delivered-to", "return-path", "received-spf", "x-received", "authentication-results":
		return true
	}
	return strings.HasPrefix(name, "arc-") || strings.HasPrefix(name, "x-google-") ||
		strings.HasPrefix(name, "x-gm-") || strings.HasPrefix(name, "x-forwarded-")
}

// authResults reads one Authentication-Results field. Where a method other
// than DKIM is named twice, the worse result counts: a mail has one envelope
// and one visible sender, but any number of signatures, of which one is enough.
func authResults(value string) (server string, a Authentication) {
	for i, part := range strings.Split(withoutComments(value), ";") {
		words := strings.Fields(strings.ReplaceAll(part, "=", " = "))
		if i == 0 {
			if len(words) > 0 {
				server = strings.ToLower(words[0])
			}
			continue
		}
		if len(words) < 3 || words[1] != "=" {
			continue
		}
		method, _, _ := strings.Cut(strings.ToLower(words[0]), "/") // RFC 8601: method "/" version
		result := strings.ToLower(words[2])
		if !isResult(result) {
			continue
		}
		switch method {
		case "spf":
			a.SPF = worse(a.SPF, result)
		case "dmarc":
			a.DMARC = worse(a.DMARC, result)
		case "dkim":
			if a.DKIM == "" || result == "pass" {
				a.DKIM = result
			}
		}
	}
	return server, a
}

func isResult(s string) bool {
	switch s {
	case "pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror", "bestguesspass":
		return true
	}
	return false
}

func worse(a, b string) string {
	if a == "" || a == "pass" {
		return b
	}
	return a
}

// withoutComments replaces comments, which nest, and quoted strings by a space.
// What a sender chose stands in one of the two. A quote inside a comment is
// kept together too, although RFC 5322 does not ask for it, so that a bracket
// in an address cannot end the comment it is quoted in. One that is not closed
// takes the rest with it.
func withoutComments(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && (quoted || depth > 0):
			i++
		case c == '"':
			quoted = !quoted
			b.WriteByte(' ')
		case quoted:
		case c == '(':
			depth++
			b.WriteByte(' ')
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}
