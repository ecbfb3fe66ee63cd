package standin_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// answer is the answer to a part of a batch.
type answer struct {
	status int
	header http.Header
	body   string
}

// batch sends requests, each "METHOD path", as one batch with the ids item-0,
// item-1, ... and returns the answers by id, and the ids in their order.
func (s *scene) batch(t *testing.T, requests ...string) (answers map[string]answer, order []string) {
	t.Helper()
	var b strings.Builder
	for i, r := range requests {
		line, body, _ := strings.Cut(r, "\n")
		fmt.Fprintf(&b, "--cut\r\nContent-Type: application/http\r\nContent-ID: <item-%d>\r\n\r\n%s\r\n", i, line)
		if body != "" {
			b.WriteString("Content-Type: application/json\r\n")
		}
		fmt.Fprintf(&b, "\r\n%s\r\n", body)
	}
	b.WriteString("--cut--\r\n")
	status, h, body := s.ask(t, "POST", "/batch/gmail/v1", "multipart/mixed; boundary=cut", b.String())
	if status != 200 {
		t.Fatalf("batch: %d %s", status, body)
	}
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	mr := multipart.NewReader(strings.NewReader(body), params["boundary"])
	answers = map[string]answer{}
	for {
		p, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return answers, order
		}
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(p), nil)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // it is in memory
		id := strings.TrimSuffix(strings.TrimPrefix(p.Header.Get("Content-Id"), "<response-"), ">")
		answers[id] = answer{resp.StatusCode, resp.Header, string(content)}
		order = append(order, id)
	}
}

func gets(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, "GET /gmail/v1/users/me/messages/"+id+"?format=metadata&metadataHeaders=Subject&prettyPrint=false&fields=id,payload(headers)")
	}
	return out
}

func TestBatchAnswersEveryPartUnderItsID(t *testing.T) {
	s := play(t, standin.Config{})
	ids := s.find(t, "in:inbox")[:20]
	s.ForgetSeen()
	answers, order := s.batch(t, gets(ids)...)
	for i, id := range ids {
		a := answers[fmt.Sprintf("item-%d", i)]
		if a.status != 200 || !strings.HasPrefix(a.body, `{"id":"`+id+`"`) || a.header.Get("Content-Type") != "application/json; charset=UTF-8" {
			t.Errorf("part %d: %+v", i, a)
		}
	}
	if len(order) != 20 || order[0] == "item-0" {
		t.Errorf("order %v", order)
	}
	seen := s.Seen()
	if len(seen) != 21 || seen[0].Parts != 20 || seen[0].Service != "gmail" || seen[0].Status != 200 {
		t.Fatalf("%d seen, the first is %+v", len(seen), seen[0])
	}
	for _, p := range seen[1:] {
		if p.Service != "gmail-part" || !strings.HasPrefix(p.Path, "/gmail/v1/users/me/messages/") || p.Status != 200 || p.Parts != 0 {
			t.Errorf("seen %+v", p)
		}
	}
}

func TestBatchPartsFailAlone(t *testing.T) {
	s := play(t, standin.Config{})
	id := s.find(t, "in:inbox is:unread")[0]
	answers, _ := s.batch(t,
		"GET /gmail/v1/users/me/profile HTTP/1.1",
		"GET /gmail/v1/users/me/messages/18a0ffffffffffff",
		"GET /gmail/v1/users/me/settings/delegates",
		"POST /gmail/v1/users/me/messages/"+id+"/modify\n"+`{"removeLabelIds":["UNREAD"]}`,
		"GET /gmail/v1/users/dana.whitfield@example.com/profile",
		"POST /batch/gmail/v1",
		"POST /upload/gmail/v1/users/me/messages/send?uploadType=media",
		"DELETE /gmail/v1/users/me/labels/Label_9",
	)
	for i, want := range []int{200, 404, 404, 200, 403, 400, 400, 204} {
		if got := answers[fmt.Sprintf("item-%d", i)]; got.status != want {
			t.Errorf("part %d: got %d, want %d: %s", i, got.status, want, got.body)
		}
	}
	if len(s.find(t, "in:inbox is:unread")) == 0 {
		t.Error("nothing is unread any more")
	}
}

func TestBatchPartsCountAgainstTheWall(t *testing.T) {
	s := play(t, standin.Config{Wall: 25})
	ids := s.find(t, "in:inbox")[:60]
	answers, _ := s.batch(t, gets(ids)...)
	count := map[int]int{}
	for _, a := range answers {
		count[a.status]++
		if a.status == 429 && !strings.Contains(a.body, "Too many concurrent requests for user.") {
			t.Errorf("body %s", a.body)
		}
	}
	if count[200] != 25 || count[429] != 35 {
		t.Errorf("statuses %v", count)
	}
	answers, _ = s.batch(t, gets(ids[:25])...)
	for id, a := range answers {
		if a.status != 200 {
			t.Errorf("%s: %d", id, a.status)
		}
	}
	if none := play(t, standin.Config{Wall: -1}); len(none.find(t, "in:inbox")) > 100 {
		answers, _ = none.batch(t, gets(ids)...)
		for id, a := range answers {
			if a.status != 200 {
				t.Errorf("without a wall, %s: %d", id, a.status)
			}
		}
	}
}

func TestBatchPartsArePaidForOneByOne(t *testing.T) {
	s := play(t, standin.Config{QuotaPerMinute: 105})
	ids := s.find(t, "in:inbox")[:8] // 5 units, 20 for each message
	answers, _ := s.batch(t, gets(ids)...)
	paid := 0
	for _, a := range answers {
		if a.status == 200 {
			paid++
		} else if a.status != 403 || !strings.Contains(a.body, "User-rate limit exceeded.  Retry after 2026-10-06T15:31:00.000Z") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if paid != 5 {
		t.Errorf("%d messages for 100 units", paid)
	}
}

func TestFaultsHitSingleParts(t *testing.T) {
	s := play(t, standin.Config{})
	ids := s.find(t, "in:inbox")[:4]
	s.SetFault(func(r *http.Request) *standin.Fault {
		switch {
		case strings.HasSuffix(r.URL.Path, ids[1]):
			return standin.BackendError()
		case strings.HasSuffix(r.URL.Path, ids[2]):
			return standin.TooManyConcurrent()
		}
		return nil
	})
	answers, _ := s.batch(t, gets(ids)...)
	for i, want := range []int{200, 503, 429, 200} {
		if got := answers[fmt.Sprintf("item-%d", i)].status; got != want {
			t.Errorf("part %d: got %d, want %d", i, got, want)
		}
	}
	s.SetFault(func(r *http.Request) *standin.Fault {
		return map[bool]*standin.Fault{true: {HangUp: true}}[strings.HasSuffix(r.URL.Path, ids[3])]
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "--cut\r\nContent-Type: application/http\r\n\r\nGET /gmail/v1/users/me/messages/%s\r\n\r\n--cut--", ids[3])
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/batch", &b)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/mixed; boundary=cut")
	if resp, err := s.http.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Error("an answer arrived")
	}
}

func TestBatchesThatAreRefusedWhole(t *testing.T) {
	s := play(t, standin.Config{})
	part := "--cut\r\nContent-Type: application/http\r\n\r\nGET /gmail/v1/users/me/profile\r\n\r\n"
	for _, tt := range []struct{ name, contentType, body, want string }{
		{"too many parts", "multipart/mixed; boundary=cut", strings.Repeat(part, 101) + "--cut--", "Inner request count exceeds the limit. Received: 101, Limit: 100"},
		{"no parts", "multipart/mixed; boundary=cut", "--cut--", "Failed to parse batch request|at least one inner request"},
		{"no boundary", "multipart/mixed", part, "Content-Type must be multipart/mixed"},
		{"JSON", "application/json", "{}", "Content-Type must be multipart/mixed"},
		{"cut short", "multipart/mixed; boundary=cut", part, "Failed to parse batch request"},
		{"a part of another type", "multipart/mixed; boundary=cut", "--cut\r\nContent-Type: text/plain\r\n\r\nGET /x\r\n\r\n--cut--", "must be application/http"},
		{"a whole URL", "multipart/mixed; boundary=cut", "--cut\r\nContent-Type: application/http\r\n\r\nGET https://gmail.googleapis.com/x\r\n\r\n--cut--", "invalid request line"},
	} {
		for _, path := range []string{"/batch", "/batch/gmail/v1"} {
			status, _, body := s.ask(t, "POST", path, tt.contentType, tt.body)
			ok := false
			for want := range strings.SplitSeq(tt.want, "|") {
				ok = ok || strings.Contains(body, want)
			}
			if status != 400 || !ok {
				t.Errorf("%s: %d %s", tt.name, status, body)
			}
		}
	}
	if status, _, _ := s.ask(t, "GET", "/batch", "", ""); status != 404 {
		t.Errorf("GET: %d", status)
	}
}

func TestBatchUsesTheOuterToken(t *testing.T) {
	s := play(t, standin.Config{})
	s.RevokeTokens(standin.DefaultUser)
	answers, _ := s.batch(t, "GET /gmail/v1/users/me/profile")
	if a := answers["item-0"]; a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("%+v", a)
	}
}
