package standin

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// bodies returns the first plain and the first HTML text of a message, in
// UTF-8, not looking into attached messages.
func (n *node) bodies() (plain, markup string) {
	n.walk(func(n *node) bool {
		if n.mediaType == "message/rfc822" || n.filename != "" || n.disposition == "attachment" {
			return false
		}
		switch {
		case n.mediaType == "text/plain" && plain == "":
			plain = utf8Text(n.body, n.charset)
		case n.mediaType == "text/html" && markup == "":
			markup = utf8Text(n.body, n.charset)
		}
		return true
	})
	return plain, markup
}

// htmlText returns the text of a page, hidden text included: that is where
// newsletters put the words they want to see in the snippet. With limit > 0 it
// stops after about that many bytes, and at a quoted reply.
func htmlText(src string, limit int) string {
	z := html.NewTokenizer(strings.NewReader(src))
	var out strings.Builder
	skip := ""
	for limit <= 0 || out.Len() < limit {
		switch z.Next() {
		case html.ErrorToken:
			return out.String() // the end, or as far as it can be read
		case html.TextToken:
			if skip == "" {
				out.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, hasAttr := z.TagName()
			tag := string(name)
			switch tag {
			case "style", "script", "title":
				skip = tag
			}
			if isBlock(tag) {
				out.WriteByte(' ')
			}
			if limit > 0 && hasAttr && isQuote(z) {
				return out.String()
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := string(name)
			if tag == skip {
				skip = ""
			}
			if isBlock(tag) {
				out.WriteByte(' ')
			}
		}
	}
	return out.String()
}

// isBlock reports whether words on the two sides of a tag are apart.
func isBlock(tag string) bool {
	switch tag {
	case "a", "b", "i", "em", "strong", "span", "font", "u", "sup", "sub", "code":
		return false
	}
	return true
}

func isQuote(z *html.Tokenizer) bool {
	for {
		key, value, more := z.TagAttr()
		if string(key) == "class" && strings.Contains(string(value), "gmail_quote") {
			return true
		}
		if !more {
			return false
		}
	}
}

// snippetSize is how many characters of a message a snippet shows.
const snippetSize = 200

var snippetEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// snippet is the beginning of a message, HTML-escaped as Gmail does it, with
// whatever invisible filler the sender put there.
func (n *node) snippet() string {
	plain, markup := n.bodies()
	text := htmlText(markup, 4*snippetSize)
	if strings.TrimSpace(text) == "" {
		text = unquoted(plain)
	}
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > snippetSize {
		text = string([]rune(text)[:snippetSize])
		if i := strings.LastIndexByte(text, ' '); i > 0 {
			text = text[:i]
		}
	}
	return snippetEscapes.Replace(text)
}

// unquoted returns the top of a plain text, before what it answers to.
func unquoted(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "On ") && strings.HasSuffix(line, "wrote:") {
			break
		}
		if out.WriteString(line + " "); out.Len() > 8*snippetSize {
			break
		}
	}
	return out.String()
}
