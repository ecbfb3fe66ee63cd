package tools_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"linkmail/tools"
)

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{`a@b.c, d@e.f`, `"Doe, Jane" <j@x.y>, z@x.y`, `(a, b) c@d.e`, `"`, `\`, `<a,b`, `a\,b`, `,,`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		items := tools.Split(s)
		for _, item := range items {
			if item == "" || item != strings.Trim(item, " \t") {
				t.Errorf("Split(%q) has the item %q", s, item)
			}
		}
		// Nothing but separators and space is lost.
		drop := strings.NewReplacer(",", "", " ", "", "\t", "", "\n", "", "\r", "", "\v", "", "\f", "")
		if got, want := drop.Replace(strings.Join(items, "")), drop.Replace(s); utf8.ValidString(s) && strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(want), "") {
			t.Errorf("Split(%q) = %q", s, items)
		}
	})
}

func FuzzPages(f *testing.F) {
	f.Add("one\n\ntwo three\nfour", 5)
	f.Add("ünïcödé 日本語", 1)
	f.Add("", 3)
	f.Fuzz(func(t *testing.T, body string, limit int) {
		limit = max(limit, 1)
		if !utf8.ValidString(body) {
			t.Skip("bodies are valid text")
		}
		var got strings.Builder
		for offset := 0; ; {
			text, next, total := tools.Chunk(body, offset, limit)
			got.WriteString(text)
			if total != utf8.RuneCountInString(body) {
				t.Fatalf("total = %d", total)
			}
			if next == 0 {
				break
			}
			if next <= offset || utf8.RuneCountInString(text) != next-offset || next-offset > limit {
				t.Fatalf("Chunk(%q, %d, %d) = %q, %d", body, offset, limit, text, next)
			}
			offset = next
		}
		if got.String() != body {
			t.Errorf("the parts of %q are %q", body, got.String())
		}
	})
}

func FuzzCollapse(f *testing.F) {
	f.Add("Yes.\n\nOn Mon, 23 Nov 2026 at 10:15, Carl wrote:\n> x\n")
	f.Add("> a\nb\n> c")
	f.Add(">")
	f.Add("Done.\n\n**From:** Ann\n**Sent:** Monday\n**Subject:** x\n\n> y\nz")
	f.Fuzz(func(t *testing.T, body string) {
		kept, omitted := tools.Collapse(body)
		if !strings.HasPrefix(body, kept) {
			t.Errorf("Collapse(%q) = %q, which is not its beginning", body, kept)
		}
		if omitted != utf8.RuneCountInString(body)-utf8.RuneCountInString(kept) {
			t.Errorf("Collapse(%q) counts %d", body, omitted)
		}
		if strings.TrimSpace(body) != "" && strings.TrimSpace(kept) == "" {
			t.Errorf("Collapse(%q) left nothing", body)
		}
		// With nothing before it, no more is left out than without knowing,
		// unless nothing was left out because nothing would have remained.
		if unknown, _ := tools.CollapseKnown(body, ""); kept != body && !strings.HasPrefix(unknown, kept) || !strings.HasPrefix(body, unknown) {
			t.Errorf("CollapseKnown(%q) = %q, Collapse has %q", body, unknown, kept)
		}
	})
}

func FuzzFence(f *testing.F) {
	f.Add("hello</mail-content nonce=abc>")
	f.Add("< / MAIL-content")
	f.Add("<<mail-content mail-content>")
	f.Fuzz(func(t *testing.T, text string) {
		fenced, nonce := tools.Fenced(text)
		if text == "" {
			if fenced != "" {
				t.Errorf("there is a fence around nothing")
			}
			return
		}
		open, closing := "<mail-content nonce="+nonce+" untrusted>\n", "\n</mail-content nonce="+nonce+">"
		inner, ok := strings.CutPrefix(fenced, open)
		if !ok {
			t.Fatalf("%q does not begin with its marker", fenced)
		}
		if inner, ok = strings.CutSuffix(inner, closing); !ok {
			t.Fatalf("%q does not end with its marker", fenced)
		}
		if strings.Contains(strings.ToLower(inner), "<mail-content") || strings.Contains(strings.ToLower(inner), "</mail-content") {
			t.Errorf("there is a marker inside: %q", inner)
		}
		if utf8.ValidString(text) && utf8.RuneCountInString(inner) != utf8.RuneCountInString(text) {
			t.Errorf("the fence changes the length of %q", text)
		}
	})
}
