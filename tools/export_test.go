package tools

// Digest is what a confirmation is bound to.
var Digest = digest

// Split is how a list in one string is cut.
var Split = split

// Collapse is how quotes are left out.
var Collapse = collapse

// Chunk is how a body is cut into parts.
func Chunk(body string, offset, limit int) (text string, next, total int) {
	c := chunkOf(body, offset, limit)
	return c.text, c.next, c.total
}

// Fenced puts a fresh fence around text and returns its nonce too.
func Fenced(text string) (fenced, nonce string) {
	f := newFence()
	return f.around(text), f.nonce
}
