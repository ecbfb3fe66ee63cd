package mailbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Many a model and many a program know mail search from IMAP (RFC 3501,
// 6.4.4): FROM "anna" UNSEEN SINCE 1-Jan-2026. To Gmail these are plain words,
// for which it finds nothing and says so without a fault. An expression that
// is an IMAP search as a whole is therefore translated, and one that begins
// like it and goes on otherwise is refused.

// translate puts the expression into Gmail's form and reports whether it had to
// be. Dates are days in the query's zone: those that every mail has to meet
// become its bounds, which are exact. Translating twice changes nothing more.
func (q *Query) translate() (bool, error) {
	p := &imapParser{tokens: imapTokens(q.Text), zone: q.zone(), everywhere: true}
	if !p.begins() {
		return false, nil
	}
	terms, ok := p.all()
	switch {
	case p.err != nil:
		return false, p.err
	case ok && p.at == len(p.tokens) && (p.evident || !p.doubtful):
		q.Text = strings.Join(terms, " ")
		if p.after.After(q.After) {
			q.After = p.after
		}
		q.Before = earlier(q.Before, p.before)
		return true, q.check()
	case p.evident:
		return false, &Error{
			Code:    "invalid_query",
			Message: "the query begins as an IMAP search and does not go on as one",
			Hint:    `Use Gmail's form: from:anna, to:, subject:"two words", is:unread, is:starred, has:attachment, {this that} for either, -word for not; the arguments after and before for dates.`,
		}
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

// imapToken is a word of an expression. A quoted one is never a keyword.
type imapToken struct {
	text   string
	quoted bool
}

func (t imapToken) is(text string) bool { return !t.quoted && t.text == text }

func imapTokens(s string) []imapToken {
	var tokens []imapToken
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		switch s[0] {
		case '(', ')':
			tokens = append(tokens, imapToken{text: s[:1]})
			s = s[1:]
		case '"':
			text, rest := unquoteIMAP(s[1:])
			tokens = append(tokens, imapToken{text: text, quoted: true})
			s = rest
		default:
			end := strings.IndexAny(s, " \t\r\n()")
			if end < 0 {
				end = len(s)
			}
			tokens = append(tokens, imapToken{text: s[:end]})
			s = s[end:]
		}
	}
	return tokens
}

// unquoteIMAP reads a quoted string after its opening quote. One that is not
// closed reaches to the end.
func unquoteIMAP(s string) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:]
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// What the keywords without an argument are in Gmail's form.
var imapFlags = map[string]string{
	"ALL":     "",
	"SEEN":    "is:read",
	"UNSEEN":  "is:unread",
	"NEW":     "is:unread",
	"FLAGGED": "is:starred", "UNFLAGGED": "-is:starred",
	"DELETED": "in:trash", "UNDELETED": "-in:trash",
	"DRAFT": "in:draft", "UNDRAFT": "-in:draft",
}

// Those that take a text. The ones without an operator are searched for
// anywhere in the mail, as Gmail has no operator for the body alone.
var imapTexts = map[string]string{
	"FROM": "from:", "TO": "to:", "CC": "cc:", "BCC": "bcc:", "SUBJECT": "subject:",
	"BODY": "", "TEXT": "", "KEYWORD": "label:", "UNKEYWORD": "-label:",
}

// Those that take a day.
var imapDays = []string{"SINCE", "SENTSINCE", "BEFORE", "SENTBEFORE", "ON", "SENTON"}

// Those that Gmail has nothing for.
var imapForeign = []string{"ANSWERED", "UNANSWERED", "RECENT", "OLD", "UID"}

// evidentFlags mean nothing in plain English, so one of them is enough to know
// an IMAP search by.
var evidentFlags = []string{"UNSEEN", "UNFLAGGED", "UNDELETED", "UNDRAFT", "UNANSWERED"}

type imapParser struct {
	tokens []imapToken
	at     int
	zone   *time.Location
	depth  int
	// evident: something was read that is IMAP and nothing else. doubtful:
	// something was that may be words to look for.
	evident, doubtful bool
	// everywhere: what is read next has to be so for every mail, as it stands
	// neither in an OR nor behind a NOT. Days that do are after and before.
	// negated: behind an odd number of them.
	everywhere, negated bool
	after, before       time.Time
	err                 error
}

func (p *imapParser) peek() (imapToken, bool) {
	if p.at < len(p.tokens) {
		return p.tokens[p.at], true
	}
	return imapToken{}, false
}

// begins reports whether the expression could be IMAP's: one that starts with
// a keyword which does not stand alone as a plain word.
func (p *imapParser) begins() bool {
	first, ok := p.peek()
	for i := 0; ok && first.is("("); i++ {
		if i+1 == len(p.tokens) {
			return false
		}
		first = p.tokens[i+1]
	}
	if !ok || first.quoted {
		return false
	}
	word := first.text
	_, flag := imapFlags[word]
	_, text := imapTexts[word]
	known := flag || text || slices.Contains(imapDays, word) || slices.Contains(imapForeign, word) ||
		slices.Contains([]string{"NOT", "OR", "HEADER", "LARGER", "SMALLER"}, word)
	if len(p.tokens) == 1 {
		// NEW, OLD or DRAFT alone may well be what to look for.
		return word == "ALL" || slices.Contains(evidentFlags, word) || word == "SEEN" || word == "FLAGGED"
	}
	return known
}

// all reads keys up to the end or a closing parenthesis, and reports whether
// all of them were keys.
func (p *imapParser) all() ([]string, bool) {
	var terms []string
	for {
		t, more := p.peek()
		if !more || t.is(")") {
			return terms, true
		}
		term, ok := p.key()
		if !ok || p.err != nil {
			return nil, false
		}
		if term != "" {
			terms = append(terms, term)
		}
	}
}

// maxIMAPDepth bounds how deep groups, NOT and OR may nest.
const maxIMAPDepth = 20

// key reads one search key. Its term is empty if every mail matches.
func (p *imapParser) key() (term string, ok bool) {
	t, more := p.peek()
	if !more || t.quoted || p.depth == maxIMAPDepth {
		return "", false
	}
	p.at++
	p.depth++
	defer func() { p.depth-- }()
	word := t.text
	if term, ok := imapFlags[word]; ok {
		p.evident = p.evident || slices.Contains(evidentFlags, word)
		return term, true
	}
	if operator, ok := imapTexts[word]; ok {
		value, ok := p.argument()
		p.doubtful = p.doubtful || operator == "" || word == "KEYWORD"
		return operator + gmailValue(value, operator == ""), ok
	}
	switch {
	case word == "(":
		return p.group()
	case word == "NOT":
		return p.not()
	case word == "OR":
		return p.either()
	case word == "HEADER":
		return p.header()
	case word == "LARGER", word == "SMALLER":
		value, ok := p.argument()
		if _, err := strconv.ParseUint(value, 10, 63); err != nil {
			return "", false
		}
		p.evident = true
		return strings.ToLower(word) + ":" + value, ok
	case slices.Contains(imapDays, word):
		return p.day(word)
	case slices.Contains(imapForeign, word):
		if p.evident = p.evident || slices.Contains(evidentFlags, word); p.evident || word == "UID" {
			p.err = foreign(word)
		}
		return "", false
	}
	return "", false
}

// foreign is the refusal of a key that Gmail has nothing for.
func foreign(word string) error {
	hint := "Leave it out."
	switch word {
	case "ANSWERED", "UNANSWERED":
		hint = "Gmail does not note whether a mail was answered: look into its thread, or search in:sent."
	case "UID":
		hint = "Read a mail by its messageId."
	}
	return &Error{Code: "invalid_query", Message: "the query is an IMAP search with " + word + ", which Gmail does not have", Hint: hint}
}

func (p *imapParser) argument() (string, bool) {
	t, more := p.peek()
	if !more || !t.quoted && (t.text == "(" || t.text == ")") {
		return "", false
	}
	p.at++
	p.evident = p.evident || t.quoted
	return t.text, true
}

func (p *imapParser) group() (string, bool) {
	terms, ok := p.all()
	if t, more := p.peek(); !ok || !more || !t.is(")") {
		return "", false
	}
	p.at++
	return joined(terms), true
}

func joined(terms []string) string {
	if len(terms) < 2 {
		return strings.Join(terms, "")
	}
	return "(" + strings.Join(terms, " ") + ")"
}

// oppositeDays are the days that NOT makes of others.
var oppositeDays = map[string]string{
	"SINCE": "BEFORE", "BEFORE": "SINCE", "SENTSINCE": "SENTBEFORE", "SENTBEFORE": "SENTSINCE",
}

func (p *imapParser) not() (string, bool) {
	if t, more := p.peek(); more && !t.quoted && oppositeDays[t.text] != "" {
		p.at++
		return p.day(oppositeDays[t.text])
	}
	defer p.notEverywhere()()
	p.negated = !p.negated
	term, ok := p.key()
	p.negated = !p.negated
	return negate(term), ok
}

// notEverywhere begins what does not have to be so for every mail; the returned
// function ends it.
func (p *imapParser) notEverywhere() func() {
	was := p.everywhere
	p.everywhere = false
	return func() { p.everywhere = was }
}

func (p *imapParser) either() (string, bool) {
	defer p.notEverywhere()()
	one, ok := p.key()
	if !ok {
		return "", false
	}
	other, ok := p.key()
	if one == "" || other == "" {
		return "", ok // either one or every mail
	}
	return "{" + one + " " + other + "}", ok
}

func (p *imapParser) header() (string, bool) {
	name, ok := p.argument()
	if !ok {
		return "", false
	}
	value, ok := p.argument()
	if !ok {
		return "", false
	}
	switch strings.ToLower(name) {
	case "message-id":
		return "rfc822msgid:" + gmailValue(strings.Trim(value, "<> "), false), true
	case "list-id":
		return "list:" + gmailValue(strings.Trim(value, "<> "), false), true
	case "delivered-to":
		return "deliveredto:" + gmailValue(value, false), true
	case "from", "to", "cc", "bcc", "subject":
		return strings.ToLower(name) + ":" + gmailValue(value, false), true
	}
	p.err = &Error{
		Code: "invalid_query", Message: "the query is an IMAP search for a header field that Gmail does not search by",
		Hint: "It searches by from:, to:, cc:, bcc:, subject:, list:, deliveredto: and rfc822msgid:.",
	}
	return "", false
}

// imapLayouts are how a day is written: as RFC 3501 has it, and as models do.
var imapLayouts = []string{"2-Jan-2006", time.DateOnly, "2006/01/02", "2-January-2006"}

// likeADay is what can only have been meant as one. BEFORE sunrise may be words
// to look for, and so may ON 24/7.
var likeADay = regexp.MustCompile(`^\p{Nd}{1,4}[-/.][\p{L}\p{Nd}]{1,9}[-/.]\p{Nd}{1,4}$`)

// noDay is the refusal of a day that is none, or that is written in a way in
// which it may be one of two.
func noDay(word string) error {
	form := map[string]string{"SINCE": "after:2026/11/24", "BEFORE": "before:2026/11/24", "ON": "after:2026/11/24 before:2026/11/25"}
	return &Error{
		Code: "invalid_query", Message: "the query is an IMAP search with a date after " + word + " that is none",
		Hint: "Use Gmail's form, " + form[strings.TrimPrefix(word, "SENT")] + ", or the arguments after and before; in IMAP's the date is 24-Nov-2026.",
	}
}

func (p *imapParser) day(word string) (string, bool) {
	value, ok := p.argument()
	if !ok {
		return "", false
	}
	for _, layout := range imapLayouts {
		wall, err := time.Parse(layout, value)
		if err != nil || wall.Unix() < 2*24*60*60 {
			continue
		}
		p.evident = true
		return p.within(word, FirstInstant(wall, p.zone), FirstInstant(wall.AddDate(0, 0, 1), p.zone)), true
	}
	if likeADay.MatchString(value) {
		p.err = noDay(word)
	}
	return "", false
}

// within notes that every mail has to be of such a day, or returns the term for
// those that are. No mail that the search is for may be lost to it, so it is a
// second wider like [Query.effective], or that much narrower where it is negated.
func (p *imapParser) within(word string, begin, end time.Time) string {
	var days Query
	switch strings.TrimPrefix(word, "SENT") {
	case "SINCE":
		days.After = begin
	case "BEFORE":
		days.Before = begin
	default:
		days.After, days.Before = begin, end
	}
	if !p.everywhere {
		if p.negated && !days.After.IsZero() {
			days.After = days.After.Add(time.Second)
		}
		if p.negated && !days.Before.IsZero() {
			days.Before = days.Before.Add(-3 * time.Second)
		}
		return joined(strings.Fields(days.effective()))
	}
	if days.After.After(p.after) {
		p.after = days.After
	}
	p.before = earlier(p.before, days.Before)
	return ""
}

func negate(term string) string {
	switch {
	case term == "":
		return "-in:anywhere"
	case strings.HasPrefix(term, "-"):
		return term[1:]
	}
	return "-" + term
}

var plainValue = regexp.MustCompile(`^[\p{L}\p{N}@._+]+$`)

// gmailValue writes a value so that Gmail takes it for one. Gmail has no way
// to write a quote inside of quotes, and does not search for them either.
func gmailValue(s string, quote bool) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, `"`, " ")), " ")
	if !quote && plainValue.MatchString(s) {
		return s
	}
	return `"` + s + `"`
}
