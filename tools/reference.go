package tools

import (
	"net/url"
	"regexp"
	"strings"
)

// reference is text to look up quotes in. Mail programs break the lines of what
// they quote anew, mark them, write links in another form and pictures in
// another still; so what is compared are words, in their order. A word of a
// quote is found if it stands in the reference among the same neighbours,
// because short answers ("Yes.") stand in every thread somewhere.
type reference struct {
	size  int                 // of the texts in it, in bytes
	runs  map[string]struct{} // every run of runLength words, and shorter texts
	hosts map[string]struct{} // where links lead
}

const (
	// runLength is by how many words in a row one is recognised.
	runLength = 4
	// maxReference bounds the texts to look up in, and maxLookup a quote, in
	// bytes. What is beyond is not found, and stays.
	maxReference = 500_000
	maxLookup    = 500_000
)

// add puts a text into the reference, if there is room.
func (r *reference) add(text string) {
	if r.size+len(text) > maxReference {
		return
	}
	if r.runs == nil {
		r.runs, r.hosts = map[string]struct{}{}, map[string]struct{}{}
	}
	r.size += len(text)
	for _, h := range hostsIn(text) {
		r.hosts[h] = struct{}{}
	}
	words := plainWords(text)
	for i := range max(1, len(words)-runLength+1) {
		r.runs[run(words[i:])] = struct{}{}
	}
}

// known returns how many lines of a quote remain if those at its end that stand
// in the reference are left out; zero if all of them do.
func (r *reference) known(lines []string) (remaining int) {
	var words []string
	lineOf := make([]int, 0, len(lines)) // by word
	size := 0
	for i, l := range lines {
		if size += len(l); size > maxLookup {
			return len(lines)
		}
		for _, w := range plainWords(l) {
			words, lineOf = append(words, w), append(lineOf, i)
		}
		if !r.leads(l) {
			remaining = i + 1
		}
	}
	found := 0 // up to here words are found, as part of one run or another
	for i := range words {
		if _, ok := r.runs[run(words[i:])]; ok && (i == 0 || i+runLength <= len(words)) {
			found = i + runLength
		}
		if i >= found {
			remaining = max(remaining, lineOf[i]+1)
		}
	}
	return remaining
}

// leads reports whether the links of a line lead where others did.
func (r *reference) leads(line string) bool {
	for _, h := range hostsIn(line) {
		if _, ok := r.hosts[h]; !ok && !rewriter.MatchString(h) {
			return false
		}
	}
	return true
}

// run is the beginning of words, of at most runLength.
func run(words []string) string { return strings.Join(words[:min(len(words), runLength)], " ") }

var (
	noWord = regexp.MustCompile(`[^\p{L}\p{M}\p{N}]+`)
	// target finds where a link leads, beside or in place of its text.
	target = regexp.MustCompile(`(?i)\b(?:https?://|mailto:|tel:)[^\s<>()\[\]]*`)
	// pictureMark finds what stands for a picture in plain text.
	pictureMark = regexp.MustCompile(`(?i)\[image\b:?|\[cid:[^\]]*\]`)
	// rewriter finds the hosts that firms put in front of every link of a mail
	// that comes in, whose quotes then lead there.
	rewriter = regexp.MustCompile(`(^|\.)(safelinks\.protection\.outlook\.com|urldefense\.com|urldefense\.proofpoint\.com|protect-[a-z0-9]+\.mimecast\.com)$`)
)

// plainWords are the words of a text in lower case, without links and marks.
func plainWords(s string) []string {
	s = pictureMark.ReplaceAllString(target.ReplaceAllString(s, " "), " ")
	return strings.Fields(noWord.ReplaceAllString(strings.ToLower(s), " "))
}

// hostsIn are the hosts of the web links in a text.
func hostsIn(text string) (hosts []string) {
	for _, t := range target.FindAllString(text, -1) {
		if u, err := url.Parse(strings.ToLower(strings.TrimRight(t, "…"))); err == nil && u.Host != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}
