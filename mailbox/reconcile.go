package mailbox

import (
	"bytes"
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

// sendIDHeader marks a mail for [Client.findSent]. Gmail replaces the
// Message-ID, so that one cannot.
const sendIDHeader = "X-Linkmail-Send-Id"

// sentForm is what is compared of a sent mail.
var sentForm = form{
	format:  "metadata",
	headers: []string{sendIDHeader, "Subject", "To", "Date"},
	fields:  "id,threadId,labelIds,payload/headers",
}

// findSent looks for a mail whose sending had no clear end, in the mailbox's
// history and not by a search, whose index lags. Not to find it proves
// nothing.
func (c *Client) findSent(ctx context.Context, m *mailing) (*gmail.Message, bool) {
	for range looks {
		if !sleep(ctx, lookEvery) {
			return nil, false
		}
		for _, id := range c.sentSince(ctx, m.since) {
			var candidate *gmail.Message
			err := c.once(ctx, "look for the sent mail", unitsGet, func(ctx context.Context) error {
				var err error
				candidate, err = c.get(ctx, id, sentForm)
				return err
			})
			if err == nil && m.matches(candidate) {
				return candidate, true
			}
		}
	}
	return nil, false
}

// sentSince returns the mails that came into Sent after a position, newest
// first. Without a usable position it returns the newest in Sent.
func (c *Client) sentSince(ctx context.Context, since uint64) []string {
	var ids []string
	if since != 0 {
		err := c.once(ctx, "read the history", unitsHistory, func(ctx context.Context) error {
			page, err := c.service.Users.History.List(me).StartHistoryId(since).LabelId("SENT").MaxResults(500).
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
	_ = c.once(ctx, "list sent mails", unitsList, func(ctx context.Context) error {
		list, err := c.service.Users.Messages.List(me).LabelIds("SENT").MaxResults(maxCandidates).
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

// matches reports whether a mail in Sent is this one: by its mark or, should
// Gmail have dropped that, by what else is ours.
func (m *mailing) matches(sent *gmail.Message) bool {
	if sent.Payload == nil || !slices.Contains(sent.LabelIds, "SENT") && len(sent.LabelIds) > 0 {
		return false
	}
	headers := sent.Payload.Headers
	if mark := headerOf(headers, sendIDHeader); mark != "" {
		return mark == m.sendID
	}
	ours, err := mail.ReadMessage(bytes.NewReader(m.raw))
	if err != nil {
		return false
	}
	return sameTime(ours.Header.Get("Date"), headerOf(headers, "Date")) &&
		sameWords(ours.Header.Get("Subject"), headerOf(headers, "Subject")) &&
		slices.EqualFunc(parseAddresses(ours.Header.Get("To")), parseAddresses(headerOf(headers, "To")),
			func(a, b Address) bool { return strings.EqualFold(a.Email, b.Email) })
}

func sameTime(a, b string) bool {
	s, err := mail.ParseDate(a)
	t, err2 := mail.ParseDate(b)
	return err == nil && err2 == nil && s.Unix() == t.Unix()
}

func sameWords(a, b string) bool {
	return slices.Equal(strings.Fields(decodeWords(a)), strings.Fields(decodeWords(b)))
}
