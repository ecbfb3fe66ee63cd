package mailbox

import (
	"fmt"
	"sync"
	"time"
)

// What a call costs in quota units, per Google's table of 2026-05-01. Projects
// with the older table pay less, so these are upper bounds.
const (
	unitsProfile      = 1
	unitsLabels       = 1
	unitsSendAs       = 1
	unitsSettings     = 1 // to read filters or the vacation responder
	unitsHistory      = 2
	unitsList         = 5
	unitsModify       = 5
	unitsLabelEdit    = 5
	unitsSettingsEdit = 5
	unitsModifyThread = 10
	unitsDraft        = 10 // to create or to delete one
	unitsRedraft      = 15
	unitsGet          = 20
	unitsAttachment   = 20
	unitsThread       = 40
	unitsTrash        = 20
	unitsBatchModify  = 50
	unitsSend         = 100
)

// defaultUnits is the quota of a user of a project created since May 2026.
const defaultUnits = 6000

// quota counts the units that were spent in the last minute. It refuses a call
// that would not fit, because Gmail answers such a call with an error that
// costs a round trip and, kept up, prolongs the wait.
//
// It is a sliding window and not a token bucket: a full bucket that refills
// while it is drained lets twice the limit through in its first minute.
type quota struct {
	limit int
	now   func() time.Time

	mu    sync.Mutex
	slots [60]struct { // one a second, by second modulo 60
		second int64
		units  int
	}
}

// take spends units, or returns an error that says when they will fit.
func (q *quota) take(units int) error {
	now := q.now()
	second := now.Unix()
	q.mu.Lock()
	defer q.mu.Unlock()
	spent := 0
	for _, s := range q.slots {
		if second-s.second < 60 {
			spent += s.units
		}
	}
	if spent > 0 && spent+units > q.limit {
		return q.refusal(now, spent+units-q.limit)
	}
	slot := &q.slots[((second%60)+60)%60]
	if slot.second != second {
		slot.second, slot.units = second, 0
	}
	slot.units += units
	return nil
}

// refusal says when excess units will have left the window. The caller holds
// the lock.
func (q *quota) refusal(now time.Time, excess int) *Error {
	second := now.Unix()
	for age := int64(59); age >= 0; age-- {
		s := q.slots[(((second-age)%60)+60)%60]
		if s.second != second-age {
			continue
		}
		if excess -= s.units; excess > 0 {
			continue
		}
		wait := time.Unix(s.second+60, 0).Sub(now)
		return &Error{
			Code:       codeRateLimited,
			Message:    fmt.Sprintf("the quota of %d Gmail units per minute is used up", q.limit),
			Hint:       "Wait, then ask for fewer mails at once.",
			Reason:     "localQuota",
			RetryAfter: max(wait, time.Second),
		}
	}
	return &Error{
		Code: codeRateLimited, Message: "the call costs more than a minute's quota of Gmail units",
		Hint: "Ask for fewer mails at once.", Reason: "localQuota", RetryAfter: time.Minute,
	}
}
