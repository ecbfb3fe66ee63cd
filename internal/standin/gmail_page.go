package standin

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// page is what one request of a list gets to see.
type page[T any] struct {
	items    []T
	next     string
	estimate int
}

// cursor is what a page token stands for: the item that the page before ended
// with, and the question it answered.
type cursor struct {
	After string `json:"a"`
	Query string `json:"q"`
}

const (
	defaultPage = 100
	maxPage     = 500
)

// junkEstimate is what Gmail says when it does not want to count.
const junkEstimate = 201

// paginate cuts one page out of all. Tokens name the last item seen, so that
// what arrives meanwhile does not shift the pages; they hold for the same
// question only.
func paginate[T any](g *gmailState, c *call, all []T, name func(T) string) (page[T], error) {
	limit, err := uintParam(c, "maxResults", defaultPage)
	if err != nil {
		return page[T]{}, err
	}
	if limit == 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	question := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join([]string{
		c.user, c.rpc, c.query.Get("q"), strings.Join(c.query["labelIds"], ","), c.query.Get("includeSpamTrash"),
		c.query.Get("startHistoryId"), c.query.Get("labelId"), strings.Join(c.query["historyTypes"], ","),
	}, "\n"))))
	total := len(all)
	if token := c.query.Get("pageToken"); token != "" {
		var at cursor
		if g.openHandle("page", token, &at) != nil || at.Query != question {
			return page[T]{}, badRequest("Invalid pageToken")
		}
		for len(all) > 0 && name(all[0]) != at.After && !passed(name(all[0]), at.After) {
			all = all[1:]
		}
		if len(all) > 0 && name(all[0]) == at.After {
			all = all[1:]
		}
	}
	p := page[T]{items: all, estimate: total}
	if len(all) > limit {
		p.items = all[:limit]
		p.next = g.sealHandle("page", cursor{name(p.items[limit-1]), question}, 0)
		p.estimate = junkEstimate
	}
	return p, nil
}

// passed reports whether item comes after the end of the page before, which
// happens when that very item is gone. Names sort as text.
func passed(item, end string) bool { return item > end }

// rowCursor names a row so that newer sorts before older.
func rowCursor(r *row) string {
	id, _ := strconv.ParseUint(r.id, 16, 64) // ids are ours
	return fmt.Sprintf("%019d-%016x", 1<<62-r.at.UnixMilli(), ^id)
}

func uintParam(c *call, name string, absent int) (int, error) {
	v := c.query.Get(name)
	if v == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0, badRequest("Invalid value at '%s' (TYPE_UINT32), %q", name, v)
	}
	return int(n), nil
}

func boolParam(c *call, name string) (bool, error) {
	switch v := c.query.Get(name); v {
	case "", "false", "0":
		return false, nil
	case "true", "1":
		return true, nil
	default:
		return false, badRequest("Invalid value at '%s' (TYPE_BOOL), %q", name, v)
	}
}

// The largest requests, in bytes: under /upload what the API promises, and
// elsewhere the third more that base64 needs.
const (
	maxUpload = 36_700_160
	maxBody   = 50_000_000
)

// body reads what was sent, within limits.
func (c *call) body() ([]byte, error) {
	var limit int64 = maxBody
	if c.isUpload {
		limit = maxUpload
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, c.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || c.ContentLength > limit {
		return nil, refuse(http.StatusRequestEntityTooLarge, "INVALID_ARGUMENT", "uploadTooLarge",
			fmt.Sprintf("Request payload size exceeds the limit: %d bytes.", limit))
	}
	return b, err
}

// decode reads a JSON body.
func (c *call) decode(v any) error {
	b, err := c.body()
	if err != nil {
		return err
	}
	return decodeJSON(b, v)
}

// decodeJSON refuses what the API does not know. An empty body is an empty object.
func decodeJSON(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return badRequest("Invalid JSON payload received. Unknown name %s: Cannot find field.", name)
		}
		return badRequest("Invalid JSON payload received. %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
