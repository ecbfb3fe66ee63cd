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

// structure writes the media types of a mail's parts as a tree.
func structure(t *testing.T, contentType string, body io.Reader) string {
	t.Helper()
	shape, _ := walk(t, contentType, body)
	return shape
}

// leaves returns the text of the parts of a mail by their media types, with
// the line breaks of Unix.
func leaves(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, found := walk(t, msg.Header.Get("Content-Type"), msg.Body)
	return found
}

func walk(t *testing.T, contentType string, body io.Reader) (shape string, found map[string]string) {
	t.Helper()
	found = map[string]string{}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		content, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		found[kind] = strings.ReplaceAll(string(content), "\r\n", "\n")
		return kind, found
	}
	var children []string
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextPart() // which decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return kind + "(" + strings.Join(children, " ") + ")", found
		}
		if err != nil {
			t.Fatal(err)
		}
		child, below := walk(t, p.Header.Get("Content-Type"), p)
		children = append(children, child)
		maps.Copy(found, below)
	}
}
