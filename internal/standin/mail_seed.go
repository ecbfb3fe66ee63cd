package standin

import (
	"fmt"
	"time"
)

// seededInbox returns the mailbox of DefaultUser.
func seededInbox(now time.Time) *inbox {
	b := newInbox(DefaultUser)
	for i := range 40 {
		at := now.Add(-time.Duration(40-i) * 30 * time.Hour)
		l := newLetter(b.newID(), at, func() []byte {
			return fmt.Appendf(nil, "Delivered-To: %s\r\nFrom: Dana Whitfield <dana.whitfield@example.com>\r\nTo: Alex Rivera <%s>\r\nSubject: Kestrel invoice %d\r\nDate: %s\r\nMessage-ID: <seed-%d@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHi Alex,\r\n\r\nthe invoice no. %d is ready.\r\n\r\nDana\r\n",
				DefaultUser, DefaultUser, i, at.Format(time.RFC1123Z), i, i)
		})
		b.add(l, l.id, "INBOX", "CATEGORY_PERSONAL", "UNREAD")
	}
	return b
}
