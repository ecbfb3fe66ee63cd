package mailbox

import (
	"net/url"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// links writes links, and a picture as a link to it. Where a target is none
// that a mail may link to, it stands behind the text.
type links struct{}

func (links) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindLink, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok {
			linkTag(w, link.Destination, entering)
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindImage, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if image, ok := n.(*ast.Image); ok {
			linkTag(w, image.Destination, entering)
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindAutoLink, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, ok := n.(*ast.AutoLink)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		target, label := link.URL(source), link.Label(source)
		if link.AutoLinkType == ast.AutoLinkEmail && !hasPrefixFold(target, "mailto:") {
			target = append([]byte("mailto:"), target...)
		}
		linked := isLinkable(target)
		if linked {
			linkTag(w, target, true)
		}
		_, _ = w.Write(util.EscapeHTML(label))
		if linked {
			linkTag(w, target, false)
		}
		return ast.WalkContinue, nil
	})
}

func linkTag(w util.BufWriter, target []byte, entering bool) {
	switch linked := isLinkable(target); {
	case linked && entering:
		_, _ = w.WriteString(`<a href="` + string(util.EscapeHTML(util.URLEscape(target, true))) + `">`)
	case linked:
		_, _ = w.WriteString("</a>")
	case !entering && len(target) > 0:
		_, _ = w.WriteString(" (" + string(util.EscapeHTML(target)) + ")")
	}
}

// isLinkable reports whether a link to target does something in a mail, and
// nothing but open it.
func isLinkable(target []byte) bool {
	u, err := url.Parse(string(target))
	if err != nil {
		return false
	}
	switch u.Scheme { // in lower case
	case "http", "https", "ftp":
		return u.Host != ""
	case "mailto", "tel":
		return u.Opaque != ""
	}
	return false
}

func hasPrefixFold(s []byte, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(string(s[:len(prefix)]), prefix)
}
