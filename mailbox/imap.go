package mailbox

import (
	"slices"
	"strings"
	"time"
)

// Many a model and many a program know mail search from IMAP (RFC 3501,
// 6.4.4): FROM "anna" UNSEEN SINCE 1-Jan-2026. To Gmail these are plain words,
// for which it finds nothing and says so without a fault. An expression that
// is an IMAP search as a whole is therefore translated, terms of Gmail's beside
// it stay as they are, and one that is evidently IMAP and then something else
// is refused.
//
// IMAP writes its keys in either case. In small letters they are also words to
// look for, so that such an expression is only taken for IMAP if it is one as a
// whole, has a key or a day that nothing else is written like, and texts that
// are in quotes or addresses.

// translate puts the expression into Gmail's form and reports whether it had to
// be. Dates are days in the query's zone: those that every mail has to meet
// become its bounds, which are exact. Translating twice changes nothing more.
func (q *Query) translate() (bool, error) {
	tokens := imapTokens(q.Text)
	for _, folded := range []bool{false, true} {
		p := &imapParser{tokens: tokens, zone: q.zone(), folded: folded, everywhere: true}
		terms, ok, err := p.read()
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		text := strings.Join(terms, " ")
		if p.raw {
			// What was within quotes is bare now, and may read as more keys.
			again := Query{Text: text, Zone: q.Zone}
			if changed, err := again.translate(); changed || err != nil {
				return false, noIMAP()
			}
		}
		q.Text = text
		if p.after.After(q.After) {
			q.After = p.after
		}
		q.Before = earlier(q.Before, p.before)
		return true, q.check()
	}
	return false, nil
}

// earlier returns the earlier one of two times of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

type imapParser struct {
	tokens []imapToken
	at     int
	zone   *time.Location
	depth  int
	// folded: keys may be in small letters.
	folded bool
	// evident: something was read that is IMAP and nothing else. sure: something
	// was that is, if all is IMAP. doubtful: something was that may be words to
	// look for all the same.
	evident, sure, doubtful bool
	// gmail: there are terms of Gmail's. raw: some were in quotes.
	gmail, raw bool
	// foreign is a key that Gmail has nothing for.
	foreign string
	// everywhere: what is read next has to be so for every mail, as it stands
	// neither in an OR nor behind a NOT. Days that do are after and before.
	// negated: behind an odd number of them.
	everywhere, negated bool
	after, before       time.Time
	err                 error
}

// read returns the terms of an expression, if it is IMAP.
func (p *imapParser) read() (terms []string, ok bool, err error) {
	p.command()
	terms, whole := p.all()
	whole = whole && p.at == len(p.tokens)
	sure := p.evident || p.sure && !p.doubtful
	switch {
	case p.folded && (!whole || !p.evident || p.gmail):
		return nil, false, nil
	case p.err != nil:
		return nil, false, p.err
	case p.foreign != "" && (whole && sure || p.evident):
		return nil, false, foreign(p.foreign)
	case whole && sure:
		return terms, true, nil
	case p.evident:
		return nil, false, noIMAP()
	}
	return nil, false, nil
}

// noIMAP is the refusal of what is only in part an IMAP search.
func noIMAP() error {
	return &Error{
		Code:    "invalid_query",
		Message: "the query has keys of an IMAP search and does not go on as one",
		Hint:    `Use Gmail's form: from:anna, to:, subject:"two words", is:unread, is:starred, has:attachment, {this that} for either, -word for not; the arguments after and before for dates.`,
	}
}

// command skips what a program sends before the keys.
func (p *imapParser) command() {
	word := func(i int) string {
		if p.at+i < len(p.tokens) {
			return p.keyword(p.tokens[p.at+i])
		}
		return ""
	}
	if word(0) == "UID" && word(1) == "SEARCH" {
		p.at, p.evident = p.at+2, !p.folded
	} else if word(0) == "SEARCH" {
		p.at++
	}
	if word(0) == "CHARSET" && p.at+2 < len(p.tokens) {
		p.at += 2
	}
	p.sure = word(0) == "ALL" && p.at+1 == len(p.tokens)
}

// keyword is a token as the tables have it, empty if it can be none.
func (p *imapParser) keyword(t imapToken) string {
	switch {
	case t.quoted || t.gmail:
		return ""
	case p.folded:
		return strings.ToUpper(t.text)
	}
	return t.text
}

func (p *imapParser) peek() (imapToken, bool) {
	if p.at < len(p.tokens) {
		return p.tokens[p.at], true
	}
	return imapToken{}, false
}

// evidently notes that a flag was read which is IMAP and nothing else; in small
// letters, unanswered is a word like any other.
func (p *imapParser) evidently(word string) {
	if slices.Contains(evidentFlags, word) && (!p.folded || word != "UNANSWERED") {
		p.evident = true
	}
}
