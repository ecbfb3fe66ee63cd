package mailbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// encoded is a MIME part of a mail that is delivered.
func encoded(header, content string) string {
	return header + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n"
}

// attach delivers a mail with files.
func (r *rig) attach(parts ...string) string {
	return r.deliver("From: Ann <ann@example.net>\r\nSubject: Files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
		strings.Join(append([]string{"Content-Type: text/plain\r\n\r\nSee below.\r\n"}, parts...), "--b\r\n") + "--b--\r\n")
}

func file(name, kind, content string) string {
	return encoded("Content-Type: "+kind+"; name=\""+name+"\"\r\nContent-Disposition: attachment; filename=\""+name+"\"", content)
}

// fetches counts the attachments that were asked for.
func (r *rig) fetches() int {
	n := 0
	for _, s := range r.world.Seen() {
		if strings.Contains(s.Path, "/attachments/") {
			n++
		}
	}
	return n
}

// TestProblem18AttachmentIDsThatChange: Gmail's own ids are 300 characters long
// and good for one fetch. Parts keep theirs, and files their names.
func TestProblem18AttachmentIDsThatChange(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.attach(file("a.txt", "text/plain; charset=latin1", "gr\xFC\xDFe"), file("Maße.csv", "text/csv", "1,2"), file("b.txt", "text/plain", "one"), file("b.txt", "text/plain", "two"))
	message, err := r.Read(t.Context(), id, mailbox.Markdown)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the ids of the first fetch are good for nothing in the second
		for i, want := range []string{"gr\xFC\xDFe", "1,2", "one", "two"} {
			a := message.Attachments[i]
			if len(a.PartID) > 10 {
				t.Errorf("the part id %q is long", a.PartID)
			}
			f, err := r.Attachment(t.Context(), id, a.PartID, 100)
			if err != nil || string(f.Content) != want || f.Attachment != a {
				t.Errorf("part %s: %q %+v, %v", a.PartID, f.Content, f.Attachment, err)
			}
		}
	}
	for name, want := range map[string]string{"a.txt": "gr\xFC\xDFe", "MASSE.CSV": "", "maße.csv": "1,2"} {
		f, err := r.AttachedFile(t.Context(), id, mailbox.PartRef{Name: name}, 100)
		if want == "" {
			if codeOf(err) != "not_found" {
				t.Errorf("%s: got %q, %v", name, f.Content, err)
			}
			continue
		}
		if err != nil || string(f.Content) != want {
			t.Errorf("%s: got %q, %v", name, f.Content, err)
		}
	}
	if f, err := r.Attachment(t.Context(), id, "1", 100); err != nil || f.Charset != "latin1" {
		t.Errorf("the charset is %q, %v", f.Charset, err)
	}
}

func codeOf(err error) string {
	e, ok := errors.AsType[*mailbox.Error](err)
	if !ok {
		return ""
	}
	return e.Code
}

func TestWhichAttachmentIsMeant(t *testing.T) {
	r := newRig(t, standin.Config{})
	inner := "From: Bram <bram@example.net>\r\nSubject: Old\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\nHi\r\n--i\r\n" + file("inner.txt", "text/plain", "inside") + "--i--\r\n"
	one := r.attach(file("only.txt", "text/plain", "only"), encoded("Content-Type: image/png\r\nContent-Disposition: inline\r\nContent-ID: <x>", "picture"))
	two := r.attach(file("a.txt", "text/plain", "a"), file("a.txt", "text/plain", "b"))
	mail := r.attach("Content-Type: message/rfc822; name=old.eml\r\nContent-Disposition: attachment; filename=old.eml\r\n\r\n" + inner)
	whole := r.deliver("From: Ann <ann@example.net>\r\nSubject: Scan\r\n" + file("scan.pdf", "application/pdf", "%PDF"))
	for _, c := range []struct {
		name, id string
		ref      mailbox.PartRef
		want     string // content, or the code of the error
	}{
		{"the only one", one, mailbox.PartRef{}, "only"},
		{"one of several", two, mailbox.PartRef{}, "ambiguous"},
		{"a name that two have", two, mailbox.PartRef{Name: "a.txt"}, "ambiguous"},
		{"one of the two", two, mailbox.PartRef{ID: "2"}, "b"},
		{"the id counts more than the name", two, mailbox.PartRef{ID: "1", Name: "nope"}, "a"},
		{"in a mail within", mail, mailbox.PartRef{Name: "inner.txt"}, "inside"},
		{"the mail itself", whole, mailbox.PartRef{}, "%PDF"},
		{"the mail itself by name", whole, mailbox.PartRef{Name: "scan.pdf"}, "%PDF"},
		{"a container", mail, mailbox.PartRef{ID: "1.0"}, "not_found"},
		{"no such part", one, mailbox.PartRef{ID: "7"}, "not_found"},
		{"no such name", one, mailbox.PartRef{Name: "x"}, "not_found"},
		{"no such mail", "18c0000000000bad", mailbox.PartRef{}, "not_found"},
		{"no id of a mail", "../x", mailbox.PartRef{}, "invalid_argument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := r.AttachedFile(t.Context(), c.id, c.ref, 1000)
			if got := string(f.Content) + codeOf(err); got != c.want {
				t.Errorf("got %q, %v, want %q", f.Content, err, c.want)
			}
			if codeOf(err) == "ambiguous" && !strings.Contains(err.Error(), "1 (text), 2 (text)") {
				t.Errorf("%q does not name the parts", err)
			}
		})
	}
}

// What a part is called, and the second half of its type, are its sender's words.
func TestErrorsNameTheAttachmentsThatThereAreByIDAndKind(t *testing.T) {
	r := newRig(t, standin.Config{})
	none := r.deliver("From: Ann <ann@example.net>\r\nSubject: Hi\r\n\r\nHello.\r\n")
	some := r.attach(file("canary.txt", "text/canary", "a"), file("canary.pdf", "canary/canary", "b"))
	for _, c := range []struct {
		name, id string
		ref      mailbox.PartRef
		want     string
	}{
		{"of none", none, mailbox.PartRef{}, "the mail has no attachments"},
		{"of none, by name", none, mailbox.PartRef{Name: "x.pdf"}, "the mail has no attachments"},
		{"of another name", some, mailbox.PartRef{Name: "x.pdf"}, "the mail has no such attachment; it has the parts 1 (text), 2 (file)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.Document(t.Context(), c.id, c.ref)
			if codeOf(err) != "not_found" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestWhatIsTooLargeIsNotFetched(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.attach(file("large.bin", "application/octet-stream", strings.Repeat("x", 1000)))
	if _, err := r.Attachment(t.Context(), id, "1", 999); codeOf(err) != "too_large" {
		t.Errorf("got %v", err)
	}
	if got := r.fetches(); got != 0 {
		t.Errorf("%d attachments were fetched", got)
	}
	a, err := r.Describe(t.Context(), id, mailbox.PartRef{ID: "1"})
	if want := (mailbox.Attachment{PartID: "1", Name: "large.bin", Type: "application/octet-stream", Size: 1000}); err != nil || a != want {
		t.Errorf("described as %+v, %v, want %+v", a, err, want)
	}
	if got := r.fetches(); got != 0 {
		t.Errorf("%d attachments were fetched to describe one", got)
	}
}

// spot is a place that counts how often it was emptied.
type spot struct {
	content []byte
	resets  int
	full    error
}

func (s *spot) Reset() error {
	s.resets++
	s.content = nil
	return nil
}

func (s *spot) Write(p []byte) (int, error) {
	if s.full != nil {
		return 0, s.full
	}
	s.content = append(s.content, p...)
	return len(p), nil
}

func TestATransferThatBreaksOffBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := 0
		r := newRig(t, standin.Config{}, func(*mailbox.Config) {})
		id := r.attach(file("a.bin", "application/octet-stream", strings.Repeat("0123456789", 20_000)))
		r.world.SetFault(func(req *http.Request) *standin.Fault {
			if !strings.Contains(req.URL.Path, "/attachments/") || broken > 1 {
				return nil
			}
			broken++
			return &standin.Fault{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"data":"` + strings.Repeat("QUFB", broken*30_000)}
		})
		var to spot
		a, err := r.CopyAttachment(t.Context(), id, mailbox.PartRef{ID: "1"}, 1<<20, &to)
		if err != nil || a.Size != 200_000 || string(to.content) != strings.Repeat("0123456789", 20_000) {
			t.Errorf("got %d bytes of %d, %v", len(to.content), a.Size, err)
		}
		if to.resets != 3 {
			t.Errorf("the place was emptied %d times, want 3", to.resets)
		}
	})
}

func TestAnErrorOfThePlaceIsNotGmails(t *testing.T) {
	r := newRig(t, standin.Config{})
	id := r.attach(file("a.bin", "application/octet-stream", "x"))
	full := &mailbox.Error{Code: "not_saved", Message: "the disk is full"}
	if _, err := r.CopyAttachment(t.Context(), id, mailbox.PartRef{ID: "1"}, 1<<20, &spot{full: full}); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	if got := r.fetches(); got != 1 {
		t.Errorf("it was fetched %d times", got)
	}
}

func TestDataInJSON(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"as Gmail writes it", "{\n  \"data\": \"aGVsbG8\"\n}\n", "hello"},
		{"padded", `{"data":"aGVsbG8="}`, "hello"},
		{"padded, and escaped as Google does", `{"data":"aGVsbG8\u003d"}`, "hello"},
		{"behind other members", `{"size": 5, "x": {"data": ["\"}", 1]}, "n": null, "b":true,"attachmentId":"a\\","data":"aGVsbG8"}`, "hello"},
		{"both alphabets", `{"data":"-_8+\/w"}`, "\xfb\xff\x3e\xff"},
		{"none", `{"size":0}`, ""},
		{"an empty one", `{"data":""}`, ""},
		{"nothing", `{}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.body), iotest.OneByteReader(strings.NewReader(c.body))} {
				got, err := io.ReadAll(mailbox.NewDataReader(r))
				if err != nil || string(got) != c.want {
					t.Errorf("got %q, %v, want %q", got, err, c.want)
				}
			}
		})
	}
	for _, body := range []string{"", "[]", "{", `{"data"`, `{"data":`, `{"data":1}`, `{"data":"aGVs`, `{"data":"a*b"}`, `{"data":"aGVsb"}`, `{"data":"\u0041\t"}`, `{"data":"a\u00`, `{"x":"`, "<html>", `{data:"aGVs"}`} {
		if got, err := io.ReadAll(mailbox.NewDataReader(strings.NewReader(body))); err == nil {
			t.Errorf("%s: got %q, want an error", body, got)
		}
	}
}

func FuzzDataInJSON(f *testing.F) {
	f.Add(`{"size":3,"data":"aGVsbG8"}`)
	f.Add(`{"x":{"y":[1,"\\"]},"data":"aGVsbG8\u003d"}`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := io.ReadAll(mailbox.NewDataReader(strings.NewReader(body)))
		var want struct{ Data *string }
		// What the two must agree on is what both take: a valid object with one
		// such member, in the spelling of Gmail.
		if err != nil || json.Unmarshal([]byte(body), &want) != nil || want.Data == nil || strings.Count(strings.ToLower(body), `"data"`) != 1 || !strings.Contains(body, `"data"`) {
			return
		}
		decoded, fault := base64.RawURLEncoding.DecodeString(strings.TrimRight(*want.Data, "="))
		if fault == nil && !bytes.Equal(got, decoded) {
			t.Errorf("%q decodes to %q, want %q", body, got, decoded)
		}
	})
}

func BenchmarkCopyAttachment(b *testing.B) {
	const size = 8 << 20
	r := newRig(b, standin.Config{})
	id := r.attach(file("a.bin", "application/octet-stream", strings.Repeat("x", size)))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.CopyAttachment(b.Context(), id, mailbox.PartRef{ID: "1"}, size, nowhere{}); err != nil {
			b.Fatal(err)
		}
	}
}

type nowhere struct{}

func (nowhere) Reset() error                { return nil }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
