package standin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

// events renders a history in one line per event.
func events(t *testing.T, s *scene, start uint64, change func(*gmail.UsersHistoryListCall)) []string {
	t.Helper()
	call := s.users.History.List("me").StartHistoryId(start)
	if change != nil {
		change(call)
	}
	l, err := call.Do()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	last := start
	for _, h := range l.History {
		if h.Id <= last || h.Id > l.HistoryId {
			t.Errorf("history id %d after %d, at %d", h.Id, last, l.HistoryId)
		}
		last = h.Id
		for _, e := range h.MessagesAdded {
			out = append(out, "+"+e.Message.Id)
		}
		for _, e := range h.MessagesDeleted {
			out = append(out, "-"+e.Message.Id)
		}
		for _, e := range h.LabelsAdded {
			out = append(out, fmt.Sprint(e.Message.Id, "+", e.LabelIds))
		}
		for _, e := range h.LabelsRemoved {
			out = append(out, fmt.Sprint(e.Message.Id, "-", e.LabelIds))
		}
	}
	return out
}

func (s *scene) historyID(t *testing.T) uint64 {
	t.Helper()
	p, err := s.users.GetProfile("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	return p.HistoryId
}

func TestHistoryTellsWhatHappened(t *testing.T) {
	s := play(t, standin.Config{})
	start := s.historyID(t)
	a := s.find(t, "in:inbox is:unread")[0]
	b := s.Deliver(standin.DefaultUser, []byte("From: x@example.com\r\nSubject: new\r\n\r\n"))
	sent, err := s.send(exampleMail, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.users.Messages.Modify("me", a, &gmail.ModifyMessageRequest{AddLabelIds: []string{"STARRED", "INBOX"}, RemoveLabelIds: []string{"UNREAD"}}).Do(); err != nil {
		t.Fatal(err)
	}
	s.Remove(standin.DefaultUser, b)
	want := []string{"+" + b, "+" + sent.Id, a + "-[UNREAD]", a + "+[STARRED]", "-" + b}
	if got := events(t, s, start, nil); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := events(t, s, start, func(c *gmail.UsersHistoryListCall) { c.LabelId("SENT").HistoryTypes("messageAdded") }); !slices.Equal(got, want[1:2]) {
		t.Errorf("sent: got %q", got)
	}
	if got := events(t, s, start, func(c *gmail.UsersHistoryListCall) { c.LabelId("UNREAD") }); !slices.Equal(got, []string{want[0], want[2], want[4]}) {
		t.Errorf("unread: got %q", got)
	}
	if got := events(t, s, start, func(c *gmail.UsersHistoryListCall) { c.HistoryTypes("labelAdded", "labelRemoved") }); !slices.Equal(got, want[2:4]) {
		t.Errorf("labels: got %q", got)
	}
	m, err := s.users.Messages.Get("me", a).Format("minimal").Do()
	if err != nil || m.HistoryId <= start || m.HistoryId > s.historyID(t) {
		t.Errorf("%v: the message says %d", err, m.HistoryId)
	}
	if got := events(t, s, s.historyID(t), nil); got != nil {
		t.Errorf("after the end: %q", got)
	}
}

func TestHistoryPages(t *testing.T) {
	s := play(t, standin.Config{})
	start := s.historyID(t)
	var want []string
	for i := range 7 {
		want = append(want, s.Deliver(standin.DefaultUser, fmt.Appendf(nil, "From: x@example.com\r\nSubject: %d\r\n\r\n", i)))
	}
	var got []string
	for token := ""; ; {
		l, err := s.users.History.List("me").StartHistoryId(start).MaxResults(3).PageToken(token).Do()
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range l.History {
			got = append(got, h.Messages[0].Id)
		}
		if token = l.NextPageToken; token == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHistoryReachesBackAWeekOnly(t *testing.T) {
	s := play(t, standin.Config{})
	id := func(q string) uint64 {
		m, err := s.users.Messages.Get("me", s.find(t, q)[0]).Format("minimal").Do()
		if err != nil {
			t.Fatal(err)
		}
		return m.HistoryId
	}
	if got := events(t, s, id("newer_than:6d older_than:5d"), nil); len(got) < 20 {
		t.Errorf("%d events in the last days", len(got))
	}
	_, err := s.users.History.List("me").StartHistoryId(id("older_than:8d newer_than:9d")).Do()
	wantError(t, err, 404, "Requested entity was not found.")
	_, err = s.users.History.List("me").StartHistoryId(s.historyID(t) + 1000).Do()
	wantError(t, err, 404, "")
	start := s.historyID(t)
	s.ExpireHistory(standin.DefaultUser)
	_, err = s.users.History.List("me").StartHistoryId(start).Do()
	wantError(t, err, 404, "")
	if _, err := s.users.History.List("me").StartHistoryId(s.historyID(t)).Do(); err != nil {
		t.Errorf("from the new end: %v", err)
	}
	status, _, body := s.ask(t, "GET", "/gmail/v1/users/me/history", "", "")
	if status != 400 || !strings.Contains(body, "startHistoryId") {
		t.Errorf("without a start: %d %s", status, body)
	}
	status, _, _ = s.ask(t, "GET", "/gmail/v1/users/me/history?startHistoryId=1&historyTypes=messagesAdded", "", "")
	if status != 400 {
		t.Errorf("an unknown type: %d", status)
	}
}
