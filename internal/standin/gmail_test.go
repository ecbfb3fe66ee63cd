package standin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"linkmail/internal/standin"
)

// now is the clock of the tests: a Tuesday.
var now = time.Date(2026, 10, 6, 15, 30, 0, 0, time.UTC)

func clock() time.Time { return now }

// bearer signs every request with a token.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// scene is a running world with one client who is signed in.
type scene struct {
	*standin.World
	url   string
	http  *http.Client
	users *gmail.UsersService
}

func play(t *testing.T, cfg standin.Config, scopes ...string) *scene {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = clock
	}
	w := standin.NewWorld(cfg)
	srv := httptest.NewServer(w.Gmail())
	t.Cleanup(srv.Close)
	return signIn(t, w, srv.URL, standin.DefaultUser, scopes...)
}

func signIn(t *testing.T, w *standin.World, url, user string, scopes ...string) *scene {
	t.Helper()
	if scopes == nil {
		scopes = []string{standin.ScopeModify}
	}
	hc := &http.Client{Transport: bearer(w.IssueToken(user, scopes, time.Hour))}
	client, err := gmail.NewService(context.Background(), option.WithEndpoint(url), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	return &scene{w, url, hc, client.Users}
}

// ask sends a request by hand and returns status, header and body.
func (s *scene) ask(t *testing.T, method, path, contentType, body string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// find returns the ids that a query lists, newest first.
func (s *scene) find(t *testing.T, q string) []string {
	t.Helper()
	l, err := s.users.Messages.List("me").Q(q).MaxResults(500).Do()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range l.Messages {
		ids = append(ids, m.Id)
	}
	return ids
}

// one returns the only message that a query finds.
func (s *scene) one(t *testing.T, q string) *gmail.Message {
	t.Helper()
	ids := s.find(t, q)
	if len(ids) != 1 {
		t.Fatalf("%s: %d messages, want 1", q, len(ids))
	}
	m, err := s.users.Messages.Get("me", ids[0]).Do()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wantError checks the status and a part of the message of an API error.
func wantError(t *testing.T, err error, status int, message string) {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want an API error with status %d", err, status)
		return
	}
	if e.Code != status || !strings.Contains(e.Message, message) {
		t.Errorf("got %d %q, want %d %q", e.Code, e.Message, status, message)
	}
}

func header(p *gmail.MessagePart, name string) string {
	for _, h := range p.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func decoded(t *testing.T, data string) string {
	t.Helper()
	b, err := base64.URLEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProfile(t *testing.T) {
	s := play(t, standin.Config{})
	p, err := s.users.GetProfile("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	if p.EmailAddress != standin.DefaultUser || p.HistoryId < 1e6 || p.MessagesTotal < 300 || p.ThreadsTotal >= p.MessagesTotal {
		t.Errorf("profile %+v", p)
	}
	if _, err := s.users.GetProfile(strings.ToUpper(standin.DefaultUser)).Do(); err != nil {
		t.Errorf("the user's own address is refused: %v", err)
	}
	_, err = s.users.GetProfile("dana.whitfield@example.com").Do()
	wantError(t, err, 403, "Delegation denied for "+standin.DefaultUser)
}

func TestListPagesWithoutGapsWhileMailArrives(t *testing.T) {
	s := play(t, standin.Config{})
	want := s.find(t, "in:inbox")
	var got []string
	token := ""
	for {
		l, err := s.users.Messages.List("me").Q("in:inbox").MaxResults(50).PageToken(token).Do()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range l.Messages {
			got = append(got, m.Id)
		}
		if token = l.NextPageToken; token == "" {
			break
		}
		if l.ResultSizeEstimate != 201 {
			t.Errorf("estimate %d, want the usual junk", l.ResultSizeEstimate)
		}
		s.Deliver(standin.DefaultUser, []byte("From: a@example.com\r\nSubject: new\r\n\r\n"))
		s.Remove(standin.DefaultUser, got[len(got)-1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages over all pages, want %d", len(got), len(want))
	}
}

func TestPageTokensHoldForTheSameQuestionOnly(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Messages.List("me").Q("in:inbox").MaxResults(10).Do()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.users.Messages.List("me").Q("in:sent").PageToken(l.NextPageToken).Do()
	wantError(t, err, 400, "Invalid pageToken")
	_, err = s.users.Threads.List("me").Q("in:inbox").PageToken(l.NextPageToken).Do()
	wantError(t, err, 400, "Invalid pageToken")
	_, err = s.users.Messages.List("me").PageToken("100").Do()
	wantError(t, err, 400, "Invalid pageToken")
}

func TestFormats(t *testing.T) {
	s := play(t, standin.Config{})
	id := s.find(t, "subject:(sketches with comments)")[0]
	get := func(format string) *gmail.Message {
		m, err := s.users.Messages.Get("me", id).Format(format).Do()
		if err != nil {
			t.Fatal(err)
		}
		if m.Id != id || m.ThreadId == "" || len(m.LabelIds) == 0 || m.Snippet == "" || m.SizeEstimate == 0 || m.HistoryId == 0 || m.InternalDate == 0 {
			t.Errorf("%s: incomplete: %+v", format, m)
		}
		return m
	}
	if m := get("minimal"); m.Payload != nil || m.Raw != "" {
		t.Error("minimal has content")
	}
	if m := get("metadata"); m.Payload.MimeType != "multipart/mixed" || m.Payload.Parts != nil || m.Payload.Body != nil || len(m.Payload.Headers) < 10 {
		t.Errorf("metadata: %+v", m.Payload)
	}
	raw := decoded(t, get("raw").Raw)
	if !strings.HasPrefix(raw, "Delivered-To: ") || !strings.Contains(raw, "\r\n\r\n") {
		t.Errorf("raw begins with %.60q", raw)
	}
	full := get("full")
	if full.Payload.PartId != "" {
		t.Errorf("the root has partId %q", full.Payload.PartId)
	}
	var tree []string
	var walk func(p *gmail.MessagePart)
	walk = func(p *gmail.MessagePart) {
		tree = append(tree, strings.TrimSpace(p.PartId+" "+p.MimeType+" "+p.Filename))
		for _, sub := range p.Parts {
			walk(sub)
		}
	}
	walk(full.Payload)
	want := []string{
		"multipart/mixed", "0 multipart/alternative", "0.0 text/plain", "0.1 multipart/related", "0.1.0 text/html", "0.1.1 image/png diagram.png",
		"1 application/pdf sketches.pdf", "2 text/csv Maße und Größen.csv",
	}
	if !slices.Equal(tree, want) {
		t.Errorf("tree\n got %q\nwant %q", tree, want)
	}
	_, err := s.users.Messages.Get("me", id).Format("everything").Do()
	wantError(t, err, 400, "format")
}

func TestMetadataHeadersAreChosenInAnyCase(t *testing.T) {
	s := play(t, standin.Config{})
	id := s.find(t, "in:inbox")[0]
	m, err := s.users.Messages.Get("me", id).Format("metadata").MetadataHeaders("SUBJECT", "from").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Payload.Headers) != 2 || header(m.Payload, "Subject") == "" || header(m.Payload, "From") == "" {
		t.Errorf("headers %+v", m.Payload.Headers)
	}
}

func TestBodiesAreUTF8WhateverTheMailSays(t *testing.T) {
	s := play(t, standin.Config{})
	for _, tt := range []struct{ q, subject, text, charset string }{
		{"from:hana.sato@aoba.example subject:re", "Re: ノートの見積もりについて", "来週の火曜日に発送いたします", "iso-2022-jp"},
		{"from:wei.zhang@lantern.example 灯笼", "关于图书封面的合作", "灯笼书店", "gb18030"},
		{"from:juergen.gross@muehlbach.example subject:Köln", "Rückfrage zum Angebot für Köln", "Größe der Schaufenster", "iso-8859-1"},
		{"from:juergen.gross@muehlbach.example Fassade", "Bestätigung – 1.250 € für die „Fassade“", "1.250 € für die „Fassade“", "windows-1252"},
		{"from:olga@severpress.example", "Макет каталога", "Жду ваших замечаний", "koi8-r"},
		{"from:zoe@angstrom.example", "Möte på onsdag? ☕️", "Café Gråsparv", "utf-8"},
	} {
		m := s.one(t, tt.q)
		if got := header(m.Payload, "Subject"); got != tt.subject {
			t.Errorf("%s: subject %q", tt.q, got)
		}
		if got := decoded(t, m.Payload.Body.Data); !strings.Contains(got, tt.text) || int64(len(got)) != m.Payload.Body.Size {
			t.Errorf("%s: body %q of size %d", tt.q, got, m.Payload.Body.Size)
		}
		if got := header(m.Payload, "Content-Type"); !strings.Contains(got, tt.charset) {
			t.Errorf("%s: the declared charset is %q", tt.q, got)
		}
	}
}

func TestWhatGmailDoesNotDecodeStays(t *testing.T) {
	s := play(t, standin.Config{})
	if m := s.one(t, "from:bot@archive.example"); !strings.HasPrefix(header(m.Payload, "Subject"), "=?x-unknown?B?") {
		t.Errorf("subject %q", header(m.Payload, "Subject"))
	}
	if m := s.one(t, "from:bord@grasparv.example"); !strings.HasPrefix(header(m.Payload, "From"), `"=?UTF-8?Q?`) {
		t.Errorf("from %q", header(m.Payload, "From"))
	}
	if m := s.one(t, "subject:langer"); header(m.Payload, "Subject") != "🎉 Ein langer Betreff über zwei Zeilen – mit Umlauten äöü" {
		t.Errorf("subject %q", header(m.Payload, "Subject"))
	}
}

func TestAttachmentIDsChangeButKeepWorking(t *testing.T) {
	s := play(t, standin.Config{})
	first := s.one(t, "filename:bluefin-contract-2027-signed.pdf subject:re")
	second := s.one(t, "filename:bluefin-contract-2027-signed.pdf subject:re")
	a, b := first.Payload.Parts[1].Body, second.Payload.Parts[1].Body
	if a.AttachmentId == b.AttachmentId || len(a.AttachmentId) < 250 || a.Data != "" {
		t.Errorf("ids %q and %q", a.AttachmentId, b.AttachmentId)
	}
	for _, id := range []string{a.AttachmentId, b.AttachmentId} {
		body, err := s.users.Messages.Attachments.Get("me", first.Id, id).Do()
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded(t, body.Data); !strings.HasPrefix(got, "%PDF-1.4") || int64(len(got)) != a.Size {
			t.Errorf("content %.20q, %d bytes, want %d", got, len(got), a.Size)
		}
	}
	other := s.find(t, "filename:pdf")[0]
	_, err := s.users.Messages.Attachments.Get("me", other, a.AttachmentId).Do()
	wantError(t, err, 400, "Invalid attachment token")
}

func TestLargeTextComesByIDInItsOwnCharset(t *testing.T) {
	s := play(t, standin.Config{})
	m := s.one(t, "subject:tender filename:tender-summary.pdf")
	text := m.Payload.Parts[0]
	if text.MimeType != "text/plain" || text.Filename != "" || text.Body.Data != "" || text.Body.AttachmentId == "" || text.Body.Size < 400_000 {
		t.Fatalf("body %+v", text.Body)
	}
	body, err := s.users.Messages.Attachments.Get("me", m.Id, text.Body.AttachmentId).Do()
	if err != nil {
		t.Fatal(err)
	}
	if got := decoded(t, body.Data); !strings.HasPrefix(got, "\xa7 1. The contractor") || !strings.Contains(got, "\x80 per item") {
		t.Errorf("text begins %.40q", got)
	}
}

func TestAttachedMessageIsAPartWithParts(t *testing.T) {
	s := play(t, standin.Config{})
	m := s.one(t, "subject:(complaint about delivery)")
	p := m.Payload.Parts[1]
	if p.MimeType != "message/rfc822" || p.Filename != "Complaint about delivery.eml" || p.Body.AttachmentId == "" || len(p.Parts) != 1 {
		t.Fatalf("part %+v", p)
	}
	inner := p.Parts[0]
	if inner.PartId != "1.0" || header(inner, "From") != "Bram Visser <bram@visser.example>" || len(inner.Parts) != 2 || inner.Parts[1].Filename != "photo-list.txt" {
		t.Errorf("inner %+v", inner)
	}
}

func TestSnippets(t *testing.T) {
	s := play(t, standin.Config{})
	for q, want := range map[string]string{
		"from:(dana) subject:(budget OR board) hiring -from:jonas": "Two, if Bluefin signs the second set. Otherwise one.",
		"from:alex subject:meeting":                                "The contract says &quot;on delivery&quot;",
	} {
		ids := s.find(t, q)
		if len(ids) != 1 {
			t.Fatalf("%s: %d messages", q, len(ids))
		}
		m, err := s.users.Messages.Get("me", ids[0]).Format("minimal").Do()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ToLower(m.Snippet), strings.ToLower(want)) {
			t.Errorf("%s: snippet %q, want %q in it", q, m.Snippet, want)
		}
	}
	m, err := s.users.Messages.Get("me", s.find(t, "from:news@morningledger.example")[0]).Format("minimal").Do()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(m.Snippet, "\u034f\u200c") {
		t.Errorf("the newsletter's snippet %q has no filler", m.Snippet)
	}
}

func TestMissingAndMalformedIDs(t *testing.T) {
	s := play(t, standin.Config{})
	_, err := s.users.Messages.Get("me", "18a0ffffffffffff").Do()
	wantError(t, err, 404, "Requested entity was not found.")
	_, err = s.users.Messages.Get("me", "not-an-id").Do()
	wantError(t, err, 400, "Invalid id value")
	_, err = s.users.Threads.Get("me", "18a0ffffffffffff").Do()
	wantError(t, err, 404, "Requested entity was not found.")
	status, _, body := s.ask(t, "GET", "/gmail/v1/users/me/nonsense", "", "")
	if status != 404 || !strings.Contains(body, `"reason": "notFound"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestUnknownParametersAreRefused(t *testing.T) {
	s := play(t, standin.Config{})
	for path, want := range map[string]string{
		"/gmail/v1/users/me/messages?query=x":                  `Unknown name \"query\"`,
		"/gmail/v1/users/me/messages?maxResults=lots":          "Invalid value at 'maxResults'",
		"/gmail/v1/users/me/messages?includeSpamTrash=perhaps": "Invalid value at 'includeSpamTrash'",
		"/gmail/v1/users/me/messages?labelIds=Label_99":        "Invalid label: Label_99",
		"/gmail/v1/users/me/messages?fields=messages(id":       "Invalid field selection messages(id",
		"/gmail/v1/users/me/messages?fields=mails":             "Invalid field selection mails",
		"/gmail/v1/users/me/messages?alt=media":                "Invalid value for alt",
	} {
		if status, _, body := s.ask(t, "GET", path, "", ""); status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestFieldsCutTheAnswerDown(t *testing.T) {
	s := play(t, standin.Config{})
	for _, tt := range []struct{ path, want string }{
		{"messages?maxResults=1&fields=resultSizeEstimate", `{"resultSizeEstimate":201}`},
		{"messages?maxResults=1&fields=messages/id&q=from:samuel+subject:invoice+is:read", `{"messages":[{"id":"*"}]}`},
		{"messages?q=nothingatall&fields=messages(id,threadId),nextPageToken", `{}`},
		{"messages/ID?format=metadata&metadataHeaders=Subject&fields=id,payload(mimeType,headers)", `{"id":"*","payload":{"headers":[{"name":"Subject","value":"*"}],"mimeType":"*"}}`},
		{"messages/ID?format=metadata&metadataHeaders=Subject&fields=payload/headers/value", `{"payload":{"headers":[{"value":"*"}]}}`},
		{"messages/ID?format=minimal&fields=*/value,id", ``},
		{"labels/INBOX?fields=id,name", `{"id":"INBOX","name":"INBOX"}`},
	} {
		id := s.find(t, "from:samuel subject:invoice is:read")[0]
		status, _, body := s.ask(t, "GET", "/gmail/v1/users/me/"+strings.ReplaceAll(tt.path, "ID", id)+"&prettyPrint=false", "", "")
		if tt.want == "" {
			if status != 400 {
				t.Errorf("%s: status %d", tt.path, status)
			}
			continue
		}
		if got := starred(t, body); got != starred(t, tt.want) && status == 200 || status != 200 {
			t.Errorf("%s: %d\n got %s\nwant %s", tt.path, status, got, tt.want)
		}
	}
}

// starred renders JSON with the values of some keys replaced by a star.
func starred(t *testing.T, body string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for k, e := range v {
				if _, isText := e.(string); isText && k != "name" && e != "INBOX" {
					v[k] = "*"
				}
				walk(e)
			}
		}
	}
	walk(v)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnswersAreIndentedAndCompressedUnlessAskedOtherwise(t *testing.T) {
	s := play(t, standin.Config{})
	if _, _, body := s.ask(t, "GET", "/gmail/v1/users/me/profile", "", ""); !strings.Contains(body, "\n  \"emailAddress\"") {
		t.Errorf("not indented: %s", body)
	}
	if _, _, body := s.ask(t, "GET", "/gmail/v1/users/me/profile?prettyPrint=false", "", ""); strings.Contains(body, "\n  ") {
		t.Errorf("indented: %s", body)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/gmail/v1/users/me/profile", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Error("not compressed")
	}
}

func TestModify(t *testing.T) {
	s := play(t, standin.Config{})
	id := s.find(t, "in:inbox is:unread")[0]
	change := func(add, remove []string) (*gmail.Message, error) {
		return s.users.Messages.Modify("me", id, &gmail.ModifyMessageRequest{AddLabelIds: add, RemoveLabelIds: remove}).Do()
	}
	m, err := change([]string{"STARRED", "Label_1"}, []string{"UNREAD", "INBOX"})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(m.LabelIds, "UNREAD") || slices.Contains(m.LabelIds, "INBOX") || !slices.Contains(m.LabelIds, "Label_1") || m.Payload != nil {
		t.Errorf("answer %+v", m)
	}
	for _, tt := range []struct {
		add, remove []string
		want        string
	}{
		{[]string{"SENT"}, nil, "Invalid label: SENT"},
		{nil, []string{"DRAFT"}, "Invalid label: DRAFT"},
		{[]string{"Clients"}, nil, "Invalid label: Clients"}, // a name is no id
		{[]string{"STARRED"}, []string{"STARRED"}, "Cannot both add and remove"},
		{nil, nil, "No label add or removes specified"},
	} {
		_, err := change(tt.add, tt.remove)
		wantError(t, err, 400, tt.want)
	}
	if m, err = s.users.Messages.Trash("me", id).Do(); err != nil || !slices.Contains(m.LabelIds, "TRASH") {
		t.Errorf("trash: %v %+v", err, m)
	}
	if m, err = s.users.Messages.Untrash("me", id).Do(); err != nil || slices.Contains(m.LabelIds, "TRASH") || slices.Contains(m.LabelIds, "INBOX") {
		t.Errorf("untrash: %v %+v", err, m)
	}
}

func TestBatchModify(t *testing.T) {
	s := play(t, standin.Config{})
	ids := s.find(t, "in:inbox is:unread")
	do := func(ids []string) error {
		return s.users.Messages.BatchModify("me", &gmail.BatchModifyMessagesRequest{Ids: ids, RemoveLabelIds: []string{"UNREAD"}}).Do()
	}
	if err := do(append(slices.Clone(ids), "18a0ffffffffffff")); err != nil {
		t.Fatal(err)
	}
	if left := s.find(t, "in:inbox is:unread"); len(left) > 0 {
		t.Errorf("%d still unread", len(left))
	}
	wantError(t, do(nil), 400, "No message ids")
	wantError(t, do([]string{"x"}), 400, "Invalid id value")
	wantError(t, do(slices.Repeat(ids[:1], 1001)), 400, "the limit is 1000")
}

func TestThreads(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Threads.List("me").Q("subject:(kestrel launch plan)").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Threads) != 1 || l.Threads[0].Snippet == "" || l.Threads[0].HistoryId == 0 {
		t.Fatalf("threads %+v", l.Threads)
	}
	th, err := s.users.Threads.Get("me", l.Threads[0].Id).Format("metadata").MetadataHeaders("Message-ID", "References").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(th.Messages) != 11 || th.Messages[0].Id != th.Id {
		t.Errorf("%d messages, the first is %s of %s", len(th.Messages), th.Messages[0].Id, th.Id)
	}
	last := header(th.Messages[10].Payload, "References")
	for i, m := range th.Messages[:10] {
		if i > 0 && m.InternalDate < th.Messages[i-1].InternalDate {
			t.Error("not in order of time")
		}
		if !strings.Contains(last, header(m.Payload, "Message-ID")) {
			t.Errorf("the last message does not refer to message %d", i)
		}
	}
	th, err = s.users.Threads.Modify("me", th.Id, &gmail.ModifyThreadRequest{AddLabelIds: []string{"STARRED"}}).Do()
	if err != nil || len(th.Messages) != 11 || !slices.Contains(th.Messages[0].LabelIds, "STARRED") {
		t.Errorf("modify: %v", err)
	}
	if th, err = s.users.Threads.Trash("me", th.Id).Do(); err != nil || !slices.Contains(th.Messages[5].LabelIds, "TRASH") {
		t.Errorf("trash: %v", err)
	}
	if th, err = s.users.Threads.Untrash("me", th.Id).Do(); err != nil || slices.Contains(th.Messages[5].LabelIds, "TRASH") {
		t.Errorf("untrash: %v", err)
	}
}

func TestSendAs(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Settings.SendAs.List("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range l.SendAs {
		got = append(got, a.SendAsEmail+" "+a.VerificationStatus)
	}
	want := []string{standin.DefaultUser + " ", "alex@rivera-studio.example accepted", "press@harborandpine.example pending"}
	if !slices.Equal(got, want) || !l.SendAs[0].IsPrimary || l.SendAs[0].Signature == "" {
		t.Errorf("got %q, want %q", got, want)
	}
	if a, err := s.users.Settings.SendAs.Get("me", "alex@rivera-studio.example").Do(); err != nil || a.DisplayName != "Rivera Studio" {
		t.Errorf("get: %v %+v", err, a)
	}
	_, err = s.users.Settings.SendAs.Get("me", "nobody@example.com").Do()
	wantError(t, err, 404, "")
}
