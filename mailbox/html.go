package mailbox

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
)

// maxConverted bounds a text that is read, HTML or plain, and the body that is
// made of it, in bytes. Nobody reads more; what is cut is said to be.
const maxConverted = 2 << 20

// maxMarkdownNodes bounds the elements and texts that are made Markdown of, which
// costs several times what plain text does. A mail with more is shown as that.
const maxMarkdownNodes = 150_000

const cutNote = "[linkmail: cut here; the mail goes on after 2 MB]"

// plainAlternative is the text part of a mail that was written in HTML.
func plainAlternative(src string) string {
	return render(src, Text, true).body
}

// converted is what became of the HTML of a mail.
type converted struct {
	body string
	// hidden counts the characters left out that a reader does not see, images
	// the visible pictures that have no description, and misleading the links
	// whose text names another site than they lead to.
	hidden, images, misleading int
	// cut is set if there was more than is ever read.
	cut bool
	// mayHide is set if the styles are too many to tell whether body has text
	// that they hide.
	mayHide bool
}

// render turns the HTML of a mail into what its reader sees, as Markdown, as
// plain text, or as HTML without styles, scripts and hidden parts. In Markdown
// and text, long link targets are cut and end in "…", unless fullLinks is set;
// HTML has them in full.
func render(src string, format Format, fullLinks bool) converted {
	var out converted
	var body string
	rest := src
	src, cut := limit(src)
	rest = rest[len(src):]
	doc, err := html.Parse(strings.NewReader(src))
	if err != nil {
		var p pruner
		body, p = stripTags(src, fullLinks)
		out.count(&p)
		if format == HTML {
			body = "<pre>" + html.EscapeString(body) + "</pre>"
		}
	} else {
		p := pruner{format: format, full: fullLinks}
		tree := p.prune(doc)
		out.count(&p)
		body = write(tree, format)
		if p.unnamed > 0 && !saysSomething(tree) {
			note := fmt.Sprintf("[linkmail: no text, %d images without a description]", p.unnamed)
			body = strings.TrimSpace(note + "\n\n" + body)
		}
	}
	body, removed := cleanText(body) // what was clean in pieces may not be in one
	body, cutAgain := limit(body)
	if out.cut = cut || cutAgain; out.cut {
		body += "\n\n" + cutNote
	}
	out.body, out.hidden = body, out.hidden+removed
	out.mayHide = out.mayHide || hasStyles(rest)
	return out
}

func (c *converted) count(p *pruner) {
	c.hidden, c.images, c.misleading, c.mayHide = p.hidden, p.unnamed, p.misleading, p.mayHide
}

// hasStyles reports whether a style element begins in src.
func hasStyles(src string) bool {
	const start = "<style"
	for i := strings.IndexByte(src, '<'); i >= 0; {
		if len(src)-i >= len(start) && strings.EqualFold(src[i:i+len(start)], start) {
			return true
		}
		next := strings.IndexByte(src[i+1:], '<')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// limit cuts s at a character so that it has at most maxConverted bytes.
func limit(s string) (_ string, cut bool) {
	if len(s) <= maxConverted {
		return s, false
	}
	end := maxConverted
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end], true
}

// write renders a pruned tree.
func write(tree *html.Node, format Format) string {
	switch format {
	case Text:
		var w textWriter
		w.children(tree)
		return w.String()
	case HTML:
		var b strings.Builder
		for c := range tree.ChildNodes() {
			_ = html.Render(&b, c) // a builder does not fail
		}
		return strings.TrimSpace(b.String())
	}
	nodes := 0
	walk(tree, func(*html.Node) { nodes++ }, nil)
	if nodes > maxMarkdownNodes {
		return write(tree, Text)
	}
	doc := &html.Node{Type: html.DocumentNode}
	doc.AppendChild(tree)
	body, err := markdown().ConvertNode(doc)
	if err != nil {
		return write(tree, Text)
	}
	return string(body)
}

// markdown is the converter, which holds no state of a conversion.
var markdown = sync.OnceValue(func() *converter.Converter {
	c := converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(commonmark.WithListEndComment(false)),
		strikethrough.NewStrikethroughPlugin(),
		table.NewTablePlugin(
			table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal),
			table.WithHeaderPromotion(true),
			table.WithNewlineBehavior(table.NewlineBehaviorPreserve),
		),
	))
	c.Register.UnEscaper(escapeLoneBracket, converter.PriorityEarly)
	c.Register.RendererFor("img", converter.TagTypeInline, writeImage, converter.PriorityEarly)
	c.Register.RendererFor("a", converter.TagTypeInline, writeLink, converter.PriorityEarly)
	return c
})

// escapeLoneBracket keeps a bracket escaped whose closing one is far. The
// converter would look for it up to the end of the line, which takes minutes
// for a mail that is nothing but brackets.
func escapeLoneBracket(chars []byte, index int) int {
	const far = 250 // bytes; text of links is shorter, mostly
	if chars[index] != '[' || len(chars)-index <= far || bytes.ContainsAny(chars[index+1:index+far], "]\n") {
		return -1
	}
	return 1
}

// writeImage writes an image as its description; where it is stored is of no
// use to a reader of text.
func writeImage(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	alt := strings.NewReplacer("[", `\[`, "]", `\]`).Replace(attrOf(n, "alt"))
	if alt == "" { // it stands in a link, which says that it is there
		_, _ = w.WriteString("image")
		return converter.RenderSuccess
	}
	_, _ = w.WriteString("![" + alt + "]()")
	return converter.RenderSuccess
}

// writeLink writes a link; one around paragraphs, which Markdown has no form
// for, as the paragraphs and then the target.
func writeLink(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	var b bytes.Buffer
	ctx.RenderChildNodes(ctx, &b, n)
	text, target := b.String(), attrOf(n, "href")
	content := strings.TrimSpace(text)
	if strings.Contains(content, "\n") {
		_, _ = w.WriteString("\n\n" + content + "\n\n<" + target + ">\n\n")
		return converter.RenderSuccess
	}
	before, after, _ := strings.Cut(text, content)
	link := content
	if content != "" && target != "" {
		link = "[" + content + "](" + target + ")"
	}
	_, _ = w.WriteString(before + link + after)
	return converter.RenderSuccess
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}
