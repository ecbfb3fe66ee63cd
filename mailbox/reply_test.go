package mailbox_test

import (
	"bytes"
	"errors"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

const alias = "alex@rivera-studio.example"

// codeIs reports whether err is an explained one with a code.
func codeIs(err error, code string) bool {
	e, ok := errors.AsType[*mailbox.Error](err)
	return ok && e.Code == code
}

// TestProblem12AnswersStayInTheirThread: an answer needs Gmail's thread, the
// Message-ID of its parent with all ids before that, and the subject.
func TestProblem12AnswersStayInTheirThread(t *testing.T) {
	for _, test := range []struct {
		name, headers, subject, references string
	}{
		{
			"a first mail", "Message-ID: <p@example.net>\r\nSubject: Lunch",
			"Re: Lunch", "<p@example.net>",
		},
		{
			"the end of a conversation", "Message-ID: <p@example.net>\r\nIn-Reply-To: <b@example.net>\r\nReferences: <a@example.net>\r\n <b@example.net>\r\nSubject: RE: Lunch",
			"RE: Lunch", "<a@example.net> <b@example.net> <p@example.net>",
		},
		{
			"a parent without References", "Message-ID: <p@example.net>\r\nIn-Reply-To: <b@example.net>\r\nSubject: re:Lunch",
			"re:Lunch", "<b@example.net> <p@example.net>",
		},
		{
			"an answer to several mails without References", "Message-ID: <p@example.net>\r\nIn-Reply-To: <a@example.net> <b@example.net>\r\nSubject: Lunch",
			"Re: Lunch", "<p@example.net>",
		},
		{
			"no subject", "Message-ID: <p@example.net>",
			"Re:", "<p@example.net>",
		},
		{
			"a word that begins like one", "Message-ID: <p@example.net>\r\nSubject: Report",
			"Re: Report", "<p@example.net>",
		},
		{
			"a subject in another charset", "Message-ID: <p@example.net>\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=",
			"Re: Grüße", "<p@example.net>",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			id := r.deliver(test.headers + "\r\nFrom: Ann <ann@example.net>\r\nTo: " + standin.DefaultUser + "\r\n\r\nHello.\r\n")
			parent, err := r.Read(t.Context(), id, mailbox.Markdown)
			if err != nil {
				t.Fatal(err)
			}
			o, err := r.Reply(t.Context(), id, mailbox.Answering{})
			if err != nil {
				t.Fatal(err)
			}
			o.Text = "Yes."
			receipt, err := r.Send(t.Context(), o)
			if err != nil || receipt.Outcome != mailbox.Sent {
				t.Fatalf("got %+v, %v; want sent", receipt, err)
			}
			if receipt.ThreadID != parent.ThreadID {
				t.Errorf("got thread %q, want that of the parent, %q", receipt.ThreadID, parent.ThreadID)
			}
			sent := sentMail(t, r)
			if got := decoded(t, sent, "Subject"); got != test.subject {
				t.Errorf("got subject %q, want %q", got, test.subject)
			}
			if got := sent.Header.Get("In-Reply-To"); got != "<p@example.net>" {
				t.Errorf("got In-Reply-To %q", got)
			}
			if got := sent.Header.Get("References"); got != test.references {
				t.Errorf("got References %q, want %q", got, test.references)
			}
		})
	}
}

func TestAMailWithoutMessageIDIsNotAnswered(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, header := range []string{"", "Message-ID: none\r\n", "Message-ID: <a b>\r\n"} {
		id := r.deliver(header + "From: ann@example.net\r\nSubject: x\r\n\r\nx\r\n")
		if o, err := r.Reply(t.Context(), id, mailbox.Answering{}); !codeIs(err, "not_threadable") {
			t.Errorf("%q: got %+v, %v; want not_threadable", header, o, err)
		}
	}
}

func TestAnAnswerReachesThoseItShould(t *testing.T) {
	const me = standin.DefaultUser
	for _, test := range []struct {
		name, headers string
		all           bool
		to, cc        []string
		from          string
	}{
		{
			name:    "the author",
			headers: "From: Ann <ann@example.net>\r\nTo: " + me + ", bob@example.net\r\nCc: cy@example.net",
			to:      []string{`"Ann" <ann@example.net>`}, from: me,
		},
		{
			name:    "Reply-To instead of the author, all of it",
			headers: "From: ann@example.net\r\nReply-To: desk@example.net, Bob <bob@example.net>\r\nTo: " + me,
			to:      []string{"desk@example.net", `"Bob" <bob@example.net>`}, from: me,
		},
		{
			name:    "own mail goes where it went",
			headers: "From: " + me + "\r\nReply-To: ann@example.net\r\nTo: bob@example.net\r\nCc: cy@example.net",
			to:      []string{"bob@example.net"}, from: me,
		},
		{
			name:    "everybody, each once, without the account's own addresses",
			headers: "From: ann@example.net\r\nTo: Alex.Rivera+list@Example.com, bob@example.net, ANN@example.net\r\nCc: " + alias + ", cy@example.net, bob@example.net",
			all:     true,
			to:      []string{"ann@example.net", "bob@example.net"}, cc: []string{"cy@example.net"}, from: me,
		},
		{
			name:    "everybody who got a mail of one's own",
			headers: "From: " + alias + "\r\nTo: bob@example.net\r\nCc: cy@example.net, " + me,
			all:     true,
			to:      []string{"bob@example.net"}, cc: []string{"cy@example.net"}, from: alias,
		},
		{
			name:    "from the address that received the mail",
			headers: "From: ann@example.net\r\nTo: list@example.net\r\nCc: " + alias,
			to:      []string{"ann@example.net"}, from: alias,
		},
		{
			name:    "from the address it was delivered to",
			headers: "Delivered-To: " + alias + "\r\nFrom: ann@example.net\r\nTo: undisclosed-recipients:;",
			to:      []string{"ann@example.net"}, from: alias,
		},
		{
			name:    "a note to oneself",
			headers: "From: " + me + "\r\nTo: " + me,
			all:     true,
			to:      []string{me}, from: me,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			id := r.deliver("Message-ID: <p@example.net>\r\nSubject: x\r\n" + test.headers + "\r\n\r\nHello.\r\n")
			o, err := r.Reply(t.Context(), id, mailbox.Answering{All: test.all})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{bare(t, test.to), bare(t, test.cc)}, [][]string{bare(t, o.To), bare(t, o.Cc)}); diff != "" {
				t.Errorf("To and Cc (-want +got):\n%s", diff)
			}
			if got := bare(t, []string{o.From}); !slices.Equal(got, []string{test.from}) {
				t.Errorf("got from %q, want %q", got, test.from)
			}
		})
	}
}

// TestProblem24AnAnswerHasItsOwnIdentity: it comes from the address that was
// written to, with the signature of that address, once and above the quote.
func TestProblem24AnAnswerHasItsOwnIdentity(t *testing.T) {
	r := newRig(t, standin.Config{})
	for _, test := range []struct {
		name, to, body string
		signatures     int
	}{
		{"an address with a signature", standin.DefaultUser, "Yes.", 1},
		{"a body that is signed already", standin.DefaultUser, "Yes.\n\n-- \nAlex Rivera\nProduct, Harbor & Pine", 1},
		{"an address without a signature", alias, "Yes.", 0},
	} {
		id := r.deliver("Message-ID: <p@example.net>\r\nFrom: Ann <ann@example.net>\r\nTo: " + test.to + "\r\nSubject: x\r\n\r\nComing?\r\n")
		o, err := r.Reply(t.Context(), id, mailbox.Answering{Quote: true})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		o.Text, o.Markdown = test.body, true
		if o, err = r.WithSignature(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if _, err := r.Send(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := bare(t, []string{sentMail(t, r).Header.Get("From")}); got[0] != test.to {
			t.Errorf("%s: got from %q, want %q", test.name, got, test.to)
		}
		text, html := o.Bodies()
		for form, body := range map[string]string{"text": text, "HTML": html} {
			if got := strings.Count(body, "Harbor &"); got != test.signatures {
				t.Errorf("%s: got %d signatures in the %s, want %d:\n%s", test.name, got, form, test.signatures, body)
			}
			if strings.LastIndex(body, "Harbor &") > strings.Index(body, "wrote:") {
				t.Errorf("%s: the signature is below the quote in the %s:\n%s", test.name, form, body)
			}
			if !strings.Contains(body, "Coming?") {
				t.Errorf("%s: nothing is quoted in the %s:\n%s", test.name, form, body)
			}
		}
		if !strings.Contains(text, "\n> Coming?") {
			t.Errorf("%s: got text %q, want the quote marked", test.name, text)
		}
	}
}

// sentMail returns what was sent last.
func sentMail(t *testing.T, r *rig) *mail.Message {
	t.Helper()
	all := r.world.Sent(standin.DefaultUser)
	if len(all) == 0 {
		t.Fatal("nothing was sent")
	}
	msg, err := mail.ReadMessage(bytes.NewReader(all[len(all)-1].Raw))
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func bare(t *testing.T, list []string) []string {
	t.Helper()
	var out []string
	for _, s := range list {
		a, err := mail.ParseAddress(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		out = append(out, a.Address)
	}
	return out
}

func decoded(t *testing.T, msg *mail.Message, field string) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get(field))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
