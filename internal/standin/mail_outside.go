package standin

import "time"

// RawMessage is a message as it was handed to Gmail for sending.
type RawMessage struct {
	// ID and ThreadID are those of the copy in the sender's mailbox.
	ID, ThreadID string
	// Raw is exactly what the caller sent, Bcc included, before Gmail changed
	// Message-ID and From.
	Raw []byte
	// Recipients are the addresses it went to, in lower case, without duplicates.
	Recipients []string
	At         time.Time
}
