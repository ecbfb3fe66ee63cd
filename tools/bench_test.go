package tools_test

import (
	"testing"
	"unicode/utf8"

	"linkmail/tools"
)

// BenchmarkHits measures what a list of twenty mails of the seeded mailbox
// costs a model, in tokens of four characters, and how long its text takes.
func BenchmarkHits(b *testing.B) {
	in := newInbox(b)
	cfg := tools.Config{Mailbox: in}
	var text string
	for b.Loop() {
		text = must(b, cfg, "search_emails", `{"query":"in:inbox","maxResults":20}`).text
	}
	b.ReportMetric(float64(utf8.RuneCountInString(text))/4/20, "tokens/hit")
}
