package linkauth

import (
	"io"

	"linkmail/broker/wire"
)

// Decode runs both readers of a broker's answers, for fuzzing. It returns what
// would be shown to a person, and what the next poll would wait for.
func Decode(body []byte, date string) (url, code string, waits []int64) {
	if o, err := readOpened(body, date); err == nil {
		url, code = o.url, o.code
		waits = append(waits, int64(o.interval), int64(o.life))
	}
	if p, err := readPolled(body); err == nil {
		waits = append(waits, int64(p.interval))
	}
	return url, code, waits
}

// ReadEvents reads a stream to its end: the statuses that it told, and how it ended.
func ReadEvents(r io.Reader) ([]wire.Status, error) {
	events := newEventReader(r, func() {})
	var told []wire.Status
	for {
		event, err := events.next()
		if err != nil {
			return told, err
		}
		told = append(told, event.Status)
	}
}

// Bounds of a stream, and what a stream that is none ends with.
const (
	MaxEventLine = maxEventLine
	MaxEventData = maxEventData
)

var ErrEvents = errEvents
