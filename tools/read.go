package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type readIn struct {
	MessageID    string   `json:"messageId"`
	MessageIDs   []string `json:"messageIds" doc:"Instead of messageId: up to 10"`
	Format       string   `json:"format" enum:"markdown,text,html" default:"\"markdown\""`
	BodyOffset   int      `json:"bodyOffset" min:"0" default:"0" doc:"nextOffset of a truncated body"`
	MaxBodyChars int      `json:"maxBodyChars" min:"1" max:"24000" default:"6000"`
	Quotes       string   `json:"quotes" enum:"keep,collapse" default:"\"keep\"" doc:"collapse: leave out the quoted mail below a reply"`
}

type readOut struct {
	Items  []letter `json:"items"`
	Failed []failed `json:"failed,omitempty"`

	retryAfter time.Duration
}

// letter is a mail with its body.
type letter struct {
	mail
	Cc      []string `json:"cc,omitempty"`
	Bcc     []string `json:"bcc,omitempty"`
	ReplyTo []string `json:"replyTo,omitempty"`
	// Body is fenced; offsets count characters inside the fence.
	Body               string       `json:"body"`
	BodyOffset         int          `json:"bodyOffset,omitempty"`
	BodyTruncated      bool         `json:"bodyTruncated"`
	NextOffset         int          `json:"nextOffset,omitempty"`
	TotalChars         int          `json:"totalChars"`
	QuotedCharsOmitted int          `json:"quotedCharsOmitted,omitempty"`
	HiddenTextRemoved  int          `json:"hiddenTextRemoved"`
	TextPartDiffers    bool         `json:"textPartDiffers,omitempty"`
	Attachments        []attachment `json:"attachments"`

	fromText bool // the body is the plain text part
}

type attachment struct {
	PartID string `json:"partId"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	// Size is in bytes.
	Size   int64 `json:"size"`
	Inline bool  `json:"inline,omitempty"`
}

const (
	// maxMessages is how many mails one call reads.
	maxMessages = 10
	// maxCallChars bounds the bodies of one call together, in characters. It
	// keeps an answer below what clients cut off or hide from the model.
	maxCallChars = 24000
	// readRecipients is how many recipients of a mail are listed in a field.
	readRecipients = 20
	// parallelReads is how many mails are fetched at once.
	parallelReads = 4
)

func readEmail(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "read_email",
		title: "Read mail",
		description: "Reads one or several mails: headers, body, list of attachments. " +
			"A long body comes in parts: call again with bodyOffset. " + fenceNote,
		effect: reads,
	}, func(ctx context.Context, in readIn) (*readOut, error) {
		ids, err := idsOf(in)
		if err != nil {
			return nil, err
		}
		read, err := readAll(ctx, cfg.Mailbox, ids, mailbox.Format(in.Format))
		if err != nil {
			return nil, err
		}
		return readAnswer(read, in, cfg.zone())
	})
}

func idsOf(in readIn) ([]string, error) {
	var ids []string
	for _, id := range append([]string{in.MessageID}, in.MessageIDs...) {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	switch {
	case len(ids) == 0:
		return nil, invalid("messageId", "Use the ids that search_emails finds.", "messageId is missing")
	case len(ids) > maxMessages:
		return nil, invalid("messageIds", "Call once for every ten.", "%d mails were asked for; at most %d can be read at once", len(ids), maxMessages)
	case len(ids) > 1 && in.BodyOffset > 0:
		return nil, invalid("bodyOffset", "Give one messageId.", "bodyOffset continues one mail, but %d were asked for", len(ids))
	case in.Quotes == "collapse" && in.Format == string(mailbox.HTML):
		return nil, invalid("quotes", "Use format markdown or text.", "quotes cannot be collapsed in html")
	}
	return ids, nil
}

// reading is what became of one mail: a message or an error.
type reading struct {
	id      string
	message mailbox.Message
	err     error
}

// readAll reads the mails in the order of ids. The first one goes alone, so
// that a sign-in that is needed is asked for once, not once for each mail.
// An error that is not about one mail ends the call.
func readAll(ctx context.Context, box Mailbox, ids []string, format mailbox.Format) ([]reading, error) {
	all := make([]reading, len(ids))
	one := func(i int) {
		all[i].id = ids[i]
		all[i].message, all[i].err = box.Read(ctx, ids[i], format)
	}
	one(0)
	if !ofOneMail(all[0].err) {
		return nil, all[0].err
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, parallelReads)
	for i := 1; i < len(ids); i++ {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			one(i)
		})
	}
	group.Wait()
	missing := 0
	for _, r := range all {
		if !ofOneMail(r.err) {
			return nil, r.err
		}
		if r.err != nil {
			missing++
		}
	}
	if missing == len(all) {
		return nil, all[0].err
	}
	return all, nil
}

// ofOneMail reports whether other mails may still be read after err.
func ofOneMail(err error) bool {
	if err == nil {
		return true
	}
	_, ok := errors.AsType[*mailbox.Error](err)
	return ok
}

func readAnswer(all []reading, in readIn, zone *time.Location) (*readOut, error) {
	out := &readOut{Items: []letter{}}
	var bodies []string
	var wants []int
	for _, r := range all {
		if e, ok := errors.AsType[*mailbox.Error](r.err); ok {
			out.Failed = append(out.Failed, failed{r.id, e.Code})
			out.retryAfter = max(out.retryAfter, e.RetryAfter)
			continue
		}
		l := letterOf(r.message, zone)
		body := r.message.Body
		if in.Quotes == "collapse" {
			body, l.QuotedCharsOmitted = collapse(body)
		}
		out.Items = append(out.Items, l)
		bodies = append(bodies, body)
		wants = append(wants, min(in.MaxBodyChars, len([]rune(body))))
	}
	for i, limit := range shares(wants, maxCallChars) {
		c := chunkOf(bodies[i], in.BodyOffset, limit)
		if in.BodyOffset > c.total {
			return nil, invalid("bodyOffset", "Use the nextOffset of the previous part, with the same format and quotes.",
				"bodyOffset is %d, but the body has only %d characters", in.BodyOffset, c.total)
		}
		l := &out.Items[i]
		l.Body, l.BodyOffset = c.text, in.BodyOffset
		l.BodyTruncated, l.NextOffset, l.TotalChars = c.next > 0, c.next, c.total
	}
	return out, nil
}

func letterOf(m mailbox.Message, zone *time.Location) letter {
	l := letter{
		mail:              mailOf(m.Summary, zone, readRecipients),
		Cc:                addresses(m.Cc, readRecipients),
		Bcc:               addresses(m.Bcc, readRecipients),
		ReplyTo:           addresses(m.ReplyTo, readRecipients),
		HiddenTextRemoved: m.HiddenChars,
		TextPartDiffers:   m.TextDiffers,
		fromText:          m.Source == "text",
		Attachments:       []attachment{},
	}
	for _, a := range m.Attachments {
		l.Attachments = append(l.Attachments, attachment{a.PartID, line(a.Name), line(a.Type), a.Size, a.Inline})
	}
	return l
}

func (o *readOut) summary() summary {
	if len(o.Failed) > 0 {
		return summary{status: Partial, retryAfter: o.retryAfter}
	}
	return summary{status: OK}
}

func (o *readOut) render(f fence, _ string) string {
	var b strings.Builder
	for i := range o.Items {
		l := &o.Items[i]
		b.WriteString(l.render(f))
		l.Body = f.around(l.Body)
	}
	b.WriteString(failures(o.Failed, o.retryAfter))
	return strings.TrimSpace(b.String())
}

// render writes a mail: what the server knows outside of the fence, what the
// sender wrote inside.
func (l *letter) render(f fence) string {
	var b, inside strings.Builder
	fmt.Fprintf(&b, "Message %s, thread %s", l.MessageID, l.ThreadID)
	for _, s := range []string{l.Date, l.flags(), strings.Join(l.Labels, ","), prefixed("draft ", l.DraftID)} {
		b.WriteString(prefixed(", ", s))
	}
	b.WriteByte('\n')
	for _, h := range []struct{ name, value string }{
		{"From", l.From},
		{"To", strings.Join(l.To, ", ")},
		{"Cc", strings.Join(l.Cc, ", ")},
		{"Bcc", strings.Join(l.Bcc, ", ")},
		{"Reply-To", strings.Join(l.ReplyTo, ", ")},
		{"Subject", l.Subject},
	} {
		if h.value != "" {
			fmt.Fprintf(&inside, "%s: %s\n", h.name, h.value)
		}
	}
	for _, a := range l.Attachments {
		kind := "Attachment"
		if a.Inline {
			kind = "Inline attachment"
		}
		fmt.Fprintf(&inside, "%s: part %s, %q, %s, %d bytes\n", kind, a.PartID, a.Name, a.Type, a.Size)
	}
	inside.WriteString("\n" + l.Body)
	b.WriteString(f.around(inside.String()) + "\n")
	b.WriteString(l.about())
	return b.String()
}

// about says what of the body is missing.
func (l *letter) about() string {
	var b strings.Builder
	if l.TotalChars == 0 {
		b.WriteString("The mail has no text.\n")
	}
	if l.BodyTruncated || l.BodyOffset > 0 {
		end := l.TotalChars
		if l.BodyTruncated {
			end = l.NextOffset
		}
		fmt.Fprintf(&b, "Characters %d to %d of %d.", l.BodyOffset, end, l.TotalChars)
		if l.BodyTruncated {
			fmt.Fprintf(&b, " For more: the same call with messageId %q and bodyOffset %d.", l.MessageID, l.NextOffset)
		}
		b.WriteByte('\n')
	}
	if l.QuotedCharsOmitted > 0 {
		fmt.Fprintf(&b, "Left out: %s of quoted mail; quotes:\"keep\" shows them.\n", plural(l.QuotedCharsOmitted, "character"))
	}
	if l.HiddenTextRemoved > 0 {
		fmt.Fprintf(&b, "Removed: %s that a reader of the mail would not see.\n", plural(l.HiddenTextRemoved, "character"))
	}
	switch {
	case l.TextPartDiffers && l.fromText:
		b.WriteString("This is the plain text part; most readers see the HTML, which says almost nothing of it.\n")
	case l.TextPartDiffers:
		b.WriteString("This is the HTML, which most readers see; the plain text part says other things and is left out.\n")
	}
	return b.String()
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
