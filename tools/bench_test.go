package tools_test

import (
	"testing"

	"linkmail/tools"
)

// BenchmarkHits measures what a list of twenty mails of the seeded mailbox
// costs a model, in estimated tokens, and how long its text takes.
func BenchmarkHits(b *testing.B) {
	in := newInbox(b)
	cfg := tools.Config{Mailbox: in}
	var text string
	for b.Loop() {
		text = must(b, cfg, "search_emails", `{"query":"in:inbox","maxResults":20}`).text
	}
	total, most := 0, 0
	hits := hitLines(text)
	for _, hit := range hits {
		n := tools.Tokens(hit)
		total, most = total+n, max(most, n)
	}
	b.ReportMetric(float64(total)/float64(len(hits)), "tokens/hit")
	b.ReportMetric(float64(most), "tokens-at-most")
}
