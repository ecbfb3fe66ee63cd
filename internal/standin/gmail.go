package standin

import (
	"net/http"
	"time"
)

// gmailState is every mailbox. It has its own lock.
type gmailState struct{}

func newGmailState(time.Time) *gmailState { return &gmailState{} }

// Gmail returns the handler of the Gmail API: /gmail/v1/users/me/..., /batch
// and /batch/gmail/v1.
func (w *World) Gmail() http.Handler {
	return w.serve("gmail", http.NotFoundHandler())
}
