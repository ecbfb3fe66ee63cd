package mailbox_test

import (
	"testing"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func TestSearchIsOneListAndOneBatch(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.warm(t)
	page, err := r.Search(t.Context(), mailbox.Query{Text: "in:inbox", Max: 20})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != 20 || page.Next == "" || page.Effective != "in:inbox" {
		t.Fatalf("got %d mails, next %q, effective %q; want 20, a token, in:inbox", len(page.Items), page.Next, page.Effective)
	}
	for _, s := range page.Items {
		t.Logf("%+v", s)
	}
	t.Log(r.seen())
}
