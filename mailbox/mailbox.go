// Package mailbox is Gmail in plain terms: search, read, send.
//
// A [Client] works for one mailbox. It makes Gmail cheap (one list and one
// batch for a search, an id-keyed cache of what never changes, gzip, a warm
// connection), truthful (what could not be fetched is named, an ambiguous send
// is called ambiguous) and safe (mail text is cleaned of what a reader would
// not see; header fields cannot be injected). It knows nothing of how a
// request is authorized: Config.HTTP supplies the transport.
package mailbox

import (
	"net/http"
	"time"
)

// Config configures a [Client].
type Config struct {
	// HTTP returns the transport that authorizes requests for a scope of
	// linkmail's own terms ("gmail"). Required.
	HTTP func(scope string) http.RoundTripper
	// Endpoint is the root of the Gmail API; default https://gmail.googleapis.com/.
	Endpoint string
	// UnitsPerMinute is the per-user quota; default 6000 (projects created
	// since May 2026; older ones have 15000). At least [MinUnits].
	UnitsPerMinute int
	// NearlySpent is told, once each time, when a minute's spending reaches 80 %
	// of the quota. It must not block. Nil: nobody is told.
	NearlySpent func(spent, limit int)
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Version goes into the User-Agent.
	Version string
}

// Address is a mailbox as a header names it. Both parts are cleaned text.
type Address struct {
	Name, Email string
}

// Summary is what a list of mails shows of one.
type Summary struct {
	ID, ThreadID string
	From         Address
	To, Cc       []Address
	Subject      string
	Date         time.Time
	Snippet      string
	// Labels are names, system labels as Gmail spells them (INBOX, UNREAD).
	Labels []string
	Unread bool
	// HasAttachments is what Gmail's has:attachment says. Far into a long
	// result, and where Gmail did not answer, it is told from the mail's type.
	HasAttachments bool
	// DraftID is set for a draft that was found by a query for drafts, such
	// as in:draft, or that is in a thread.
	DraftID string
}

// Query asks for a page of mails.
type Query struct {
	// Text is a Gmail search expression, passed through untouched. Empty
	// lists the newest mail. At most 4096 bytes. One that is an IMAP search
	// (RFC 3501, 6.4.4) is translated, or refused where it cannot be.
	Text string
	// Zone is where the days of an IMAP search begin; default UTC.
	Zone *time.Location
	// After and Before bound the time of arrival: After inclusive, Before
	// exclusive. Zero means open.
	After, Before time.Time
	// Max is how many mails a page has, 1 to 50; zero means 10.
	Max int
	// PageToken continues a page; it belongs to one query.
	PageToken string
	// SpamTrash includes spam and trash.
	SpamTrash bool
}

// Page is the answer to a [Query].
type Page struct {
	Items []Summary
	// Next continues the list; empty at its end.
	Next string
	// Effective is the query as it was sent to Gmail.
	Effective string
	// Translated says that the query was an IMAP search, or had keys of one.
	Translated bool
	// Omitted counts mails that were deleted between list and get.
	Omitted int
	// Failed names the mails that could not be fetched, with the reason.
	Failed []Failed
	// RetryAfter is when fetching the failed ones makes sense again.
	RetryAfter time.Duration
}

// Failed is one mail that could not be fetched.
type Failed struct {
	ID string
	// Reason is Gmail's reason code, for example "rateLimitExceeded", or
	// "localQuota" for a mail that was not asked for to keep within the quota.
	Reason string
}

// Message is one mail, converted for reading.
type Message struct {
	Summary
	Bcc, ReplyTo []Address
	// Body is Markdown (or text, as asked), cleaned, in full.
	Body string
	// Source says what Body was made of: "html", "text", "headers" or "none".
	Source string
	// HiddenChars counts characters that were removed because a reader of the
	// mail would not have seen them: of text, of descriptions of pictures, of
	// values of form fields. Comments, scripts, styles and titles are removed
	// and do not count: nearly every newsletter has them.
	HiddenChars int
	// Cut is set if the mail has more text than Body, because it is larger
	// than anybody reads or cannot be read here. Body says so where it ends.
	Cut bool
	// Skipped is set in a thread so long that this mail's text was not looked
	// at; Body is then empty, and [Client.Read] has it.
	Skipped bool
	// TextDiffers is set if the plain text part holds a sizeable share of
	// words that a reader of the HTML part does not see. Source tells which
	// of the two Body is.
	TextDiffers bool
	Attachments []Attachment
	Provenance
	// MisleadingLinks counts the links of the HTML whose text names another
	// site than they lead to.
	MisleadingLinks int
	// MayHide is set if the styles of the HTML are too many to tell what they
	// hide: some of Body may be text that a reader of the mail does not see.
	MayHide bool
	// Unsubscribe are the targets of List-Unsubscribe (RFC 2369), at most four,
	// as the sender wrote them.
	Unsubscribe []string
}

// Provenance is how far a mail is what it says of its sender.
type Provenance struct {
	// Authentication is Gmail's verdict on the sender; the zero value for a
	// mail that did not arrive, but was sent or drafted here.
	Authentication Authentication
	// AnswersElsewhere: an answer goes to another site than the sender's.
	AnswersElsewhere bool
	// NameMisleads: the sender's name shows a mail address that is not the
	// sender's.
	NameMisleads bool
}

// Attachment is a part of a mail that is not its body.
type Attachment struct {
	// PartID is stable; Gmail's attachment id is not, so it is not kept.
	PartID string
	Name   string
	Type   string
	// Size is in bytes.
	Size   int64
	Inline bool
}

// Format is the form in which a body is wanted.
type Format string

// The forms of a body.
const (
	Markdown Format = "markdown"
	Text     Format = "text"
	HTML     Format = "html"
	// Headers is every header field on a line of its own, instead of a body.
	Headers Format = "raw_headers"
)

// Outcome says what is known of a send.
type Outcome string

// The outcomes of a send.
const (
	Sent    Outcome = "sent"
	NotSent Outcome = "not_sent"
	// Unknown: the connection was lost when Gmail may already have accepted
	// the mail. It is never sent again automatically.
	Unknown Outcome = "unknown"
	Drafted Outcome = "drafted"
)

// Receipt is the answer to a send.
type Receipt struct {
	Outcome Outcome
	// ID is empty for a mail that is known to be [Sent] only because its draft
	// is gone.
	ID, ThreadID string
	DraftID      string
	// From is the address that was settled on; empty if that was not reached.
	From Address
	// ReplyTo is where answers go, if not to From.
	ReplyTo     []Address
	To, Cc, Bcc []Address
	Subject     string
	// WebLink opens a draft in Gmail, for the user; empty for other servers.
	WebLink string
	// Note says what to check when the outcome is [Unknown], and why there is
	// no ID where it is [Sent].
	Note string
}

// Error is a refusal of Gmail, or of this package before Gmail was asked, in
// terms a caller can act on. It never quotes mail text or a URL.
type Error struct {
	// Code is a stable word, for example "not_found", "rate_limited",
	// "missing_scope", "api_disabled", "invalid_header".
	Code string
	// Message says what happened, Hint what to do.
	Message, Hint string
	// Status is the HTTP status and Reason Gmail's reason code; zero if none.
	Status int
	Reason string
	// RetryAfter is when trying again makes sense: as Gmail said, or a guess
	// for what passes by itself. Zero means that waiting does not help.
	RetryAfter time.Duration
	Err        error

	// told is the RetryAfter that Gmail asked for; zero for a guess.
	told time.Duration
}

func (e *Error) Error() string { return "mailbox: " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Explain returns the error in the four parts that package server answers with.
func (e *Error) Explain() (code, message, hint string, retryAfter time.Duration) {
	return e.Code, e.Message, e.Hint, e.RetryAfter
}
