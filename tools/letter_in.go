package tools

import (
	"context"
	"fmt"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"

	"linkmail/mailbox"
)

// letterIn is what a mail is written from.
type letterIn struct {
	To               []string   `json:"to" doc:"Plain or as Name <address>"`
	Subject          string     `json:"subject"`
	Body             string     `json:"body" doc:"Text or Markdown"`
	HTMLBody         string     `json:"htmlBody"`
	Cc               []string   `json:"cc"`
	Bcc              []string   `json:"bcc"`
	From             string     `json:"from" doc:"One of the account's addresses"`
	ReplyToMessageID string     `json:"replyToMessageId" doc:"Stay in its thread"`
	Attachments      []enclosed `json:"attachments"`
	Signature        bool       `json:"signature" default:"true"`
}

// author is what the tools need of the mailbox to write mail.
type author interface {
	Reply(ctx context.Context, id string, how mailbox.Answering) (mailbox.Outgoing, error)
	WithSignature(ctx context.Context, mail mailbox.Outgoing) (mailbox.Outgoing, error)
	OpenDraft(ctx context.Context, id string) (mailbox.Outgoing, error)
	AttachedFile(ctx context.Context, id string, ref mailbox.PartRef, limit int64) (mailbox.File, error)
}

// empty reports whether nothing of a mail is given. An empty list is something:
// it takes out of a draft what is there.
func (in letterIn) empty() bool {
	return in.To == nil && in.Cc == nil && in.Bcc == nil && in.Attachments == nil &&
		in.Subject+in.Body+in.HTMLBody+in.From+in.ReplyToMessageID == ""
}

// derived reports whether something of another mail goes into this one, and
// so what is shown of it is not the caller's alone.
func (in letterIn) derived() bool {
	return in.ReplyToMessageID != "" || slices.ContainsFunc(in.Attachments, func(e enclosed) bool { return e.FromMessageID != "" })
}

// compose writes a mail that is to be sent, so nothing of it may be missing.
// What can be checked without Gmail is checked first.
func (in letterIn) compose(ctx context.Context, cfg Config) (mailbox.Outgoing, error) {
	var missing []string
	for _, one := range []struct {
		name string
		gone bool
	}{
		{"to", len(in.To)+len(in.Cc)+len(in.Bcc) == 0},
		{"subject", in.Subject == "" && in.ReplyToMessageID == ""},
		{"body", strings.TrimSpace(in.Body+in.HTMLBody) == ""},
	} {
		if one.gone {
			missing = append(missing, one.name)
		}
	}
	if len(missing) > 0 {
		return mailbox.Outgoing{}, invalid(missing[0], "Call send_email again with all of them, or with the draftId of a draft alone.", "missing: %s", strings.Join(missing, ", "))
	}
	return in.onto(ctx, cfg, mailbox.Outgoing{})
}

// onto puts what is given into a mail, and leaves the rest of it as it is.
func (in letterIn) onto(ctx context.Context, cfg Config, mail mailbox.Outgoing) (mailbox.Outgoing, error) {
	if err := in.head(&mail); err != nil {
		return mail, err
	}
	if in.ReplyToMessageID != "" {
		if err := in.thread(ctx, cfg, &mail); err != nil {
			return mail, err
		}
	}
	if in.Body != "" || in.HTMLBody != "" {
		mail = rewritten(mail, blankStart.ReplaceAllString(in.Body, ""), in.HTMLBody)
	}
	return in.finish(ctx, cfg, mail)
}

// blankStart are empty lines above a text, which models write and nobody means.
var blankStart = regexp.MustCompile(`^([ \t]*\r?\n)+`)

// finish attaches files and signs a mail whose body is new.
func (in letterIn) finish(ctx context.Context, cfg Config, mail mailbox.Outgoing) (mailbox.Outgoing, error) {
	if in.Attachments != nil {
		files, err := in.files(ctx, cfg)
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

// head puts the given header fields into a mail, its recipients in one
// canonical spelling.
func (in letterIn) head(mail *mailbox.Outgoing) error {
	for _, field := range []struct {
		name  string
		given []string
		to    *[]string
	}{{"to", in.To, &mail.To}, {"cc", in.Cc, &mail.Cc}, {"bcc", in.Bcc, &mail.Bcc}} {
		if field.given == nil {
			continue
		}
		var list []string
		for i, s := range field.given {
			a, err := parseAddress(fmt.Sprintf("%s[%d]", field.name, i), s)
			if err != nil {
				return err
			}
			list = append(list, spell(a))
		}
		*field.to = list
	}
	if in.From != "" {
		a, err := parseAddress("from", in.From)
		if err != nil {
			return err
		}
		mail.From = spell(a)
	}
	if err := checkLine("subject", in.Subject); err != nil {
		return err
	}
	switch {
	case in.Subject == "":
	case mail.Thread.InReplyTo != "" && in.ReplyToMessageID == "" && !sameSubject(in.Subject, mail.Subject):
		return invalid("subject", "Leave subject out, or write a draft of its own without draftId.", "the draft is an answer, and with another subject it would leave its thread")
	default:
		mail.Subject = in.Subject
	}
	return nil
}

// thread puts a mail into the thread of another one. Gmail keeps it there by
// its subject, too.
func (in letterIn) thread(ctx context.Context, cfg Config, mail *mailbox.Outgoing) error {
	reply, err := cfg.Mailbox.Reply(ctx, in.ReplyToMessageID, mailbox.Answering{Zone: cfg.zone()})
	if err != nil {
		return err
	}
	if in.Subject != "" && !sameSubject(in.Subject, reply.Subject) {
		return invalid("subject", "Leave subject out, or leave replyToMessageId out for a thread of its own.", "with another subject the mail would leave the thread")
	}
	mail.Subject, mail.Thread = reply.Subject, reply.Thread
	if mail.From == "" {
		mail.From = reply.From
	}
	return nil
}

// sameSubject reports whether two subjects are one to Gmail's threads.
func sameSubject(a, b string) bool {
	bare := func(s string) string {
		s = strings.ToLower(strings.Join(strings.Fields(s), " "))
		for strings.HasPrefix(s, "re:") {
			s = strings.TrimSpace(s[3:])
		}
		return s
	}
	return bare(a) == bare(b)
}

// bareAddresses are the addresses of all recipients of a mail.
func bareAddresses(mail mailbox.Outgoing) []string {
	return slices.Concat(bareAll(mail.To), bareAll(mail.Cc), bareAll(mail.Bcc))
}

func bareAll(list []string) []string {
	var bare []string
	for _, s := range list {
		if a, err := netmail.ParseAddress(s); err == nil {
			bare = append(bare, a.Address)
		} else {
			bare = append(bare, s) // nobody knows it, so nothing allows it
		}
	}
	return bare
}
