package mailbox

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Answering says how a mail is answered.
type Answering struct {
	// All answers everybody who got the mail, and not its author alone.
	All bool
	// Quote puts the mail below the answer.
	Quote bool
	// Zone is the time zone of the date above the quote; default UTC.
	Zone *time.Location
}

// Reply returns a mail, still without a body, that answers another one: to
// whom it goes, from which of the account's addresses, in which thread, and
// under which subject.
//
// It goes where the author wants answers (RFC 5322 section 3.6.2: Reply-To, all
// of them, or else From), and for a mail of the account itself to its To. With
// All, the other recipients are in To and Cc as they were, without the
// account's own addresses. It comes from the address that received the mail.
//
// A mail without a Message-ID is refused with the code "not_threadable": what
// answers it would reach its author as something unrelated. A draft is, too.
func (c *Client) Reply(ctx context.Context, id string, how Answering) (Outgoing, error) {
	o, err := c.original(ctx, newBudget(), id)
	if err != nil {
		return Outgoing{}, err
	}
	if o.isDraft {
		return Outgoing{}, &Error{
			Code: "not_threadable", Message: "the mail is a draft, which nobody has got yet",
			Hint: "Change it with draft_email and its draftId, or answer another mail of the thread.",
		}
	}
	if o.messageID == "" {
		return Outgoing{}, &Error{
			Code: "not_threadable", Message: "the mail has no Message-ID, so that no answer to it would be shown as one",
			Hint: "Write a new mail with send_email or draft_email, if the user wants that.",
		}
	}
	reply := Outgoing{
		Subject: prefixedSubject("Re: ", o.subject),
		Thread:  Threading{ID: o.threadID, InReplyTo: o.messageID, References: o.references},
		Source:  o.source,
	}
	to, cc, from := o.answered(how.All)
	if len(to)+len(cc) == 0 {
		return Outgoing{}, &Error{
			Code: "no_recipient", Message: "the mail names nobody who could be answered",
			Hint: "Write to an address that the user names.",
		}
	}
	reply.To, reply.Cc = spelled(to), spelled(cc)
	if from != nil {
		reply.From = formatAddress(from.Address)
	}
	if how.Quote {
		reply.Quoted = o.quoted(how.Zone)
	}
	return reply, nil
}

// answered settles who answers whom. from is nil if none of the account's
// addresses is named.
func (o *original) answered(all bool) (to, cc []Address, from *sender) {
	mine := len(o.from) > 0 && o.ownOf(o.from[0]) != nil
	switch {
	case mine && len(o.to) > 0:
		to = o.to
	case len(o.replyTo) > 0:
		to = o.replyTo
	case len(o.from) > 0:
		to = o.from
	default:
		to = o.sender
	}
	others := to
	if all {
		others, cc = slices.Concat(to, o.to), o.cc
	}
	seen := map[string]bool{}
	fresh := func(list []Address) (kept []Address) {
		for _, a := range list {
			if key := strings.ToLower(a.Email); !seen[key] && o.ownOf(a) == nil {
				seen[key] = true
				kept = append(kept, a)
			}
		}
		return kept
	}
	if kept, keptCc := fresh(others), fresh(cc); len(kept)+len(keptCc) > 0 {
		to, cc = kept, keptCc
	} else {
		cc = nil // a note to oneself is answered to oneself
	}
	if mine {
		return to, cc, o.ownOf(o.from[0])
	}
	for _, a := range o.reached {
		if from = o.ownOf(a); from != nil {
			return to, cc, from
		}
	}
	return to, cc, nil
}

// ownOf returns which of the account's addresses a is; nil if none.
func (o *original) ownOf(a Address) *sender {
	account := ""
	for _, s := range o.own {
		if s.primary {
			account = s.Email
		}
	}
	folded := func(email string) string { return identity(email, account) }
	for _, same := range [...]func(string) string{strings.ToLower, folded} {
		for i := range o.own {
			if same(o.own[i].Email) == same(a.Email) {
				return &o.own[i]
			}
		}
	}
	return nil
}

// identity folds the spellings of an address that reach one mailbox. Gmail does
// not look at dots, nor at what follows a plus; at the domain of an account of
// Workspace dots count. Of any other domain, though the account may send from
// it, nothing is known: a plus there may be somebody else.
func identity(email, account string) string {
	email = strings.ToLower(email)
	local, domain, _ := strings.Cut(email, "@")
	_, home, _ := strings.Cut(strings.ToLower(account), "@")
	gmail := domain == "gmail.com" || domain == "googlemail.com"
	if !gmail && domain != home {
		return email
	}
	local, _, _ = strings.Cut(local, "+")
	if gmail {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}

func spelled(list []Address) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, formatAddress(a))
	}
	return out
}

var (
	rePrefix  = regexp.MustCompile(`(?i)^re\s*(\[\d+\])?\s*:`)
	fwdPrefix = regexp.MustCompile(`(?i)^fwd?\s*:`)
)

// prefixedSubject puts a prefix before a subject that does not have it.
func prefixedSubject(prefix, subject string) string {
	has := rePrefix
	if prefix != "Re: " {
		has = fwdPrefix
	}
	if has.MatchString(subject) {
		return subject
	}
	return strings.TrimSpace(prefix + subject)
}
