package mailbox

import (
	"html"
	"slices"
	"strings"
	"time"

	gmail "google.golang.org/api/gmail/v1"
)

// headForm is what a list needs of a mail.
var headForm = form{
	format:  "metadata",
	headers: []string{"From", "To", "Cc", "Subject", "Date"},
	fields:  "id,threadId,labelIds,snippet,internalDate,historyId,payload(mimeType,headers)",
}

// headOf reads a mail's head out of Gmail's form.
func headOf(m *gmail.Message) head {
	h := head{labels: m.LabelIds}
	h.ID, h.ThreadID = m.Id, m.ThreadId
	h.Date = time.UnixMilli(m.InternalDate).UTC()
	// Gmail escapes the snippet for HTML.
	h.Snippet, _ = cleanLine(html.UnescapeString(m.Snippet))
	if m.Payload == nil {
		return h
	}
	h.mimeType = m.Payload.MimeType
	headers := m.Payload.Headers
	if from := parseAddresses(headerOf(headers, "From")); len(from) > 0 {
		h.From = from[0]
	}
	h.To = parseAddresses(headerOf(headers, "To"))
	h.Cc = parseAddresses(headerOf(headers, "Cc"))
	h.Subject, _ = cleanLine(decodeWords(headerOf(headers, "Subject")))
	return h
}

// summary shows a head with what may change: labels by their names, and
// whether it has attachments.
func (c *Client) summary(h head, attachments bool) Summary {
	s := h.Summary
	s.Labels = c.labelNames(h.labels)
	s.Unread = slices.Contains(h.labels, "UNREAD")
	s.HasAttachments = attachments
	return s
}

// looksAttached guesses from the outermost type of a mail whether it has
// attachments, for where nothing better is known.
func (h *head) looksAttached() bool {
	kind, _, _ := strings.Cut(strings.ToLower(h.mimeType), "/")
	switch kind {
	case "", "text":
		return false
	case "multipart":
		return strings.EqualFold(h.mimeType, "multipart/mixed")
	}
	return true
}

// headerOf returns a header's value, the values joined if there are several.
func headerOf(headers []*gmail.MessagePartHeader, name string) string {
	var values []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return strings.Join(values, ", ")
}
