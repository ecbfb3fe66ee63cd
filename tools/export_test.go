package tools

// Digest is what a confirmation is bound to.
var Digest = digest

// Split is how a list in one string is cut.
var Split = split

// Collapse is how quotes are left out.
func Collapse(body string) (kept string, omitted int) { return collapse(body, "") }

// CollapseKnown is how quotes are left out of a thread that has text before.
func CollapseKnown(body, before string) (kept string, omitted int) {
	var older reference
	older.add(before)
	return collapseKnown(body, "", &older)
}

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

// AddressesIn is what a model may read as an address in a mail.
var AddressesIn = addressesIn

// Canonical is the one spelling of an address.
var Canonical = canonical

// FileName is what a file is saved as.
var FileName = fileName

// OperatorNote is what is said of the operators of a query.
var OperatorNote = operatorNote

// Tokens is what a line is estimated to cost.
var Tokens = tokens

// MaxHitTokens is what a hit may cost.
const MaxHitTokens = maxHitTokens

// Advice is what is said of arguments that tools do not have, by tool.
var Advice = advice
