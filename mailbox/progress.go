package mailbox

import "context"

// Progress is told how far a call has got: done of total, and of what, in one
// plural word such as "mails". It is called by one goroutine at a time, with
// done growing, and must not block.
type Progress func(done, total int, what string)

type progressKey struct{}

// WithProgress returns a context whose calls tell p how far they have got, if
// they take more than one request for what they are asked.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// progress tells whoever wants to know.
func progress(ctx context.Context, done, total int, what string) {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok && done < total {
		p(done, total, what)
	}
}
