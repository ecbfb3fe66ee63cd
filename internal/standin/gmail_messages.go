package standin

import (
	"encoding/base64"
	"slices"
	"strings"
)

type messageListJSON struct {
	Messages           []idJSON `json:"messages,omitempty"`
	NextPageToken      string   `json:"nextPageToken,omitempty"`
	ResultSizeEstimate int      `json:"resultSizeEstimate"`
}

type idJSON struct {
	ID       string `json:"id"`
	ThreadID string `json:"threadId"`
}

func listMessages(g *gmailState, c *call) (any, error) {
	found, err := g.search(c)
	if err != nil {
		return nil, err
	}
	p, err := paginate(g, c, found, rowCursor)
	if err != nil {
		return nil, err
	}
	out := messageListJSON{NextPageToken: p.next, ResultSizeEstimate: p.estimate}
	for _, r := range p.items {
		out.Messages = append(out.Messages, idJSON{r.id, r.threadID})
	}
	return out, nil
}

// search returns what the parameters labelIds, q and includeSpamTrash select,
// newest first.
func (g *gmailState) search(c *call) ([]*row, error) {
	text := c.query.Get("q")
	if text != "" && !c.allows(contentScopes...) && !c.allows(draftWriteScopes...) {
		return nil, refuse(403, "PERMISSION_DENIED", "forbidden", "Metadata scope does not support 'q' parameter")
	}
	spamTrash, err := boolParam(c, "includeSpamTrash")
	if err != nil {
		return nil, err
	}
	var rows []*row
	var env queryEnv
	want := c.query["labelIds"]
	err = g.inside(c, func(b *inbox) error {
		for _, id := range want {
			if b.label(id) == nil {
				return badRequest("Invalid label: %s", id)
			}
		}
		rows = b.newest()
		env = b.queryEnv(c.now)
		return nil
	})
	if err != nil {
		return nil, err
	}
	q := parseQuery(text)
	spam := spamTrash || slices.Contains(want, "SPAM") || q.reaches("spam")
	trash := spamTrash || slices.Contains(want, "TRASH") || q.reaches("trash")
	return slices.DeleteFunc(rows, func(r *row) bool {
		if !spam && r.has("SPAM") || !trash && r.has("TRASH") {
			return true
		}
		return slices.ContainsFunc(want, func(id string) bool { return !r.has(id) }) || !q.matches(&env, r)
	}), nil
}

func getMessage(g *gmailState, c *call) (any, error) {
	format, err := c.format("full", "metadata", "minimal", "raw")
	if err != nil {
		return nil, err
	}
	r, err := g.row(c, c.vars["id"])
	if err != nil {
		return nil, err
	}
	return g.message(r, format, c.query["metadataHeaders"]), nil
}

// format reads the parameter of that name. The first value is the default.
func (c *call) format(known ...string) (string, error) {
	format := strings.ToLower(c.query.Get("format"))
	if format == "" {
		format = known[0]
	}
	if !slices.Contains(known, format) {
		return "", badRequest("Invalid value at 'format' (TYPE_ENUM), \"%s\"", format)
	}
	if (format == "full" || format == "raw") && !c.allows(draftReadScopes...) {
		return "", refuse(403, "PERMISSION_DENIED", "forbidden", "Metadata scope doesn't allow format "+strings.ToUpper(format))
	}
	return format, nil
}

// row finds a message by its id.
func (g *gmailState) row(c *call, id string) (r *row, err error) {
	if !isID(id) {
		return nil, badRequest("Invalid id value")
	}
	err = g.inside(c, func(b *inbox) error {
		if r = b.rows[id]; r == nil {
			return notFound()
		}
		return nil
	})
	return r, err
}

// isID reports whether s could be a message or thread id.
func isID(s string) bool {
	return len(s) > 0 && len(s) <= 16 && strings.Trim(s, "0123456789abcdef") == ""
}

func getAttachment(g *gmailState, c *call) (any, error) {
	r, err := g.row(c, c.vars["messageId"])
	if err != nil {
		return nil, err
	}
	var ref attachmentRef
	if g.openHandle("attachment", c.vars["id"], &ref) != nil || ref.Message != r.id {
		return nil, badRequest("Invalid attachment token")
	}
	var body []byte
	r.tree().walk(func(n *node) bool {
		if n.id == ref.Part {
			body = n.body
		}
		return true
	})
	return bodyJSON{Size: len(body), Data: base64.URLEncoding.EncodeToString(body)}, nil
}

// labelChange is the body of the modify methods.
type labelChange struct {
	IDs            []string `json:"ids,omitempty"`
	AddLabelIDs    []string `json:"addLabelIds,omitempty"`
	RemoveLabelIDs []string `json:"removeLabelIds,omitempty"`
}

// check refuses what Gmail refuses; the caller holds the lock.
func (l labelChange) check(b *inbox) error {
	if len(l.AddLabelIDs)+len(l.RemoveLabelIDs) == 0 {
		return badRequest("No label add or removes specified")
	}
	if len(l.AddLabelIDs) > 100 || len(l.RemoveLabelIDs) > 100 {
		return badRequest("Too many labels: at most 100 can be added or removed")
	}
	for _, id := range slices.Concat(l.AddLabelIDs, l.RemoveLabelIDs) {
		if b.label(id) == nil || id == "SENT" || id == "DRAFT" || id == "CHAT" {
			return badRequest("Invalid label: %s", id)
		}
		if slices.Contains(l.AddLabelIDs, id) && slices.Contains(l.RemoveLabelIDs, id) {
			return badRequest("Cannot both add and remove the same label")
		}
	}
	return nil
}

func modifyMessage(g *gmailState, c *call) (any, error) {
	var change labelChange
	if err := c.decode(&change); err != nil {
		return nil, err
	}
	return g.relabel(c, change)
}

func trashMessage(g *gmailState, c *call) (any, error) {
	return g.relabel(c, labelChange{AddLabelIDs: []string{"TRASH"}})
}

func untrashMessage(g *gmailState, c *call) (any, error) {
	return g.relabel(c, labelChange{RemoveLabelIDs: []string{"TRASH"}})
}

func (g *gmailState) relabel(c *call, change labelChange) (any, error) {
	r, err := g.row(c, c.vars["id"])
	if err != nil {
		return nil, err
	}
	err = g.inside(c, func(b *inbox) error {
		if err := change.check(b); err != nil {
			return err
		}
		if r = b.rows[r.id]; r == nil {
			return notFound()
		}
		r = b.relabel(r, change.AddLabelIDs, change.RemoveLabelIDs)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return brief(r), nil
}

// maxModify is how many messages one batchModify may name.
const maxModify = 1000

func batchModify(g *gmailState, c *call) (any, error) {
	var change labelChange
	if err := c.decode(&change); err != nil {
		return nil, err
	}
	if len(change.IDs) == 0 {
		return nil, badRequest("No message ids specified")
	}
	if len(change.IDs) > maxModify {
		return nil, badRequest("Too many message ids: %d, the limit is %d", len(change.IDs), maxModify)
	}
	if i := slices.IndexFunc(change.IDs, func(id string) bool { return !isID(id) }); i >= 0 {
		return nil, badRequest("Invalid id value")
	}
	err := g.inside(c, func(b *inbox) error {
		if err := change.check(b); err != nil {
			return err
		}
		for _, id := range change.IDs {
			if r := b.rows[id]; r != nil { // no result per id: what is gone is skipped in silence
				b.relabel(r, change.AddLabelIDs, change.RemoveLabelIDs)
			}
		}
		return nil
	})
	return nothing{}, err
}
