package mailbox_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/mailbox"
)

// batchAnswer is what Gmail answers to a batch of three, in its form.
const batchAnswer = "--batch_x\r\n" +
	"Content-Type: application/http\r\nContent-ID: <response-18b2>\r\n\r\n" +
	"HTTP/1.1 404 Not Found\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{\"error\":{\"code\":404}}\r\n" +
	"--batch_x\r\n" +
	"Content-Type: application/http\r\nContent-ID: <response-18a1>\r\n\r\n" +
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"id\":\"18a1\"}\r\n" +
	"--batch_x\r\n" +
	"Content-Type: application/http\r\nContent-ID: <response-18c3>\r\n\r\n" +
	"HTTP/1.1 200 OK\r\n\r\n{\"id\":\"18c3\"}\r\n" +
	"--batch_x--\r\n"

const batchType = "multipart/mixed; boundary=batch_x"

func TestBatchAnswersAreToldApartByContentID(t *testing.T) {
	got, err := mailbox.DecodeBatch(strings.NewReader(batchAnswer), batchType, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]mailbox.Part{
		"18a1": {200, `{"id":"18a1"}`},
		"18b2": {404, `{"error":{"code":404}}`},
		"18c3": {200, `{"id":"18c3"}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWhatIsMissingInABatchIsLeftOut(t *testing.T) {
	for _, test := range []struct {
		name, answer, contentType string
		want                      int // parts; -1 is an error
	}{
		{"cut in the second part", batchAnswer[:strings.Index(batchAnswer, `:"18a1"`)], batchType, 1},
		{"cut in the first part", batchAnswer[:20], batchType, -1},
		{"empty", "", batchType, -1},
		{"another type", batchAnswer, "application/json", -1},
		{"no boundary", batchAnswer, "multipart/mixed", -1},
		{"a part that is no HTTP", strings.Replace(batchAnswer, "HTTP/1.1 404 Not Found", "nonsense", 1), batchType, 2},
		{"a part without an id", strings.Replace(batchAnswer, "response-18b2", "18b2", 1), batchType, 2},
		{"a part twice", strings.Replace(batchAnswer, "18b2", "18a1", 1), batchType, 2},
	} {
		got, err := mailbox.DecodeBatch(strings.NewReader(test.answer), test.contentType, 3)
		if (err != nil) != (test.want < 0) || err == nil && len(got) != test.want {
			t.Errorf("%s: got %v, %v; want %d parts", test.name, got, err, test.want)
		}
	}
}

func TestABatchIsRequestsOfItsOwn(t *testing.T) {
	body, contentType, err := mailbox.EncodeBatch([]string{"18a1", "18b2"})
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for _, id := range []string{"18a1", "18b2"} {
		part, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		line, rest, _ := strings.Cut(string(text), "\r\n")
		if part.Header.Get("Content-Type") != "application/http" || part.Header.Get("Content-ID") != "<"+id+">" {
			t.Errorf("got headers %v", part.Header)
		}
		method, target, _ := strings.Cut(line, " ")
		req, err := http.NewRequest(method, target, nil)
		if err != nil || req.URL.Path != "/gmail/v1/users/me/messages/"+id || req.URL.Host != "" || rest != "\r\n" {
			t.Errorf("got request %q, %v", text, err)
			continue
		}
		q := req.URL.Query()
		if q.Get("format") != "metadata" || len(q["metadataHeaders"]) != 5 || q.Get("prettyPrint") != "false" || q.Get("fields") == "" {
			t.Errorf("got query %v", q)
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add([]byte(batchAnswer), batchType, 3)
	f.Add([]byte(batchAnswer[:300]), batchType, 20)
	f.Add([]byte("--x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n--x--"), "multipart/mixed; boundary=x", 1)
	f.Add([]byte("--x\r\nContent-ID: <response->\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n--x--"), `multipart/mixed; boundary="x"`, 1)
	f.Fuzz(func(t *testing.T, answer []byte, contentType string, limit int) {
		limit = min(max(limit, 0), 100)
		got, err := mailbox.DecodeBatch(bytes.NewReader(answer), contentType, limit)
		if len(got) > limit || err == nil && len(got) == 0 {
			t.Errorf("got %d parts, %v; want 1 to %d or an error", len(got), err, limit)
		}
		for id, p := range got {
			if len(p.Body) > len(answer) || len(id) > len(answer) {
				t.Errorf("got more than was there")
			}
		}
	})
}
