package tools

import (
	"context"
	"regexp"
	"strings"

	"linkmail/mailbox"
)

// writer is what writing a mail needs of the mailbox.
type writer interface {
	// WithSignature returns the mail with the signature of its sender, once.
	WithSignature(ctx context.Context, mail mailbox.Outgoing) (mailbox.Outgoing, error)
	// Reply returns a mail without a body that answers another.
	Reply(ctx context.Context, id string, how mailbox.Answering) (mailbox.Outgoing, error)
	// OpenDraft returns a draft with all of its content.
	OpenDraft(ctx context.Context, id string) (mailbox.Outgoing, error)
	// Attachment returns a part of a mail, of at most limit bytes.
	Attachment(ctx context.Context, id, partID string, limit int64) (mailbox.File, error)
}

// composed are the arguments that a mail is written from.
type composed struct {
	To               []string    `json:"to" doc:"Addresses, plain or as Name <address>"`
	Subject          string      `json:"subject"`
	Body             string      `json:"body" doc:"Markdown or plain text"`
	HTMLBody         string      `json:"htmlBody"`
	Cc               []string    `json:"cc"`
	Bcc              []string    `json:"bcc"`
	From             string      `json:"from" doc:"Another address of the account"`
	ReplyToMessageID string      `json:"replyToMessageId" doc:"Joins the thread of that mail"`
	Attachments      []enclosure `json:"attachments"`
	Signature        bool        `json:"signature" default:"true"`
	DraftID          string      `json:"draftId" doc:"An existing draft"`
}

// written reports whether any of the mail itself is given.
func (in composed) written() bool {
	return in.To != nil || in.Cc != nil || in.Bcc != nil || in.Attachments != nil ||
		in.Subject+in.Body+in.HTMLBody+in.From+in.ReplyToMessageID != ""
}

// write puts a new mail together, from what the caller gave and, for an answer,
// from the mail that is answered.
func (in composed) write(ctx context.Context, cfg Config) (mailbox.Outgoing, error) {
	var mail mailbox.Outgoing
	if in.ReplyToMessageID != "" {
		var err error
		if mail, err = cfg.Mailbox.Reply(ctx, in.ReplyToMessageID, mailbox.Answering{}); err != nil {
			return mail, err
		}
		if in.To != nil {
			mail.Cc = nil // they are the ones whom the caller wants to write to
		}
	}
	return in.change(ctx, cfg, mail)
}

// change gives a mail what the caller gave, and leaves the rest as it is.
func (in composed) change(ctx context.Context, cfg Config, mail mailbox.Outgoing) (mailbox.Outgoing, error) {
	if err := in.address(&mail); err != nil {
		return mail, err
	}
	if err := in.entitle(&mail); err != nil {
		return mail, err
	}
	if in.Body != "" || in.HTMLBody != "" {
		mail.Text, mail.HTML, mail.Markdown = withoutBlankStart(in.Body), in.HTMLBody, true
	}
	if in.Attachments != nil {
		files, err := enclosed(ctx, cfg, in.Attachments)
		if err != nil {
			return mail, err
		}
		mail.Attachments = files
	}
	if in.Signature && (in.Body != "" || in.HTMLBody != "") {
		return cfg.Mailbox.WithSignature(ctx, mail)
	}
	return mail, nil
}

// entitle sets the subject. That of a reply has to stay what it is, because the
// thread hangs on it.
func (in composed) entitle(mail *mailbox.Outgoing) error {
	if err := checkLine("subject", in.Subject); err != nil {
		return err
	}
	switch {
	case in.Subject == "":
	case in.ReplyToMessageID != "" && !strings.EqualFold(bareSubject(in.Subject), bareSubject(mail.Subject)):
		return invalid("subject", "Leave subject out, or write a mail of its own, without replyToMessageId.",
			"with another subject the mail would not stay in its thread")
	case in.ReplyToMessageID == "":
		mail.Subject = in.Subject
	}
	return nil
}

var replyPrefix = regexp.MustCompile(`(?i)^\s*((re|fwd?|aw|wg|sv)\s*(\[\d+\])?\s*:\s*)*`)

// bareSubject is a subject without what says that it is a reply.
func bareSubject(s string) string {
	return strings.Join(strings.Fields(replyPrefix.ReplaceAllString(s, "")), " ")
}

var blankStart = regexp.MustCompile(`^([ \t]*\r?\n)+`)

// withoutBlankStart drops empty lines above a text, which models write and
// nobody means. All else of a body is sent as it is.
func withoutBlankStart(body string) string { return blankStart.ReplaceAllString(body, "") }
