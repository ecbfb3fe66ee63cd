package mailbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// refusal is the error body of Google's APIs.
type refusal struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Errors  []struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"errors"`
		Details []struct {
			Reason     string            `json:"reason"`
			Metadata   map[string]string `json:"metadata"`
			RetryDelay string            `json:"retryDelay"`
		} `json:"details"`
	} `json:"error"`
}

// reason is the most specific word that the body has for what happened.
func (r *refusal) reason() string {
	for _, d := range r.Error.Details {
		if d.Reason != "" {
			return d.Reason
		}
	}
	for _, e := range r.Error.Errors {
		if e.Reason != "" {
			return e.Reason
		}
	}
	return r.Error.Status
}

// isGoogles reports whether there was an error body of Google's at all.
func (r *refusal) isGoogles() bool {
	return r.Error.Message != "" || r.reason() != ""
}

// plainWord is what a reason looks like; anything else is not passed on.
var plainWord = regexp.MustCompile(`^[A-Za-z_]{1,64}$`)

// classify turns an answer that is not a success into an [Error], and says
// whether trying again may help. The body's reason decides before the HTTP
// status does, because Gmail says 403 to very different things.
func (h host) classify(status int, header http.Header, body []byte, now time.Time) (*Error, pace) {
	var r refusal
	readable := json.Unmarshal(body, &r) == nil
	e := &Error{Status: status}
	if reason := r.reason(); plainWord.MatchString(reason) {
		e.Reason = reason
	}
	p := never
	switch e.Reason {
	case "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions", "insufficientPermission":
		missingScope(e, header)
	case "SERVICE_DISABLED", "accessNotConfigured":
		apiDisabled(e, &r)
	case "domainPolicy":
		e.Code, e.Message = codeDomainPolicy, "the organisation's administrator does not let this app use Gmail"
		e.Hint = "Ask the Google Workspace administrator to allow the app."
	case "dailyLimitExceeded", "dailyLimitExceededUnreg", "quotaExceeded":
		e.Code, e.Message = codeDailyLimit, "the Gmail quota of this day is used up"
		e.Hint = "Try again tomorrow, or raise the quota of the Google Cloud project."
	case "rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED":
		p = rateLimited(e, &r, header, now)
	case "failedPrecondition", "FAILED_PRECONDITION":
		if !strings.Contains(r.Error.Message, "Mail service not enabled") {
			p = h.byStatus(e, &r, header, readable, now)
			break
		}
		e.Code, e.Message = codeNoMailbox, "this Google account has no Gmail mailbox"
		e.Hint = "Sign in with an account that has Gmail."
	default:
		p = h.byStatus(e, &r, header, readable, now)
	}
	return e, p
}

// byStatus decides on the HTTP status, for a body whose reason says no more.
func (h host) byStatus(e *Error, r *refusal, header http.Header, readable bool, now time.Time) pace {
	switch s := e.Status; {
	case s == http.StatusUnauthorized:
		e.Code, e.Message = codeTokenRefused, "Google refused the access token"
		e.Hint = "It has expired or was revoked: sign in again, or replace the configured token."
	case s == http.StatusNotFound && !r.isGoogles():
		// Google's own come with a body that says so: here it is the path that
		// does not exist, and not the mail.
		reason := e.Reason
		*e = *h.notGmail(s)
		e.Reason = reason
	case s == http.StatusNotFound || s == http.StatusGone:
		e.Code, e.Message = codeNotFound, "there is no such mail, thread or label"
		e.Hint = "It may have been deleted: search again for a current id."
	case s == http.StatusTooManyRequests:
		return rateLimited(e, r, header, now)
	case s == http.StatusRequestEntityTooLarge:
		e.Code, e.Message, e.Hint = codeTooLarge, "Gmail refused the request as too large", "Send less at once."
	case s >= 500 || s == http.StatusRequestTimeout:
		e.Code, e.Message = codeUnavailable, "Gmail failed to answer (HTTP "+strconv.Itoa(s)+")"
		e.Hint = "This usually passes: try again."
		e.waitFor(retryHeader(header, now), soon)
		return hiccup
	case !readable || s < 400 || s == http.StatusProxyAuthRequired:
		reason := e.Reason
		*e = *h.notGmail(s)
		e.Reason = reason
	case s == http.StatusForbidden && strings.Contains(r.Error.Message, "Metadata scope"):
		missingScope(e, nil)
	case s == http.StatusForbidden:
		e.Code, e.Message = codeForbidden, "Google does not allow this for the signed-in account"
		e.Hint = "Check with which account you are signed in."
	case s == http.StatusConflict:
		e.Code, e.Message, e.Hint = codeConflict, "it exists already, or was changed meanwhile", "Look at its present state, then decide."
	default:
		e.Code = codeInvalid
		e.Message, e.Hint = knownComplaint(r.Error.Message)
	}
	return never
}

// knownComplaint says in our words what Gmail's message about an argument
// says in its own. Others are not passed on, as they may quote the argument.
func knownComplaint(message string) (said, hint string) {
	for _, known := range [...]struct{ text, said, hint string }{
		{"Invalid id", "Gmail does not know an id of this form", "Use an id exactly as a search returned it."},
		{"Invalid label name", "Gmail does not accept this name for a label", "Choose another; names of Gmail's own labels are taken."},
		{"Label color", "Gmail does not accept this color for a label", "Use a color of Gmail's palette."},
		{"Filter already exists", "a filter like this exists already", "List the filters."},
		{"Invalid label", labelRefused, "List the labels for their names."},
		{"pageToken", "Gmail does not accept this page token", "A page token belongs to one query: start again from its first page."},
		{"page token", "Gmail does not accept this page token", "A page token belongs to one query: start again from its first page."},
		{"Recipient address required", "the mail has no recipient", "Name at least one recipient."},
		{"Invalid To header", "Gmail does not accept a recipient address", "Check the addresses."},
		{"Inner request count", "Gmail refused the batch as too large", "Ask for fewer mails at once."},
	} {
		if strings.Contains(message, known.text) {
			return known.said, known.hint
		}
	}
	return "Gmail refused the request as invalid", "Check the arguments."
}

// scopeName is how Google spells the OAuth scopes of Gmail.
var scopeName = regexp.MustCompile(`https://(?:www\.googleapis\.com/auth/gmail\.[a-z.]+|mail\.google\.com/)`)

// scopeSettings is what changing filters and the vacation responder needs.
const scopeSettings = "https://www.googleapis.com/auth/gmail.settings.basic"

// scopes are the OAuth scopes to advise, the most advisable first: the one that
// covers whatever this program does, then others from the narrowest on. The
// last one lets mail be deleted for good, and is never needed.
var scopes = [...]string{
	"https://www.googleapis.com/auth/gmail.modify",
	"https://www.googleapis.com/auth/gmail.metadata",
	"https://www.googleapis.com/auth/gmail.labels",
	"https://www.googleapis.com/auth/gmail.readonly",
	"https://www.googleapis.com/auth/gmail.send",
	"https://www.googleapis.com/auth/gmail.compose",
	"https://www.googleapis.com/auth/gmail.insert",
	scopeSettings,
	"https://www.googleapis.com/auth/gmail.settings.sharing",
	"https://mail.google.com/",
}

// missingScope advises one of the scopes that Google lists in the challenge
// header, any of which would do.
func missingScope(e *Error, header http.Header) {
	scope := scopes[0]
	if offered := scopeName.FindAllString(header.Get("WWW-Authenticate"), -1); len(offered) > 0 {
		for _, s := range scopes {
			if slices.Contains(offered, s) {
				scope = s
				break
			}
		}
	}
	e.Code = codeMissingScope
	e.Message = "the sign-in does not cover this action: it needs the scope " + scope
	e.Hint = "Add the scope to the sign-in, then sign in again and consent to it."
	if scope == scopeSettings {
		e.Hint = "Only changing filters and the vacation responder needs it. Where LINKMAIL_TOOLSETS names settings, the next sign-in asks for it: " +
			"run \"linkmail logout\", then call the tool again. A token that is configured has to be made anew, with this scope too."
	}
}

// apiDisabled gives the page on which the API can be switched on.
func apiDisabled(e *Error, r *refusal) {
	e.Code, e.Message = codeAPIDisabled, "the Gmail API is switched off in the Google Cloud project of the sign-in"
	e.Hint = "Enable the Gmail API in the project's console, wait some minutes, then try again."
	for _, d := range r.Error.Details {
		page, err := url.Parse(d.Metadata["activationUrl"])
		if err != nil || page.Scheme != "https" || page.User != nil ||
			page.Host != "console.developers.google.com" && page.Host != "console.cloud.google.com" {
			continue
		}
		e.Hint = "Enable it at " + page.String() + ", wait some minutes, then try again."
	}
}

// rateLimited fills in when to come back. Gmail rarely sets Retry-After: it
// writes the time into the message.
func rateLimited(e *Error, r *refusal, header http.Header, now time.Time) pace {
	e.Code = codeRateLimited
	if e.Reason == "" {
		e.Reason = "rateLimitExceeded"
	}
	if strings.Contains(strings.ToLower(r.Error.Message), "concurrent") {
		e.Message, e.Hint = "too many requests for this mailbox at once", "Try again in a moment, with fewer mails at once."
		e.waitFor(retryHeader(header, now), atOnce)
		return concurrent
	}
	e.Message, e.Hint = "Gmail's quota per minute is used up", "Wait, then ask for fewer mails at once."
	after := retryHeader(header, now)
	for _, d := range r.Error.Details {
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil && wait > 0 {
			after = wait
		}
	}
	if at, ok := retryMessage(r.Error.Message); ok {
		after = max(at.Sub(now), time.Second)
	}
	e.waitFor(after, quotaPause)
	return rate
}

// retryMessage finds the time in "User-rate limit exceeded.  Retry after
// 2026-09-11T20:00:00.000Z".
func retryMessage(message string) (time.Time, bool) {
	_, after, ok := strings.Cut(message, "Retry after ")
	if !ok {
		return time.Time{}, false
	}
	stamp, _, _ := strings.Cut(after, " ")
	at, err := time.Parse(time.RFC3339, strings.TrimRight(stamp, ".,)"))
	return at, err == nil
}

// retryHeader reads Retry-After, in seconds or as a date (RFC 9110, 10.2.3).
func retryHeader(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 && seconds < 1<<20 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
