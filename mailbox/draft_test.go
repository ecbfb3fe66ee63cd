package mailbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// whole has everything that a draft can have.
func whole(r *rig) mailbox.Outgoing {
	parent := r.deliver("Message-ID: <p@example.net>\r\nReferences: <a@example.net>\r\nFrom: ann@example.net\r\nSubject: Plan\r\n\r\nx\r\n")
	return mailbox.Outgoing{
		To: []string{"<bo@example.net>"}, Cc: []string{"<cy@example.net>"}, Bcc: []string{"<di@example.net>"},
		From: "<" + alias + ">", Subject: "Re: Plan", Text: "Grüße\n\nline two\n", HTML: `<p>Grüße</p><img src="cid:pic@x">`,
		Attachments: []mailbox.File{
			{Attachment: mailbox.Attachment{Name: "報告 \"1\".csv", Type: "text/csv"}, Content: []byte("a\r\nb\nc\xff")},
			{Attachment: mailbox.Attachment{Name: "pic.png", Type: "image/png"}, ContentID: "pic@x", Content: []byte("\x89PNG")},
			{Attachment: mailbox.Attachment{Name: "mail.eml", Type: "application/octet-stream"}, Content: []byte("From: x\n\nx\n")},
		},
		Thread: mailbox.Threading{ID: parent, InReplyTo: "p@example.net", References: []string{"a@example.net"}},
	}
}

func TestADraftIsReadBackAsItWasWritten(t *testing.T) {
	r := newRig(t, standin.Config{})
	want := whole(r)
	saved, err := r.Draft(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.OpenDraft(t.Context(), saved.DraftID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Draft.ID != saved.DraftID || got.Draft.MessageID != saved.ID || got.Draft.Mark == "" {
		t.Errorf("got draft %+v, want that of %+v", got.Draft, saved)
	}
	for _, o := range []*mailbox.Outgoing{&want, &got} {
		o.To, o.Cc, o.Bcc = bare(t, o.To), bare(t, o.Cc), bare(t, o.Bcc)
		o.From = bare(t, []string{o.From})[0]
		o.Text = strings.TrimSpace(o.Text)
		o.HTML = strings.TrimSpace(o.HTML)
		slices.SortFunc(o.Attachments, func(a, b mailbox.File) int { return strings.Compare(a.Name, b.Name) })
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(mailbox.Outgoing{}, "Draft"), cmpopts.IgnoreFields(mailbox.File{}, "Size", "Inline", "Charset")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAChangedDraftKeepsItsIDAndIsSentOnce(t *testing.T) {
	r := newRig(t, standin.Config{})
	first, err := r.Draft(t.Context(), whole(r))
	if err != nil {
		t.Fatal(err)
	}
	old, err := r.OpenDraft(t.Context(), first.DraftID)
	if err != nil {
		t.Fatal(err)
	}
	changed := old
	changed.Text, changed.HTML = "New\n", ""
	second, err := r.Draft(t.Context(), changed)
	if err != nil || second.DraftID != first.DraftID || second.ID == first.ID || second.ThreadID != first.ThreadID {
		t.Fatalf("got %+v, %v; want draft %s in thread %s with another message", second, err, first.DraftID, first.ThreadID)
	}
	if receipt, err := r.Send(t.Context(), old); !codeIs(err, "draft_changed") || receipt.Outcome != mailbox.NotSent {
		t.Errorf("what it was: got %+v, %v; want draft_changed", receipt, err)
	}
	now, err := r.OpenDraft(t.Context(), first.DraftID)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := r.Send(t.Context(), now)
	if err != nil || receipt.Outcome != mailbox.Sent || receipt.ThreadID != first.ThreadID {
		t.Fatalf("what it is: got %+v, %v; want sent in thread %s", receipt, err, first.ThreadID)
	}
	sent := r.world.Sent(standin.DefaultUser)
	if len(sent) != 1 || strings.Join(sent[0].Recipients, " ") != "bo@example.net cy@example.net di@example.net" {
		t.Errorf("got %v sent, want one to all three", sent)
	}
	if receipt, err := r.Send(t.Context(), now); !codeIs(err, "draft_not_found") || receipt.Outcome != mailbox.NotSent {
		t.Errorf("once more: got %+v, %v; want draft_not_found", receipt, err)
	}
}

func TestADraftIsDeletedByEitherOfItsIDs(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, by := range []func(mailbox.Receipt) string{
		func(m mailbox.Receipt) string { return m.DraftID },
		func(m mailbox.Receipt) string { return m.ID },
	} {
		saved, err := r.Draft(t.Context(), mailbox.Outgoing{Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if id, unclear, err := r.DeleteDraft(t.Context(), by(saved)); id != saved.DraftID || unclear || err != nil {
			t.Errorf("got %q, %t, %v; want %q deleted", id, unclear, err, saved.DraftID)
		}
		if _, err := r.OpenDraft(t.Context(), saved.DraftID); !codeIs(err, "draft_not_found") {
			t.Errorf("got %v, want the draft gone", err)
		}
		if _, _, err := r.DeleteDraft(t.Context(), saved.DraftID); !codeIs(err, "draft_not_found") {
			t.Errorf("once more: got %v, want draft_not_found", err)
		}
	}
	inbox := r.deliver("From: ann@example.net\r\nSubject: x\r\n\r\nx\r\n")
	if _, _, err := r.DeleteDraft(t.Context(), inbox); !codeIs(err, "draft_not_found") {
		t.Errorf("a mail that is no draft: got %v, want draft_not_found", err)
	}
	if _, _, err := r.DeleteDraft(t.Context(), "../messages/"+inbox); err == nil {
		t.Error("a path was taken for an id")
	}
}

func TestAnUnclearDraftIsLookedUp(t *testing.T) {
	for _, test := range []struct {
		name, path string
		fault      standin.Fault
		send       bool
		want       mailbox.Outcome
	}{
		{"saved, and the answer lost", "/drafts", standin.Fault{Status: 502, Body: "{}", Applied: true}, false, mailbox.Drafted},
		{"not saved, and no answer", "/drafts", standin.Fault{Status: 503, Body: "{}"}, false, mailbox.Unknown},
		{"sent, and the answer lost", "/drafts/send", standin.Fault{HangUp: true, Applied: true}, true, mailbox.Sent},
		{"not sent, and no answer", "/drafts/send", standin.Fault{HangUp: true}, true, mailbox.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				r.warm(t)
				o := letter
				if test.send {
					saved, err := r.Draft(t.Context(), o)
					if err == nil {
						o, err = r.OpenDraft(t.Context(), saved.DraftID)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				r.world.ForgetSeen()
				r.world.SetFault(onPost(test.path, &test.fault))
				act := r.Draft
				if test.send {
					act = r.Send
				}
				receipt, err := act(t.Context(), o)
				if err != nil || receipt.Outcome != test.want {
					t.Fatalf("got %+v, %v; want %s", receipt, err, test.want)
				}
				if test.want == mailbox.Drafted {
					if _, err := r.OpenDraft(t.Context(), receipt.DraftID); err != nil {
						t.Errorf("draft %q: %v", receipt.DraftID, err)
					}
				}
				posts := 0
				for _, s := range r.world.Seen() {
					if s.Method == "POST" {
						posts++
					}
				}
				if posts != 1 {
					t.Errorf("got %d requests that change something, want 1", posts)
				}
			})
		})
	}
}

// TestALargeMailIsUploaded: above 5 MB the mail goes beside its metadata, and
// keeps its thread.
func TestALargeMailIsUploaded(t *testing.T) {
	r := newRig(t, standin.Config{})
	o := whole(r)
	o.Attachments[0].Content = make([]byte, 6<<20)
	receipt, err := r.Send(t.Context(), o)
	if err != nil || receipt.Outcome != mailbox.Sent {
		t.Fatalf("got %+v, %v; want sent", receipt, err)
	}
	var uploads int
	for _, s := range r.world.Seen() {
		if s.Method == "POST" && strings.HasPrefix(s.Path, "/upload/") {
			uploads++
		}
	}
	if uploads != 1 {
		t.Errorf("got %d uploads, want 1", uploads)
	}
	parent, err := r.Read(t.Context(), o.Thread.ID, mailbox.Markdown)
	if err != nil || receipt.ThreadID != parent.ThreadID {
		t.Errorf("got thread %q, want %q (%v)", receipt.ThreadID, parent.ThreadID, err)
	}
	o.Attachments[1].Content = make([]byte, 14<<20)
	if _, err := r.Send(t.Context(), o); !codeIs(err, "too_large") || !strings.Contains(err.Error(), "attachments[1] 19.") {
		t.Errorf("more than 25 MB: got %v, want too_large with the sizes", err)
	}
}

func TestProblem16AMailIsForwardedWithAllOfItsAttachments(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.deliver("Message-ID: <p@example.net>\r\nFrom: Ann <ann@example.net>\r\nTo: bob@example.net\r\nSubject: Files\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n" +
		"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''%E5%A0%B1.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0A\r\n" +
		"--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\na,b\r\n--b--\r\n")
	with, err := r.Forward(t.Context(), id, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range with.Attachments {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"報.pdf", "a.csv"}) || string(with.Attachments[0].Content) != "%PDF-\x00" {
		t.Errorf("got attachments %q", names)
	}
	if with.Subject != "Fwd: Files" || with.Thread.InReplyTo != "" {
		t.Errorf("got subject %q and thread %+v", with.Subject, with.Thread)
	}
	text, _ := with.Bodies()
	for _, part := range []string{"Forwarded message", "From: Ann <ann@example.net>", "To: bob@example.net", "Subject: Files", "See below."} {
		if !strings.Contains(text, part) {
			t.Errorf("got text %q, want %q in it", text, part)
		}
	}
	with.To = []string{"cy@example.net"}
	if receipt, err := r.Send(t.Context(), with); err != nil || receipt.Outcome != mailbox.Sent {
		t.Errorf("got %+v, %v; want sent", receipt, err)
	}
	without, err := r.Forward(t.Context(), id, false, nil)
	if err != nil || len(without.Attachments) != 0 {
		t.Errorf("without: got %d attachments, %v", len(without.Attachments), err)
	}
	r.world.SetFault(faultFor("/attachments/", &standin.Fault{Status: 404, Body: "{}"}))
	if o, err := r.Forward(t.Context(), id, true, nil); err == nil {
		t.Errorf("one that fails: got %d attachments, want an error", len(o.Attachments))
	}
}

// onPost is a fault of the requests that change something.
func onPost(path string, f *standin.Fault) func(*http.Request) *standin.Fault {
	return func(r *http.Request) *standin.Fault {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, path) {
			return f
		}
		return nil
	}
}
