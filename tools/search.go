package tools

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

type searchIn struct {
	Query            string `json:"query" doc:"Gmail search, e.g. from:anna has:attachment newer_than:7d. Empty: newest mail"`
	MaxResults       int    `json:"maxResults" min:"1" max:"50" default:"10"`
	PageToken        string `json:"pageToken" doc:"nextPageToken of the previous page; repeat its other arguments"`
	IncludeSpamTrash bool   `json:"includeSpamTrash" default:"false"`
	After            string `json:"after" doc:"Only mail from then on: date or RFC 3339"`
	Before           string `json:"before" doc:"Only mail before then (exclusive): date or RFC 3339"`
	TimeZone         string `json:"timeZone" doc:"IANA zone of dates, e.g. Europe/Berlin"`
}

type searchOut struct {
	Items          []mail   `json:"items"`
	EffectiveQuery string   `json:"effectiveQuery"`
	NextPageToken  string   `json:"nextPageToken,omitempty"`
	Complete       bool     `json:"complete"`
	Omitted        int      `json:"omitted,omitempty"`
	Failed         []failed `json:"failed,omitempty"`
	Note           string   `json:"note,omitempty"`

	retryAfter time.Duration
}

// failed names a mail that could not be fetched.
type failed struct {
	MessageID string `json:"messageId"`
	Reason    string `json:"reason"`
}

// maxQuery bounds a search expression, which travels in a URL.
const maxQuery = 4096

// spamTrashNote says what a search without spam and trash did not see.
const spamTrashNote = "Spam and trash were not searched; includeSpamTrash does."

// What a reader of the result should know of the query.
const (
	translatedNote = "What the query had of an IMAP search was translated; effectiveQuery is what was searched for."
	pacificNote    = "Gmail takes a date in the query for midnight in California; the arguments after and before mean timeZone."
)

// dateLiteral finds a date in Gmail's own operators.
var dateLiteral = regexp.MustCompile(`(?i)(^|[\s({-])(after|before|newer|older):\d+[/-]`)

// searchesSpamTrash reports whether a query asks for spam or trash by itself.
func searchesSpamTrash(query string) bool {
	return slices.ContainsFunc(queryTerms(query), func(t queryTerm) bool {
		return !t.negated && slices.Contains([]string{"in", "label", "is"}, strings.ToLower(t.operator)) &&
			slices.Contains([]string{"anywhere", "spam", "trash"}, strings.ToLower(t.value))
	})
}

// shownRecipients is how many recipients of a hit are listed.
const shownRecipients = 3

func searchEmails(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "search_emails",
		title: "Search mail",
		description: "Searches Gmail, newest first. One line a mail, with the ids that read_email takes. " +
			"Says whether the list is complete. " + fenceNote,
		effect: reads,
	}, func(ctx context.Context, in searchIn) (*searchOut, error) {
		q, zone, err := queryOf(in, cfg)
		if err != nil {
			return nil, err
		}
		q.Text = byLabelNames(ctx, cfg.Mailbox, q.Text)
		page, err := cfg.Mailbox.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		out := searchAnswer(page, q, zone, knownAccount(ctx, cfg.Mailbox))
		doubts := []string{operatorNote(page.Effective), labelNote(ctx, cfg.Mailbox, page.Effective), out.Note}
		out.Note = strings.Join(slices.DeleteFunc(doubts, func(s string) bool { return s == "" }), " ")
		return out, nil
	})
}

func queryOf(in searchIn, cfg Config) (mailbox.Query, *time.Location, error) {
	q := mailbox.Query{
		Text:      in.Query,
		Max:       in.MaxResults,
		PageToken: in.PageToken,
		SpamTrash: in.IncludeSpamTrash,
	}
	if len(q.Text) > maxQuery {
		return q, nil, invalid("query", "Search for less at once.", "query takes %d bytes; at most %d are accepted", len(q.Text), maxQuery)
	}
	zone, err := zoneOf(cfg, in.TimeZone)
	if err != nil {
		return q, nil, err
	}
	q.Zone = zone
	if q.After, err = moment("after", in.After, zone, cfg.now()); err != nil {
		return q, nil, err
	}
	if q.Before, err = moment("before", in.Before, zone, cfg.now()); err != nil {
		return q, nil, err
	}
	if !q.After.IsZero() && !q.Before.IsZero() && !q.After.Before(q.Before) {
		return q, nil, invalid("after", "For one day, give the next day as before, which is exclusive.", "after must be earlier than before")
	}
	return q, zone, nil
}

// zoneOf is the time zone of that name, or the default one.
func zoneOf(cfg Config, name string) (*time.Location, error) {
	if name == "" {
		return cfg.zone(), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, invalid("timeZone", "Use a name of the IANA database, for example Europe/Berlin or UTC.", "timeZone is not a time zone that is known here")
	}
	return zone, nil
}

// daysAgo are the days that have a name.
var daysAgo = map[string]int{"today": 0, "yesterday": 1, "tomorrow": -1}

// moment reads a day, which begins at midnight in zone, or an RFC 3339 time.
// What the clocks of zone skip is when they go on.
func moment(name, s string, zone *time.Location, now time.Time) (time.Time, error) {
	if s = strings.TrimSpace(s); s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if days, ok := daysAgo[strings.ToLower(s)]; ok {
		year, month, day := now.In(zone).Date()
		return mailbox.FirstInstant(time.Date(year, month, day-days, 0, 0, 0, 0, time.UTC), zone), nil
	}
	for _, layout := range []string{time.DateOnly, "2006/01/02", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime} {
		if wall, err := time.Parse(layout, s); err == nil {
			return mailbox.FirstInstant(wall, zone), nil
		}
	}
	return time.Time{}, invalid(name, "Without a time, the day begins at midnight in timeZone.", "%s must be a date like 2026-11-24, today or yesterday, or a time like 2026-11-24T09:00:00+01:00", name)
}

func searchAnswer(page mailbox.Page, q mailbox.Query, zone *time.Location, account string) *searchOut {
	out := &searchOut{
		Items:          make([]mail, 0, len(page.Items)),
		EffectiveQuery: page.Effective,
		NextPageToken:  page.Next,
		Complete:       page.Next == "" && len(page.Failed) == 0,
		Omitted:        page.Omitted,
		retryAfter:     page.RetryAfter,
	}
	for _, s := range page.Items {
		m := mailOf(s, zone, shownRecipients)
		m.Snippet = shorten(line(s.Snippet), snippetChars)
		out.Items = append(out.Items, m)
	}
	list := hitsOf(out.Items, account)
	for i, s := range page.Items {
		out.Items[i] = list.fit(out.Items[i], s)
	}
	for _, f := range page.Failed {
		out.Failed = append(out.Failed, failed{f.ID, f.Reason})
	}
	var notes []string
	if page.Translated {
		notes = append(notes, translatedNote)
	}
	if dateLiteral.MatchString(page.Effective) {
		notes = append(notes, pacificNote)
	}
	if !q.SpamTrash && !searchesSpamTrash(page.Effective) {
		notes = append(notes, spamTrashNote)
	}
	out.Note = strings.Join(notes, " ")
	return out
}

func (o *searchOut) said() []string {
	var texts []string
	for _, m := range o.Items {
		// Whom it is from, but not what its sender calls itself.
		name := m.From
		if i := strings.LastIndex(m.From, "<"); i >= 0 {
			name = m.From[:i]
		} else if plainAddress.MatchString(m.From) {
			name = ""
		}
		texts = append(texts, m.Subject, m.Snippet, name)
		texts = append(texts, m.To...)
	}
	return texts
}

func (o *searchOut) summary() summary {
	if len(o.Failed) > 0 {
		return summary{status: Partial, retryAfter: o.retryAfter}
	}
	return summary{status: OK}
}

// render writes one line a mail, see [hits].
func (o *searchOut) render(f fence, account string) string {
	list := hitsOf(o.Items, account)
	var lines []string
	for _, m := range o.Items {
		lines = append(lines, list.line(m))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s for the query %q, newest first", plural(len(o.Items), "mail"), o.EffectiveQuery)
	if len(lines) > 0 {
		b.WriteString(list.head())
	}
	b.WriteString(".\n")
	if len(lines) > 0 {
		b.WriteString(f.around(strings.Join(lines, "\n")) + "\n")
	}
	if o.NextPageToken != "" {
		fmt.Fprintf(&b, "There are more: repeat the call with pageToken %q.\n", o.NextPageToken)
	}
	if o.Omitted > 0 {
		fmt.Fprintf(&b, "Left out: %s, deleted in the meantime.\n", plural(o.Omitted, "mail"))
	}
	b.WriteString(failures(o.Failed, o.retryAfter))
	if o.Complete {
		b.WriteString("The list is complete. ")
	}
	b.WriteString(o.Note)
	return strings.TrimSpace(b.String())
}

// failures names the mails that are missing from an answer.
func failures(list []failed, retryAfter time.Duration) string {
	if len(list) == 0 {
		return ""
	}
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.MessageID + " (" + f.Reason + ")"
	}
	s := "Could not be fetched: " + strings.Join(names, ", ") + "."
	if retryAfter > 0 {
		s += fmt.Sprintf(" Try again in %.0f s.", max(1, retryAfter.Seconds()))
	}
	return s + "\n"
}
