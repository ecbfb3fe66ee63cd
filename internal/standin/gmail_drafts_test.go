package standin_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

func draftOf(raw, threadID string) *gmail.Draft {
	return &gmail.Draft{Message: &gmail.Message{Raw: encoded(raw), ThreadId: threadID}}
}

func TestDraftsLive(t *testing.T) {
	s := play(t, standin.Config{})
	d, err := s.users.Drafts.Create("me", draftOf(mail("one", "Subject: plan"), "")).Do() // no recipient yet
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.Id, "r") || !slices.Equal(d.Message.LabelIds, []string{"DRAFT"}) {
		t.Errorf("created %+v", d)
	}
	updated, err := s.users.Drafts.Update("me", d.Id, draftOf(mail("two", "Subject: plan", "To: dana.whitfield@example.com", "Bcc: priya.raman@example.com"), "")).Do()
	if err != nil {
		t.Fatal(err)
	}
	if updated.Id != d.Id || updated.Message.Id == d.Message.Id {
		t.Errorf("updated %+v, was %+v", updated.Message, d.Message)
	}
	_, err = s.users.Messages.Get("me", d.Message.Id).Do()
	wantError(t, err, 404, "")
	got, err := s.users.Drafts.Get("me", d.Id).Do()
	if err != nil || decoded(t, got.Message.Payload.Body.Data) != "two" {
		t.Errorf("%v: got %+v", err, got)
	}
	sent, err := s.users.Drafts.Send("me", &gmail.Draft{Id: d.Id}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if sent.Id == updated.Message.Id || !slices.Equal(sent.LabelIds, []string{"SENT"}) {
		t.Errorf("sent %+v", sent)
	}
	if raw := s.Sent(standin.DefaultUser); len(raw) != 1 || !strings.Contains(string(raw[0].Raw), "Bcc: priya.raman@example.com") {
		t.Errorf("sent %+v", raw)
	}
	_, err = s.users.Drafts.Send("me", &gmail.Draft{Id: d.Id}).Do()
	wantError(t, err, 404, "Requested entity was not found.")
	_, err = s.users.Drafts.Get("me", d.Id).Do()
	wantError(t, err, 404, "")
	if n := len(s.Sent(standin.DefaultUser)); n != 1 {
		t.Errorf("%d went out", n)
	}
}

func TestDraftsAreListedNewestFirst(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Drafts.List("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Drafts) != 3 || l.Drafts[0].Message.Id <= l.Drafts[2].Message.Id || l.Drafts[0].Message.Payload != nil {
		t.Errorf("drafts %+v", l.Drafts)
	}
	l, err = s.users.Drafts.List("me").Q("subject:handover").Do()
	if err != nil || len(l.Drafts) != 1 {
		t.Errorf("%v: drafts %+v", err, l.Drafts)
	}
	if err := s.users.Drafts.Delete("me", l.Drafts[0].Id).Do(); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.users.Drafts.Delete("me", l.Drafts[0].Id).Do(), 404, "")
	_, err = s.users.Drafts.Update("me", l.Drafts[0].Id, draftOf("Subject: x\r\n\r\n", "")).Do()
	wantError(t, err, 404, "")
}

func TestADraftKeepsItsThreadOnlyIfItIsNamedAgain(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Drafts.List("me").Q("subject:handover").Do()
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.users.Drafts.Get("me", l.Drafts[0].Id).Format("raw").Do()
	if err != nil {
		t.Fatal(err)
	}
	raw, thread := decoded(t, d.Message.Raw), d.Message.ThreadId
	for _, tt := range []struct {
		thread string
		keeps  bool
	}{{thread, true}, {"", false}} {
		u, err := s.users.Drafts.Update("me", d.Id, draftOf(raw, tt.thread)).Do()
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Message.ThreadId == thread; got != tt.keeps {
			t.Errorf("with thread %q: kept %v", tt.thread, got)
		}
	}
}

func TestDraftsThatCannotBeSentStay(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Drafts.List("me").Q("subject:retrospective").Do()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.users.Drafts.Send("me", &gmail.Draft{Id: l.Drafts[0].Id}).Do()
	wantError(t, err, 400, "Recipient address required")
	if _, err := s.users.Drafts.Get("me", l.Drafts[0].Id).Do(); err != nil {
		t.Errorf("the draft is gone: %v", err)
	}
	_, err = s.users.Drafts.Create("me", &gmail.Draft{}).Do()
	wantError(t, err, 400, "Missing draft message")
	_, err = s.users.Drafts.Send("me", &gmail.Draft{Id: "r1"}).Do()
	wantError(t, err, 404, "")
}

func TestADraftCanBeReplacedWhileItIsSent(t *testing.T) {
	s := play(t, standin.Config{})
	d, err := s.users.Drafts.Create("me", draftOf(exampleMail, "")).Do()
	if err != nil {
		t.Fatal(err)
	}
	last := mail("the last word", "To: mei.lin@example.com", "Subject: hi")
	if _, err := s.users.Drafts.Send("me", &gmail.Draft{Id: d.Id, Message: &gmail.Message{Raw: encoded(last)}}).Do(); err != nil {
		t.Fatal(err)
	}
	if sent := s.Sent(standin.DefaultUser); len(sent) != 1 || string(sent[0].Raw) != last {
		t.Errorf("sent %+v", sent)
	}
}
