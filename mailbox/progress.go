package mailbox

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Progress is told how far a call has got: done of total, and of what, in one
// plural word such as "mails". It is called by one goroutine at a time, with
// done growing from call to call, and must not block.
type Progress func(done, total int, what string)

// teller keeps to what [Progress] promises, whoever tells it.
type teller struct {
	mu   sync.Mutex
	p    Progress
	last int
}

type tellerKey struct{}

// WithProgress returns a context whose calls tell p how far they have got, if
// what they are asked takes several requests or much to transfer. It is for one
// call: done grows over all that is done under the context, and what would be a
// step back, as when a transfer begins again, is not told.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, tellerKey{}, &teller{p: p})
}

// progress tells whoever wants to know, until ctx ends. The end is not told:
// the answer does that.
func progress(ctx context.Context, done, total int, what string) {
	t, ok := ctx.Value(tellerKey{}).(*teller)
	if !ok || ctx.Err() != nil || done >= total {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if done > t.last {
		t.last = done
		t.p(done, total, what)
	}
}

// Tally counts things that are done one by one, beside each other or not, and
// tells the [Progress] of its context at every step.
type Tally struct {
	step, total int
	what        string

	mu   sync.Mutex
	done int
}

// NewTally returns a tally of total things, which tells after every step of them.
func NewTally(total, step int, what string) *Tally {
	return &Tally{total: total, step: step, what: what}
}

// Done counts one more.
func (t *Tally) Done(ctx context.Context) {
	t.mu.Lock()
	t.done++
	done := t.done
	t.mu.Unlock()
	if done%t.step == 0 {
		progress(ctx, done, t.total, t.what)
	}
}

// minTold is the least number of bytes between two words about a transfer. What
// is smaller is there before anybody would read of it.
const minTold = 1 << 20

// meter counts the bytes of a transfer that pass through it, and tells of every
// tenth of them.
type meter struct {
	ctx               context.Context //nolint:containedctx // it is that of the one request that it is made for
	total, step, next int
	done              int
}

func newMeter(ctx context.Context, total int64) *meter {
	step := max(int(total/10), minTold)
	return &meter{ctx: ctx, total: int(total), step: step, next: step}
}

// Write counts p and keeps nothing of it.
func (m *meter) Write(p []byte) (int, error) {
	m.done += len(p)
	if m.done >= m.next {
		m.next = m.done + m.step
		progress(m.ctx, m.done, m.total, "bytes")
	}
	return len(p), nil
}

type uploadKey struct{}

// withUpload returns a context for one request that hands over total bytes, of
// which is told how many are on their way.
func withUpload(ctx context.Context, total int) context.Context {
	return context.WithValue(ctx, uploadKey{}, total)
}

// metered returns the body of r, which tells how far it was read if r is an
// upload.
func metered(r *http.Request) io.ReadCloser {
	total, ok := r.Context().Value(uploadKey{}).(int)
	if !ok || r.Body == nil {
		return r.Body
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r.Body, newMeter(r.Context(), int64(total))), r.Body}
}
