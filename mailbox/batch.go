package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
)

// maxPart is how many mails one batch request asks for. Gmail runs the parts
// of a batch at once and refuses those beyond a per-user number that it does
// not publish; 25 has been seen to pass, 50 to fail.
const maxPart = 20

// maxPartAnswer bounds one part's answer.
const maxPartAnswer = 16 << 20

// form is what is asked of a mail.
type form struct {
	format  string
	headers []string
	fields  string
}

// path is the request of one mail, without the host, as a batch wants it.
func (f form) path(id string) string {
	q := url.Values{"format": {f.format}, "prettyPrint": {"false"}}
	if len(f.headers) > 0 {
		q["metadataHeaders"] = f.headers
	}
	if f.fields != "" {
		q.Set("fields", f.fields)
	}
	return "/gmail/v1/users/" + me + "/messages/" + id + "?" + q.Encode()
}

// answer is one part of a batch's answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// errNoBatch says that this request has to be made without a batch.
var errNoBatch = errors.New("mailbox: the batch endpoint gave no readable answer")

// batch asks for ids in one request and returns the answers by id. Ids that
// the server left out are missing in it.
func (c *Client) batch(ctx context.Context, ids []string, f form) (map[string]answer, error) {
	body, contentType, err := encodeBatch(ids, f)
	if err != nil {
		return nil, err
	}
	// A batch of reads may be repeated; net/http learns that from GetBody,
	// which the transport sets.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.root.JoinPath("batch/gmail/v1").String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("mailbox: form the batch request: %w", err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if errors.Is(err, errNotGmail) {
		return nil, errNoBatch
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		c.batches.giveUp()
		return nil, errNoBatch
	}
	if err := googleapi.CheckResponse(resp); err != nil {
		return nil, err
	}
	answers, err := decodeBatch(resp.Body, resp.Header.Get("Content-Type"), len(ids))
	if err != nil {
		return nil, errNoBatch
	}
	return answers, nil
}

// encodeBatch writes the requests as multipart/mixed, each an HTTP request of
// its own whose Content-ID is the mail's id.
func encodeBatch(ids []string, f form) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, id := range ids {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Type": {"application/http"},
			"Content-Id":   {"<" + id + ">"},
		})
		if err != nil {
			return nil, "", fmt.Errorf("mailbox: write a batch: %w", err)
		}
		if _, err := io.WriteString(part, "GET "+f.path(id)+"\r\n\r\n"); err != nil {
			return nil, "", fmt.Errorf("mailbox: write a batch: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", fmt.Errorf("mailbox: write a batch: %w", err)
	}
	return b.Bytes(), "multipart/mixed; boundary=" + w.Boundary(), nil
}

// decodeBatch reads the answer of a batch. The parts come in any order and are
// told apart by their Content-ID alone, which is the request's with
// "response-" before it. At most limit parts are read.
func decodeBatch(r io.Reader, contentType string, limit int) (map[string]answer, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/mixed" || params["boundary"] == "" {
		return nil, errors.New("mailbox: the answer of a batch is not multipart/mixed")
	}
	answers := make(map[string]answer, limit)
	parts := multipart.NewReader(r, params["boundary"])
	for range limit {
		part, err := parts.NextRawPart()
		if err != nil {
			break // the end, or an answer cut short: the rest is asked for again
		}
		id := strings.Trim(part.Header.Get("Content-Id"), "<> ")
		id, ok := strings.CutPrefix(id, "response-")
		if _, twice := answers[id]; !ok || twice {
			continue
		}
		if a, err := decodePart(part); err == nil {
			answers[id] = a
		} // what cannot be read is missing, and asked for again
	}
	if len(answers) == 0 {
		return nil, errors.New("mailbox: the answer of a batch has no readable part")
	}
	return answers, nil
}

// decodePart reads the HTTP response that a part holds.
func decodePart(r io.Reader) (answer, error) {
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(r, maxPartAnswer)), nil)
	if err != nil {
		return answer{}, fmt.Errorf("mailbox: read a part of a batch: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("mailbox: read a part of a batch: %w", err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// get asks for one mail without a batch.
func (c *Client) get(ctx context.Context, id string, f form) (*gmail.Message, error) {
	call := c.service.Users.Messages.Get(me, id).Format(f.format)
	if len(f.headers) > 0 {
		call.MetadataHeaders(f.headers...)
	}
	if f.fields != "" {
		call.Fields(googleapi.Field(f.fields))
	}
	return call.Context(ctx).Do()
}
