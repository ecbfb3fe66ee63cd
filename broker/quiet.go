package broker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"linkmail/broker/wire"
)

// typeForm is the media type of a [form].
const typeForm = "application/x-www-form-urlencoded"

// quietBuffer is the size of the buffer that answers pass through, in bytes.
const quietBuffer = 4 << 10

// errLong says that an answer does not fit into the buffer it was meant for.
var errLong = errors.New("broker: answer is too long")

// quiet is a request whose body, or whose answer, has tokens in it.
type quiet struct {
	method string
	to     *url.URL
	// client is who asks, in a header; nil is nobody, or somebody whom the body
	// names.
	client *url.Userinfo
	// media is the type of the body.
	media string
	body  []byte
}

// head is the request without its body (RFC 9112 section 3). It is written
// here because net/http would send the body through buffers of its own.
func (q quiet) head() []byte {
	h := http.Header{}
	h.Set("Accept", wire.TypeJSON)
	h.Set("Accept-Encoding", "identity")
	h.Set("Connection", "close")
	h.Set("Content-Type", q.media)
	h.Set("User-Agent", "linkmail-broker") // without one GitHub refuses
	if q.client != nil {
		password, _ := q.client.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(q.client.Username()+":"+password)))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", q.method, q.to.RequestURI(), q.to.Host, len(q.body))
	_ = h.Write(&b) // a bytes.Buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}

// quietly sends a request and reads the body of the answer into buf: n bytes of
// it. The caller clears buf and the request's body. A usual
// HTTP client leaves a dozen copies of each token in memory that it has given
// back but not overwritten: in the TLS record buffer, in buffered readers and
// writers, in frames of HTTP/2, in pools. Here the body goes to the connection
// as it is (the TLS layer encrypts its one copy in place), and every buffer
// between the wire and buf belongs to this call and is cleared before it
// returns.
//
// The connection is subject to the same address check as all others, follows
// no redirect, and is used once. Content codings are not undone.
func (e *egress) quietly(ctx context.Context, q quiet, buf []byte) (header http.Header, status, n int, err error) {
	ctx, stop := context.WithTimeout(ctx, proxyDeadline)
	defer stop()
	conn, forget, err := e.connect(ctx, q.to)
	if err != nil {
		return nil, 0, 0, err
	}
	defer forget()
	for _, part := range [][]byte{q.head(), q.body} {
		if _, err := conn.Write(part); err != nil {
			return nil, 0, 0, err
		}
	}
	r := bufio.NewReaderSize(io.LimitReader(conn, maxReplyHeader+int64(len(buf))), quietBuffer)
	defer overwrite(r)
	resp, err := readFinal(r, &http.Request{Method: q.method}) //nolint:bodyclose // closing reads the rest into a buffer of a pool
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
