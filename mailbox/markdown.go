package mailbox

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	markup "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxMarkdown bounds what is read as Markdown, in bytes: text that was made to
// be hard takes quadratic time. What is longer is shown as it is.
const maxMarkdown = 64 << 10

// fromMarkdown makes the HTML version of a mail that was written as Markdown,
// or as plain text by somebody who did not think of Markdown.
//
// The second is why this reads a subset of CommonMark, and tables. Line breaks
// stay line breaks. Literal is what in a mail is often meant so: HTML tags and
// entities, a line of hyphens below another (which would make a heading of the
// line above a signature), four spaces or [1]: at the beginning of a line, the
// asterisks of 2*3*4, the backslashes of \\server. A text without any Markdown
// keeps its spaces, too. Nothing is fetched when the mail is opened: a picture
// becomes a link. A link that leads nowhere from a mail, or runs something,
// becomes text.
func fromMarkdown(src string) string {
	if strings.TrimSpace(src) == "" {
		return ""
	}
	return "<div dir=\"auto\">\n" + paragraphs(strings.ReplaceAll(src, "\r\n", "\n")) + "</div>\n"
}

func paragraphs(src string) string {
	if len(src) > maxMarkdown {
		return asItIs(src)
	}
	source := []byte(src)
	doc := commonMark.Parser().Parse(text.NewReader(source))
	if isProse(doc) {
		source = []byte(keepSpaces(src))
		doc = commonMark.Parser().Parse(text.NewReader(source))
	}
	var b bytes.Buffer
	if err := commonMark.Renderer().Render(&b, source, doc); err != nil {
		return asItIs(src)
	}
	return b.String()
}

// asItIs is text as HTML that looks the same.
func asItIs(src string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(strings.TrimRight(keepSpaces(src), "\n")), "\n", "<br>\n") + "</p>\n"
}

// isProse reports whether there is nothing but paragraphs and addresses.
func isProse(doc ast.Node) bool {
	prose := true
	// The walk fails only if its function does.
	_ = ast.Walk(doc, func(n ast.Node, _ bool) (ast.WalkStatus, error) {
		switch n.Kind() {
		case ast.KindDocument, ast.KindParagraph, ast.KindText, ast.KindAutoLink:
			return ast.WalkContinue, nil
		}
		prose = false
		return ast.WalkStop, nil
	})
	return prose
}

// keepSpaces makes several spaces in a row, which HTML shows as one, into ones
// that it shows. The last one stays, for the line to break there.
func keepSpaces(src string) string {
	const unbreakable = "\u00a0"
	src = strings.ReplaceAll(src, "\t", "    ")
	var b strings.Builder
	for i := range len(src) {
		if src[i] == ' ' && i+1 < len(src) && src[i+1] == ' ' {
			b.WriteString(unbreakable)
			continue
		}
		b.WriteByte(src[i])
	}
	return b.String()
}

// commonMark reads with the parsers that are wanted here, and no others.
var commonMark = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(indented{parser.NewParagraphParser()}, 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(inWord{}, 400),
			util.Prioritized(parser.NewEmphasisParser(), 500),
			util.Prioritized(extension.NewLinkifyParser(extension.WithLinkifyURLRegexp(webAddress)), 999),
		),
		parser.WithParagraphTransformers(util.Prioritized(tables{extension.NewTableParagraphTransformer()}, 200)),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)),
	goldmark.WithRendererOptions(
		markup.WithHardWraps(),
		markup.WithWriter(literal{markup.DefaultWriter}),
		renderer.WithNodeRenderers(
			util.Prioritized(links{}, 1),
			util.Prioritized(extension.NewTableHTMLRenderer(), 500),
		),
	),
)

// webAddress finds an address up to its end. The library's own ends at an
// asterisk, and half an address leads nowhere.
var webAddress = regexp.MustCompile(`^(?:https?|ftp)://[^\s<>"]+`)

// indented lets paragraphs begin with any number of spaces.
type indented struct{ parser.BlockParser }

func (indented) CanAcceptIndentedLine() bool { return true }

// tables lets only those through whose second line has a bar, and whose other
// lines have no more cells than the first, because the rest would be lost.
type tables struct{ parser.ParagraphTransformer }

func (t tables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines := node.Lines()
	most := 0
	for i := range lines.Len() {
		line := lines.At(i)
		value := bytes.TrimSpace(line.Value(reader.Source()))
		switch n := cells(value); {
		case i == 0:
			most = n
		case n > most, i == 1 && !bytes.ContainsRune(value, '|'):
			return
		}
	}
	t.ParagraphTransformer.Transform(node, reader, pc)
}

func cells(line []byte) int {
	line = bytes.TrimSuffix(bytes.TrimPrefix(line, []byte("|")), []byte("|"))
	return 1 + bytes.Count(line, []byte("|")) - bytes.Count(line, []byte(`\|`))
}

// inWord takes asterisks between letters or digits for what they look like.
type inWord struct{}

func (inWord) Trigger() []byte { return []byte{'*'} }

func (inWord) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	n := len(line) - len(bytes.TrimLeft(line, "*"))
	next, _ := utf8.DecodeRune(line[n:])
	if !isWord(block.PrecendingCharacter()) || !isWord(next) {
		return nil
	}
	block.Advance(n)
	return ast.NewTextSegment(segment.WithStop(segment.Start + n))
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// literal writes text with its entities and double backslashes as they are. A
// backslash before another mark of Markdown is left out: it says that the mark
// is meant literally.
type literal struct{ markup.Writer }

func (l literal) Write(w util.BufWriter, source []byte) {
	for {
		i := bytes.IndexByte(source, '\\')
		if i < 0 || i+1 >= len(source) {
			l.RawWrite(w, source)
			return
		}
		keep := i + 1
		if strings.IndexByte("*_`[]()#+-.!>|~", source[i+1]) >= 0 {
			keep = i
		}
		l.RawWrite(w, source[:keep])
		l.RawWrite(w, source[i+1:i+2])
		source = source[i+2:]
	}
}
