package standin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

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
