package linkauth

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"linkmail/broker/wire"
)

const (
	// maxEventLine is the longest line of a stream, in bytes, and maxEventData
	// the longest data of one event. A broker's events have about 100.
	maxEventLine = 8 << 10
	maxEventData = 16 << 10
)

// errEvents says that a stream is none of a broker's.
var errEvents = errors.New("linkauth: the stream holds something else than a broker's events")

// eventReader reads a stream of server-sent events (the HTML standard, section
// 9.2.6) as far as a broker uses them: fields it does not know, events of other
// names and the reconnection time are skipped.
type eventReader struct {
	lines *bufio.Scanner
	heard func() // called for every line, comments included
}

func newEventReader(r io.Reader, heard func()) *eventReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEventLine)
	split := &lineSplitter{}
	lines.Split(split.next)
	return &eventReader{lines: lines, heard: heard}
}

// next returns the next status. It returns [io.EOF] at the end of the stream,
// [errEvents] for a stream that is no broker's, and else the reader's error. An
// event that the end cuts off is none.
func (e *eventReader) next() (wire.Event, error) {
	var name string
	var data []byte
	for e.lines.Scan() {
		e.heard()
		line := e.lines.Bytes()
		if len(line) == 0 {
			if name == wire.EventStatus && len(data) > 0 {
				return readEvent(data)
			}
			name, data = "", nil
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			if len(data) > 0 {
				data = append(data, '\n')
			}
			if data = append(data, value...); len(data) > maxEventData {
				return wire.Event{}, errEvents
			}
		}
	}
	switch err := e.lines.Err(); {
	case err == nil:
		return wire.Event{}, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return wire.Event{}, errEvents
	default:
		return wire.Event{}, err
	}
}

// readEvent reads the data of one event. A broker's expiry is not of interest:
// the link's own is known from its creation, on this machine's clock.
func readEvent(data []byte) (wire.Event, error) {
	var in struct {
		Status wire.Status `json:"status"`
	}
	if !isObject(data) || json.Unmarshal(data, &in) != nil || in.Status == "" {
		return wire.Event{}, errEvents
	}
	return wire.Event{Status: in.Status}, nil
}

// lineSplitter splits at CR LF, LF or CR. A line that CR ends is given out at
// once: what comes next may be minutes away.
type lineSplitter struct {
	begun bool // a byte order mark may stand before the first line only
	cr    bool // the last line ended with CR, so that an LF belongs to it
}

// next is a [bufio.SplitFunc].
func (l *lineSplitter) next(data []byte, _ bool) (advance int, line []byte, err error) {
	rest := data
	if l.cr && len(data) > 0 {
		l.cr = false
		rest = bytes.TrimPrefix(data, []byte("\n"))
	}
	skipped := len(data) - len(rest)
	end := bytes.IndexAny(rest, "\r\n")
	if end < 0 {
		return skipped, nil, nil // more, or at the end nothing: a line has an end
	}
	line, l.cr = rest[:end], rest[end] == '\r'
	if !l.begun {
		l.begun, line = true, bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return skipped + end + 1, line, nil
}
