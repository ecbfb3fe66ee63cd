package standin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

const exampleMail = "To: dana.whitfield@example.com\r\nSubject: hi\r\n\r\nhello\r\n"

func TestTokensThatAreRefused(t *testing.T) {
	at := now
	s := play(t, standin.Config{Now: func() time.Time { return at }})
	ask := func(authorization string) (int, http.Header, string) {
		s.http.Transport = plainAuthorization(authorization)
		return s.ask(t, "GET", "/gmail/v1/users/me/profile", "", "")
	}
	alive := s.IssueToken(standin.DefaultUser, []string{standin.ScopeReadonly}, time.Hour)
	if status, _, _ := ask("Bearer " + alive); status != 200 {
		t.Fatalf("a good token: %d", status)
	}
	for name, authorization := range map[string]string{"unknown": "Bearer nonsense", "another scheme": "Basic " + alive} {
		status, h, body := ask(authorization)
		if status != 401 || !strings.Contains(body, `"reason": "authError"`) || !strings.Contains(body, "Request had invalid authentication credentials.") ||
			!strings.Contains(h.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%s: %d %v %s", name, status, h, body)
		}
	}
	if status, _, body := ask(""); status != 401 || !strings.Contains(body, "CREDENTIALS_MISSING") {
		t.Errorf("none: %d %s", status, body)
	}
	at = at.Add(time.Hour)
	if status, _, _ := ask("Bearer " + alive); status != 401 {
		t.Errorf("expired: %d", status)
	}
	revoked := s.IssueToken(standin.DefaultUser, []string{standin.ScopeReadonly}, time.Hour)
	s.RevokeTokens(standin.DefaultUser)
	if status, _, _ := ask("Bearer " + revoked); status != 401 {
		t.Errorf("revoked: %d", status)
	}
}

type plainAuthorization string

func (p plainAuthorization) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if p != "" {
		r.Header.Set("Authorization", string(p))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestScopesOpenTheirMethodsOnly(t *testing.T) {
	const (
		read, modify, compose, send = standin.ScopeReadonly, standin.ScopeModify, standin.ScopeCompose, standin.ScopeSend
		metadata, labels, mail      = standin.ScopeMetadata, standin.ScopeLabels, standin.ScopeMail
		settings                    = standin.ScopeSettings
	)
	every := []string{read, modify, compose, send, metadata, labels, mail, settings}
	for _, tt := range []struct {
		method, path, body, rpc string
		allowed                 []string
	}{
		{"GET", "profile", "", "GetProfile", []string{read, modify, compose, metadata, mail}},
		{"GET", "messages", "", "ListMessages", []string{read, modify, metadata, mail}},
		{"GET", "messages/ID?format=metadata", "", "GetMessage", []string{read, modify, metadata, mail}},
		{"POST", "messages/ID/modify", `{"addLabelIds":["STARRED"]}`, "ModifyMessage", []string{modify, mail}},
		{"POST", "messages/send", `{"raw":"RAW"}`, "SendMessage", []string{modify, compose, send, mail}},
		{"GET", "threads", "", "ListThreads", []string{read, modify, metadata, mail}},
		{"GET", "drafts", "", "ListDrafts", []string{read, modify, compose, mail}},
		{"POST", "drafts", `{"message":{"raw":"RAW"}}`, "CreateDraft", []string{modify, compose, mail}},
		{"GET", "labels", "", "ListLabels", []string{read, modify, metadata, labels, mail}},
		{"PATCH", "labels/Label_1", `{"labelListVisibility":"labelHide"}`, "PatchLabel", []string{modify, labels, mail}},
		{"GET", "history?startHistoryId=HISTORY", "", "ListHistory", []string{read, modify, metadata, mail}},
		{"GET", "settings/sendAs", "", "ListSendAs", []string{read, modify, mail, settings}},
	} {
		s := play(t, standin.Config{})
		id := s.find(t, "in:inbox")[0]
		profile, err := s.users.GetProfile("me").Do()
		if err != nil {
			t.Fatal(err)
		}
		fill := strings.NewReplacer("ID", id, "RAW", encoded(exampleMail), "HISTORY", decimal(profile.HistoryId))
		for _, scope := range every {
			c := signIn(t, s.World, s.url, standin.DefaultUser, scope)
			path := tt.path
			if !strings.Contains(path, "labels/") {
				path = fill.Replace(path)
			}
			status, h, body := c.ask(t, tt.method, "/gmail/v1/users/me/"+path, "application/json", fill.Replace(tt.body))
			allowed := strings.Contains(" "+strings.Join(tt.allowed, " ")+" ", " "+scope+" ")
			switch {
			case allowed && status != 200:
				t.Errorf("%s with %s: %d %s", tt.rpc, scope, status, body)
			case !allowed && (status != 403 || !strings.Contains(body, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") ||
				!strings.Contains(body, "caribou.api.proto.MailboxService."+tt.rpc) || !strings.Contains(body, `"reason": "insufficientPermissions"`) ||
				!strings.Contains(h.Get("WWW-Authenticate"), `error="insufficient_scope"`)):
				t.Errorf("%s with %s: %d %v %s", tt.rpc, scope, status, h, body)
			}
		}
	}
}

func TestTheMetadataScopeSeesNoContent(t *testing.T) {
	s := play(t, standin.Config{}, standin.ScopeMetadata)
	l, err := s.users.Messages.List("me").LabelIds("INBOX").Do()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.users.Messages.List("me").Q("from:dana").Do()
	wantError(t, err, 403, "Metadata scope does not support 'q' parameter")
	for _, format := range []string{"full", "raw"} {
		_, err = s.users.Messages.Get("me", l.Messages[0].Id).Format(format).Do()
		wantError(t, err, 403, "Metadata scope doesn't allow format")
	}
	m, err := s.users.Messages.Get("me", l.Messages[0].Id).Format("metadata").Do()
	if err != nil || m.Payload == nil {
		t.Errorf("metadata: %v", err)
	}
}

func TestFaultsHaveTheBodiesOfTheRealService(t *testing.T) {
	s := play(t, standin.Config{})
	retry := time.Date(2026, 9, 11, 20, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		fault   *standin.Fault
		status  int
		message string
		body    []string
	}{
		{"rate", standin.RateLimited(retry), 403, "User-rate limit exceeded.  Retry after 2026-09-11T20:00:00.000Z", []string{"userRateLimitExceeded", "usageLimits"}},
		{"concurrency", standin.TooManyConcurrent(), 429, "Too many concurrent requests for user.", []string{"rateLimitExceeded", "RESOURCE_EXHAUSTED"}},
		{"scope", standin.InsufficientScope(), 403, "insufficient authentication scopes", []string{"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions"}},
		{"API off", standin.APIDisabled("123456789"), 403, "Gmail API has not been used in project 123456789", []string{"accessNotConfigured", "SERVICE_DISABLED", "overview?project=123456789"}},
		{"backend", standin.BackendError(), 503, "unavailable", []string{"backendError", "UNAVAILABLE"}},
		{"day", standin.DailyLimit(), 403, "Daily Limit Exceeded", []string{"dailyLimitExceeded"}},
		{"token", standin.InvalidCredentials(), 401, "invalid authentication credentials", []string{"authError", "UNAUTHENTICATED"}},
		{"admin", standin.DomainPolicy(), 403, "", []string{"domainPolicy"}},
		{"no Gmail", standin.NoMailbox(), 400, "Mail service not enabled", []string{"failedPrecondition", "FAILED_PRECONDITION"}},
	} {
		s.SetFault(func(*http.Request) *standin.Fault { return tt.fault })
		_, err := s.users.GetProfile("me").Do()
		wantError(t, err, tt.status, tt.message)
		_, h, body := s.ask(t, "GET", "/gmail/v1/users/me/profile", "", "")
		for _, want := range tt.body {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in %s", tt.name, want, body)
			}
		}
		if h.Get("Content-Type") != "application/json; charset=UTF-8" || h.Get("Retry-After") != "" {
			t.Errorf("%s: header %v", tt.name, h)
		}
	}
}

func TestSeenSaysWhatArrivedAndHowItWasAnswered(t *testing.T) {
	s := play(t, standin.Config{})
	if _, err := s.users.Messages.List("me").Q("is:unread").Fields("messages/id").Do(); err != nil {
		t.Fatal(err)
	}
	s.SetFault(func(*http.Request) *standin.Fault { return standin.DailyLimit() })
	if _, err := s.users.GetProfile("me").Do(); err == nil {
		t.Fatal("no error")
	}
	got := s.Seen()
	if len(got) != 2 || got[0].Service != "gmail" || got[0].Method != "GET" || got[0].Path != "/gmail/v1/users/me/messages" || got[0].Status != 200 ||
		!strings.Contains(got[0].Query, "fields=messages%2Fid") || got[1].Status != 403 {
		t.Errorf("seen %+v", got)
	}
	s.ForgetSeen()
	if got := s.Seen(); len(got) != 0 {
		t.Errorf("still seen %+v", got)
	}
}

func TestLostAnswersMayHaveTakenEffect(t *testing.T) {
	for _, applied := range []bool{false, true} {
		s := play(t, standin.Config{})
		s.SetFault(func(r *http.Request) *standin.Fault {
			if strings.HasSuffix(r.URL.Path, "/send") {
				return &standin.Fault{HangUp: true, Applied: applied}
			}
			return nil
		})
		if _, err := s.users.Messages.Send("me", &gmail.Message{Raw: encoded(exampleMail)}).Do(); err == nil {
			t.Error("an answer arrived")
		}
		if got := len(s.Sent(standin.DefaultUser)); (got == 1) != applied {
			t.Errorf("applied %v: %d sent", applied, got)
		}
	}
}
