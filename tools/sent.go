package tools

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"linkmail/mailbox"
)

type sendOut struct {
	Outcome           mailbox.Outcome `json:"outcome" enum:"sent,not_sent,unknown,drafted"`
	MessageID         string          `json:"messageId,omitempty"`
	ThreadID          string          `json:"threadId,omitempty"`
	DraftID           string          `json:"draftId,omitempty"`
	ConfirmationToken string          `json:"confirmationToken,omitempty"`
	ExpiresAt         string          `json:"expiresAt,omitempty"`
	From              string          `json:"from,omitempty"`
	Recipients        recipients      `json:"recipients"`
	Subject           string          `json:"subject"`
	// Preview is fenced where it holds what others wrote.
	Preview         string     `json:"preview,omitempty"`
	TextPartDiffers bool       `json:"textPartDiffers,omitempty"`
	HiddenChars     int        `json:"hiddenChars,omitempty"`
	InvisibleChars  int        `json:"invisibleChars,omitempty"`
	Attachments     []attached `json:"attachments"`
	Note            string     `json:"note,omitempty"`

	tool    string // that was called
	foreign bool   // something of the mail comes from another one, or from a draft
}

// attached is a file that goes along.
type attached struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Size is in bytes.
	Size int64 `json:"size"`
}

// briefOut is the answer of a tool that leaves it to send_email to describe all
// of it.
type briefOut struct{ *sendOut }

func (*briefOut) described() reflect.Type {
	return reflect.TypeFor[struct {
		Outcome           mailbox.Outcome `json:"outcome"`
		MessageID         string          `json:"messageId"`
		ThreadID          string          `json:"threadId"`
		DraftID           string          `json:"draftId"`
		ConfirmationToken string          `json:"confirmationToken"`
		Preview           string          `json:"preview"`
	}]()
}

type recipients struct {
	To  []string `json:"to"`
	Cc  []string `json:"cc"`
	Bcc []string `json:"bcc"`
}

func receiptAnswer(r mailbox.Receipt, mail mailbox.Outgoing, err error) (*sendOut, error) {
	if err != nil {
		return nil, err
	}
	return answerOf(r, mail), nil
}

// answerOf tells what became, or is to become, of a mail.
func answerOf(r mailbox.Receipt, mail mailbox.Outgoing) *sendOut {
	out := &sendOut{
		Outcome:     r.Outcome,
		MessageID:   r.ID,
		ThreadID:    cmp.Or(r.ThreadID, mail.Thread.ID),
		DraftID:     cmp.Or(r.DraftID, mail.Draft.ID),
		From:        line(mail.From),
		Recipients:  recipients{copied(mail.To), copied(mail.Cc), copied(mail.Bcc)},
		Subject:     line(cmp.Or(r.Subject, mail.Subject)),
		Attachments: []attached{},
		Note:        r.Note,
		foreign:     mail.Thread.ID != "" || mail.Quoted != mailbox.Passage{},
	}
	for _, f := range mail.Attachments {
		out.Attachments = append(out.Attachments, attached{line(f.Name), line(f.Type), int64(len(f.Content))})
	}
	// What is really sent counts more than what was asked for.
	if r.From != (mailbox.Address{}) {
		out.From = address(r.From)
	}
	for _, echo := range []struct {
		sent []mailbox.Address
		out  *[]string
	}{{r.To, &out.Recipients.To}, {r.Cc, &out.Recipients.Cc}, {r.Bcc, &out.Recipients.Bcc}} {
		if len(echo.sent) > 0 {
			*echo.out = addresses(echo.sent, len(echo.sent))
		}
	}
	return out
}

// previewed is an answer that shows the mail.
func previewed(r mailbox.Receipt, mail mailbox.Outgoing) *sendOut {
	out, shown := answerOf(r, mail), previewOf(mail)
	out.Preview = shown.Text
	out.HiddenChars, out.InvisibleChars, out.TextPartDiffers = shown.HiddenChars, shown.InvisibleChars, shown.TextPartDiffers
	return out
}

func copied(items []string) []string { return append([]string{}, items...) }

func (o *sendOut) summary() summary {
	if o.ConfirmationToken != "" {
		return summary{status: ConfirmationRequired}
	}
	return summary{status: OK}
}

// render fences the mail if others have written some of it.
func (o *sendOut) render(f fence, _ string) string {
	var b strings.Builder
	for _, h := range []struct{ name, value string }{
		{"From", o.From},
		{"To", strings.Join(o.Recipients.To, ", ")},
		{"Cc", strings.Join(o.Recipients.Cc, ", ")},
		{"Bcc", strings.Join(o.Recipients.Bcc, ", ")},
		{"Subject", o.Subject},
		{"Attachments", o.attachments()},
	} {
		if h.value != "" {
			fmt.Fprintf(&b, "%s: %s\n", h.name, h.value)
		}
	}
	if o.Preview != "" {
		b.WriteString("\n" + o.Preview)
	}
	mail := strings.TrimSpace(b.String())
	if o.foreign {
		mail, o.Preview = f.around(mail), f.around(o.Preview)
	}
	text := o.headline() + "\n" + mail
	if o.ConfirmationToken != "" {
		text += fmt.Sprintf("\n\nOnly after the user agreed, call %s again with exactly the same arguments and confirmationToken %q "+
			"(for one use, until %s). Any change needs a new confirmation.", cmp.Or(o.tool, "send_email"), o.ConfirmationToken, o.ExpiresAt)
	}
	return text
}

// attachments names what goes along. Whoever is to agree is told, too, that
// nothing does.
func (o *sendOut) attachments() string {
	if len(o.Attachments) == 0 && o.Preview != "" {
		return "none"
	}
	names := make([]string, len(o.Attachments))
	for i, a := range o.Attachments {
		names[i] = fmt.Sprintf("%q (%s, %d bytes)", a.Name, a.Type, a.Size)
	}
	return strings.Join(names, ", ")
}

// headline says what happened, and how sure that is.
func (o *sendOut) headline() string {
	var s string
	switch {
	case o.ConfirmationToken != "":
		s = "Nothing was sent. Show the user this mail and ask whether to send it"
		switch {
		case o.DraftID != "":
			s += ": it is draft " + o.DraftID
		case o.ThreadID != "":
			s += ": it goes into thread " + o.ThreadID
		}
		s += "."
		if o.Note != "" {
			return o.Note + " " + s
		}
		return s
	case o.Outcome == mailbox.Sent:
		s = "Sent: message " + o.MessageID + prefixed(", thread ", o.ThreadID) + "."
	case o.Outcome == mailbox.Drafted:
		s = "Nothing was sent; it is saved as draft " + o.DraftID + " (message " + o.MessageID + prefixed(", thread ", o.ThreadID) + ")."
	case o.Outcome == mailbox.Unknown:
		s = "It is unknown whether the mail was sent. Do not send it again before the user has looked in Sent."
		if o.tool == "draft_email" {
			s = "It is unknown whether the draft was saved."
		}
	default:
		s = "Not sent."
	}
	return s + prefixed(" ", o.Note)
}
