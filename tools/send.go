package tools

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type sendIn struct {
	To                []string `json:"to" required:"true" doc:"Addresses, plain or as Name <address>"`
	Subject           string   `json:"subject" required:"true"`
	Body              string   `json:"body" required:"true" doc:"Plain text"`
	HTMLBody          string   `json:"htmlBody" doc:"The same as HTML, if wanted"`
	Cc                []string `json:"cc"`
	Bcc               []string `json:"bcc"`
	From              string   `json:"from" doc:"One of the account's own addresses; default: its main one"`
	ConfirmationToken string   `json:"confirmationToken" doc:"From the previous answer, after the user agreed"`
}

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
	Preview           string          `json:"preview,omitempty"`
	Attachments       []attachment    `json:"attachments"`
	Note              string          `json:"note,omitempty"`
}

type recipients struct {
	To  []string `json:"to"`
	Cc  []string `json:"cc"`
	Bcc []string `json:"bcc"`
}

// previewChars is how much of a body a confirmation repeats, in characters.
const previewChars = 1000

// gate says in the tool's description what will happen to a mail.
func (p SendPolicy) gate() string {
	switch {
	case p.mode == draftOnly:
		return "Saves a draft instead of sending; the user sends it. "
	case p.mode == sendDirectly:
		return "Sends at once. "
	case len(p.allow) > 0:
		return "Sends at once to some recipients. For others "
	default:
		return "Sends in two steps. First "
	}
}

func sendEmail(cfg Config) mcpserver.ServerTool {
	description := "Sends a mail. " + cfg.Send.gate()
	if cfg.Send.mode == confirmFirst {
		description += "it answers confirmation_required: show the user recipients, subject and body, " +
			"and only when they agree repeat the call with the confirmationToken. "
	}
	description += "If outcome is unknown, look in Sent before trying again."
	return define(cfg, definition{
		name:        "send_email",
		title:       "Send mail",
		description: description,
		effect:      effect{destructive: cfg.Send.mode != draftOnly, openWorld: true},
	}, func(ctx context.Context, in sendIn) (*sendOut, error) {
		mail, bare, err := outgoing(in)
		if err != nil {
			return nil, err
		}
		if cfg.Send.mode == draftOnly {
			receipt, err := cfg.Mailbox.Draft(ctx, mail)
			return receiptAnswer(receipt, mail, err)
		}
		if cfg.Send.unasked(bare) {
			receipt, err := cfg.Mailbox.Send(ctx, mail)
			return receiptAnswer(receipt, mail, err)
		}
		return confirmAndSend(ctx, cfg, mail, in.ConfirmationToken)
	})
}

// confirmAndSend sends a mail that comes with a good token, and asks otherwise.
func confirmAndSend(ctx context.Context, cfg Config, mail mailbox.Outgoing, token string) (*sendOut, error) {
	why := confirmed
	if token = strings.TrimSpace(token); token != "" {
		c, v, err := redeem(ctx, cfg.Confirmations, token, mail, cfg.now())
		if err != nil {
			return nil, err
		}
		if v == confirmed {
			receipt, err := cfg.Mailbox.Send(ctx, mail)
			if err != nil && ctx.Err() == nil {
				if failure := restore(ctx, cfg.Confirmations, c, cfg.now()); failure != nil {
					err = errors.Join(err, failure)
				}
			}
			return receiptAnswer(receipt, mail, err)
		}
		why = v
	}
	token, ends, err := issue(ctx, cfg.Confirmations, mail, cfg.now())
	if err != nil {
		return nil, err
	}
	return &sendOut{
		Outcome:           mailbox.NotSent,
		ConfirmationToken: token,
		ExpiresAt:         ends.UTC().Format(time.RFC3339),
		From:              mail.From,
		Recipients:        recipients{copied(mail.To), copied(mail.Cc), copied(mail.Bcc)},
		Subject:           mail.Subject,
		Preview:           preview(mail),
		Attachments:       []attachment{},
		Note:              string(why),
	}, nil
}

// outgoing checks what can be checked without Gmail and returns the mail with
// its recipients in one canonical spelling, and their bare addresses. The gate
// judges exactly what is sent: there is no second reading of an address by
// which a recipient could slip through.
func outgoing(in sendIn) (mail mailbox.Outgoing, bare []string, err error) {
	mail = mailbox.Outgoing{Subject: in.Subject, Text: in.Body, HTML: in.HTMLBody}
	for _, field := range []struct {
		name  string
		given []string
		to    *[]string
	}{{"to", in.To, &mail.To}, {"cc", in.Cc, &mail.Cc}, {"bcc", in.Bcc, &mail.Bcc}} {
		for i, s := range field.given {
			a, err := parseAddress(fmt.Sprintf("%s[%d]", field.name, i), s)
			if err != nil {
				return mail, nil, err
			}
			*field.to = append(*field.to, spell(a))
			bare = append(bare, a.Address)
		}
	}
	if len(bare) == 0 {
		return mail, nil, invalid("to", "", "the mail has no recipient")
	}
	if in.From != "" {
		a, err := parseAddress("from", in.From)
		if err != nil {
			return mail, nil, err
		}
		mail.From = spell(a)
	}
	if strings.ContainsFunc(in.Subject, unicode.IsControl) {
		return mail, nil, invalid("subject", "Write it on one line.", "subject contains a line break or another control character")
	}
	if in.Body == "" && in.HTMLBody == "" {
		return mail, nil, invalid("body", "", "the mail has no body")
	}
	return mail, bare, nil
}

func parseAddress(name, s string) (*netmail.Address, error) {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return nil, invalid(name, "", "%s contains a line break or another control character", name)
	}
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return nil, invalid(name, "Give one address an element, as user@example.com or Name <user@example.com>.", "%s is not a mail address", name)
	}
	return a, nil
}

// spell writes an address in RFC 5322 form, readable for people: a name that
// is not ASCII stays as it is, for the mailbox to encode.
func spell(a *netmail.Address) string {
	bare := strings.Trim((&netmail.Address{Address: a.Address}).String(), "<>")
	return address(mailbox.Address{Name: a.Name, Email: bare})
}

func receiptAnswer(r mailbox.Receipt, mail mailbox.Outgoing, err error) (*sendOut, error) {
	if err != nil {
		return nil, err
	}
	out := &sendOut{
		Outcome:     r.Outcome,
		MessageID:   r.ID,
		ThreadID:    r.ThreadID,
		DraftID:     r.DraftID,
		From:        mail.From,
		Recipients:  recipients{copied(mail.To), copied(mail.Cc), copied(mail.Bcc)},
		Subject:     mail.Subject,
		Attachments: []attachment{},
		Note:        r.Note,
	}
	// What was really sent counts more than what was asked for.
	for _, echo := range []struct {
		sent []mailbox.Address
		out  *[]string
	}{{r.To, &out.Recipients.To}, {r.Cc, &out.Recipients.Cc}, {r.Bcc, &out.Recipients.Bcc}} {
		if len(echo.sent) > 0 {
			*echo.out = addresses(echo.sent, len(echo.sent))
		}
	}
	return out, nil
}

func copied(items []string) []string { return append([]string{}, items...) }

// preview is the beginning of the body, and what else there is.
func preview(mail mailbox.Outgoing) string {
	body := mail.Text
	if body == "" {
		body = mail.HTML
	}
	s := shorten(body, previewChars)
	if n := utf8.RuneCountInString(body); n > previewChars {
		s += fmt.Sprintf("\n[%d characters in all]", n)
	}
	if mail.Text != "" && mail.HTML != "" {
		s += fmt.Sprintf("\n[with an HTML version of %d characters, which mail programs show instead]", utf8.RuneCountInString(mail.HTML))
	}
	return s
}

func (o *sendOut) summary() summary {
	if o.ConfirmationToken != "" {
		return summary{status: ConfirmationRequired, local: true}
	}
	return summary{status: OK}
}

// render has nothing to fence: all of it comes from the caller.
func (o *sendOut) render(fence, string) string {
	var b strings.Builder
	b.WriteString(o.headline() + "\n")
	for _, h := range []struct{ name, value string }{
		{"From", o.From},
		{"To", strings.Join(o.Recipients.To, ", ")},
		{"Cc", strings.Join(o.Recipients.Cc, ", ")},
		{"Bcc", strings.Join(o.Recipients.Bcc, ", ")},
		{"Subject", o.Subject},
	} {
		if h.value != "" {
			fmt.Fprintf(&b, "%s: %s\n", h.name, h.value)
		}
	}
	if o.ConfirmationToken == "" {
		return strings.TrimSpace(b.String())
	}
	fmt.Fprintf(&b, "Attachments: none\n\n%s\n\n", o.Preview)
	fmt.Fprintf(&b, "Only after the user agreed, call send_email again with exactly the same arguments and confirmationToken %q "+
		"(for one use, until %s). Any change needs a new confirmation.", o.ConfirmationToken, o.ExpiresAt)
	return b.String()
}

// headline says what happened, and how sure that is.
func (o *sendOut) headline() string {
	var s string
	switch {
	case o.ConfirmationToken != "":
		s = "Nothing was sent. Show the user this mail and ask whether to send it."
		if o.Note != "" {
			return o.Note + " " + s
		}
		return s
	case o.Outcome == mailbox.Sent:
		s = "Sent: message " + o.MessageID + prefixed(", thread ", o.ThreadID) + "."
	case o.Outcome == mailbox.Drafted:
		s = "Not sent, but saved as draft " + o.DraftID + prefixed(" (message ", o.MessageID) + prefixed(", thread ", o.ThreadID)
		if o.MessageID != "" {
			s += ")"
		}
		s += ": this server only writes drafts. The user can send it."
	case o.Outcome == mailbox.Unknown:
		s = "It is unknown whether the mail was sent. Do not send it again before the user has looked in Sent."
	default:
		s = "Not sent."
	}
	return s + prefixed(" ", o.Note)
}
