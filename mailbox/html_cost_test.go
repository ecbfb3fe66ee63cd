package mailbox

import (
	"strings"
	"testing"
)

// TestConvertHTMLReadsAMailOfBrackets takes half an hour if a bracket costs
// time with the length of what follows it.
func TestConvertHTMLReadsAMailOfBrackets(t *testing.T) {
	const n = 1_000_000
	for _, open := range []string{"[", "!["} {
		body, _ := convertHTML("<p>"+strings.Repeat(open, n/len(open))+"</p>", Markdown)
		if got := strings.Count(body, "["); got < n/2 {
			t.Errorf("%q: %d brackets are left of %d", open, got, n)
		}
	}
	for src, want := range map[string]string{
		"[a]":  `\[a]`,
		"[a":   "[a",
		"a[1]": `a\[1]`,
	} {
		if body, _ := convertHTML("<p>"+src+"</p>", Markdown); body != want {
			t.Errorf("%s: got %s, want %s", src, body, want)
		}
	}
}

// TestConvertHTMLWritesHugeTreesAsText: making Markdown of them takes seconds.
func TestConvertHTMLWritesHugeTreesAsText(t *testing.T) {
	const n = maxMarkdownNodes / 2
	body, _ := convertHTML(strings.Repeat("<p>*x</p>", n+1), Markdown)
	if got := strings.Count(body, "*x"); got != n+1 || strings.Contains(body, `\`) {
		t.Errorf("%d paragraphs of %d are left, and the text begins %.30q", got, n+1, body)
	}
}
