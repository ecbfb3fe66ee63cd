package mailbox_test

import (
	"bytes"
	"errors"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const (
	studio = "alex@rivera-studio.example" // an alias of the account
	parent = "Message-ID: <p@example.net>\r\nSubject: Plan\r\n"
)

func TestAReplyGoesWhereItsParentWantsIt(t *testing.T) {
	const me = standin.DefaultUser
	for _, test := range []struct {
		name, header string
		all          bool
		to, cc, from string
	}{
		{"to the author", "From: Bo <bo@example.net>\r\nTo: " + me, false, `"Bo" <bo@example.net>`, "", me},
		{"to Reply-To, all of it", "From: bo@example.net\r\nReply-To: a@example.net, B <b@example.net>\r\nTo: " + me, false, `<a@example.net> "B" <b@example.net>`, "", me},
		{"past a Reply-To without an address", "From: bo@example.net\r\nReply-To: nobody\r\nTo: " + me, false, "<bo@example.net>", "", me},
		{"to several authors", "From: a@example.net, b@example.net\r\nSender: s@example.net\r\nTo: " + me, false, "<a@example.net> <b@example.net>", "", me},
		{"to the sender, for want of an author", "From: Bo\r\nSender: s@example.net\r\nTo: " + me, false, "<s@example.net>", "", me},
		{"from the address that received it", "From: bo@example.net\r\nTo: Studio <" + studio + ">", false, "<bo@example.net>", "", studio},
		{"from the address that a list delivered to", "From: bo@example.net\r\nTo: list@example.net\r\nDelivered-To: " + studio, false, "<bo@example.net>", "", studio},
		{"of a blind copy, from the main address", "From: bo@example.net\r\nTo: list@example.net", false, "<bo@example.net>", "", ""},
		{
			"to all, without oneself", "From: bo@example.net\r\nTo: " + me + ", c@example.net, BO@example.net\r\nCc: d@example.net, " + studio + ", c@example.net", true,
			"<bo@example.net> <c@example.net>", "<d@example.net>", me,
		},
		{"to all, without a tagged self", "From: bo@example.net\r\nTo: Alex.Rivera+list@example.com", true, "<bo@example.net>", "", me},
		{"to all, with a tag of an address that lives elsewhere", "From: bo@example.net\r\nTo: Alex+list@rivera-studio.example", true, "<bo@example.net> <Alex+list@rivera-studio.example>", "", ""},
		{"to all, with somebody whose name lacks a dot", "From: bo@example.net\r\nTo: alexrivera@example.com", true, "<bo@example.net> <alexrivera@example.com>", "", ""},
		{"to the author alone", "From: bo@example.net\r\nTo: " + me + "\r\nCc: d@example.net", false, "<bo@example.net>", "", me},
		{"to a mail of one's own", "From: " + studio + "\r\nTo: bo@example.net\r\nCc: cy@example.net", false, "<bo@example.net>", "", studio},
		{"to all of a mail of one's own", "From: " + me + "\r\nTo: bo@example.net, " + studio + "\r\nCc: cy@example.net", true, "<bo@example.net>", "<cy@example.net>", me},
		{"to a note to oneself", "From: " + me + "\r\nTo: " + me, true, "<" + me + ">", "", me},
		{"to a name that shows another address", `From: "ceo@example.com" <bo@example.net>` + "\r\nTo: " + me, false, "<bo@example.net>", "", me},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			id := r.deliver(parent + test.header + "\r\n\r\nHello\r\n")
			got, err := r.Reply(t.Context(), id, mailbox.Answering{All: test.all})
			if err != nil {
				t.Fatal(err)
			}
			to, cc := strings.Join(got.To, " "), strings.Join(got.Cc, " ")
			if to != test.to || cc != test.cc || !strings.Contains(got.From, test.from) || (got.From == "") != (test.from == "") {
				t.Errorf("goes to %s, cc %s, from %s; want %s, %s, %s", to, cc, got.From, test.to, test.cc, test.from)
			}
		})
	}
}

func TestWhichAddressesAreOneMailbox(t *testing.T) {
	for _, one := range []struct {
		own, other, account string
		same                bool
	}{
		{"anna.berg@gmail.com", "AnnaBerg+shop@googlemail.com", "anna.berg@gmail.com", true},
		{"anna.berg@gmail.com", "annaberg@gmail.com", "anna@work.example", true},
		{"anna.berg@work.example", "Anna.Berg+shop@Work.Example", "anna@work.example", true},
		{"anna.berg@work.example", "annaberg@work.example", "anna@work.example", false},
		{"anna@club.example", "anna+shop@club.example", "anna@work.example", false},
		{"anna@club.example", "ANNA@club.example", "anna@work.example", true},
		{"anna@work.example", "anna+shop@work.example", "", false},
		{"anna@gmail.com", "anna@gmail.example", "anna@gmail.com", false},
		{"anna@gmail.com", "+x@gmail.com", "anna@gmail.com", false},
	} {
		if got := mailbox.FoldedIdentity(one.own, one.account) == mailbox.FoldedIdentity(one.other, one.account); got != one.same {
			t.Errorf("%s and %s in the mailbox of %q: one %v, want %v", one.own, one.other, one.account, got, one.same)
		}
	}
}

func TestAReplySaysItsSubjectOnce(t *testing.T) {
	for subject, want := range map[string]string{
		"Plan": "Re: Plan", "Re: Plan": "Re: Plan", "RE: Plan": "RE: Plan", "re[2]: Plan": "re[2]: Plan", "Fwd: Plan": "Re: Fwd: Plan",
		"Reply needed": "Re: Reply needed", "": "Re:", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=": "Re: Grüße", "a\r\n b": "Re: a b", "=?utf-8?q?a=0D=0AX-Evil:1?=": "Re: a  X-Evil:1",
	} {
		r := newRig(t, standin.Config{})
		id := r.deliver("Message-ID: <p@example.net>\r\nFrom: bo@example.net\r\nSubject: " + subject + "\r\n\r\nHello\r\n")
		if got, err := r.Reply(t.Context(), id, mailbox.Answering{}); err != nil || got.Subject != want {
			t.Errorf("%q is answered with %q, %v; want %q", subject, got.Subject, err, want)
		}
	}
}

// TestProblem12RepliesThreadForBothSides sends replies and looks where they end
// up, for the account and in their header.
func TestProblem12RepliesThreadForBothSides(t *testing.T) {
	r := newRig(t, standin.Config{})
	first := r.deliver("Message-ID: <1@example.net>\r\nFrom: bo@example.net\r\nTo: " + standin.DefaultUser + "\r\nSubject: Plan\r\n\r\nHello\r\n")
	second := r.deliver("Message-ID: <2@example.net>\r\nIn-Reply-To: <1@example.net>\r\nReferences: <0@example.net>\r\n <1@example.net>\r\n" +
		"From: bo@example.net\r\nTo: " + standin.DefaultUser + "\r\nSubject: Re: Plan\r\n\r\nHello?\r\n")
	for id, want := range map[string]string{
		first:  "<1@example.net>",
		second: "<0@example.net> <1@example.net> <2@example.net>",
	} {
		reply, err := r.Reply(t.Context(), id, mailbox.Answering{})
		if err != nil {
			t.Fatal(err)
		}
		reply.Text = "Yes."
		receipt, err := r.Send(t.Context(), reply)
		if err != nil || receipt.ThreadID != first {
			t.Errorf("got %+v, %v; want a mail in thread %s", receipt, err, first)
		}
		sent := r.world.Sent(standin.DefaultUser)
		msg, err := mail.ReadMessage(bytes.NewReader(sent[len(sent)-1].Raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := msg.Header.Get("References"); got != want || !strings.HasSuffix(want, msg.Header.Get("In-Reply-To")) {
			t.Errorf("References %s, In-Reply-To %s; want %s and the last of them", got, msg.Header.Get("In-Reply-To"), want)
		}
	}
}

func TestAReplyThatWouldNotThreadIsRefused(t *testing.T) {
	r := newRig(t, standin.Config{})
	for name, header := range map[string]string{
		"no Message-ID":               "",
		"a Message-ID that is none":   "Message-ID: here\r\n",
		"a Message-ID with spaces":    "Message-ID: <a b@example.net>\r\n",
		"a Message-ID that is a book": "Message-ID: <" + strings.Repeat("x", 1000) + "@example.net>\r\n",
	} {
		id := r.deliver(header + "From: bo@example.net\r\nSubject: Plan\r\n\r\nHello\r\n")
		_, err := r.Reply(t.Context(), id, mailbox.Answering{})
		if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "not_threadable" {
			t.Errorf("%s: got %v, want not_threadable", name, err)
		}
	}
	draft, err := r.Draft(t.Context(), letter)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Reply(t.Context(), draft.ID, mailbox.Answering{})
	if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "not_threadable" {
		t.Errorf("a draft: got %v, want not_threadable", err)
	}
	id := r.deliver(parent + "\r\nHello\r\n")
	_, err = r.Reply(t.Context(), id, mailbox.Answering{})
	if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "no_recipient" {
		t.Errorf("a mail from nobody: got %v, want no_recipient", err)
	}
}

func TestAReplyQuotesWhatItsReaderSaw(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.deliver(parent + "From: Bo <bo@example.net>\r\nDate: Mon, 23 Nov 2026 09:15:00 +0000\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
		`<p>One</p><p style="display:none">secret</p><blockquote>Two</blockquote><script>x()</script></div></blockquote><p onclick="y()">Three</p>`)
	reply, err := r.Reply(t.Context(), id, mailbox.Answering{Quote: true, Zone: time.FixedZone("", 3600)})
	if err != nil {
		t.Fatal(err)
	}
	line, text, _ := strings.Cut(reply.Quoted.Text, "\n")
	if !strings.HasPrefix(line, "On ") || !strings.HasSuffix(line, ", Bo <bo@example.net> wrote:") {
		t.Errorf("the quote begins with %q", line)
	}
	if diff := cmp.Diff("> One\n>\n>> Two\n>\n> Three", text); diff != "" {
		t.Errorf("the quote (-want +got):\n%s", diff)
	}
	for _, unwanted := range []string{"secret", "script", "onclick"} {
		if strings.Contains(reply.Quoted.HTML+reply.Quoted.Text, unwanted) {
			t.Errorf("the quote has %q", unwanted)
		}
	}
	if got := reply.Quoted.HTML; strings.Count(got, "<div") != strings.Count(got, "</div>") || strings.Count(got, "<blockquote") != strings.Count(got, "</blockquote>") {
		t.Errorf("the quote ends in the middle:\n%s", got)
	}

	// Plain text is not taken for HTML, and a long one is cut.
	id = r.deliver(parent + "From: bo@example.net\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n<b>x</b>\r\n" + strings.Repeat("word\r\n", 10_000))
	if reply, err = r.Reply(t.Context(), id, mailbox.Answering{Quote: true}); err != nil {
		t.Fatal(err)
	}
	if got := reply.Quoted; !strings.Contains(got.HTML, "&lt;b&gt;x&lt;/b&gt;<br>") || len(got.Text) > 20_000 || !strings.HasSuffix(got.Text, "\n> [...]") {
		t.Errorf("a long quote of %d and %d bytes: %.300s", len(got.Text), len(got.HTML), got.HTML)
	}
}

func TestAForwardHasTheTextAndEveryAttachment(t *testing.T) {
	r := newRig(t, standin.Config{})
	page := r.search(t, mailbox.Query{Text: "subject:(quarterly report draft) has:attachment", Max: 1})
	if len(page.Items) == 0 {
		t.Fatal("the mail with attachments is not there")
	}
	id := page.Items[0].ID
	m, err := r.Read(t.Context(), id, mailbox.Text)
	if err != nil {
		t.Fatal(err)
	}
	fwd, err := r.Forward(t.Context(), id, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(fwd.Attachments) != len(m.Attachments) || len(m.Attachments) == 0 {
		t.Fatalf("%d attachments come along, want %d", len(fwd.Attachments), len(m.Attachments))
	}
	for i, a := range m.Attachments {
		f := fwd.Attachments[i]
		want, err := r.Attachment(t.Context(), id, a.PartID, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f); diff != "" || len(f.Content) == 0 {
			t.Errorf("attachment %d (-original +forwarded):\n%s", i, diff)
		}
	}
	for _, want := range []string{"---------- Forwarded message", "From: " + m.From.Name, "Subject: " + m.Subject} {
		if !strings.Contains(fwd.Quoted.Text, want) {
			t.Errorf("the forward lacks %q:\n%s", want, fwd.Quoted.Text)
		}
	}
	if !strings.HasPrefix(fwd.Subject, "Fwd: ") || fwd.Thread.InReplyTo != "" {
		t.Errorf("got subject %q in thread %v", fwd.Subject, fwd.Thread)
	}
	if fwd, err = r.Forward(t.Context(), id, false, nil); err != nil || len(fwd.Attachments) != 0 {
		t.Errorf("without attachments: %d, %v", len(fwd.Attachments), err)
	}
}

func TestAForwardThatLosesAnAttachmentFails(t *testing.T) {
	r := newRig(t, standin.Config{})
	page := r.search(t, mailbox.Query{Text: "subject:(quarterly report draft) has:attachment", Max: 1})
	r.world.SetFault(faultFor("/attachments/", standin.InsufficientScope()))
	if _, err := r.Forward(t.Context(), page.Items[0].ID, true, nil); err == nil {
		t.Error("the forward lacks an attachment and says nothing")
	}
}

func TestTheSignatureIsThatOfTheSenderOnce(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, test := range []struct {
		name string
		mail mailbox.Outgoing
		want string
	}{
		{"from the main address", mailbox.Outgoing{Text: "Hi"}, "-- \nAlex Rivera\nProduct, Harbor & Pine"},
		{"from an alias without one", mailbox.Outgoing{Text: "Hi", From: studio}, ""},
		{"below one that is written", mailbox.Outgoing{Text: "Hi\n\nAlex Rivera\nProduct, Harbor & Pine\n"}, ""},
		{"below one that is written as HTML", mailbox.Outgoing{HTML: "<p>Hi</p><p>Alex Rivera<br>Product, Harbor &amp; Pine</p>"}, ""},
		{"below the first name", mailbox.Outgoing{Text: "Hi\n\nAlex"}, "-- \nAlex Rivera\nProduct, Harbor & Pine"},
		{"a second time", mailbox.Outgoing{Text: "Hi", Signature: mailbox.Passage{Text: "-- \nAlex"}}, "-- \nAlex Rivera\nProduct, Harbor & Pine"},
	} {
		got, err := r.WithSignature(t.Context(), test.mail)
		if err != nil || got.Signature.Text != test.want || (got.Signature.HTML == "") != (test.want == "") {
			t.Errorf("%s: got %q, %v; want %q", test.name, got.Signature.Text, err, test.want)
		}
	}
	other := newRig(t, standin.Config{})
	other.world.SetFault(faultFor("/settings/sendAs", standin.InsufficientScope()))
	if got, err := other.WithSignature(t.Context(), mailbox.Outgoing{Text: "Hi"}); err != nil || got.Signature.Text != "" {
		t.Errorf("out of reach: got %q, %v; want none", got.Signature.Text, err)
	}
}

// A large mail is uploaded, arrives as it was, and joins its thread.
func TestALargeMailIsUploaded(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.deliver(parent + "From: bo@example.net\r\n\r\nHello\r\n")
	reply, err := r.Reply(t.Context(), id, mailbox.Answering{})
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
	reply.Text = "Here."
	reply.Attachments = []mailbox.File{{Attachment: mailbox.Attachment{Name: "big.bin", Type: "application/octet-stream"}, Content: content}}
	receipt, err := r.Send(t.Context(), reply)
	if err != nil || receipt.Outcome != mailbox.Sent || receipt.ThreadID != id {
		t.Fatalf("got %+v, %v; want sent in thread %s", receipt, err, id)
	}
	uploads := 0
	for _, s := range r.world.Seen() {
		if strings.HasPrefix(s.Path, "/upload/") {
			uploads++
		}
	}
	if uploads != 1 {
		t.Errorf("%d uploads, want 1", uploads)
	}
	f, err := r.Attachment(t.Context(), receipt.ID, "1", 1<<30)
	if err != nil || !bytes.Equal(f.Content, content) {
		t.Errorf("%d bytes arrive, %v; want %d", len(f.Content), err, len(content))
	}
	if sent := r.world.Sent(standin.DefaultUser); len(sent) != 1 || !bytes.Contains(sent[0].Raw, []byte("References: <p@example.net>")) {
		t.Error("the upload lost the header")
	}
}
