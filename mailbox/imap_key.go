package mailbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

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
	"BODY": "", "TEXT": "", "KEYWORD": "label:", "UNKEYWORD": "-label:", "X-GM-LABELS": "label:",
}

// Those that take a day.
var imapDays = []string{"SINCE", "SENTSINCE", "BEFORE", "SENTBEFORE", "ON", "SENTON"}

const imapThread = "X-GM-THRID" //nolint:misspell // so it is called

// Those that Gmail has nothing for.
var imapForeign = []string{"ANSWERED", "UNANSWERED", "RECENT", "OLD", "UID", "X-GM-MSGID", imapThread}

// Those among them that take numbers.
var imapNumbers = []string{"UID", "X-GM-MSGID", imapThread}

// evidentFlags mean nothing in plain English, so one of them is enough to know
// an IMAP search by.
var evidentFlags = []string{"UNSEEN", "UNFLAGGED", "UNDELETED", "UNDRAFT", "UNANSWERED"}

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
	word := p.keyword(t)
	if term, ok := imapFlags[word]; ok {
		p.evidently(word)
		p.sure = p.sure || word == "SEEN" || word == "FLAGGED"
		return term, true
	}
	if operator, ok := imapTexts[word]; ok {
		return p.text(word, operator)
	}
	switch {
	case t.gmail:
		p.gmail = true
		return t.text, true
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
		p.evident = p.evident || !p.folded
		return strings.ToLower(word) + ":" + value, ok
	case slices.Contains(imapDays, word):
		return p.day(word)
	case word == "X-GM-RAW":
		return p.gmails()
	case word == "1:*":
		p.evident = true
		return "", true
	case imapSet.MatchString(word):
		p.foreign = "numbers"
		return "", true
	case slices.Contains(imapForeign, word):
		return p.without(word)
	}
	return "", false
}

// imapSet is the form of a set of numbers of mails.
var imapSet = regexp.MustCompile(`^(\d{1,20}|\*)(:(\d{1,20}|\*))?(,(\d{1,20}|\*)(:(\d{1,20}|\*))?)*$`)

// without reads a key that Gmail has nothing for, with its argument.
func (p *imapParser) without(word string) (string, bool) {
	if slices.Contains(imapNumbers, word) {
		value, ok := p.argument()
		if !ok || !imapSet.MatchString(value) {
			return "", false
		}
		p.evident = p.evident || !p.folded
	}
	p.evidently(word)
	p.foreign = word
	return "", true
}

// text reads the text that a key looks for.
func (p *imapParser) text(word, operator string) (string, bool) {
	t, _ := p.peek()
	value, ok := p.argument()
	switch {
	case p.folded && !t.quoted && !strings.Contains(value, "@"):
		return "", false // a word, like the one before it
	case word == "X-GM-LABELS":
		value = strings.TrimLeft(value, `\`)
		p.evident = p.evident || !p.folded
	case operator == "", word == "KEYWORD":
		p.doubtful = true
	default:
		p.sure = true
	}
	return operator + gmailValue(value, operator == ""), ok
}

// gmails reads an expression of Gmail's within an IMAP search.
func (p *imapParser) gmails() (string, bool) {
	value, ok := p.argument()
	p.evident, p.raw = true, true
	if value = strings.TrimSpace(value); !ok || !paired(value) {
		return "", false
	}
	if strings.ContainsAny(value, " |") {
		value = "(" + value + ")"
	}
	return value, true
}

// foreign is the refusal of a key that Gmail has nothing for.
func foreign(word string) error {
	hint := "Leave it out."
	switch word {
	case "ANSWERED", "UNANSWERED":
		hint = "Gmail does not note whether a mail was answered: look into its thread, or search in:sent."
	case "UID", "numbers", "X-GM-MSGID", imapThread:
		hint = "Read a mail by its messageId."
	}
	return &Error{Code: "invalid_query", Message: "the query is an IMAP search with " + word + ", which Gmail does not have", Hint: hint}
}

func (p *imapParser) argument() (string, bool) {
	t, more := p.peek()
	if !more || t.gmail || !t.quoted && (t.text == "(" || t.text == ")") {
		return "", false
	}
	p.at++
	p.evident = p.evident || t.quoted && !p.folded
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
	if t, more := p.peek(); more && oppositeDays[p.keyword(t)] != "" {
		p.at++
		return p.day(oppositeDays[p.keyword(t)])
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
	before := p.gmail
	p.gmail = false
	one, ok := p.key()
	if !ok {
		return "", false
	}
	other, ok := p.key()
	if before || p.gmail {
		// Gmail has its OR between two terms, IMAP before them.
		p.evident = p.evident || slices.ContainsFunc(p.tokens, func(t imapToken) bool { return slices.Contains(evidentFlags, p.keyword(t)) })
		return "", false
	}
	if one == "" || other == "" {
		return "", ok // either one or every mail
	}
	return "{" + one + " " + other + "}", ok
}
