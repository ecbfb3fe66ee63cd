package standin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// refusal is an answer that is an error, with the body Google would send.
type refusal struct{ *Fault }

func (r refusal) Error() string { return fmt.Sprintf("gmail stand-in: status %d", r.Status) }

// errorBody is the envelope of every Google API error.
type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Errors  []errorItem `json:"errors,omitempty"`
	Status  string      `json:"status,omitempty"`
	Details []any       `json:"details,omitempty"`
}

type errorItem struct {
	Message      string `json:"message"`
	Domain       string `json:"domain"`
	Reason       string `json:"reason"`
	Location     string `json:"location,omitempty"`
	LocationType string `json:"locationType,omitempty"`
	ExtendedHelp string `json:"extendedHelp,omitempty"`
}

// errorInfo is a google.rpc.ErrorInfo.
type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

func info(reason string, metadata map[string]string) errorInfo {
	return errorInfo{
		Type: "type.googleapis.com/google.rpc.ErrorInfo", Reason: reason,
		Domain: "googleapis.com", Metadata: metadata,
	}
}

// googleFault renders an error the way Google's front end does: always indented,
// whatever prettyPrint says.
func googleFault(d errorDetail) *Fault {
	body, err := json.MarshalIndent(errorBody{d}, "", "  ")
	if err != nil {
		panic(err) // strings and maps of strings always marshal
	}
	return &Fault{Status: d.Code, Body: string(body) + "\n"}
}

// refuse is the common case: one item that repeats the message.
func refuse(code int, status, reason, message string) refusal {
	return refusal{googleFault(errorDetail{
		Code: code, Message: message, Status: status,
		Errors: []errorItem{{Message: message, Domain: "global", Reason: reason}},
	})}
}

func badRequest(format string, args ...any) refusal {
	return refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "invalidArgument", fmt.Sprintf(format, args...))
}

// badParameter is how the front end, not Gmail, refuses a query parameter.
func badParameter(name, message string) refusal {
	return refusal{googleFault(errorDetail{
		Code: http.StatusBadRequest, Message: message, Status: "INVALID_ARGUMENT",
		Errors: []errorItem{{
			Message: message, Domain: "global", Reason: "invalidParameter",
			Location: name, LocationType: "parameter",
		}},
	})}
}

func notFound() refusal {
	return refuse(http.StatusNotFound, "NOT_FOUND", "notFound", "Requested entity was not found.")
}

// InvalidCredentials is the 401 of an access token that expired, was revoked
// or was never issued.
func InvalidCredentials() *Fault {
	f := googleFault(errorDetail{
		Code: http.StatusUnauthorized,
		Message: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or " +
			"other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
		Status: "UNAUTHENTICATED",
		Errors: []errorItem{{
			Message: "Invalid Credentials", Domain: "global", Reason: "authError",
			Location: "Authorization", LocationType: "header",
		}},
	})
	f.Header = http.Header{"Www-Authenticate": {`Bearer realm="https://accounts.google.com/", error="invalid_token"`}}
	return f
}

// missingCredentials is the 401 of a request without an Authorization header.
func missingCredentials() refusal {
	f := googleFault(errorDetail{
		Code: http.StatusUnauthorized,
		Message: "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or " +
			"other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
		Status: "UNAUTHENTICATED",
		Errors: []errorItem{{
			Message: "Login Required.", Domain: "global", Reason: "required",
			Location: "Authorization", LocationType: "header",
		}},
		Details: []any{info("CREDENTIALS_MISSING", map[string]string{"service": "gmail.googleapis.com"})},
	})
	f.Header = http.Header{"Www-Authenticate": {`Bearer realm="https://accounts.google.com/"`}}
	return refusal{f}
}

// InsufficientScope is the 403 of a token that was not granted any scope the
// call accepts.
func InsufficientScope() *Fault { return insufficientScope("ListMessages", messageReadScopes) }

func insufficientScope(method string, scopes []string) *Fault {
	f := googleFault(errorDetail{
		Code: http.StatusForbidden, Message: "Request had insufficient authentication scopes.",
		Status: "PERMISSION_DENIED",
		Errors: []errorItem{{Message: "Insufficient Permission", Domain: "global", Reason: "insufficientPermissions"}},
		Details: []any{info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", map[string]string{
			"service": "gmail.googleapis.com", "method": "caribou.api.proto.MailboxService." + method,
		})},
	})
	f.Header = http.Header{"Www-Authenticate": {fmt.Sprintf(
		`Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope=%q`, strings.Join(scopes, " "))}}
	return f
}

// APIDisabled is the 403 of a Cloud project, named by its number, in which
// the Gmail API was never switched on.
func APIDisabled(project string) *Fault {
	link := "https://console.developers.google.com/apis/api/gmail.googleapis.com/overview?project=" + project
	message := "Gmail API has not been used in project " + project + " before or it is disabled. Enable it by visiting " +
		link + " then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
	return googleFault(errorDetail{
		Code: http.StatusForbidden, Message: message, Status: "PERMISSION_DENIED",
		Errors: []errorItem{{
			Message: message, Domain: "usageLimits", Reason: "accessNotConfigured",
			ExtendedHelp: "https://console.developers.google.com",
		}},
		Details: []any{
			map[string]any{
				"@type": "type.googleapis.com/google.rpc.Help",
				"links": []any{map[string]string{"description": "Google developers console API activation", "url": link}},
			},
			info("SERVICE_DISABLED", map[string]string{
				"service": "gmail.googleapis.com", "serviceTitle": "Gmail API", "consumer": "projects/" + project,
				"containerInfo": project, "activationUrl": link,
			}),
		},
	})
}

// RateLimited is the 403 of a user whose minute budget is spent. Google sends
// no Retry-After: the time is in the message only.
func RateLimited(retryAt time.Time) *Fault {
	message := "User-rate limit exceeded.  Retry after " + retryAt.UTC().Format("2006-01-02T15:04:05.000Z")
	return googleFault(errorDetail{
		Code: http.StatusForbidden, Message: message, Status: "PERMISSION_DENIED",
		Errors: []errorItem{{Message: message, Domain: "usageLimits", Reason: "userRateLimitExceeded"}},
	})
}

// TooManyConcurrent is the 429 of the concurrency wall.
func TooManyConcurrent() *Fault {
	return refuse(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "rateLimitExceeded",
		"Too many concurrent requests for user.").Fault
}

// DailyLimit is the 403 of a project that spent its day.
func DailyLimit() *Fault {
	message := "Daily Limit Exceeded"
	return googleFault(errorDetail{
		Code: http.StatusForbidden, Message: message,
		Errors: []errorItem{{Message: message, Domain: "usageLimits", Reason: "dailyLimitExceeded"}},
	})
}

// DomainPolicy is the 403 of an account whose administrator blocks the app.
func DomainPolicy() *Fault {
	return refuse(http.StatusForbidden, "PERMISSION_DENIED", "domainPolicy",
		"The domain administrators have disabled Gmail apps.").Fault
}

// NoMailbox is the 400 of a Google account without Gmail.
func NoMailbox() *Fault {
	return refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "failedPrecondition", "Mail service not enabled").Fault
}

// BackendError is the 503 that passes by itself.
func BackendError() *Fault {
	return refuse(http.StatusServiceUnavailable, "UNAVAILABLE", "backendError", "The service is currently unavailable.").Fault
}
