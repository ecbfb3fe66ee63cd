package standin_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"

	"linkmail/internal/standin"
)

// mail is a raw message with the given header lines.
func mail(body string, header ...string) string {
	return strings.Join(header, "\r\n") + "\r\n\r\n" + body
}

func (s *scene) send(raw, threadID string) (*gmail.Message, error) {
	return s.users.Messages.Send("me", &gmail.Message{Raw: encoded(raw), ThreadId: threadID}).Do()
}

// sentCopy returns the message as the sender's mailbox holds it.
func (s *scene) copyOf(t *testing.T, id string) (*gmail.Message, string) {
	t.Helper()
	m, err := s.users.Messages.Get("me", id).Do()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.users.Messages.Get("me", id).Format("raw").Do()
	if err != nil {
		t.Fatal(err)
	}
	return m, decoded(t, raw.Raw)
}

func TestSendAnswersLittleAndKeepsTheBlindCopy(t *testing.T) {
	s := play(t, standin.Config{})
	raw := mail("Hello\r\n", "From: Alex Rivera <"+standin.DefaultUser+">", "To: Dana <dana.whitfield@example.com>", "Bcc: priya.raman@example.com, Dana.Whitfield@example.com",
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Message-ID: <mine@example.com>", "X-Send-Id: 4711")
	sent, err := s.send(raw, "")
	if err != nil {
		t.Fatal(err)
	}
	if sent.Id == "" || sent.ThreadId != sent.Id || !slices.Equal(sent.LabelIds, []string{"SENT"}) || sent.Snippet != "" || sent.Payload != nil {
		t.Errorf("answer %+v", sent)
	}
	m, stored := s.copyOf(t, sent.Id)
	if id := header(m.Payload, "Message-ID"); !strings.HasSuffix(id, "@mail.gmail.com>") || strings.Contains(stored, "mine@example.com") {
		t.Errorf("the Message-ID was kept: %s", id)
	}
	if header(m.Payload, "Bcc") == "" || header(m.Payload, "X-Send-Id") != "4711" || header(m.Payload, "Date") == "" || header(m.Payload, "Subject") != "Grüße" {
		t.Errorf("the copy is\n%s", stored)
	}
	if list := s.Sent(standin.DefaultUser); len(list) != 1 || string(list[0].Raw) != raw || list[0].ID != sent.Id ||
		!slices.Equal(list[0].Recipients, []string{"dana.whitfield@example.com", "priya.raman@example.com"}) || !list[0].At.Equal(now) {
		t.Errorf("sent %+v", list)
	}
	if ids := s.find(t, "rfc822msgid:mine@example.com"); len(ids) > 0 {
		t.Error("it is found by the Message-ID it was sent with")
	}
}

func TestDeliveryStripsTheBlindCopyAndAddsATrace(t *testing.T) {
	s := play(t, standin.Config{})
	if _, err := s.send(mail("Hello\r\n", "To: dana.whitfield@example.com", "Bcc: priya.raman@example.com", "Subject: news"), ""); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"dana.whitfield@example.com", "priya.raman@example.com"} {
		other := signIn(t, s.World, s.url, user)
		m := other.one(t, "in:inbox is:unread from:"+standin.DefaultUser)
		_, raw := other.copyOf(t, m.Id)
		if strings.Contains(strings.ToLower(raw), "bcc") || header(m.Payload, "Delivered-To") != user || !strings.Contains(header(m.Payload, "Authentication-Results"), "dmarc=pass") {
			t.Errorf("%s got\n%s", user, raw)
		}
	}
}

func TestMailToOneselfIsOneMessageInTwoPlaces(t *testing.T) {
	s := play(t, standin.Config{})
	for _, to := range []string{standin.DefaultUser, "Studio <alex@rivera-studio.example>"} {
		sent, err := s.send(mail("x", "To: "+to, "Subject: zettel"), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []string{"SENT", "INBOX", "UNREAD"} {
			if !slices.Contains(sent.LabelIds, l) {
				t.Errorf("to %s: labels %v", to, sent.LabelIds)
			}
		}
	}
	if ids := s.find(t, "subject:zettel"); len(ids) != 2 {
		t.Errorf("%d messages", len(ids))
	}
}

func TestFromIsCorrectedWithoutAWord(t *testing.T) {
	s := play(t, standin.Config{})
	for from, want := range map[string]string{
		"":                                       "Alex Rivera <" + standin.DefaultUser + ">",
		"Somebody <somebody@example.org>":        "Alex Rivera <" + standin.DefaultUser + ">",
		"Press <press@harborandpine.example>":    "Alex Rivera <" + standin.DefaultUser + ">", // not verified yet
		"My Name <" + standin.DefaultUser + ">":  "My Name <" + standin.DefaultUser + ">",
		"Studio <Alex@Rivera-Studio.example>":    "Studio <Alex@Rivera-Studio.example>",
		"not an address":                         "Alex Rivera <" + standin.DefaultUser + ">",
		"a@example.org, " + standin.DefaultUser:  "Alex Rivera <" + standin.DefaultUser + ">",
		"=?utf-8?q?J=C3=B6?= <j@muehlbach.test>": "Alex Rivera <" + standin.DefaultUser + ">",
	} {
		lines := []string{"To: dana.whitfield@example.com", "Subject: x"}
		if from != "" {
			lines = append(lines, "From: "+from)
		}
		sent, err := s.send(mail("x", lines...), "")
		if err != nil {
			t.Fatal(err)
		}
		m, _ := s.copyOf(t, sent.Id)
		if got := strings.ReplaceAll(header(m.Payload, "From"), `"`, ""); got != want {
			t.Errorf("from %q: got %q, want %q", from, got, want)
		}
	}
}

func TestSendRefuses(t *testing.T) {
	s := play(t, standin.Config{})
	for _, tt := range []struct{ name, body, want string }{
		{"no recipient", `{"raw":"` + encoded(mail("x", "Subject: x")) + `"}`, "Recipient address required"},
		{"empty recipients", `{"raw":"` + encoded(mail("x", "To: ", "Cc: undisclosed-recipients:;")) + `"}`, "Recipient address required"},
		{"a broken To", `{"raw":"` + encoded(mail("x", "To: Dana Whitfield <dana")) + `"}`, "Invalid To header"},
		{"a broken Bcc", `{"raw":"` + encoded(mail("x", "To: a@example.com", "Bcc: nobody")) + `"}`, "Invalid Bcc header"},
		{"garbage", `{"raw":"%%%"}`, "Base64 decoding failed"},
		{"truncated base64", `{"raw":"A"}`, "Base64 decoding failed"},
		{"an empty raw", `{"raw":""}`, "'raw' RFC822 payload message string"},
		{"blank lines only", `{"raw":"` + encoded("\r\n\r\n") + `"}`, "'raw' RFC822 payload message string"},
		{"nothing", ``, "'raw' RFC822 payload message string"},
		{"an unknown field", `{"raw":"eA","to":"a@example.com"}`, `Unknown name \"to\"`},
		{"no JSON", `raw=x`, "Invalid JSON payload received"},
		{"a malformed thread", `{"raw":"` + encoded(exampleMail) + `","threadId":"thread-1"}`, "Invalid id value"},
	} {
		status, _, body := s.ask(t, "POST", "/gmail/v1/users/me/messages/send", "application/json", tt.body)
		if status != 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", tt.name, status, body)
		}
	}
	_, err := s.send(exampleMail, "18a0ffffffffffff")
	wantError(t, err, 404, "Requested entity was not found.")
	if n := len(s.Sent(standin.DefaultUser)); n > 0 {
		t.Errorf("%d were sent", n)
	}
}

func TestBase64IsTakenInBothAlphabetsPaddedOrNot(t *testing.T) {
	s := play(t, standin.Config{})
	raw := mail("\xfb\xff\xfe??>>", "To: dana.whitfield@example.com")
	for _, form := range []string{
		encoded(raw), strings.NewReplacer("-", "+", "_", "/").Replace(encoded(raw)), encoded(raw) + "==",
	} {
		if _, err := s.users.Messages.Send("me", &gmail.Message{Raw: form}).Do(); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
	for _, m := range s.Sent(standin.DefaultUser) {
		if string(m.Raw) != raw {
			t.Errorf("sent %q", m.Raw)
		}
	}
}

func TestUploads(t *testing.T) {
	s := play(t, standin.Config{})
	thread := s.one(t, "subject:(quarterly report draft) from:jonas -subject:re")
	reply := mail("Fine.\r\n", "To: jonas.weber@example.com", "Subject: Re: Quarterly report draft", "In-Reply-To: "+header(thread.Payload, "Message-ID"))
	status, _, body := s.ask(t, "POST", "/upload/gmail/v1/users/me/messages/send?uploadType=media", "message/rfc822", reply)
	if status != 200 {
		t.Fatalf("media: %d %s", status, body)
	}
	sent, err := s.users.Messages.Send("me", &gmail.Message{ThreadId: thread.ThreadId}).
		Media(bytes.NewReader([]byte(reply)), googleapi.ContentType("message/rfc822")).Do()
	if err != nil {
		t.Fatal(err)
	}
	if sent.ThreadId != thread.ThreadId {
		t.Error("the thread in the metadata part is ignored")
	}
	for _, m := range s.Sent(standin.DefaultUser) {
		if string(m.Raw) != reply {
			t.Errorf("sent %q", m.Raw)
		}
	}
	d, err := s.users.Drafts.Create("me", &gmail.Draft{Message: &gmail.Message{ThreadId: thread.ThreadId}}).
		Media(strings.NewReader(reply), googleapi.ContentType("message/rfc822")).Do()
	if err != nil || d.Message.ThreadId != thread.ThreadId {
		t.Errorf("draft: %v %+v", err, d)
	}
	for _, tt := range []struct{ path, contentType, body string }{
		{"messages/send?uploadType=media", "application/json", "{}"},
		{"messages/send?uploadType=resumable", "message/rfc822", reply},
		{"messages/send?uploadType=multipart", "multipart/related", "x"},
		{"messages/send?uploadType=multipart", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + reply + "\r\n--b--"},
		{"messages/send?uploadType=multipart", "multipart/related; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + reply + "\r\n--b--"},
		{"messages/send?uploadType=multipart", "multipart/related; boundary=b", "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--"},
		{"messages/send?uploadType=multipart", "multipart/related; boundary=b", "--b\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"},
	} {
		if status, _, body := s.ask(t, "POST", "/upload/gmail/v1/users/me/"+tt.path, tt.contentType, tt.body); status != 400 {
			t.Errorf("%s %s: %d %s", tt.path, tt.contentType, status, body)
		}
	}
	if status, _, _ := s.ask(t, "GET", "/upload/gmail/v1/users/me/messages", "", ""); status != 404 {
		t.Errorf("an upload that is none: %d", status)
	}
}

func TestUploadsHaveALimit(t *testing.T) {
	w := standin.NewWorld(standin.Config{Now: clock})
	token := w.IssueToken(standin.DefaultUser, []string{standin.ScopeSend}, time.Hour)
	for size, want := range map[int]int{36_700_160: 200, 36_700_161: 413} {
		raw := append(make([]byte, 0, size), exampleMail...)
		raw = append(raw, bytes.Repeat([]byte("x"), size-len(raw))...)
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/upload/gmail/v1/users/me/messages/send?uploadType=media", bytes.NewReader(raw))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "message/rfc822")
		answer := httptest.NewRecorder()
		w.Gmail().ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("%d bytes: %d %s", size, answer.Code, answer.Body)
		}
	}
}

func TestRepliesThreadOnlyWhenEverythingFits(t *testing.T) {
	s := play(t, standin.Config{})
	parent := s.one(t, "subject:(logo files for the printer) has:attachment")
	id := header(parent.Payload, "Message-ID")
	for _, tt := range []struct {
		name, thread string
		lines        []string
		joins        bool
	}{
		{"all three", parent.ThreadId, []string{"Subject: Re: Logo files for the printer", "In-Reply-To: " + id}, true},
		{"References alone, folded", parent.ThreadId, []string{"Subject: RE: Re:  Logo files for the printer", "References: <other@example.com>\r\n " + id}, true},
		{"no headers", parent.ThreadId, []string{"Subject: Re: Logo files for the printer"}, false},
		{"another subject", parent.ThreadId, []string{"Subject: Logos", "In-Reply-To: " + id}, false},
		{"the Gmail id instead of the Message-ID", parent.ThreadId, []string{"Subject: Re: Logo files for the printer", "In-Reply-To: <" + parent.Id + ">"}, false},
		{"no threadId", "", []string{"Subject: Re: Logo files for the printer", "In-Reply-To: " + id}, false},
	} {
		sent, err := s.send(mail("x", append([]string{"To: nora@kestrel.example"}, tt.lines...)...), tt.thread)
		if err != nil {
			t.Fatal(err)
		}
		if got := sent.ThreadId == parent.ThreadId; got != tt.joins {
			t.Errorf("%s: joined %v, want %v", tt.name, got, tt.joins)
		}
	}
}

func TestAnAnswerJoinsTheThreadWhereItArrives(t *testing.T) {
	s := play(t, standin.Config{})
	dana := signIn(t, s.World, s.url, "dana.whitfield@example.com")
	first, err := s.send(mail("x", "To: dana.whitfield@example.com", "Subject: Lunch"), "")
	if err != nil {
		t.Fatal(err)
	}
	got := dana.one(t, "subject:lunch")
	_, err = dana.send(mail("y", "To: "+standin.DefaultUser, "Subject: Re: Lunch", "In-Reply-To: "+header(got.Payload, "Message-ID")), got.ThreadId)
	if err != nil {
		t.Fatal(err)
	}
	th, err := s.users.Threads.Get("me", first.ThreadId).Do()
	if err != nil || len(th.Messages) != 2 {
		t.Errorf("%v: thread %+v", err, th)
	}
}

func TestHeadersAreChangedAndNothingElse(t *testing.T) {
	s := play(t, standin.Config{})
	var body strings.Builder
	for i := range 256 {
		fmt.Fprintf(&body, "%c%c line %d \r\n", i, 255-i, i)
	}
	raw := mail(body.String(), "To: dana.whitfield@example.com", "Subject: a long\r\n\tfolded subject", "X-Odd:no space")
	sent, err := s.send(raw, "")
	if err != nil {
		t.Fatal(err)
	}
	_, stored := s.copyOf(t, sent.Id)
	if !strings.HasSuffix(stored, "\r\n\r\n"+body.String()) || !strings.Contains(stored, "Subject: a long\r\n\tfolded subject\r\nX-Odd:no space\r\n") {
		t.Errorf("stored\n%q", stored)
	}
}
