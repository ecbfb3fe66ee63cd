package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"linkmail/broker/wire"
)

// quietBuffer is the size of the buffer that answers pass through, in bytes.
const quietBuffer = 4 << 10

// errLong says that an answer does not fit into the buffer it was meant for.
var errLong = errors.New("broker: answer is too long")

// postForm sends a form, as client where that is not nil, and reads the body of the answer into buf, which the
// caller clears: n bytes of it. It is for answers with tokens in them. A usual
// HTTP client leaves a dozen copies of each in memory that it has given back
// but not overwritten: in the TLS record buffer, in buffered readers, in frames
// of HTTP/2, in pools. Here every buffer between the wire and buf belongs to
// this call and is cleared before it returns.
//
// The connection is subject to the same address check as all others, follows
// no redirect, and is used once. Content codings are not undone.
func (e *egress) postForm(ctx context.Context, to *url.URL, client *url.Userinfo, form url.Values, buf []byte) (header http.Header, status, n int, err error) {
	ctx, stop := context.WithTimeout(ctx, proxyDeadline)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, 0, 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", wire.TypeJSON)
	req.Header.Set("Accept-Encoding", "identity")
	req.Close = true
	if client != nil {
		password, _ := client.Password()
		req.SetBasicAuth(client.Username(), password)
	}

	conn, forget, err := e.connect(ctx, to)
	if err != nil {
		return nil, 0, 0, err
	}
	defer forget()
	if err := req.Write(conn); err != nil {
		return nil, 0, 0, err
	}
	r := bufio.NewReaderSize(io.LimitReader(conn, maxReplyHeader+int64(len(buf))), quietBuffer)
	defer overwrite(r)
	resp, err := readFinal(r, req) //nolint:bodyclose // closing reads the rest into a buffer of a pool
	if err != nil {
		return nil, 0, 0, err
	}
	// What ends is the connection, not the body.
	for n < len(buf) {
		var more int
		more, err = resp.Body.Read(buf[n:])
		n += more
		switch {
		case errors.Is(err, io.EOF):
			return resp.Header, resp.StatusCode, n, nil
		case err != nil:
			return nil, 0, 0, err
		}
	}
	return nil, 0, 0, errLong
}

// readFinal reads the answer that is not a provisional one.
func readFinal(r *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(r, req)
		if err != nil || resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// connect opens a connection for one request. forget ends it and clears what
// it was read through.
func (e *egress) connect(ctx context.Context, to *url.URL) (_ net.Conn, forget func(), err error) {
	transport, ok := e.clientFor(to.Host).Transport.(*http.Transport)
	if !ok {
		return nil, nil, errors.New("broker: no transport")
	}
	raw, err := transport.DialContext(ctx, "tcp", net.JoinHostPort(to.Hostname(), usualPort(to)))
	if err != nil {
		return nil, nil, err
	}
	read := &remembering{Conn: raw}
	unhook := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	forget = func() {
		unhook()
		_ = raw.Close()
		read.clear()
	}
	if to.Scheme != "https" {
		return read.Conn, forget, nil
	}
	cfg := transport.TLSClientConfig.Clone()
	cfg.ServerName, cfg.NextProtos = to.Hostname(), []string{"http/1.1"}
	secured := tls.Client(read, cfg)
	shake, stop := context.WithTimeout(ctx, transport.TLSHandshakeTimeout)
	defer stop()
	if err := secured.HandshakeContext(shake); err != nil {
		forget()
		return nil, nil, err
	}
	return secured, forget, nil
}

// recordHeader is the size of what stands before a TLS record: its type, a
// version, and its length (RFC 8446 section 5.1).
const recordHeader = 5

// remembering is a connection below TLS. The TLS layer decrypts a record in
// the buffer that it read it into, and offers no way to clear it, so the
// connection keeps track of the buffers that it was given to fill. It must not
// be read by anything but the TLS layer, whose buffers are its own.
//
// It gives the header of a record and its contents in two reads, and neither
// in part. Otherwise the beginning of a record could be moved into a larger
// buffer, in front of the place that the next read is given.
type remembering struct {
	net.Conn
	buffers [][]byte
	left    int // of the record whose header was read
}

// Read reads a header or the contents of a record, and remembers p.
func (c *remembering) Read(p []byte) (int, error) {
	if len(p) < recordHeader {
		return 0, io.ErrShortBuffer
	}
	if whole := p[:cap(p)]; !c.knows(whole) {
		c.buffers = append(c.buffers, whole)
	}
	if c.left == 0 {
		n, err := io.ReadFull(c.Conn, p[:recordHeader])
		if err == nil {
			c.left = int(binary.BigEndian.Uint16(p[recordHeader-2:]))
		}
		return n, err
	}
	n, err := io.ReadFull(c.Conn, p[:min(c.left, len(p))])
	c.left -= n
	return n, err
}

// knows reports whether p is in a buffer that is known from its beginning.
func (c *remembering) knows(p []byte) bool {
	for i, known := range c.buffers {
		if &known[len(known)-1] != &p[len(p)-1] {
			continue
		}
		if len(known) < len(p) {
			c.buffers[i] = p
		}
		return true
	}
	return false
}

// clear overwrites the buffers. The connection has ended.
func (c *remembering) clear() {
	for _, b := range c.buffers {
		clear(b)
	}
	c.buffers = nil
}

// overwrite fills the buffer of r with zeros; it can be reached in no other way.
func overwrite(r *bufio.Reader) {
	r.Reset(zeros{})
	_, _ = r.Peek(r.Size())
}

// zeros is an endless source of zeros.
type zeros struct{}

// Read clears p.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
