package mailbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// maxAnswer bounds the answers that are read, after decompression. Gmail's
// largest, an attachment of 25 MB in base64, is well below it.
const maxAnswer = 64 << 20

// transport gives every request the form that Gmail wants and every answer a
// limit. Accept-Encoding is left to net/http, which then decompresses; Gmail
// compresses for a User-Agent that says gzip.
type transport struct {
	base  http.RoundTripper
	agent string
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.agent)
	if err := replayable(r); err != nil {
		return nil, err
	}
	r.Body = metered(r)
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 && !machineReadable(resp.Header.Get("Content-Type")) {
		_ = resp.Body.Close()
		return nil, errNotGmail
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

// replayable lets the body of a request be sent again after a 401, when the
// authorizing transport has a new token. A body that changes something is
// guarded: once it may have reached Gmail, it is not handed out again, so that
// net/http never repeats it by itself.
func replayable(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if again := r.GetBody; again != nil { // an upload, which is too large to copy
		r.GetBody = guarded(r.Context(), again)
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("mailbox: read the request: %w", err)
	}
	_ = r.Body.Close()
	r.ContentLength = int64(len(body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = guarded(r.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	return nil
}

// guarded hands a body out, unless the request that is followed may have
// reached Gmail already.
func guarded(ctx context.Context, body func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	trace := deliveryFrom(ctx)
	return func() (io.ReadCloser, error) {
		if trace != nil && trace.pending() {
			return nil, errNotRepeated
		}
		return body()
	}
}

// machineReadable reports whether a content type is one that Gmail answers
// with. A missing one is left to the decoder.
func machineReadable(contentType string) bool {
	if contentType == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && kind == "" {
		return false
	}
	return slices.Contains([]string{"application/json", "multipart/mixed"}, strings.ToLower(kind))
}

// limitedBody fails a read beyond the limit, other than io.LimitReader, which
// would make a cut answer look like a whole one.
type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &Error{
			Code: codeTooLarge, Message: fmt.Sprintf("the answer is larger than %d MB", maxAnswer>>20),
			Hint: "Ask for less at once.",
		}
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
