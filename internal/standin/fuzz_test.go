package standin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"linkmail/internal/standin"
)

func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "movie", `from:(amy OR david) -"exact phrase"`, "{a b} AROUND 3 c", "((((", ")", "-", "OR OR", "NOT NOT x", "from:", "in:anywhere", `subject:"`,
		"after:2026/10/01 before:1790841599", "older_than:3d", "larger:10M", "label:a/b", "\xff\x00", "x AROUND 99999999999999999999 y", `"a AROUND 2 b"`, "見積 -ノート",
		strings.Repeat("(", 500) + "x", strings.Repeat("-", 500) + "x", "from:(subject:(x))", "newer_than:99999999d", "size:99999999999999999m",
	} {
		f.Add(q)
	}
	w := standin.NewWorld(standin.Config{Now: clock})
	const all = 25
	f.Fuzz(func(t *testing.T, q string) {
		if n := w.RunQuery(q, all); n < 0 || n > all {
			t.Errorf("%d of %d messages", n, all)
		}
		for _, token := range standin.Tokens(q) {
			if token == "" || !utf8.ValidString(token) || strings.ToLower(token) != token && utf8.ValidString(q) {
				t.Errorf("token %q", token)
			}
		}
	})
}

func FuzzBatch(f *testing.F) {
	f.Add("multipart/mixed; boundary=cut", "--cut\r\nContent-Type: application/http\r\nContent-ID: <a>\r\n\r\nGET /gmail/v1/users/me/profile\r\n\r\n--cut--")
	f.Add("multipart/mixed; boundary=cut", "--cut\r\nContent-Type: application/http\r\n\r\nPOST /x HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{}\r\n--cut--")
	f.Add("multipart/mixed; boundary=\"\"", "----")
	f.Add("text/plain", "")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		parts, err := standin.ReadBatch(contentType, strings.NewReader(body))
		if (err == nil) != (len(parts) > 0) {
			t.Errorf("%d parts and %v", len(parts), err)
		}
	})
}

func FuzzFields(f *testing.F) {
	for _, s := range []string{
		"id", "id,threadId", "payload(mimeType,headers)", "payload/headers/name", "payload/parts(body(size),filename)", "*", "payload/*/name", "payload(*)",
		"id,id", "payload,payload/headers", "payload/headers,payload", "a(", ")", ",", "/", "id/x", "((((((", "payload(headers(name),headers/value)",
	} {
		f.Add(s)
	}
	whole, err := json.Marshal(standin.FullMessage())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, fields string) {
		v, err := standin.SelectFields(standin.FullMessage(), fields)
		if err != nil {
			return
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > len(whole) {
			t.Errorf("the part is larger than the whole: %s", b)
		}
	})
}

func FuzzMail(f *testing.F) {
	w := standin.NewWorld(standin.Config{Now: clock})
	for _, raw := range w.SomeMail() {
		f.Add(raw)
	}
	f.Add([]byte("no colon\r\n\r\nbody"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n--x--"))
	f.Add([]byte("Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n"))
	f.Add([]byte("Content-Transfer-Encoding: base64\r\n\r\n====A"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s := standin.ParseMail(raw).Snippet(); !utf8.ValidString(s) || strings.ContainsAny(s, "<>\"\n") {
			t.Errorf("snippet %q", s)
		}
	})
}
