package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
)

const (
	// maxLine bounds a message on stdio, in bytes: arguments of 1 MiB and
	// whatever JSON-RPC puts around them.
	maxLine = 1<<20 + 64<<10
	// edge is how much of the beginning and the end of a longer line is kept,
	// to find the id that its answer must carry.
	edge = 4 << 10
)

// line is one message as it was read.
type line struct {
	// text is the message without its line end. Of a message that is too long
	// it is the beginning, and tail the end.
	text, tail []byte
	tooLong    bool
}

// lineReader reads messages one by one and never holds much more than one.
type lineReader struct{ r *bufio.Reader }

// next returns the next line. A last line without a line end counts too; after
// it comes io.EOF.
func (l lineReader) next() (line, error) {
	var got line
	for {
		part, err := l.r.ReadSlice('\n')
		switch {
		case got.tooLong:
			got.tail = append(got.tail, part...)
			if extra := len(got.tail) - edge; extra > 0 {
				got.tail = append(got.tail[:0], got.tail[extra:]...)
			}
		case len(got.text)+len(part) > maxLine:
			got.tooLong = true
			got.tail = append(got.tail, part...)
			got.text = got.text[:min(edge, len(got.text))]
		default:
			got.text = append(got.text, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) && (len(got.text) > 0 || got.tooLong) {
			err = nil
		}
		got.text, got.tail = bytes.TrimSpace(got.text), bytes.TrimSpace(got.tail)
		return got, err
	}
}

// A line that is too long is not parsed, but its answer needs its id. Most
// clients write it first or last. At the end of a valid message the last brace
// closes the message, so a member right before it is the message's own; at the
// beginning the same holds for what follows the first brace.
var (
	lastID  = regexp.MustCompile(`[,{]\s*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*\}$`)
	firstID = regexp.MustCompile(`^\{(?:\s*"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*,)*\s*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*,`)
)

// id returns the id of a message that is too long, as JSON, or nil.
func (l line) id() []byte {
	for _, m := range [][][]byte{firstID.FindSubmatch(l.text), lastID.FindSubmatch(l.tail)} {
		if m != nil {
			return m[1]
		}
	}
	return nil
}
