package standin_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

func TestProfile(t *testing.T) {
	s := play(t, standin.Config{})
	p, err := s.users.GetProfile("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	if p.EmailAddress != standin.DefaultUser || p.HistoryId < 1e6 || p.MessagesTotal < 300 || p.ThreadsTotal >= p.MessagesTotal {
		t.Errorf("profile %+v", p)
	}
	if _, err := s.users.GetProfile(strings.ToUpper(standin.DefaultUser)).Do(); err != nil {
		t.Errorf("the user's own address is refused: %v", err)
	}
	_, err = s.users.GetProfile("dana.whitfield@example.com").Do()
	wantError(t, err, 403, "Delegation denied for "+standin.DefaultUser)
}

func TestListPagesWithoutGapsWhileMailArrives(t *testing.T) {
	s := play(t, standin.Config{})
	want := s.find(t, "in:inbox")
	var got []string
	token := ""
	for {
		l, err := s.users.Messages.List("me").Q("in:inbox").MaxResults(50).PageToken(token).Do()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range l.Messages {
			got = append(got, m.Id)
		}
		if token = l.NextPageToken; token == "" {
			break
		}
		if l.ResultSizeEstimate != 201 {
			t.Errorf("estimate %d, want the usual junk", l.ResultSizeEstimate)
		}
		s.Deliver(standin.DefaultUser, []byte("From: a@example.com\r\nSubject: new\r\n\r\n"))
		s.Remove(standin.DefaultUser, got[len(got)-1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages over all pages, want %d", len(got), len(want))
	}
}

func TestPageTokensHoldForTheSameQuestionOnly(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Messages.List("me").Q("in:inbox").MaxResults(10).Do()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.users.Messages.List("me").Q("in:sent").PageToken(l.NextPageToken).Do()
	wantError(t, err, 400, "Invalid pageToken")
	_, err = s.users.Threads.List("me").Q("in:inbox").PageToken(l.NextPageToken).Do()
	wantError(t, err, 400, "Invalid pageToken")
	_, err = s.users.Messages.List("me").PageToken("100").Do()
	wantError(t, err, 400, "Invalid pageToken")
}

func TestMissingAndMalformedIDs(t *testing.T) {
	s := play(t, standin.Config{})
	_, err := s.users.Messages.Get("me", "18a0ffffffffffff").Do()
	wantError(t, err, 404, "Requested entity was not found.")
	_, err = s.users.Messages.Get("me", "not-an-id").Do()
	wantError(t, err, 400, "Invalid id value")
	_, err = s.users.Threads.Get("me", "18a0ffffffffffff").Do()
	wantError(t, err, 404, "Requested entity was not found.")
	status, _, body := s.ask(t, "GET", "/gmail/v1/users/me/nonsense", "", "")
	if status != 404 || !strings.Contains(body, `"reason": "notFound"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestUnknownParametersAreRefused(t *testing.T) {
	s := play(t, standin.Config{})
	for path, want := range map[string]string{
		"/gmail/v1/users/me/messages?query=x":                  `Unknown name \"query\"`,
		"/gmail/v1/users/me/messages?maxResults=lots":          "Invalid value at 'maxResults'",
		"/gmail/v1/users/me/messages?includeSpamTrash=perhaps": "Invalid value at 'includeSpamTrash'",
		"/gmail/v1/users/me/messages?labelIds=Label_99":        "Invalid label: Label_99",
		"/gmail/v1/users/me/messages?fields=messages(id":       "Invalid field selection messages(id",
		"/gmail/v1/users/me/messages?fields=mails":             "Invalid field selection mails",
		"/gmail/v1/users/me/messages?alt=media":                "Invalid value for alt",
	} {
		if status, _, body := s.ask(t, "GET", path, "", ""); status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestModify(t *testing.T) {
	s := play(t, standin.Config{})
	id := s.find(t, "in:inbox is:unread")[0]
	change := func(add, remove []string) (*gmail.Message, error) {
		return s.users.Messages.Modify("me", id, &gmail.ModifyMessageRequest{AddLabelIds: add, RemoveLabelIds: remove}).Do()
	}
	m, err := change([]string{"STARRED", "Label_1"}, []string{"UNREAD", "INBOX"})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(m.LabelIds, "UNREAD") || slices.Contains(m.LabelIds, "INBOX") || !slices.Contains(m.LabelIds, "Label_1") || m.Payload != nil {
		t.Errorf("answer %+v", m)
	}
	for _, tt := range []struct {
		add, remove []string
		want        string
	}{
		{[]string{"SENT"}, nil, "Invalid label: SENT"},
		{nil, []string{"DRAFT"}, "Invalid label: DRAFT"},
		{[]string{"Clients"}, nil, "Invalid label: Clients"}, // a name is no id
		{[]string{"STARRED"}, []string{"STARRED"}, "Cannot both add and remove"},
		{nil, nil, "No label add or removes specified"},
	} {
		_, err := change(tt.add, tt.remove)
		wantError(t, err, 400, tt.want)
	}
	if m, err = s.users.Messages.Trash("me", id).Do(); err != nil || !slices.Contains(m.LabelIds, "TRASH") {
		t.Errorf("trash: %v %+v", err, m)
	}
	if m, err = s.users.Messages.Untrash("me", id).Do(); err != nil || slices.Contains(m.LabelIds, "TRASH") || slices.Contains(m.LabelIds, "INBOX") {
		t.Errorf("untrash: %v %+v", err, m)
	}
}

func TestBatchModify(t *testing.T) {
	s := play(t, standin.Config{})
	ids := s.find(t, "in:inbox is:unread")
	do := func(ids []string) error {
		return s.users.Messages.BatchModify("me", &gmail.BatchModifyMessagesRequest{Ids: ids, RemoveLabelIds: []string{"UNREAD"}}).Do()
	}
	if err := do(append(slices.Clone(ids), "18a0ffffffffffff")); err != nil {
		t.Fatal(err)
	}
	if left := s.find(t, "in:inbox is:unread"); len(left) > 0 {
		t.Errorf("%d still unread", len(left))
	}
	wantError(t, do(nil), 400, "No message ids")
	wantError(t, do([]string{"x"}), 400, "Invalid id value")
	wantError(t, do(slices.Repeat(ids[:1], 1001)), 400, "the limit is 1000")
}

func TestThreads(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Threads.List("me").Q("subject:(kestrel launch plan)").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Threads) != 1 || l.Threads[0].Snippet == "" || l.Threads[0].HistoryId == 0 {
		t.Fatalf("threads %+v", l.Threads)
	}
	th, err := s.users.Threads.Get("me", l.Threads[0].Id).Format("metadata").MetadataHeaders("Message-ID", "References").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(th.Messages) != 11 || th.Messages[0].Id != th.Id {
		t.Errorf("%d messages, the first is %s of %s", len(th.Messages), th.Messages[0].Id, th.Id)
	}
	last := header(th.Messages[10].Payload, "References")
	for i, m := range th.Messages[:10] {
		if i > 0 && m.InternalDate < th.Messages[i-1].InternalDate {
			t.Error("not in order of time")
		}
		if !strings.Contains(last, header(m.Payload, "Message-ID")) {
			t.Errorf("the last message does not refer to message %d", i)
		}
	}
	th, err = s.users.Threads.Modify("me", th.Id, &gmail.ModifyThreadRequest{AddLabelIds: []string{"STARRED"}}).Do()
	if err != nil || len(th.Messages) != 11 || !slices.Contains(th.Messages[0].LabelIds, "STARRED") {
		t.Errorf("modify: %v", err)
	}
	if th, err = s.users.Threads.Trash("me", th.Id).Do(); err != nil || !slices.Contains(th.Messages[5].LabelIds, "TRASH") {
		t.Errorf("trash: %v", err)
	}
	if th, err = s.users.Threads.Untrash("me", th.Id).Do(); err != nil || slices.Contains(th.Messages[5].LabelIds, "TRASH") {
		t.Errorf("untrash: %v", err)
	}
}

func TestSendAs(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Settings.SendAs.List("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range l.SendAs {
		got = append(got, a.SendAsEmail+" "+a.VerificationStatus)
	}
	want := []string{standin.DefaultUser + " ", "alex@rivera-studio.example accepted", "press@harborandpine.example pending"}
	if !slices.Equal(got, want) || !l.SendAs[0].IsPrimary || l.SendAs[0].Signature == "" {
		t.Errorf("got %q, want %q", got, want)
	}
	if a, err := s.users.Settings.SendAs.Get("me", "alex@rivera-studio.example").Do(); err != nil || a.DisplayName != "Rivera Studio" {
		t.Errorf("get: %v %+v", err, a)
	}
	_, err = s.users.Settings.SendAs.Get("me", "nobody@example.com").Do()
	wantError(t, err, 404, "")
}
