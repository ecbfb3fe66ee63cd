package tools

import (
	"regexp"
	"slices"
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
	if quotes == 0 || slices.ContainsFunc(lines[:end], quoted) {
		return body, 0 // no quote at the end, or answers between the quotes
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

func quoted(line string) bool { return strings.HasPrefix(line, ">") }

func blank(line string) bool { return strings.TrimSpace(line) == "" }
