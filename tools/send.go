package tools

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type sendIn struct {
	letterIn
	DraftID           string `json:"draftId" doc:"Send this draft as it is, instead of all of the above"`
	ConfirmationToken string `json:"confirmationToken" doc:"From the previous answer, after the user agreed"`
	AllowDuplicate    bool   `json:"allowDuplicate" default:"false" doc:"Even if the same mail went out within 10 minutes"`
}

type sendOut struct {
	Outcome           mailbox.Outcome `json:"outcome" enum:"sent,not_sent,unknown,drafted,duplicate"`
	MessageID         string          `json:"messageId,omitempty"`
	ThreadID          string          `json:"threadId,omitempty"`
	DraftID           string          `json:"draftId,omitempty"`
	ConfirmationToken string          `json:"confirmationToken,omitempty"`
	ExpiresAt         string          `json:"expiresAt,omitempty" schema:"-"`
	WebLink           string          `json:"webLink,omitempty" schema:"-"`
	From              string          `json:"from,omitempty" schema:"-"`
	ReplyTo           []string        `json:"replyTo,omitempty" schema:"-"`
	Recipients        recipients      `json:"recipients" schema:"-"`
	Subject           string          `json:"subject" schema:"-"`
	Preview           string          `json:"preview,omitempty"`
	TextPartDiffers   bool            `json:"textPartDiffers,omitempty" schema:"-"`
	HiddenChars       int             `json:"hiddenChars,omitempty" schema:"-"`
	InvisibleChars    int             `json:"invisibleChars,omitempty" schema:"-"`
	Attachments       []attachment    `json:"attachments" schema:"-"`
	Note              string          `json:"note,omitempty"`

	// tool is the one that wrote the mail.
	tool string
	// saved: it was to become a draft.
	saved bool
	// derived: what it says comes from other mail, in part.
	derived bool
	// draftsOnly: no tool of this server would send the draft.
	draftsOnly bool
}

type recipients struct {
	To  []string `json:"to"`
	Cc  []string `json:"cc"`
	Bcc []string `json:"bcc"`
}

// describe says in the tool's description what will happen to a mail.
func (p SendPolicy) describe() string {
	const (
		two = "If the client cannot ask the user itself, the first call sends nothing and answers confirmation_required with the mail as it would go out: " +
			"show that to the user, and only when they agree repeat the call with the same arguments and the confirmationToken. "
		unknown = "If outcome is unknown, look in Sent before trying again."
	)
	switch {
	case p.mode == draftOnly:
		return "Writes a draft; sends nothing. The user sends it from Gmail. If outcome is unknown, look in the drafts before trying again."
	case p.mode == sendDirectly:
		return "Sends a mail at once. " + unknown
	case len(p.allow) > 0:
		return "Sends a mail: at once to recipients that were set to need no asking, else once the user agrees. " + two + unknown
	default:
		return "Sends a mail once the user agrees. " + two + unknown
	}
}

func sendEmail(cfg Config) mcpserver.ServerTool {
	title := "Send mail"
	if cfg.Send.mode == draftOnly {
		title = "Draft mail"
	}
	return define(cfg, definition{
		name:        "send_email",
		title:       title,
		description: cfg.Send.describe(),
		effect:      effect{destructive: cfg.Send.mode != draftOnly, openWorld: true},
	}, func(ctx context.Context, in sendIn) (*sendOut, error) {
		e := errand{tool: "send_email", token: in.ConfirmationToken, repeat: in.AllowDuplicate}
		var err error
		if in.DraftID == "" {
			e.mail, err = in.compose(ctx, cfg)
			e.derived = in.derived()
		} else {
			e.mail, err = openedDraft(ctx, cfg, in)
			e.derived = true
			if past := gateOf(cfg).gone(ctx, in.DraftID, err); past != nil {
				past.tool = e.tool
				return past, nil
			}
		}
		if err != nil {
			return nil, err
		}
		return dispatch(ctx, cfg, e)
	})
}

// openedDraft returns the draft that is to be sent.
func openedDraft(ctx context.Context, cfg Config, in sendIn) (mailbox.Outgoing, error) {
	switch {
	case cfg.Send.mode == draftOnly:
		return mailbox.Outgoing{}, invalid("draftId", "The user sends it from Gmail.", "this server only writes drafts, and sends none")
	case !in.empty():
		return mailbox.Outgoing{}, invalid("draftId", "Change the draft with draft_email first, then send it.", "a draft is sent as it is, without other arguments")
	}
	return cfg.Mailbox.OpenDraft(ctx, in.DraftID)
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
		WebLink:     r.WebLink,
		From:        mail.From,
		ReplyTo:     mail.ReplyTo,
		Recipients:  recipients{copied(mail.To), copied(mail.Cc), copied(mail.Bcc)},
		Subject:     shownSubject(mail.Subject),
		Attachments: []attachment{},
		Note:        r.Note,
	}
	for _, f := range mail.Attachments {
		out.Attachments = append(out.Attachments, attachment{Name: line(f.Name), Type: f.Type, Size: int64(len(f.Content))})
	}
	// What is really sent counts more than what was asked for.
	if r.From != (mailbox.Address{}) {
		out.From = address(r.From)
	}
	for _, echo := range []struct {
		sent []mailbox.Address
		out  *[]string
	}{{r.ReplyTo, &out.ReplyTo}, {r.To, &out.Recipients.To}, {r.Cc, &out.Recipients.Cc}, {r.Bcc, &out.Recipients.Bcc}} {
		if len(echo.sent) > 0 {
			*echo.out = addresses(echo.sent, len(echo.sent))
		}
	}
	return out
}

// shownSubject is a subject for somebody who agrees to it. It may be that of
// another mail, which is answered with it as it was.
func shownSubject(s string) string {
	shown, _ := mailbox.Reveal(s)
	return line(shown)
}

func copied(items []string) []string { return append([]string{}, items...) }

func (o *sendOut) summary() summary {
	if o.ConfirmationToken != "" {
		return summary{status: ConfirmationRequired}
	}
	return summary{status: OK}
}

// writeHeader writes what a user knows a mail by.
func (o *sendOut) writeHeader(b *strings.Builder) {
	for _, h := range []struct{ name, value string }{
		{"From", o.From},
		{"Reply-To", strings.Join(o.ReplyTo, ", ")},
		{"To", strings.Join(o.Recipients.To, ", ")},
		{"Cc", strings.Join(o.Recipients.Cc, ", ")},
		{"Bcc", strings.Join(o.Recipients.Bcc, ", ")},
		{"Subject", o.Subject},
	} {
		if h.value != "" {
			fmt.Fprintf(b, "%s: %s\n", h.name, h.value)
		}
	}
}

// render puts a fence around what comes from other mail. Otherwise there is
// nothing to fence: all of it comes from the caller.
func (o *sendOut) render(f fence, _ string) string {
	var b, shown strings.Builder
	b.WriteString(o.headline() + "\n")
	o.writeHeader(&shown)
	if len(o.Attachments) > 0 || o.Preview != "" {
		names := make([]string, len(o.Attachments))
		for i, a := range o.Attachments {
			names[i] = fmt.Sprintf("%s (%s, %d bytes)", a.Name, a.Type, a.Size)
		}
		if len(names) == 0 {
			names = []string{"none"}
		}
		fmt.Fprintf(&shown, "Attachments: %s\n", strings.Join(names, "; "))
	}
	if o.Preview != "" {
		shown.WriteString("\n" + o.Preview + "\n")
	}
	if text := strings.TrimSpace(shown.String()); o.derived {
		b.WriteString(f.around(text) + "\n")
		o.Preview = f.around(o.Preview)
	} else {
		b.WriteString(text + "\n")
	}
	if o.ConfirmationToken == "" {
		return strings.TrimSpace(b.String())
	}
	fmt.Fprintf(&b, "\nOnly after the user agreed, call %s again with exactly the same arguments and confirmationToken %q "+
		"(for one use, until %s). Any change needs a new confirmation.", o.tool, o.ConfirmationToken, o.ExpiresAt)
	return b.String()
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
		s = "Sent" + prefixed(": message ", o.MessageID) + prefixed(", thread ", o.ThreadID) + "."
	case o.Outcome == mailbox.Drafted:
		s = "Not sent, but saved as draft " + o.DraftID + prefixed(" (message ", o.MessageID) + prefixed(", thread ", o.ThreadID)
		if o.MessageID != "" {
			s += ")"
		}
		if o.draftsOnly {
			s += ": this server only writes drafts. The user can send it."
		} else {
			s += ". The user can look at it in Gmail; send_email with this draftId sends it."
		}
		s += prefixed(" Open it: ", o.WebLink)
	case o.Outcome == duplicate:
		s = "Not sent again" + prefixed(": it is message ", o.MessageID) + prefixed(", thread ", o.ThreadID) + "."
	case o.Outcome == mailbox.Unknown:
		s = "It is unknown whether the mail was sent. Do not send it again before the user has looked in Sent."
		if o.saved || o.draftsOnly {
			s = "It is unknown whether the draft was saved."
		}
	default:
		s = "Not sent."
	}
	return s + prefixed(" ", o.Note)
}
