package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// drafted saves a draft that has one of everything.
func drafted(t *testing.T, r *rig) mailbox.Receipt {
	t.Helper()
	id := r.deliver(parent + "From: bo@example.net\r\nTo: " + standin.DefaultUser + "\r\n\r\nHello\r\n")
	o, err := r.Reply(t.Context(), id, mailbox.Answering{Quote: true})
	if err != nil {
		t.Fatal(err)
	}
	o.Text, o.Markdown = "I **think** so.", true
	o.Cc, o.Bcc = []string{"cy@example.net"}, []string{"di@example.net"}
	o.Attachments = []mailbox.File{{Attachment: mailbox.Attachment{Name: "Plan ä.pdf", Type: "application/pdf"}, Content: []byte("%PDF\x00\r\n")}}
	receipt, err := r.Draft(t.Context(), o)
	if err != nil || receipt.Outcome != mailbox.Drafted || receipt.ThreadID != id {
		t.Fatalf("got %+v, %v; want a draft in thread %s", receipt, err, id)
	}
	return receipt
}

func open(t *testing.T, r *rig, id string) mailbox.Outgoing {
	t.Helper()
	o, err := r.OpenDraft(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAChangedDraftKeepsWhatWasNotChanged(t *testing.T) {
	r := newRig(t, standin.Config{})
	first := drafted(t, r)
	before := open(t, r, first.DraftID)
	if before.Draft.MessageID != first.ID || before.Thread.ID != first.ThreadID || before.Thread.InReplyTo != "p@example.net" ||
		!slices.Equal(before.Bcc, []string{"<di@example.net>"}) || len(before.Attachments) != 1 || !strings.Contains(before.HTML, "<strong>think</strong>") {
		t.Fatalf("the draft is read as %+v", before)
	}
	changed := before
	changed.To = []string{"ed@example.net"}
	receipt, err := r.Draft(t.Context(), changed)
	if err != nil || receipt.Outcome != mailbox.Drafted || receipt.DraftID != first.DraftID || receipt.ID == first.ID || receipt.ThreadID != first.ThreadID {
		t.Fatalf("got %+v, %v; want the same draft with another message", receipt, err)
	}
	after := open(t, r, first.DraftID)
	changed.To, changed.Draft = []string{"<ed@example.net>"}, after.Draft
	if diff := cmp.Diff(changed, after); diff != "" {
		t.Errorf("the draft (-wanted +read):\n%s", diff)
	}
}

func TestADraftIsSentAsItWasRead(t *testing.T) {
	r := newRig(t, standin.Config{})
	first := drafted(t, r)
	o := open(t, r, first.DraftID)
	checked, err := r.Check(t.Context(), o)
	if err != nil || checked.Outcome != mailbox.NotSent || len(checked.Bcc) != 1 || checked.From.Email != standin.DefaultUser {
		t.Errorf("checked: got %+v, %v", checked, err)
	}
	receipt, err := r.Send(t.Context(), o)
	if err != nil || receipt.Outcome != mailbox.Sent || receipt.ThreadID != first.ThreadID || receipt.ID == first.ID {
		t.Fatalf("got %+v, %v; want sent", receipt, err)
	}
	sent := r.world.Sent(standin.DefaultUser)
	if len(sent) != 1 || len(sent[0].Recipients) != 3 || !bytes.Contains(sent[0].Raw, []byte("%C3%A4.pdf")) {
		t.Errorf("sent: %+v", sent)
	}
	receipt, err = r.Send(t.Context(), o)
	if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "draft_not_found" || receipt.Outcome != mailbox.NotSent || !strings.Contains(e.Message, "nothing was sent") {
		t.Errorf("a second time: got %+v, %v; want draft_not_found", receipt, err)
	}
}

func TestADraftThatChangedIsNotSent(t *testing.T) {
	r := newRig(t, standin.Config{})
	o := open(t, r, drafted(t, r).DraftID)
	changed := o
	changed.Text = "I think not."
	if _, err := r.Draft(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	_, err := r.Send(t.Context(), o)
	if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "draft_changed" || len(r.world.Sent(standin.DefaultUser)) != 0 {
		t.Errorf("got %v, want draft_changed", err)
	}
}

func TestADraftMayLackRecipientsButIsNotSentSo(t *testing.T) {
	r := newRig(t, standin.Config{})
	receipt, err := r.Draft(t.Context(), mailbox.Outgoing{Text: "For later."})
	if err != nil || receipt.Outcome != mailbox.Drafted {
		t.Fatalf("got %+v, %v; want drafted", receipt, err)
	}
	o := open(t, r, receipt.DraftID)
	for name, try := range map[string]func() error{
		"sent":    func() error { _, err := r.Send(t.Context(), o); return err },
		"checked": func() error { _, err := r.Check(t.Context(), o); return err },
	} {
		if e, ok := errors.AsType[*mailbox.Error](try()); !ok || e.Code != "no_recipient" {
			t.Errorf("%s: got %v, want no_recipient", name, e)
		}
	}
}

// TestWhatBecameOfADraftIsFoundOut breaks the connection at every request that
// changes a draft, after and before Gmail acted.
func TestWhatBecameOfADraftIsFoundOut(t *testing.T) {
	for _, test := range []struct {
		name, method, path string
		large              bool
		do                 func(context.Context, *rig, mailbox.Outgoing) (mailbox.Receipt, error)
		done               mailbox.Outcome
	}{
		{"created", "POST", "/drafts", false, func(ctx context.Context, r *rig, o mailbox.Outgoing) (mailbox.Receipt, error) {
			o.Draft = mailbox.Draft{}
			return r.Draft(ctx, o)
		}, mailbox.Drafted},
		{"changed", "PUT", "/drafts/", false, func(ctx context.Context, r *rig, o mailbox.Outgoing) (mailbox.Receipt, error) {
			return r.Draft(ctx, o)
		}, mailbox.Drafted},
		{"uploaded", "PUT", "/drafts/", true, func(ctx context.Context, r *rig, o mailbox.Outgoing) (mailbox.Receipt, error) {
			return r.Draft(ctx, o)
		}, mailbox.Drafted},
		{"sent", "POST", "/drafts/send", false, func(ctx context.Context, r *rig, o mailbox.Outgoing) (mailbox.Receipt, error) {
			return r.Send(ctx, o)
		}, mailbox.Sent},
		{"sent without a mark", "POST", "/drafts/send", false, func(ctx context.Context, r *rig, o mailbox.Outgoing) (mailbox.Receipt, error) {
			o.Draft.Mark = ""
			return r.Send(ctx, o)
		}, mailbox.Sent}, // the mail in Sent has a mark, and it is another one
		{"sent as an upload", "POST", "/messages/send", true, func(ctx context.Context, r *rig, o mailbox.Outgoing) (mailbox.Receipt, error) {
			o.Draft = mailbox.Draft{}
			return r.Send(ctx, o)
		}, mailbox.Sent},
	} {
		for _, applied := range []bool{true, false} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, standin.Config{})
					o := open(t, r, drafted(t, r).DraftID)
					if test.large {
						o.Attachments[0].Content = make([]byte, 5<<20)
					}
					tries := 0
					r.world.SetFault(func(req *http.Request) *standin.Fault {
						if req.Method != test.method || !strings.Contains(req.URL.Path, test.path) {
							return nil
						}
						tries++
						return &standin.Fault{HangUp: true, Applied: applied}
					})
					receipt, err := test.do(t.Context(), r, o)
					want, fails := test.done, false
					switch {
					case !applied && test.path == "/drafts/send": // the draft is still there
						want, fails = mailbox.NotSent, true
					case !applied:
						want = mailbox.Unknown
					}
					if (err != nil) != fails || receipt.Outcome != want || tries != 1 {
						t.Fatalf("applied %t: got %+v, %v after %d tries; want %s after one", applied, receipt, err, tries, want)
					}
					if want == mailbox.Drafted && (receipt.ID == "" || receipt.DraftID == "") || want == mailbox.Unknown && receipt.Note == "" {
						t.Errorf("applied %t: got %+v", applied, receipt)
					}
				})
			})
		}
	}
}

// TestADraftThatIsGoneWasSent breaks the connection at the sending of a draft,
// and what would tell the outcome as well.
func TestADraftThatIsGoneWasSent(t *testing.T) {
	for _, test := range []struct {
		name    string
		applied bool
		also    []string // paths that fail from then on
		want    mailbox.Outcome
		found   bool // the mail that it became
	}{
		{"it went out", true, nil, mailbox.Sent, true},
		{"it went out and the history is silent", true, []string{"/history"}, mailbox.Sent, false},
		{"it did not go out", false, nil, mailbox.NotSent, false},
		{"it did not go out and the history is silent", false, []string{"/history"}, mailbox.NotSent, false},
		{"it went out and nothing answers", true, []string{"/history", "/drafts/"}, mailbox.Unknown, false},
		{"it did not go out and nothing answers", false, []string{"/history", "/drafts/"}, mailbox.Unknown, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Config{})
				o := open(t, r, drafted(t, r).DraftID)
				broken := false
				r.world.SetFault(func(req *http.Request) *standin.Fault {
					if strings.Contains(req.URL.Path, "/drafts/send") {
						broken = true
						return &standin.Fault{HangUp: true, Applied: test.applied}
					}
					if broken && slices.ContainsFunc(test.also, func(part string) bool { return strings.Contains(req.URL.Path, part) }) {
						return &standin.Fault{Status: http.StatusServiceUnavailable}
					}
					return nil
				})
				receipt, err := r.Send(t.Context(), o)
				if receipt.Outcome != test.want || (receipt.ID != "") != test.found || len(receipt.To) == 0 {
					t.Errorf("got %+v, want %s", receipt, test.want)
				}
				if (receipt.Note != "") != (err == nil && !test.found) {
					t.Errorf("the note is %q", receipt.Note)
				}
				e, ok := errors.AsType[*mailbox.Error](err)
				if (err != nil) != (test.want == mailbox.NotSent) || ok && (e.Code != "unavailable" || e.RetryAfter == 0 || !strings.Contains(e.Message, "nothing was sent")) {
					t.Errorf("got %v", err)
				}
				if got := len(r.world.Sent(standin.DefaultUser)); (got == 1) != test.applied {
					t.Errorf("%d mails were sent", got)
				}
			})
		})
	}
}

func TestADraftThatChangedDuringAnUnclearSendIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		o := open(t, r, drafted(t, r).DraftID)
		r.world.SetFault(faultFor("/drafts/send", &standin.Fault{HangUp: true}))
		time.AfterFunc(time.Second, func() {
			changed := o
			changed.Text = "I think not."
			_, _ = r.Draft(t.Context(), changed)
		})
		if receipt, err := r.Send(t.Context(), o); err != nil || receipt.Outcome != mailbox.Unknown {
			t.Errorf("got %+v, %v; want unknown", receipt, err)
		}
	})
}

func TestADraftWrittenInGmailIsFoundAfterAnUnclearSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		page := r.search(t, mailbox.Query{Text: "in:drafts", Max: 1})
		o := open(t, r, page.Items[0].DraftID)
		if o.Draft.Mark != "" {
			t.Fatal("the seeded draft has a mark")
		}
		r.world.SetFault(faultFor("/drafts/send", &standin.Fault{HangUp: true, Applied: true}))
		if receipt, err := r.Send(t.Context(), o); err != nil || receipt.Outcome != mailbox.Sent {
			t.Errorf("got %+v, %v; want sent", receipt, err)
		}
	})
}

func TestDeletingADraft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		byDraft, byMessage, lost, kept := drafted(t, r), drafted(t, r), drafted(t, r), drafted(t, r)
		for name, id := range map[string]string{"its id": byDraft.DraftID, "its message's id": byMessage.ID} {
			if _, unclear, err := r.DeleteDraft(t.Context(), id); unclear || err != nil {
				t.Errorf("by %s: got %t, %v", name, unclear, err)
			}
			_, _, err := r.DeleteDraft(t.Context(), id)
			if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "draft_not_found" {
				t.Errorf("by %s again: got %v, want draft_not_found", name, err)
			}
		}
		fault := func(applied bool) func(*http.Request) *standin.Fault {
			return func(req *http.Request) *standin.Fault {
				if req.Method == http.MethodDelete {
					return &standin.Fault{HangUp: true, Applied: applied}
				}
				return nil
			}
		}
		r.world.SetFault(fault(true))
		if id, unclear, err := r.DeleteDraft(t.Context(), lost.DraftID); unclear || err != nil || id != lost.DraftID {
			t.Errorf("the connection is lost after it: got %q, %t, %v; want deleted", id, unclear, err)
		}
		r.world.SetFault(fault(false))
		if _, unclear, err := r.DeleteDraft(t.Context(), kept.DraftID); !unclear || err != nil {
			t.Errorf("the connection is lost before it: got %t, %v; want unclear", unclear, err)
		}
		if _, _, err := r.DeleteDraft(t.Context(), "../x"); err == nil {
			t.Error("an id that is a path is accepted")
		}
	})
}
