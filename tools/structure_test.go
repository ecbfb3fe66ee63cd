package tools_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
)

// leaves returns the text of the parts of a mail by their media types, with
// the line breaks of Unix.
func leaves(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return leavesBelow(t, msg.Header.Get("Content-Type"), msg.Body)
}

func leavesBelow(t *testing.T, contentType string, body io.Reader) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	if !strings.HasPrefix(kind, "multipart/") {
		content, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		found[kind] = strings.ReplaceAll(string(content), "\r\n", "\n")
		return found
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextPart() // which decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(found, leavesBelow(t, p.Header.Get("Content-Type"), p))
	}
}
