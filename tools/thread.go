package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// ThreadReader is what get_thread needs of a mailbox.
type ThreadReader interface {
	Thread(ctx context.Context, q mailbox.ThreadQuery) (mailbox.Thread, error)
}

type threadIn struct {
	ThreadID    string `json:"threadId"`
	MessageID   string `json:"messageId" doc:"A mail of the thread, instead; it is always shown"`
	Order       string `json:"order" enum:"newest_first,oldest_first" default:"\"newest_first\""`
	MaxMessages int    `json:"maxMessages" min:"1" max:"50" default:"20" doc:"The newest"`
	Quotes      string `json:"quotes" enum:"collapse,keep" default:"\"collapse\""`
}

type threadOut struct {
	ThreadID string `json:"threadId"`
	Subject  string `json:"subject"`
	// Items are mails as read_email has them, in the order that was asked for.
	Items         []letter `json:"items" omit:"threadId,to,subject,snippet,labels,unread,hasAttachments,draftId,cc,bcc,replyTo,quotedCharsOmitted,hiddenTextRemoved,textPartDiffers,auth,warnings,listUnsubscribe"`
	TotalMessages int      `json:"totalMessages"`
	// Omitted is how many of them are not among the items, OmittedIDs which.
	Omitted    int      `json:"omitted"`
	OmittedIDs []string `json:"omittedIds,omitempty"`
	// Complete: every mail is there, with all of its text but for what it quotes
	// of those before it.
	Complete bool `json:"complete"`

	trimmed map[string]bool // the mails of which one line is shown
}

const (
	// maxThreadMails is the largest maxMessages.
	maxThreadMails = 50
	// threadBodyChars is how much of a mail's body a thread shows at most.
	threadBodyChars = 6000
	// worthwhile is the least part of a body that is shown instead of a line.
	worthwhile = 1000
)

func getThread(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "get_thread",
		title: "Read a thread",
		description: "Reads a conversation, newest mail first, without the mail that its replies quote. " +
			"Long mails are cut, older ones down to a line if there are many; complete says whether all is there, read_email has the rest. " + fenceNote,
		effect: reads,
	}, func(ctx context.Context, in threadIn) (*threadOut, error) {
		in.ThreadID, in.MessageID = strings.TrimSpace(in.ThreadID), strings.TrimSpace(in.MessageID)
		if in.ThreadID == "" && in.MessageID == "" {
			return nil, invalid("threadId", "Use the ids that search_emails finds.", "threadId is missing, and messageId too")
		}
		t, err := cfg.Mailbox.Thread(ctx, mailbox.ThreadQuery{ID: in.ThreadID, Message: in.MessageID, Max: in.MaxMessages})
		if err != nil {
			return nil, err
		}
		return threadAnswer(t, in, cfg.zone()), nil
	})
}

func threadAnswer(t mailbox.Thread, in threadIn, zone *time.Location) *threadOut {
	out := &threadOut{
		ThreadID: t.ID, Subject: shorten(line(t.Subject), maxSubject),
		Items:         make([]letter, len(t.Messages)),
		TotalMessages: t.Total,
		Omitted:       t.Total - len(t.Messages),
		OmittedIDs:    t.Omitted,
		trimmed:       map[string]bool{},
	}
	bodies := make([]string, len(t.Messages))
	var older reference
	for i, m := range t.Messages { // oldest first
		out.Items[i] = letterOf(m, zone)
		bodies[i] = m.Body
		if in.Quotes == "collapse" && i > 0 {
			bodies[i], out.Items[i].QuotedCharsOmitted = collapseKnown(m.Body, m.Subject, &older)
		}
		older.add(m.Body)
	}
	out.fill(bodies, in.MessageID)
	out.Complete = out.Omitted == 0
	for i := range out.Items {
		out.Complete = out.Complete && out.Items[i].whole()
	}
	if in.Order == "newest_first" {
		slices.Reverse(out.Items)
	}
	return out
}

// fill divides the room of an answer among the bodies: first to the mail that
// was asked for, then from the newest mail on. Where it ends, what is left of
// it shows the beginning of a mail, and of every older one there is a line.
func (o *threadOut) fill(bodies []string, asked string) {
	lines := make([]letter, len(o.Items))
	room, chars := maxAnswerChars, maxCallChars
	for i := range o.Items {
		lines[i] = o.Items[i].trimmed(bodies[i])
		room -= lines[i].bare() + snippetChars
		chars -= snippetChars
	}
	order := make([]int, 0, len(o.Items))
	for i := range slices.Backward(o.Items) {
		if o.Items[i].MessageID == asked {
			order = slices.Insert(order, 0, i)
		} else {
			order = append(order, i)
		}
	}
	full := true
	for n, i := range order {
		l := &o.Items[i]
		if l.skipped {
			full = false
		}
		more := l.bare() - lines[i].bare() // what the details of a whole mail take beside its body
		want := min(threadBodyChars, utf8.RuneCountInString(bodies[i]))
		limit := max(0, min(want, min(room-more, chars)+snippetChars))
		if n == 0 {
			limit = want // whatever there is to say about a mail, the first one is shown
		}
		if full = full && (limit == want || limit >= worthwhile); !full {
			*l = lines[i]
			o.trimmed[l.MessageID] = true
			continue
		}
		l.show(bodies[i], 0, limit)
		room -= more + limit - snippetChars
		chars -= limit - snippetChars
		full = limit == want
	}
}

// trimmed is a letter of which a line is shown: who wrote it, and how it begins.
func (l *letter) trimmed(body string) letter {
	t := letter{mail: l.mail, QuotedCharsOmitted: l.QuotedCharsOmitted, Attachments: []attachment{}, cut: l.cut, skipped: l.skipped}
	t.Subject, t.Snippet = shorten(t.Subject, snippetChars), ""
	for _, list := range []*[]string{&t.To, &t.Labels} {
		if more := len(*list) - shownRecipients; more > 0 {
			*list = append(slices.Clone((*list)[:shownRecipients]), fmt.Sprintf("and %d more", more))
		}
	}
	t.show(body, 0, snippetChars)
	t.Body = line(t.Body)
	return t
}

func (o *threadOut) summary() summary { return summary{status: OK} }

// render writes the mails in their order, those of one line together.
func (o *threadOut) render(f fence, _ string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Thread %s, %s.\n", o.ThreadID, plural(o.TotalMessages, "mail"))
	if o.Subject != "" {
		b.WriteString(f.around("Subject: "+o.Subject) + "\n")
	}
	var lines []string
	flush := func() {
		if len(lines) > 0 {
			b.WriteString("In one line each; read_email shows them whole:\n" + f.around(strings.Join(lines, "\n")) + "\n")
		}
		lines = nil
	}
	for i := range o.Items {
		l := &o.Items[i]
		if o.trimmed[l.MessageID] {
			lines = append(lines, l.oneLine())
		} else {
			flush()
			shown := *l
			if shown.Subject == o.Subject {
				shown.Subject = "" // said above
			}
			b.WriteString(shown.render(f, "read_email"))
		}
		l.Body = f.around(l.Body)
	}
	flush()
	if o.Omitted > 0 {
		// Older, unless a mail was named that is older still.
		fmt.Fprintf(&b, "Not listed: %s, oldest first: %s. ", plural(o.Omitted, "other mail"), strings.Join(o.OmittedIDs, ", "))
		if len(o.Items) < maxThreadMails {
			b.WriteString("A larger maxMessages lists more; ")
		}
		b.WriteString("read_email reads each.\n")
	}
	if o.Complete {
		b.WriteString("The thread is complete.")
	} else {
		b.WriteString("The thread is not complete here.")
	}
	return strings.TrimSpace(b.String())
}

// oneLine is a mail that is shown as a line: what the server knows first, so
// that a sender's text cannot shift it.
func (l *letter) oneLine() string {
	fields := []string{l.MessageID}
	if t, err := time.Parse(time.RFC3339, l.Date); err == nil {
		fields = append(fields, t.Format("2006-01-02 15:04 -07:00"))
	}
	for _, s := range []string{l.flags(), strings.Join(l.Labels, ","), prefixed("draft ", l.DraftID)} {
		if s != "" {
			fields = append(fields, s)
		}
	}
	switch {
	case l.skipped:
		fields = append(fields, "text not looked at")
	case l.BodyTruncated:
		fields = append(fields, fmt.Sprintf("bodyOffset %d of %d", l.NextOffset, l.TotalChars))
	}
	fields = append(fields, l.From)
	if len(l.To) > 0 {
		fields = append(fields, "to "+strings.Join(l.To, ", "))
	}
	return strings.Join(append(fields, l.Subject, strings.TrimSpace(l.Body)), " | ")
}
