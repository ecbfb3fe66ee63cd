package mailbox

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	gmail "google.golang.org/api/gmail/v1"
)

const (
	// lookEvery is the wait before each look into Sent after an unclear send.
	lookEvery = 2 * time.Second
	looks     = 2
	// maxCandidates bounds the sent mails that are compared.
	maxCandidates = 10
)

// sendIDHeader marks a mail for [Client.find]. Gmail replaces the Message-ID,
// so that one cannot.
const sendIDHeader = "X-Linkmail-Send-Id"

// markedForm is what is compared of a mail.
var markedForm = form{
	format:  "metadata",
	headers: []string{sendIDHeader, "Subject", "To", "Date"},
	fields:  "id,threadId,labelIds,payload/headers",
}

// find looks for a mail whose way into a label, SENT or DRAFT, had no clear end,
// in the mailbox's history and not by a search, whose index lags. Not to find
// it proves nothing.
func (c *Client) find(ctx context.Context, m *mailing, label string) (*gmail.Message, bool) {
	for range looks {
		if !sleep(ctx, lookEvery) {
			return nil, false
		}
		for _, id := range c.addedSince(ctx, m.since, label) {
			var candidate *gmail.Message
			err := c.once(ctx, "look for the mail", unitsGet, func(ctx context.Context) error {
				var err error
				candidate, err = c.get(ctx, id, markedForm)
				return err
			})
			if err == nil && m.matches(candidate, label) {
				return candidate, true
			}
		}
	}
	return nil, false
}

// addedSince returns the mails that came into a label after a position, newest
// first. Without a usable position it returns the newest in it.
func (c *Client) addedSince(ctx context.Context, since uint64, label string) []string {
	var ids []string
	if since != 0 {
		err := c.once(ctx, "read the history", unitsHistory, func(ctx context.Context) error {
			page, err := c.service.Users.History.List(me).StartHistoryId(since).LabelId(label).MaxResults(500).
				HistoryTypes("messageAdded", "labelAdded").Context(ctx).Do()
			if err != nil {
				return err
			}
			ids = addedIn(page.History)
			return nil
		})
		var e *Error
		if err == nil || !errors.As(err, &e) || e.Status != http.StatusNotFound {
			return ids
		}
	}
	_ = c.once(ctx, "list the newest mails", unitsList, func(ctx context.Context) error {
		list, err := c.service.Users.Messages.List(me).LabelIds(label).MaxResults(maxCandidates).
			Fields("messages/id").Context(ctx).Do()
		if err != nil {
			return err
		}
		ids = idsOf(list.Messages)
		return nil
	}) // an error leaves none to compare: the outcome stays unknown
	return ids
}

// addedIn returns the mails that records added, newest first.
func addedIn(records []*gmail.History) []string {
	var messages []*gmail.Message
	for _, r := range records {
		for _, a := range r.MessagesAdded {
			messages = append(messages, a.Message)
		}
		for _, a := range r.LabelsAdded {
			messages = append(messages, a.Message)
		}
	}
	slices.Reverse(messages)
	var ids []string
	for _, id := range idsOf(messages) {
		if !slices.Contains(ids, id) && len(ids) < maxCandidates {
			ids = append(ids, id)
		}
	}
	return ids
}

// matches reports whether a mail is this one: by its mark or, should Gmail have
// dropped that, by what else is ours.
func (m *mailing) matches(found *gmail.Message, label string) bool {
	if found.Payload == nil || !slices.Contains(found.LabelIds, label) && len(found.LabelIds) > 0 {
		return false
	}
	headers := found.Payload.Headers
	if mark := headerOf(headers, sendIDHeader); mark != "" {
		return mark == m.sendID
	}
	return m.sameTime(headerOf(headers, "Date")) &&
		slices.Equal(strings.Fields(m.subject), strings.Fields(subjectOf(headers))) &&
		slices.EqualFunc(m.to, parseAddresses(headerOf(headers, "To")),
			func(a, b Address) bool { return strings.EqualFold(a.Email, b.Email) })
}

// sameTime reports whether a Date header says the time of the mail. The copy of
// a draft that was not written here has the time of sending.
func (m *mailing) sameTime(header string) bool {
	t, err := mail.ParseDate(header)
	return m.date.IsZero() || err == nil && t.Unix() == m.date.Unix()
}

// consumed says what became of a draft that was sent without a clear end and was
// not found in Sent: sending takes a draft away, so one that is there as it was
// before did not go. r is the receipt of an unknown outcome.
func (c *Client) consumed(ctx context.Context, d Draft, r Receipt) (Receipt, error) {
	err := c.unchanged(ctx, d)
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		r.Outcome, r.Note = NotSent, ""
		return r, nothing(&Error{
			Code: codeUnavailable, Message: "the connection failed, and the draft is still there as it was",
			Hint: "Send the same draft again.", Reason: "notSent", RetryAfter: atOnce,
		}, "sent")
	case ok && e.Code == noDraft.Code:
		r.Outcome, r.Note = Sent, draftWent
	}
	return r, nil
}

func subjectOf(headers []*gmail.MessagePartHeader) string {
	subject, _ := cleanLine(decodeWords(headerOf(headers, "Subject")))
	return subject
}
