package standin

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

type messageJSON struct {
	ID           string    `json:"id"`
	ThreadID     string    `json:"threadId"`
	LabelIDs     []string  `json:"labelIds,omitempty"`
	Snippet      *string   `json:"snippet,omitempty"`
	Payload      *partJSON `json:"payload,omitempty"`
	SizeEstimate int       `json:"sizeEstimate,omitempty"`
	HistoryID    string    `json:"historyId,omitempty"`
	InternalDate string    `json:"internalDate,omitempty"`
	Raw          string    `json:"raw,omitempty"`
}

// partJSON is a MessagePart. The pointers are what only format=full has.
type partJSON struct {
	PartID   *string      `json:"partId,omitempty"`
	MimeType string       `json:"mimeType"`
	Filename *string      `json:"filename,omitempty"`
	Headers  []headerJSON `json:"headers,omitempty"`
	Body     *bodyJSON    `json:"body,omitempty"`
	Parts    []partJSON   `json:"parts,omitempty"`
}

type headerJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type bodyJSON struct {
	AttachmentID string `json:"attachmentId,omitempty"`
	Size         int    `json:"size"`
	Data         string `json:"data,omitempty"`
}

// brief is a message as lists and changes answer it.
func brief(r *row) messageJSON {
	return messageJSON{ID: r.id, ThreadID: r.threadID, LabelIDs: slices.Clone(r.labels)}
}

// message renders a row in one of Gmail's formats.
func (g *gmailState) message(r *row, format string, only []string) messageJSON {
	m := brief(r)
	tree := r.tree()
	snippet := tree.snippet()
	m.Snippet = &snippet
	m.SizeEstimate = len(r.raw())
	m.HistoryID = strconv.FormatUint(r.historyID, 10)
	m.InternalDate = strconv.FormatInt(r.at.UnixMilli(), 10)
	switch format {
	case "metadata":
		m.Payload = &partJSON{MimeType: tree.mediaType, Headers: headers(tree.header, only)}
	case "full":
		p := g.part(r.id, tree)
		m.Payload = &p
	case "raw":
		m.Raw = base64.URLEncoding.EncodeToString(r.raw())
	}
	return m
}

// headers renders header fields, all of them or only the named ones.
func headers(fields []field, only []string) []headerJSON {
	var out []headerJSON
	for _, f := range fields {
		if len(only) > 0 && !slices.ContainsFunc(only, func(name string) bool { return strings.EqualFold(name, f.name) }) {
			continue
		}
		out = append(out, headerJSON{f.name, decodeHeader(f.value)})
	}
	return out
}

// inlineLimit is the size above which Gmail hands out even a text body by id.
const inlineLimit = 400_000

// attachmentRef is what an attachment id stands for.
type attachmentRef struct {
	Message string `json:"m"`
	Part    string `json:"p"`
}

func (g *gmailState) part(messageID string, n *node) partJSON {
	p := partJSON{PartID: &n.id, MimeType: n.mediaType, Filename: &n.filename, Headers: headers(n.header, nil)}
	p.Body = &bodyJSON{}
	for _, kid := range n.kids {
		p.Parts = append(p.Parts, g.part(messageID, kid))
	}
	switch {
	case strings.HasPrefix(n.mediaType, "multipart/"):
		if n.kids == nil { // no boundary: nobody knows where the parts are
			p.Body.Size = len(n.body)
		}
	case n.isAttachment() || len(n.body) > inlineLimit:
		p.Body.Size = len(n.body)
		p.Body.AttachmentID = g.sealHandle("attachment", attachmentRef{messageID, n.id}, 180)
	default:
		text := utf8Text(n.body, n.charset)
		p.Body.Size = len(text)
		p.Body.Data = base64.URLEncoding.EncodeToString([]byte(text))
	}
	return p
}
