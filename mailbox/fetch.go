package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	gmail "google.golang.org/api/gmail/v1"
)

// batches paces the batch requests of all calls: one at a time, because what
// runs at once is what Gmail limits per user, and of a size that passes.
type batches struct {
	slot chan struct{} // holds the one that runs

	mu     sync.Mutex
	size   int  // of the next part
	steady int  // how many more have to pass before a larger one is tried
	absent bool // the server has no batch endpoint
}

const (
	minPart  = 5
	growPart = 5
	// steadyParts is how long a size stays that is what passed of a larger one.
	steadyParts = 10
	// singles is how many mails are fetched at once where there is no batch.
	singles = 10
)

// next returns the size of the next part, and whether batches work at all.
func (b *batches) next() (size int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size, !b.absent
}

// learn adapts the size to how a part went: what passed of one passes again,
// and what is larger would mean refusals, so it is not tried all the time.
func (b *batches) learn(sent, refused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case refused > 0:
		b.size, b.steady = max(min(sent-refused, b.size), minPart), steadyParts
	case b.steady > 0:
		b.steady--
	default:
		b.size = min(b.size+growPart, maxPart)
	}
}

func (b *batches) giveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.absent = true
}

// acquire waits for the slot, until b ends at the latest; the returned function
// gives it back.
func (c *Client) acquire(ctx context.Context, b budget) (release func(), err error) {
	limited, cancel := context.WithDeadline(ctx, b.ends)
	defer cancel()
	select {
	case c.batches.slot <- struct{}{}:
		return func() { <-c.batches.slot }, nil
	case <-limited.Done():
	}
	if ctx.Err() != nil {
		return nil, wrap("fetch mails", ctx.Err())
	}
	_, err = c.explain("fetch mails", limited.Err())
	return nil, err
}

// fetched is what became of the mails that were asked for. Every id is in one
// of the three.
type fetched struct {
	messages map[string]*gmail.Message
	gone     map[string]bool // deleted meanwhile
	failed   map[string]*Error
}

// sortIn files the answer to one mail, and reports whether to ask again.
func (f *fetched) sortIn(id string, m *gmail.Message, e *Error, p pace) (again bool) {
	switch {
	case e == nil:
		f.messages[id] = m
		delete(f.failed, id)
	case e.Code == codeNotFound:
		f.gone[id] = true
		delete(f.failed, id)
	default:
		f.failed[id] = e
		return p != never
	}
	return false
}

// settled reports whether nothing more is to be asked about id.
func (f *fetched) settled(id string) bool { return f.messages[id] != nil || f.gone[id] }

// fetch gets mails by their ids, in as few requests as Gmail allows. A mail
// that failed is reported in the result; an error is returned only for what
// stops every one, for example a refused token.
func (c *Client) fetch(ctx context.Context, b budget, ids []string, f form) (fetched, error) {
	result := fetched{messages: map[string]*gmail.Message{}, gone: map[string]bool{}, failed: map[string]*Error{}}
	pending, reauthorized := ids, false
	for try := 0; len(pending) > 0; {
		size, ok := c.batches.next()
		if !ok {
			return result, c.fetchSingly(ctx, b, pending, f, &result)
		}
		part, rest := pending[:min(size, len(pending))], pending[min(size, len(pending)):]
		again, worst, err := c.fetchPart(ctx, b, part, f, &result)
		switch {
		case errors.Is(err, errNoBatch):
			return result, c.fetchSingly(ctx, b, pending, f, &result)
		case err != nil:
			return result, err
		}
		if id, ok := refusedToken(part, result.failed); ok && !reauthorized {
			// The parts of a batch were refused one by one, which the transport
			// cannot see. A request of its own lets it get a new token.
			reauthorized = true
			if err := c.fetchSingly(ctx, b, []string{id}, f, &result); err != nil {
				return result, err
			}
			pending = slices.DeleteFunc(slices.Clone(pending), result.settled)
			continue
		}
		if len(again) < len(part) {
			try = 0 // some got through: this is not a dead end
		}
		if len(again) > 0 && b.wait(ctx, worst, try, longestWait(again, result.failed)) {
			try++
			pending = append(again, rest...)
			continue
		}
		if ctx.Err() != nil {
			return result, wrap("fetch mails", ctx.Err())
		}
		pending = rest
		progress(ctx, len(ids)-len(pending), len(ids), "mails")
	}
	return result, nil
}

// fetchPart does one batch request and files its answers. It returns the ids
// that are worth another try and the slowest pace among them.
func (c *Client) fetchPart(ctx context.Context, b budget, part []string, f form, result *fetched) (again []string, worst pace, err error) {
	release, err := c.acquire(ctx, b)
	if err != nil {
		return nil, never, err
	}
	var answers map[string]answer
	p, err := c.attempt(ctx, b, "fetch mails", unitsGet*len(part), func(ctx context.Context) error {
		var err error
		answers, err = c.batch(ctx, part, f)
		return err
	})
	release()
	var e *Error
	switch {
	case err == nil:
	case errors.As(err, &e) && (p != never || e.Code == codeRateLimited):
		// The request as a whole did not work out: neither did any part.
		for _, id := range part {
			result.failed[id] = e
		}
		if p == never {
			return nil, never, nil
		}
		return slices.Clone(part), p, nil
	default:
		return nil, never, err
	}
	refused := 0
	for _, id := range part {
		m, e, p := c.part(answers, id)
		if e != nil && e.Code != codeTokenRefused && stopsAll(e) {
			return nil, never, e
		}
		if p == concurrent || p == rate {
			refused++
		}
		if result.sortIn(id, m, e, p) {
			again = append(again, id)
			worst = slower(worst, p)
		}
	}
	c.batches.learn(len(part), refused)
	return again, worst, nil
}

// part reads the answer to one mail out of a batch's.
func (c *Client) part(answers map[string]answer, id string) (*gmail.Message, *Error, pace) {
	a, ok := answers[id]
	if !ok {
		return nil, &Error{Code: codeUnavailable, Message: "Gmail left a mail out of its answer", Hint: "Try again.", Reason: "missing", RetryAfter: atOnce}, hiccup
	}
	if a.status != http.StatusOK {
		e, p := c.host.classify(a.status, a.header, a.body, c.now())
		return nil, e, p
	}
	m := new(gmail.Message)
	if err := json.Unmarshal(a.body, m); err != nil || m.Id != id {
		return nil, &Error{Code: codeUnavailable, Message: "Gmail's answer for a mail is not readable", Hint: "Try again.", Reason: "unreadable", RetryAfter: atOnce}, hiccup
	}
	return m, nil, never
}

// fetchSingly gets mails with a request each, where there is no batch.
func (c *Client) fetchSingly(ctx context.Context, b budget, ids []string, f form, result *fetched) error {
	release, err := c.acquire(ctx, b)
	if err != nil {
		return err
	}
	defer release()
	var mu sync.Mutex // guards result
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(singles)
	for _, id := range ids {
		group.Go(func() error {
			var m *gmail.Message
			err := c.read(ctx, b, "fetch mails", unitsGet, func(ctx context.Context) error {
				var err error
				m, err = c.get(ctx, id, f)
				return err
			})
			var e *Error
			if err != nil && (!errors.As(err, &e) || stopsAll(e)) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			result.sortIn(id, m, e, never)
			return nil
		})
	}
	return group.Wait()
}

// stopsAll reports whether a refusal of one mail is one of all.
func stopsAll(e *Error) bool {
	switch e.Code {
	case codeTokenRefused, codeMissingScope, codeAPIDisabled, codeDomainPolicy, codeNoMailbox, codeForbidden:
		return true
	}
	return false
}

// refusedToken finds a mail of part that was refused for its token.
func refusedToken(part []string, failed map[string]*Error) (string, bool) {
	for _, id := range part {
		if e := failed[id]; e != nil && e.Code == codeTokenRefused {
			return id, true
		}
	}
	return "", false
}

// slower returns the pace with the longer waits.
func slower(a, b pace) pace {
	if pacing[a].first > pacing[b].first {
		return a
	}
	return b
}

// longestWait is when the last of ids may be asked for again.
func longestWait(ids []string, failed map[string]*Error) (longest time.Duration) {
	for _, id := range ids {
		if e := failed[id]; e != nil {
			longest = max(longest, e.told)
		}
	}
	return longest
}
