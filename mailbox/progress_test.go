package mailbox_test

import (
	"slices"
	"testing"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func TestALongSearchTellsHowFarItHasGot(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.fill(60)
	told := func(n int) (said []int) {
		ctx := mailbox.WithProgress(t.Context(), func(done, total int, what string) {
			if total != n || what != "mails" {
				t.Errorf("told of %d of %d %s, want of %d mails", done, total, what, n)
			}
			said = append(said, done)
		})
		if _, err := r.Search(ctx, mailbox.Query{Text: "in:inbox", Max: n}); err != nil {
			t.Fatal(err)
		}
		return said
	}
	if got := told(20); len(got) != 0 {
		t.Errorf("a search of one batch told of %v", got)
	}
	r = newRig(t, standin.Config{})
	r.fill(60)
	if got, want := told(50), []int{20, 40}; !slices.Equal(got, want) {
		t.Errorf("told of %v mails, want %v", got, want)
	}
}
