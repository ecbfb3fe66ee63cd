package tools

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type readIn struct {
	MessageID    string   `json:"messageId"`
	MessageIDs   []string `json:"messageIds" doc:"Up to 10, instead of messageId"`
	Format       string   `json:"format" enum:"markdown,text,html,raw_headers" default:"\"markdown\""`
	BodyOffset   int      `json:"bodyOffset" min:"0" default:"0" doc:"nextOffset of a truncated body"`
	MaxBodyChars int      `json:"maxBodyChars" min:"1" max:"24000" default:"6000"`
	Quotes       string   `json:"quotes" enum:"keep,collapse" default:"\"keep\"" doc:"collapse: without quoted mail"`
}

type readOut struct {
	Items []letter `json:"items" omit:"snippet,hasAttachments,bcc,textPartDiffers,quotedCharsOmitted"`
	// Complete: every mail is there, with all of its text.
	Complete bool     `json:"complete"`
	Failed   []failed `json:"failed,omitempty"`

	retryAfter time.Duration
}

const (
	// maxMessages is how many mails one call reads.
	maxMessages = 10
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
	case in.Quotes == "collapse" && in.Format != string(mailbox.Markdown) && in.Format != string(mailbox.Text):
		return nil, invalid("quotes", "Use format markdown or text.", "quotes cannot be collapsed in %s", in.Format)
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
	tally := mailbox.NewTally(len(ids), parallelReads, "mails")
	one := func(i int) {
		defer tally.Done(ctx)
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
	out := &readOut{Items: []letter{}, Complete: true}
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
			body, l.QuotedCharsOmitted = collapse(body, l.Subject)
		}
		out.Items = append(out.Items, l)
		bodies = append(bodies, body)
		wants = append(wants, min(in.MaxBodyChars, utf8.RuneCountInString(body)))
	}
	for i, limit := range shares(wants, bodyBudget(out.Items)) {
		l := &out.Items[i]
		l.show(bodies[i], in.BodyOffset, limit)
		if in.BodyOffset > l.TotalChars {
			return nil, invalid("bodyOffset", "Use the nextOffset of the previous part, with the same format and quotes.",
				"bodyOffset is %d, but the body has only %d characters", in.BodyOffset, l.TotalChars)
		}
		out.Complete = out.Complete && l.whole() && l.QuotedCharsOmitted == 0
	}
	out.Complete = out.Complete && len(out.Failed) == 0
	return out, nil
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
		b.WriteString(l.render(f, "the same call"))
		l.Body = f.around(l.Body)
	}
	b.WriteString(failures(o.Failed, o.retryAfter))
	return strings.TrimSpace(b.String())
}
