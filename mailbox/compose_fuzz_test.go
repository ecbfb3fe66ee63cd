package mailbox

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever an attachment is called and a mail answers, neither the mail nor
// the part gains a field, and what is read back is what was given.
func FuzzComposeParts(f *testing.F) {
	f.Add("a.pdf", "application/pdf", "", "p@example.net", "a@example.net", []byte("%PDF-"))
	f.Add("報告 \"1\"\\;x.csv", "text/csv", "pic@x", "", "", []byte("\r\n.\r\n--b"))
	f.Add("a\r\nBcc: x@example.org", "text/plain; charset=x\r\nX-A: b", "a>\r\nX-A: b", "p>\r\nX-A: b", "a@x> <b@x", []byte{})
	f.Add("=?utf-8?b?YQ0KYg==?=", "message/rfc822", "<x>", "<p@x>", strings.Repeat("a", 950), []byte("From: x\n\nx"))
	f.Add("../..", "multipart/mixed", "x%0d%0a", "p@é", "", []byte(nil))
	f.Fuzz(func(t *testing.T, name, kind, id, answered, before string, content []byte) {
		o := Outgoing{To: []string{"bob@example.org"}, Text: "text", HTML: `<img src="cid:` + id + `">`}
		o.Attachments = []File{{Attachment: Attachment{Name: name, Type: kind}, ContentID: id, Content: content}}
		o.Thread = Threading{InReplyTo: answered, References: []string{before}}
		raw, _, _, _, err := compose(o, composeFrom, composeTime, composeID)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("error %v is not an *Error", err)
			} else if strings.Contains(e.Message, "was not composed") {
				t.Errorf("the checks let pass what cannot be written: %v", err)
			}
			return
		}
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Linkmail-Send-Id"}
		if answered != "" {
			want = append(want, "In-Reply-To", "References")
			if got := msg.Header.Get("In-Reply-To"); got != "<"+answered+">" {
				t.Errorf("In-Reply-To = %q, want %q", got, answered)
			}
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), fieldsOf(msg.Header)); diff != "" {
			t.Errorf("header fields (-want +got):\n%s", diff)
		}
		checkFieldsOfParts(t, msg.Header.Get("Content-Type"), msg.Body)

		back, err := parseOutgoing(raw)
		if err != nil || len(back.Attachments) != 1 {
			t.Fatalf("read back: %d attachments, %v", len(back.Attachments), err)
		}
		got := back.Attachments[0]
		if clean, _ := cleanLine(name); got.Name != clean || !bytes.Equal(got.Content, content) {
			t.Errorf("read back %q with %d bytes, want %q with %d", got.Name, len(got.Content), clean, len(content))
		}
	})
}

func fieldsOf(header map[string][]string) []string {
	var fields []string
	for field, values := range header {
		fields = append(fields, slices.Repeat([]string{field}, len(values))...)
	}
	slices.Sort(fields)
	return fields
}

// checkFieldsOfParts finds fields of parts that no part is given.
func checkFieldsOfParts(t *testing.T, contentType string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for field, values := range p.Header {
			if !strings.HasPrefix(field, "Content-") || len(values) != 1 {
				t.Errorf("a part has %s: %q", field, values)
			}
		}
		checkFieldsOfParts(t, p.Header.Get("Content-Type"), p)
	}
}

// A draft is read without a panic, whoever wrote it, and what is read can be
// written again, or is refused with an explanation.
func FuzzDraft(f *testing.F) {
	f.Add([]byte("From: a@example.com\r\nTo: b@example.org\r\nBcc: c@example.org\r\nSubject: x\r\n\r\nText\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>\xfc\r\n" +
		"--b\r\nContent-Disposition: attachment; filename*=UTF-8''%E5%A0%B1\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n"))
	f.Add([]byte("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: x\r\nReferences: <a@b> <c\r\nIn-Reply-To: <a@b>\r\n\r\nSubject: y\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := parseOutgoing(raw)
		if err == nil {
			_, _, _, _, err = compose(o, composeFrom, composeTime, composeID)
		}
		if err == nil {
			return
		}
		if e, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("error %v is not an *Error", err)
		} else if strings.Contains(e.Message, "was not composed") {
			t.Errorf("the checks let pass what cannot be written: %v", err)
		}
	})
}
