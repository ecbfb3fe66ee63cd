package tools

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// collapse leaves out the quoted mail at the end of a reply and returns how
// many characters that were. It is careful, because what is left out by
// mistake is not read. There are two forms of quotes: a block of ">" lines at
// the very end, together with the line that introduces it, and everything below
// a block of header lines. Answers between the quotes, text below the quote, a
// forward, and a mail that is nothing but a quote stay whole. What is kept is
// always the beginning of body, so that offsets mean the same in both.
func collapse(body, subject string) (kept string, omitted int) {
	return collapseKnown(body, subject, nil)
}

// collapseKnown is [collapse] for a mail of a thread. It leaves out only what
// stands in older, the text of the mails before: somebody may quote what was
// said elsewhere. A quote of ">" lines is kept up to its last line that does
// not, a quote below header lines whole, because it has no marks by which an
// answer inside of it would be told apart. If older is nil, every quote is
// believed to be one.
func collapseKnown(body, subject string, older *reference) (kept string, omitted int) {
	if forwarded.MatchString(subject) {
		return body, 0
	}
	lines := strings.SplitAfter(body, "\n")
	end := min(markedQuote(lines, older), headedQuote(lines, older))
	if end == len(lines) {
		return body, 0
	}
	kept = strings.Join(lines[:end], "")
	if blank(kept) {
		return body, 0
	}
	return kept, utf8.RuneCountInString(body) - utf8.RuneCountInString(kept)
}

// forwarded finds the subject of a forward, whose quote is what it is about.
var forwarded = regexp.MustCompile(`(?i)^\s*(fwd?|wg|tr|rv|enc|i|doorst)\s*:`)

// markedQuote returns the line at which a quote of ">" lines begins, with its
// introduction, or at which it goes on with nothing but what older has; the
// number of lines if there is none that can be left out.
func markedQuote(lines []string, older *reference) int {
	end := len(lines)
	for end > 0 && (quoted(lines[end-1]) || blank(lines[end-1])) {
		end--
	}
	if !slices.ContainsFunc(lines[end:], quoted) || slices.ContainsFunc(lines[:end], quoted) {
		return len(lines) // no quote at the end, or answers between the quotes
	}
	if forward.MatchString(strings.Join(lines[max(0, end-8):end], "")) {
		return len(lines)
	}
	if older != nil {
		if known := older.known(lines[end:]); known > 0 {
			return end + known
		}
	}
	return introduced(lines, end)
}

// forward finds the line above a forwarded mail, which is what the writer wants
// to be read.
var forward = regexp.MustCompile(`(?i)forward|weitergeleitet|transf[eé]r|reenviado|inoltrato|doorgestuurd`)

// Mail programs end the line above a quote with a colon, after a time, a year
// or an address. A sentence of the writer's own that ends with a colon seldom
// has any of them.
var (
	introduction = regexp.MustCompile(`(\d{1,2}:\d{2}|\b\d{4}\b|@|wrote).*:\s*$|^wrote:\s*$`)
	dated        = regexp.MustCompile(`\d{1,2}:\d{2}|\b\d{4}\b`)
	wrapped      = regexp.MustCompile(`[,>]\s*$`)
)

// introduced returns where the introduction of the quote that begins at end
// begins. It may be wrapped once, behind a comma or the address. Where there is
// none, the quote stands alone.
func introduced(lines []string, end int) int {
	last := end
	for last > 0 && blank(lines[last-1]) {
		last--
	}
	if last == 0 || len(lines[last-1]) > 300 || !introduction.MatchString(lines[last-1]) {
		return end
	}
	if last > 1 && !dated.MatchString(lines[last-1]) && dated.MatchString(lines[last-2]) && wrapped.MatchString(lines[last-2]) {
		return last - 2
	}
	return last - 1
}

// The header lines that Outlook, and who copies it, puts above a quote, in the
// languages with the most users. Bold marks of Markdown may stand around the
// name.
var (
	fromLine    = headerLine("from|von|de|da|van|från|fra|od")
	sentLine    = headerLine("sent|date|gesendet|datum|envoyé|enviado( el)?|enviada em|fecha|data|inviato|verzonden|skickat|sendt|wysłano")
	subjectLine = headerLine("subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|temat")
	otherLine   = headerLine("to|an|à|a|para|aan|till|til|do|cc|kopie|importance|priorität|attachments|anlagen")
	ruleLine    = regexp.MustCompile(`^\s*(_{5,}|-{5,}|(\\?\*[ ]?){3,}|-{2,}\s*\S.{0,40}\S\s*-{2,})\s*$`)
)

func headerLine(names string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^\s*\*{0,2}(` + names + `)\s?:\*{0,2}(\s|$)`)
}

// headedQuote returns the line at which the first quote below header lines
// begins; the number of lines if there is none, or if it has something in it
// that older does not.
func headedQuote(lines []string, older *reference) int {
	const most = 1000 // lines that look like the first one of a header and are not
	begun := 0
	for i := range lines {
		if !fromLine.MatchString(lines[i]) {
			continue
		}
		if !isHeader(lines[i+1:]) {
			if begun++; begun > most {
				break
			}
			continue
		}
		if older != nil && older.known(lines[i+headerEnd(lines[i:]):]) > 0 {
			return len(lines)
		}
		start := i
		for start > 0 && (blank(lines[start-1]) || ruleLine.MatchString(lines[start-1])) {
			start--
		}
		if forward.MatchString(strings.Join(lines[max(0, start-1):i], "")) {
			return len(lines)
		}
		return start
	}
	return len(lines)
}

// isHeader reports whether lines go on a header that has begun: a date and a
// subject follow before anything else does.
func isHeader(lines []string) bool {
	const most = 8
	sent, subject := false, false
	for _, l := range lines[:min(len(lines), most)] {
		switch {
		case sentLine.MatchString(l):
			sent = true
		case subjectLine.MatchString(l):
			subject = true
		case !otherLine.MatchString(l) && !blank(l):
			return sent && subject
		}
	}
	return sent && subject
}

// headerEnd returns how many of lines are the header that they begin with.
func headerEnd(lines []string) int {
	for i, l := range lines {
		if !isHeaderLine(l) && !blank(l) {
			return i
		}
	}
	return len(lines)
}

func isHeaderLine(l string) bool {
	return fromLine.MatchString(l) || sentLine.MatchString(l) || subjectLine.MatchString(l) || otherLine.MatchString(l) || ruleLine.MatchString(l)
}

func quoted(line string) bool { return strings.HasPrefix(line, ">") }

func blank(line string) bool { return strings.TrimSpace(line) == "" }
