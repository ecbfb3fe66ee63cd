package standin

import (
	"fmt"
	"slices"
	"strconv"
)

type historyListJSON struct {
	History       []historyJSON `json:"history,omitempty"`
	NextPageToken string        `json:"nextPageToken,omitempty"`
	HistoryID     string        `json:"historyId"`
}

type historyJSON struct {
	ID              string         `json:"id"`
	Messages        []idJSON       `json:"messages,omitempty"`
	MessagesAdded   []historyEvent `json:"messagesAdded,omitempty"`
	MessagesDeleted []historyEvent `json:"messagesDeleted,omitempty"`
	LabelsAdded     []historyEvent `json:"labelsAdded,omitempty"`
	LabelsRemoved   []historyEvent `json:"labelsRemoved,omitempty"`
}

type historyEvent struct {
	Message  messageJSON `json:"message"`
	LabelIDs []string    `json:"labelIds,omitempty"`
}

var historyKinds = []string{"messageAdded", "messageDeleted", "labelAdded", "labelRemoved"}

func listHistory(g *gmailState, c *call) (any, error) {
	text := c.query.Get("startHistoryId")
	start, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, badRequest("Invalid startHistoryId: %q", text)
	}
	kinds := c.query["historyTypes"]
	if i := slices.IndexFunc(kinds, func(k string) bool { return !slices.Contains(historyKinds, k) }); i >= 0 {
		return nil, badRequest("Invalid value at 'history_types' (TYPE_ENUM), %q", kinds[i])
	}
	labelID := c.query.Get("labelId")
	var found []change
	var last uint64
	err = g.inside(c, func(b *inbox) error {
		if last = b.last; start < b.floor || start > last {
			return notFound()
		}
		for _, ch := range b.history {
			if ch.id > start && (len(kinds) == 0 || slices.Contains(kinds, ch.kind)) &&
				(labelID == "" || ch.row.has(labelID) || slices.Contains(ch.labels, labelID)) {
				found = append(found, ch)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p, err := paginate(g, c, found, func(ch change) string { return fmt.Sprintf("%020d", ch.id) })
	if err != nil {
		return nil, err
	}
	out := historyListJSON{NextPageToken: p.next, HistoryID: strconv.FormatUint(last, 10)}
	for _, ch := range p.items {
		out.History = append(out.History, ch.json())
	}
	return out, nil
}

func (ch change) json() historyJSON {
	out := historyJSON{
		ID: strconv.FormatUint(ch.id, 10), Messages: []idJSON{{ch.row.id, ch.row.threadID}},
	}
	event := []historyEvent{{Message: brief(ch.row)}}
	switch ch.kind {
	case "messageAdded":
		out.MessagesAdded = event
	case "messageDeleted":
		out.MessagesDeleted = event
	case "labelAdded":
		event[0].LabelIDs = ch.labels
		out.LabelsAdded = event
	case "labelRemoved":
		event[0].LabelIDs = ch.labels
		out.LabelsRemoved = event
	}
	return out
}
