package mailbox

import (
	"slices"
	"strconv"

	gmail "google.golang.org/api/gmail/v1"
)

// move is what happened to the labels of one mail.
type move struct {
	thread         string
	added, removed []string
}

// empty reports whether nothing happened in the end.
func (m *move) empty() bool { return m == nil || len(m.added)+len(m.removed) == 0 }

// add notes that a label was put on.
func (m *move) add(label string) { m.added, m.removed = toggled(m.added, m.removed, label) }

// remove notes that a label was taken off.
func (m *move) remove(label string) { m.removed, m.added = toggled(m.removed, m.added, label) }

// toggled adds label to one list, unless that only undoes what the other says.
func toggled(to, opposite []string, label string) (list, other []string) {
	if i := slices.Index(opposite, label); i >= 0 {
		return to, slices.Delete(opposite, i, i+1)
	}
	if slices.Contains(to, label) {
		return to, opposite
	}
	return append(to, label), opposite
}

// follow reads out of the history what the change did to each mail. What
// happened to other labels, or to other mails, is somebody else's doing.
func (r *relabeling) follow(past []*gmail.History) {
	r.told = len(past) > 0
	named := map[string]bool{}
	for _, id := range slices.Concat(r.Messages, r.Threads) {
		named[id] = true
	}
	note := func(m *gmail.Message, labels []string, do func(*move, string)) {
		if m == nil || len(r.Messages) > 0 && !named[m.Id] || len(r.Threads) > 0 && !named[m.ThreadId] {
			return
		}
		one := r.moves[m.Id]
		if one == nil {
			one = &move{thread: m.ThreadId}
			r.moves[m.Id] = one
		}
		for _, l := range labels {
			if slices.Contains(r.Add, l) || slices.Contains(r.Remove, l) || r.sweeps() && l == "INBOX" {
				do(one, l)
			}
		}
	}
	for _, record := range past {
		for _, e := range record.LabelsAdded {
			note(e.Message, e.LabelIds, (*move).add)
		}
		for _, e := range record.LabelsRemoved {
			note(e.Message, e.LabelIds, (*move).remove)
		}
	}
	for id, one := range r.moves {
		if one.empty() {
			delete(r.moves, id)
		}
	}
}

// sweeps reports whether Gmail takes the mails out of the inbox by itself.
func (r *relabeling) sweeps() bool {
	return slices.Contains(r.Add, "TRASH") || slices.Contains(r.Add, "SPAM")
}

// expected is what the change does to a mail with these labels.
func (r *relabeling) expected(labels []string) *move {
	m := &move{}
	for _, l := range r.Add {
		if !slices.Contains(labels, l) {
			m.add(l)
		}
	}
	for _, l := range r.Remove {
		if slices.Contains(labels, l) {
			m.remove(l)
		}
	}
	if r.sweeps() && slices.Contains(labels, "INBOX") && !slices.Contains(r.Remove, "INBOX") {
		m.remove("INBOX")
	}
	return m
}

// result sorts the ids by what became of them. It is an error if nothing was
// done to any.
func (r *relabeling) result() (Changed, error) {
	var out Changed
	var back reversal
	for _, id := range slices.Concat(r.Messages, r.Threads) {
		err, answered := r.answers[id]
		h, known := r.before[id]
		moved := r.moved(id)
		switch {
		case len(moved) > 0:
			out.Done = append(out.Done, id)
			for _, mail := range moved {
				g := back.of(r.moves[mail], false)
				g.Messages = append(g.Messages, mail)
			}
		case isGone(err):
			out.Missing = append(out.Missing, id)
		case err != nil:
			f, after := failedOf(id, err)
			out.Failed, out.RetryAfter = append(out.Failed, f), max(out.RetryAfter, after)
		case known && r.expected(h.labels).empty(), !known && answered && r.told:
			out.Unchanged = append(out.Unchanged, id)
		case known:
			out.Done = append(out.Done, id)
			g := back.of(r.expected(h.labels), false)
			g.Messages = append(g.Messages, id)
		case answered:
			out.Done, out.Inexact = append(out.Done, id), true
			g := back.of(&move{added: r.Add, removed: r.Remove}, len(r.Threads) > 0)
			if len(r.Threads) > 0 {
				g.Threads = append(g.Threads, id)
			} else {
				g.Messages = append(g.Messages, id)
			}
		default:
			out.Unverified = append(out.Unverified, id)
		}
	}
	out.Reverse = back.changes
	switch asked := len(r.Messages) + len(r.Threads); {
	case len(out.Missing) == asked:
		return Changed{}, &Error{
			Code: codeNotFound, Message: "nothing was changed: there is no such " + r.noun(asked),
			Hint: "Search again for current ids; not every id of a mail is one of a thread.",
		}
	case len(out.Failed) > 0 && len(out.Failed)+len(out.Missing) == asked:
		return Changed{}, r.answers[out.Failed[0].ID]
	}
	return out, nil
}

// moved returns the mails behind an id that the history says were changed.
func (r *relabeling) moved(id string) []string {
	if len(r.Threads) == 0 {
		if r.moves[id] == nil {
			return nil
		}
		return []string{id}
	}
	var mails []string
	for mail, m := range r.moves {
		if m.thread == id {
			mails = append(mails, mail)
		}
	}
	slices.Sort(mails)
	return mails
}

// noun is what is changed.
func (r *relabeling) noun(n int) string {
	s := "mail"
	if len(r.Threads) > 0 {
		s = "thread"
	}
	if n > 1 {
		s += " among the " + strconv.Itoa(n)
	}
	return s
}

// reversal collects mails by what takes back what happened to them.
type reversal struct{ changes []Change }

// of returns the change that takes m back, of threads or of mails.
func (b *reversal) of(m *move, threads bool) *Change {
	added, removed := slices.Sorted(slices.Values(m.added)), slices.Sorted(slices.Values(m.removed))
	for i := range b.changes {
		c := &b.changes[i]
		full := len(c.Messages) >= MaxMessages
		if !full && len(c.Threads) > 0 == threads && slices.Equal(c.Remove, added) && slices.Equal(c.Add, removed) {
			return c
		}
	}
	b.changes = append(b.changes, Change{Add: removed, Remove: added})
	return &b.changes[len(b.changes)-1]
}
