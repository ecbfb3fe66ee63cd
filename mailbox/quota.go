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

const (
	// DefaultUnits is the quota of a user of a project created since May 2026.
	DefaultUnits = 6000
	// MinUnits is the smallest quota that is of use: what a send costs.
	MinUnits = unitsSend
	// nearlySpent is the share of the quota, in percent, that is worth a word.
	nearlySpent = 80
)

// quota counts the units that were spent in the last minute. It refuses a call
// that would not fit, because Gmail answers such a call with an error that
// costs a round trip and, kept up, prolongs the wait.
//
// It is a sliding window and not a token bucket: a full bucket that refills
// while it is drained lets twice the limit through in its first minute.
//
// It knows what this client spent. What other processes, or other devices with
// the same OAuth client, spend of the same quota shows in Gmail's refusals only.
type quota struct {
	limit  int
	now    func() time.Time
	nearly func(spent, limit int) // told when most of it is spent; nil: nobody is

	mu    sync.Mutex
	slots [60]struct { // one a second, by second modulo 60
		second int64
		units  int
	}
}

// take spends units, or returns an error that says when they will fit.
func (q *quota) take(units int) error {
	before, err := q.spend(units)
	line := q.limit * nearlySpent / 100
	if err == nil && q.nearly != nil && before < line && before+units >= line {
		q.nearly(before+units, q.limit) // not under the lock
	}
	return err
}

// spend is take, and returns what was spent before.
func (q *quota) spend(units int) (spent int, err error) {
	now := q.now()
	second := now.Unix()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.slots {
		if second-s.second < 60 {
			spent += s.units
		}
	}
	if spent > 0 && spent+units > q.limit {
		return spent, q.refusal(now, spent+units-q.limit)
	}
	slot := &q.slots[((second%60)+60)%60]
	if slot.second != second {
		slot.second, slot.units = second, 0
	}
	slot.units += units
	return spent, nil
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
