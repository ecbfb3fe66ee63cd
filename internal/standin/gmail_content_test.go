package standin_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

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
