package wire

import "time"

// TypeEvents is the media type of GET /v1/sessions/{id}/events (the HTML
// standard, section 9.2, server-sent events).
const TypeEvents = "text/event-stream"

// EventStatus is the name of the events of that stream. There is no other one.
const EventStatus = "status"

// Event is the data of one event: how the session stands. It never carries the
// envelope, which is fetched by one poll when Status is [Ready]. The stream
// ends after a status from which only a poll, or nothing, leads on: Ready,
// Consumed, Failed, Expired.
type Event struct {
	Status    Status    `json:"status"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Error is an OAuth error code, as in [Poll].
	Error string `json:"error,omitempty"`
}

// Final reports whether the stream ends with the event.
func (e Event) Final() bool {
	switch e.Status {
	case Ready, Consumed, Failed, Expired:
		return true
	default:
		return false
	}
}
