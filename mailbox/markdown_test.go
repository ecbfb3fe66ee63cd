package mailbox

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func TestMarkdownBecomesTheHTMLThatItsWriterMeant(t *testing.T) {
	const indent = "\u00a0\u00a0\u00a0 "
	for name, test := range map[string]struct{ text, want string }{
		"lines and paragraphs": {"Hi Bob,\nsee you.\n\n\nAnn", "<p>Hi Bob,<br>\nsee you.</p>\n<p>Ann</p>\n"},
		"carriage returns":     {"a\r\nb\r\n", "<p>a<br>\nb</p>\n"},
		"emphasis":             {"**bold**, *it* and _it_", "<p><strong>bold</strong>, <em>it</em> and <em>it</em></p>\n"},
		"a heading":            {"# Plan\nx", "<h1>Plan</h1>\n<p>x</p>\n"},
		"lists":                {"- a\n- b\n\n3. c\n4. d", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<ol start=\"3\">\n<li>c</li>\n<li>d</li>\n</ol>\n"},
		"a quote":              {"> a\n> b", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>\n"},
		"code":                 {"```go\nif a < b {\n  x\n}\n```", "<pre><code class=\"language-go\">if a &lt; b {\n  x\n}\n</code></pre>\n"},
		"a table": {
			"| a | b |\n|---|---|\n| 1 | 2 |",
			"<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n",
		},
		"a link":                    {"[here](https://example.com/?a=1&b=2)", "<p><a href=\"https://example.com/?a=1&amp;b=2\">here</a></p>\n"},
		"an address in the text":    {"See https://example.com/a_b*c_d.", "<p>See <a href=\"https://example.com/a_b*c_d\">https://example.com/a_b*c_d</a>.</p>\n"},
		"a link that runs a script": {"[here](javascript:alert(1))", "<p>here (javascript:alert(1))</p>\n"},
		"a link to another program": {"[a](ms-word:x) <vbscript:x> [b](//host/x) [c](page.html)", "<p>a (ms-word:x) vbscript:x b (//host/x) c (page.html)</p>\n"},
		"a mail address":            {"<ann@example.com>, [ann](mailto:ann@example.com?subject=x)", "<p><a href=\"mailto:ann@example.com\">ann@example.com</a>, <a href=\"mailto:ann@example.com?subject=x\">ann</a></p>\n"},
		"a picture":                 {"![logo](https://example.com/p.png)", "<p><a href=\"https://example.com/p.png\">logo</a></p>\n"},
		"a picture of data":         {"![logo](data:image/svg+xml;base64,AAAA)", "<p>logo (data:image/svg+xml;base64,AAAA)</p>\n"},

		"tags":                        {"<b>x</b> a<b", "<p>&lt;b&gt;x&lt;/b&gt; a&lt;b</p>\n"},
		"tags that begin a block":     {"<script>\nalert(1)\n</script>", "<p>&lt;script&gt;<br>\nalert(1)<br>\n&lt;/script&gt;</p>\n"},
		"entities":                    {"AT&T &copy; &lt;", "<p>AT&amp;T &amp;copy; &amp;lt;</p>\n"},
		"the line above a signature":  {"Regards\n-- \nAnn", "<p>Regards<br>\n--<br>\nAnn</p>\n"},
		"a literal backslash and n":   {`C:\new\file and \n`, `<p>C:\new\file and \n</p>` + "\n"},
		"two backslashes":             {`\\server\share`, `<p>\\server\share</p>` + "\n"},
		"a mark that is escaped":      {`\*not\* a\_b`, "<p>*not* a_b</p>\n"},
		"asterisks of a formula":      {"2*3*4 and a**b**c", "<p>2*3*4 and a**b**c</p>\n"},
		"a name with underscores":     {"call my_long_name", "<p>call my_long_name</p>\n"},
		"an indented line":            {"Agenda:\n    10:00 a\n\n    later", "<p>Agenda:<br>\n" + indent + "10:00 a</p>\n<p>" + indent + "later</p>\n"},
		"columns":                     {"a    1\nbb   2", "<p>a" + indent + "1<br>\nbb\u00a0\u00a0 2</p>\n"},
		"what looks like a reference": {"[1]: https://example.com", "<p>[1]: <a href=\"https://example.com\">https://example.com</a></p>\n"},
		"a row with a cell too many":  {"a | b\n--- | ---\n1 | 2 | 3", "<p>a | b<br>\n--- | ---<br>\n1 | 2 | 3</p>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want := "<div dir=\"auto\">\n" + test.want + "</div>\n"
			if diff := cmp.Diff(want, fromMarkdown(test.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := fromMarkdown(" \n"); got != "" {
		t.Errorf("nothing becomes %q", got)
	}
}

// No letter is lost, whatever a text looks like, and no tag comes from it.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{
		"Hi\n\n- a\n- b\n  c\n\n1. d\n# e\n> f *g* **h** _i_ `j`\n---\n    k\n\tl", "Regards\n-- \nAnn", "a | b\n- | -\nc | d | e\n| f",
		"<b>x</b> <script>y</script> &amp; <!-- z -->", `\\a \* \b`, "https://example.com/a_b www.example.com a@example.com <https://x.org>",
		"2*3*4 a**b **c*d* _e_f_", strings.Repeat("> ", 30) + "x", "~~a~~ :smile: Term\n: x",
		"[a](javascript:x) ![b](data:text/html,x) <vbscript:x> [c](JAVA\tSCRIPT:x \"t\") ![d](https://x.org/\"onload=x)",
	} {
		f.Add(seed)
	}
	// The language of a code block and the target of a link are not shown.
	excepted := regexp.MustCompile("```|~~~|\\[|\x00")
	linkable := regexp.MustCompile(`^(?i:https?://|ftp://|mailto:|tel:)[^\s<>"]`)
	allowed := map[string]bool{
		"div": true, "p": true, "br": true, "strong": true, "em": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
		"ul": true, "ol": true, "li": true, "blockquote": true, "pre": true, "code": true, "hr": true, "a": true,
		"table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true,
	}
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return r
			}
			return -1
		}, s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		src = strings.ToValidUTF8(src, "\uFFFD")
		var shown strings.Builder
		for z := html.NewTokenizer(strings.NewReader(fromMarkdown(src))); z.Next() != html.ErrorToken; {
			switch token := z.Token(); token.Type {
			case html.TextToken:
				shown.WriteString(token.Data)
			case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
				if !allowed[token.Data] {
					t.Errorf("the HTML has the tag %q", token.Data)
				}
				for _, a := range token.Attr {
					if a.Key == "href" && !linkable.MatchString(a.Val) {
						t.Errorf("a link leads to %q", a.Val)
					}
					if a.Key == "src" || strings.HasPrefix(a.Key, "on") {
						t.Errorf("the HTML has the attribute %s=%q", a.Key, a.Val)
					}
				}
			default:
				t.Errorf("the HTML has %q", token)
			}
		}
		if excepted.MatchString(src) {
			return
		}
		if got, want := letters(shown.String()), letters(src); got != want {
			t.Errorf("the HTML shows the letters %q, want %q", got, want)
		}
	})
}
