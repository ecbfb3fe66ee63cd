package standin

import (
	"strconv"
)

type threadListJSON struct {
	Threads            []threadJSON `json:"threads,omitempty"`
	NextPageToken      string       `json:"nextPageToken,omitempty"`
	ResultSizeEstimate int          `json:"resultSizeEstimate"`
}

type threadJSON struct {
	ID        string        `json:"id"`
	Snippet   string        `json:"snippet,omitempty"`
	HistoryID string        `json:"historyId,omitempty"`
	Messages  []messageJSON `json:"messages,omitempty"`
}

// listThreads lists the threads of matching messages, the one with the newest
// match first.
func listThreads(g *gmailState, c *call) (any, error) {
	found, err := g.search(c)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	heads := found[:0]
	for _, r := range found {
		if !seen[r.threadID] {
			seen[r.threadID] = true
			heads = append(heads, r)
		}
	}
	p, err := paginate(g, c, heads, rowCursor)
	if err != nil {
		return nil, err
	}
	out := threadListJSON{NextPageToken: p.next, ResultSizeEstimate: p.estimate}
	for _, r := range p.items {
		out.Threads = append(out.Threads, threadJSON{
			ID: r.threadID, Snippet: r.tree().snippet(), HistoryID: strconv.FormatUint(r.historyID, 10),
		})
	}
	return out, nil
}

func getThread(g *gmailState, c *call) (any, error) {
	format, err := c.format("full", "metadata", "minimal")
	if err != nil {
		return nil, err
	}
	rows, err := g.threadRows(c)
	if err != nil {
		return nil, err
	}
	out := threadJSON{ID: c.vars["id"]}
	var newest uint64
	for _, r := range rows {
		newest = max(newest, r.historyID)
		out.Messages = append(out.Messages, g.message(r, format, c.query["metadataHeaders"]))
	}
	out.HistoryID = strconv.FormatUint(newest, 10)
	return out, nil
}

func (g *gmailState) threadRows(c *call) (rows []*row, err error) {
	if !isID(c.vars["id"]) {
		return nil, badRequest("Invalid id value")
	}
	err = g.inside(c, func(b *inbox) error {
		if rows = b.thread(c.vars["id"]); rows == nil {
			return notFound()
		}
		return nil
	})
	return rows, err
}

func modifyThread(g *gmailState, c *call) (any, error) {
	var change labelChange
	if err := c.decode(&change); err != nil {
		return nil, err
	}
	return g.relabelThread(c, change)
}

func trashThread(g *gmailState, c *call) (any, error) {
	return g.relabelThread(c, labelChange{AddLabelIDs: []string{"TRASH"}})
}

func untrashThread(g *gmailState, c *call) (any, error) {
	return g.relabelThread(c, labelChange{RemoveLabelIDs: []string{"TRASH"}})
}

func (g *gmailState) relabelThread(c *call, change labelChange) (any, error) {
	if _, err := g.threadRows(c); err != nil {
		return nil, err
	}
	out := threadJSON{ID: c.vars["id"]}
	err := g.inside(c, func(b *inbox) error {
		if err := change.check(b); err != nil {
			return err
		}
		for _, r := range b.thread(c.vars["id"]) {
			out.Messages = append(out.Messages, brief(b.relabel(r, change.AddLabelIDs, change.RemoveLabelIDs)))
		}
		return nil
	})
	return out, err
}
