// Package pdf reads the text of PDF files (ISO 32000-1), in the order in which
// it is drawn, page by page.
//
// The files come from strangers, and nobody looks at one before it is read
// here. So the package trusts nothing that a file says about itself: objects
// are where the file has them and not where its cross-reference table claims,
// lengths are checked, nothing recurses without a bound, and everything that is
// parsed, decoded or drawn is charged to one account ([Limits]) that ends the
// reading. A file costs a fixed multiple of its size, whatever is in it.
//
// It reads what text needs: fonts with their encodings and ToUnicode maps, form
// fields, nested drawings, all filters but those of pictures, and files that
// are encrypted only against changes. It draws nothing, runs no script, follows
// no link and opens no file that is embedded in another. Text that runs from
// right to left comes in the order in which it is drawn, which may be the reverse.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits bound what reading one file may cost. A zero field means its default.
type Limits struct {
	// Work is how many bytes may be parsed, decoded and drawn all together;
	// default 256 MiB.
	Work int
	// Stream is how many bytes one stream may decode to; default 16 MiB.
	Stream int
	// Chars is how many characters are returned; default 4 million. More are
	// left out, at the end of a page.
	Chars int
	// Pages is how many pages are read; default 5000.
	Pages int
}

func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		value *int
		or    int
	}{{&l.Work, 256 << 20}, {&l.Stream, 16 << 20}, {&l.Chars, 4_000_000}, {&l.Pages, 5000}} {
		if *field.value <= 0 {
			*field.value = field.or
		}
	}
	return l
}

// Text is what a file says.
type Text struct {
	// Pages are the pages that were read, in order. One without text is empty.
	Pages []string
	// Total is how many pages the file has; more than len(Pages) if a limit
	// was reached.
	Total int
	// Hidden counts characters that were left out because no reader sees them:
	// they lie outside of the page, or are too small to be seen.
	Hidden int
	// Invisible counts characters of Pages that are drawn without ink, as
	// programs do with the text that they recognized in a scan, or in white,
	// which is seen on a dark ground only.
	Invisible int
	// Unreadable counts characters for which the file does not say which
	// letters they are. Each is U+FFFD in Pages.
	Unreadable int
}

// The errors of [Read]. All others are those of the context.
var (
	// ErrNot: it is no PDF file, or too damaged to find a page in it.
	ErrNot = errors.New("pdf: no readable PDF file")
	// ErrLocked: it needs a password.
	ErrLocked = errors.New("pdf: the file needs a password")
	// ErrCipher: it is encrypted in a way that this package does not know, for
	// example to a certificate.
	ErrCipher = errors.New("pdf: the encryption is not supported")
	// ErrPicture: there is no picture on the page, or none in a format that is
	// read here.
	ErrPicture = errors.New("pdf: no readable picture")
	// ErrLimit: reading it would cost more than its limits allow.
	ErrLimit = errors.New("pdf: the file is too complex")
)

// Read reads a file. The content is not changed, and not used after Read.
func Read(ctx context.Context, content []byte, limits Limits) (Text, error) {
	f, err := open(ctx, content, limits.withDefaults())
	if err != nil {
		return Text{}, err
	}
	pages, err := f.pages()
	if err != nil {
		return Text{}, err
	}
	out := Text{Total: len(pages)}
	chars := 0
	for _, p := range pages[:min(len(pages), f.limits.Pages)] {
		w := &writer{box: p.box}
		f.draw(p, w)
		if f.failed != nil {
			return Text{}, f.failed
		}
		page := ligatures.Replace(strings.TrimSpace(w.text.String()))
		if chars += utf8.RuneCountInString(page); chars > f.limits.Chars && len(out.Pages) > 0 {
			break
		}
		out.Pages = append(out.Pages, page)
		out.Hidden += w.hidden
		out.Invisible += w.invisible
		out.Unreadable += strings.Count(page, unreadable)
	}
	return out, nil
}

// ligatures are glyphs, and no letters of their own.
var ligatures = strings.NewReplacer("ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st")

// unreadable stands for a character that nobody knows.
const unreadable = string(utf8.RuneError)

// page is a page before it is read.
type page struct {
	dict      dict
	resources any
	box       box
}

// maxTree bounds the depth of the page tree.
const maxTree = 64

// maxPages bounds how many pages are counted.
const maxPages = 100_000

// pages walks the page tree, whatever its counts say.
func (f *file) pages() ([]page, error) {
	root := f.dict(f.trailer["Root"])
	if root == nil {
		root = f.catalog()
	}
	var list []page
	seen := map[uint32]bool{}
	var walk func(node any, parent page, depth int)
	walk = func(node any, parent page, depth int) {
		if r, ok := node.(ref); ok {
			if seen[r.num] {
				return
			}
			seen[r.num] = true
		}
		d := f.dict(node)
		if d == nil || depth > maxTree || f.failed != nil || len(list) >= maxPages {
			return
		}
		p := page{dict: d, resources: parent.resources, box: parent.box}
		if r := d["Resources"]; r != nil {
			p.resources = r
		}
		for _, name := range []name{"MediaBox", "CropBox"} {
			if b, ok := f.box(d[name]); ok {
				p.box = b
			}
		}
		kids, ok := f.resolve(d["Kids"]).(array)
		if !ok {
			list = append(list, p)
			return
		}
		for _, kid := range kids {
			walk(kid, p, depth+1)
		}
	}
	walk(root["Pages"], page{}, 0)
	switch {
	case f.failed != nil:
		return nil, f.failed
	case len(list) == 0:
		return nil, fmt.Errorf("%w: it has no pages", ErrNot)
	}
	return list, nil
}

// catalog finds the root of the document in a file that has lost its trailer.
func (f *file) catalog() dict {
	for _, num := range slices.Sorted(maps.Keys(f.at)) {
		if d := f.dict(ref{num}); d != nil && d["Type"] == name("Catalog") && d["Pages"] != nil {
			return d
		}
	}
	return nil
}

// box is a rectangle of the page, in its own units; the zero one is unknown.
type box struct{ left, bottom, right, top float64 }

func (f *file) box(x any) (b box, ok bool) {
	a, isArray := f.resolve(x).(array)
	if !isArray || len(a) != 4 {
		return b, false
	}
	n := [4]float64{}
	for i := range n {
		n[i] = f.number(a[i])
	}
	return box{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}, true
}

// margin is how far outside of the page a character may begin: what is cut off
// by the edge is still seen.
const margin = 5

// holds reports whether a reader of the page sees what begins at p.
func (b box) holds(p point) bool {
	if b.right <= b.left || b.top <= b.bottom {
		return true
	}
	return p.x > b.left-margin && p.x < b.right+margin && p.y > b.bottom-margin && p.y < b.top+margin
}
