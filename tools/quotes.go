package tools

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// collapse leaves out the quoted mail at the end of a reply and returns how
// many characters that were. It is careful, because what is left out by
// mistake is not read: only a block of ">" lines at the very end goes, together
// with the line that introduces it. Answers between the quotes, text below the
// quote, and a mail that is nothing but a quote (a forward) stay whole.
func collapse(body string) (kept string, omitted int) {
	lines := strings.SplitAfter(body, "\n")
	end := len(lines)
	for end > 0 && (quoted(lines[end-1]) || blank(lines[end-1])) {
		end--
	}
	quotes := 0
	for _, l := range lines[end:] {
		if quoted(l) {
			quotes++
		}
	}
	for _, l := range lines[:end] {
		if quoted(l) {
			return body, 0 // answers between the quotes
		}
	}
	if quotes == 0 {
		return body, 0
	}
	if forward.MatchString(strings.Join(lines[max(0, end-8):end], "")) {
		return body, 0
	}
	end = introduced(lines, end)
	kept = strings.Join(lines[:end], "")
	if strings.TrimSpace(kept) == "" {
		return body, 0
	}
	return kept, utf8.RuneCountInString(body) - utf8.RuneCountInString(kept)
}

// introduction is how mail programs end the line above a quote: with a colon,
// after a time or an address. A sentence of the writer's own that ends with a
// colon has neither.
var introduction = regexp.MustCompile(`(\d{1,2}:\d{2}|@|\b\d{4}\b).*:\s*$`)

// forward finds the line above a forwarded mail, which is what the writer wants
// to be read.
var forward = regexp.MustCompile(`(?i)forward|weitergeleitet|transf[eé]r|reenviado|inoltrato|doorgestuurd`)

// introduced returns where the introduction of the quote that begins at end
// begins. It may be wrapped once. Where there is none, the quote stands alone.
func introduced(lines []string, end int) int {
	last := end
	for last > 0 && blank(lines[last-1]) {
		last--
	}
	for n := 1; n <= 2 && last-n >= 0; n++ {
		if n == 2 && blank(lines[last-n]) {
			break
		}
		joined := strings.Join(lines[last-n:last], " ")
		if len(joined) < 400 && introduction.MatchString(strings.ReplaceAll(joined, "\n", " ")) {
			return last - n
		}
	}
	return end
}

func quoted(line string) bool { return strings.HasPrefix(line, ">") }

func blank(line string) bool { return strings.TrimSpace(line) == "" }
