package standin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
)

// maxParts is how many requests one batch may hold.
const maxParts = 100

// isBatch reports whether a path is one of the two batch endpoints.
func isBatch(path string) bool { return path == "/batch" || path == "/batch/gmail/v1" }

// batchPart is one request of a batch and, later, its answer.
type batchPart struct {
	contentID string
	request   *http.Request
	seen      *Seen
	status    int
	header    http.Header
	body      []byte
	hangUp    bool
}

// serveBatch runs the parts of a batch at the same time and answers them in
// an order of its own, as Google does: only the Content-ID says which is which.
func (g *gmailState) serveBatch(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeFault(rw, r, refuse(http.StatusNotFound, "NOT_FOUND", "notFound", "Method not found."))
		return
	}
	parts, err := readBatch(r.Header.Get("Content-Type"), http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		writeFault(rw, r, err)
		return
	}
	if seen, ok := r.Context().Value(seenKey{}).(*Seen); ok {
		g.world.edit(seen, func(s *Seen) { s.Parts = len(parts) })
	}
	if len(parts) > maxParts {
		writeFault(rw, r, badRequest("Inner request count exceeds the limit. Received: %d, Limit: %d", len(parts), maxParts))
		return
	}
	g.runBatch(r, parts)
	for _, p := range parts {
		if p.hangUp {
			panic(http.ErrAbortHandler)
		}
	}
	shuffle(parts)
	boundary := "batch_" + strings.ReplaceAll(g.sealHandle("boundary", 0, 0), "-", "_")
	rw.Header().Set("Content-Type", "multipart/mixed; boundary="+boundary)
	writeBody(rw, r, http.StatusOK, writeBatch(parts, boundary))
}

// runBatch fills in the answers. All parts knock at the wall before the first
// one is done, so a batch that is too large always loses the same parts.
func (g *gmailState) runBatch(r *http.Request, parts []*batchPart) {
	var running sync.WaitGroup
	defer running.Wait()
	var start []func()
	for _, p := range parts {
		inner := p.request.WithContext(r.Context())
		if outer := r.Header.Get("Authorization"); outer != "" && inner.Header.Get("Authorization") == "" {
			inner.Header.Set("Authorization", outer)
		}
		inner.Host = r.Host
		p.request = inner
		seen, fault := g.world.note("gmail-part", inner)
		p.seen = seen
		run, end := g.startPart(p)
		start = append(start, func() {
			defer end()
			g.finishPart(p, fault, run)
		})
	}
	for _, f := range start {
		running.Go(f)
	}
}

// startPart admits a part. run does its work, end gives its place back.
func (g *gmailState) startPart(p *batchPart) (run func() ([]byte, error), end func()) {
	fail := func(err error) (func() ([]byte, error), func()) {
		return func() ([]byte, error) { return nil, err }, func() {}
	}
	path := p.request.URL.Path
	if isBatch(path) || strings.HasPrefix(path, "/upload/") || path == "" {
		return fail(badRequest("Nested batches and uploads are not allowed in a batch"))
	}
	c, err := g.prepare(p.request)
	if err != nil {
		return fail(err)
	}
	release, err := g.admit(c)
	if err != nil {
		return fail(err)
	}
	return func() ([]byte, error) { return g.perform(c) }, release
}

// finishPart runs a part, or does to it what the fault says.
func (g *gmailState) finishPart(p *batchPart, fault *Fault, run func() ([]byte, error)) {
	defer func() { g.world.edit(p.seen, func(s *Seen) { s.Status = p.status }) }()
	p.header = http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	if fault != nil {
		if !pause(p.request, fault.Delay) {
			p.hangUp = true
			return
		}
		lost := fault.HangUp || fault.Status != 0
		if lost && fault.Applied {
			_, _ = run() // the caller sees the fault instead
		}
		if p.hangUp = fault.HangUp; p.hangUp {
			return
		}
		if lost {
			p.fail(fault)
			return
		}
	}
	body, err := run()
	switch {
	case err != nil:
		p.fail(asRefusal(err).Fault)
	case body == nil:
		p.status = http.StatusNoContent
	default:
		p.status, p.body = http.StatusOK, body
	}
}

func (p *batchPart) fail(f *Fault) {
	p.status, p.body = f.Status, []byte(f.Body)
	for k, v := range f.Header {
		p.header[http.CanonicalHeaderKey(k)] = v
	}
}

// readBatch reads the requests of a batch.
func readBatch(contentType string, body io.Reader) ([]*batchPart, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/mixed" || params["boundary"] == "" {
		return nil, badRequest("Failed to parse batch request, error: Content-Type must be multipart/mixed with a boundary. Received %q", mediaType)
	}
	var parts []*batchPart
	mr := multipart.NewReader(body, params["boundary"])
	for {
		mp, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, badRequest("Failed to parse batch request, error: %v", err)
		}
		p, err := readPart(mp.Header, mp)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, badRequest("The batch request must contain at least one inner request")
	}
	return parts, nil
}

func readPart(header textproto.MIMEHeader, body io.Reader) (*batchPart, error) {
	if t, _, _ := mime.ParseMediaType(header.Get("Content-Type")); t != "application/http" {
		return nil, badRequest("Failed to parse batch request, error: the Content-Type of a part must be application/http. Received %q", t)
	}
	in := bufio.NewReader(body)
	tp := textproto.NewReader(in)
	line, err := tp.ReadLine()
	if err != nil {
		return nil, badRequest("Failed to parse batch request, error: a part has no request line")
	}
	// The HTTP version may be left out, and ReadRequest insists on it; the
	// headers after the line may be left out, too.
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 || !strings.HasPrefix(words[1], "/") {
		return nil, badRequest("Failed to parse batch request, error: invalid request line %q", line)
	}
	inner, err := tp.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, badRequest("Failed to parse batch request, error: %v", err)
	}
	content, err := io.ReadAll(in)
	if err != nil {
		return nil, badRequest("Failed to parse batch request, error: %v", err)
	}
	r, err := http.NewRequest(words[0], words[1], bytes.NewReader(content)) //nolint:noctx,gosec // it goes nowhere: runBatch gives it a context and serves it itself
	if err != nil {
		return nil, badRequest("Failed to parse batch request, error: invalid request line %q", line)
	}
	r.Header = http.Header(inner)
	if r.Header == nil {
		r.Header = http.Header{}
	}
	return &batchPart{contentID: header.Get("Content-Id"), request: r}, nil
}

// shuffle changes the order so that the first never stays the first.
func shuffle(parts []*batchPart) {
	d := seed("batch", uint64(len(parts)))
	for i := len(parts) - 1; i > 0; i-- {
		j := d.below(i)
		parts[i], parts[j] = parts[j], parts[i]
	}
}

// writeBatch renders the answers.
func writeBatch(parts []*batchPart, boundary string) []byte {
	var out bytes.Buffer
	for _, p := range parts {
		fmt.Fprintf(&out, "--%s\r\nContent-Type: application/http\r\n", boundary)
		if p.contentID != "" {
			id := strings.TrimPrefix(p.contentID, "<")
			bracket := strings.TrimSuffix(p.contentID, id)
			fmt.Fprintf(&out, "Content-ID: %sresponse-%s\r\n", bracket, id)
		}
		fmt.Fprintf(&out, "\r\nHTTP/1.1 %d %s\r\n", p.status, http.StatusText(p.status))
		_ = p.header.Write(&out) // a buffer takes everything
		fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n", len(p.body))
		out.Write(p.body)
		out.WriteString("\r\n")
	}
	fmt.Fprintf(&out, "--%s--\r\n", boundary)
	return out.Bytes()
}
