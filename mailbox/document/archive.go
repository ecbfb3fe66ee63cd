package document

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxEntries bounds the entries of an archive.
	maxEntries = 10_000
	// maxInflated bounds what is inflated of an archive, all together, in bytes.
	maxInflated = 64 << 20
	// maxDepth bounds how deep XML nests. Tables within tables come to 100.
	maxDepth = 256
	// maxTag and maxRun bound a tag and the text between two of them, in bytes.
	maxTag = 64 << 10
	maxRun = 1 << 20
)

// archive is a zip file, as which newer Office documents come.
type archive struct {
	files map[string]*zip.File
	names []string // in the order of the archive
	left  int64    // how much may still be inflated
	// ended says why nobody waits for the reading any more; nil as long as
	// somebody does.
	ended func() error
}

// openArchive reads the directory of an archive, unless that alone is a bomb.
func openArchive(content []byte, ended func() error) (*archive, error) {
	// The directory is kept in memory whole, whatever its end says of its size.
	if bytes.Count(content, []byte("PK\x01\x02")) > maxEntries {
		return nil, ErrLimit
	}
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // no path is ever opened
		return nil, ErrDamaged
	}
	a := &archive{ended: ended, files: make(map[string]*zip.File, len(r.File)), left: maxInflated}
	for _, f := range r.File {
		name := strings.TrimPrefix(f.Name, "/")
		a.names = append(a.names, name)
		if _, twice := a.files[name]; twice || f.Mode()&fs.ModeType != 0 {
			continue // of two with one name readers disagree which counts; links lead away
		}
		a.files[name] = f
	}
	return a, nil
}

func kindOfArchive(content []byte) Kind {
	a, err := openArchive(content, func() error { return nil })
	if err != nil {
		return Zip
	}
	if f := a.files["mimetype"]; f != nil && f.UncompressedSize64 < 200 {
		if b, err := a.read("mimetype"); err == nil && bytes.HasPrefix(b, []byte("application/vnd.oasis.opendocument")) {
			return OpenDocument
		}
	}
	switch main := a.main(); {
	case main == "":
	case strings.HasSuffix(main, ".bin"):
		return BinarySheet
	case strings.HasPrefix(main, "word/"):
		return Word
	case strings.HasPrefix(main, "xl/"):
		return Sheet
	case strings.HasPrefix(main, "ppt/"):
		return Slides
	}
	return Zip
}

// read returns a small entry whole.
func (a *archive) read(name string) ([]byte, error) {
	r, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}

// open opens an entry.
func (a *archive) open(name string) (io.ReadCloser, error) {
	f := a.files[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	if f.Flags&1 != 0 {
		return nil, ErrLocked
	}
	r, err := f.Open()
	if err != nil {
		return nil, ErrDamaged
	}
	return &inflated{ReadCloser: r, archive: a}, nil
}

// inflated reads an entry and charges it to its archive.
type inflated struct {
	io.ReadCloser
	archive *archive
}

func (r *inflated) Read(p []byte) (int, error) {
	if err := r.archive.ended(); err != nil {
		return 0, err
	}
	n, err := r.ReadCloser.Read(p)
	if r.archive.left -= int64(n); r.archive.left < 0 {
		return 0, ErrLimit
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = ErrDamaged
	}
	return n, err
}

// tags is a reader of XML in which no tag and no text is too long to be held
// in memory with all that a decoder makes of it.
type tags struct {
	r     io.Reader
	inTag bool
	run   int
}

func (t *tags) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		end, limit := byte('<'), maxRun
		if t.inTag {
			end, limit = '>', maxTag
		}
		i := bytes.IndexByte(rest, end)
		if i < 0 {
			t.run += len(rest)
		} else {
			t.run += i
		}
		if t.run > limit {
			return 0, ErrLimit
		}
		if i < 0 {
			break
		}
		rest, t.inTag, t.run = rest[i+1:], !t.inTag, 0
	}
	return n, err
}

// visitor is called for what an XML document consists of, in its order. Names
// come without their namespace: the formats have no two that would be confused.
type visitor struct {
	start func(name string, attr attributes)
	end   func(name string)
	text  func(s string)
	// full is asked from time to time whether to stop.
	full func() bool
}

type attributes []xml.Attr

// get returns an attribute by its name; empty if there is none.
func (a attributes) get(name string) string {
	for _, one := range a {
		if one.Name.Local == name {
			return one.Value
		}
	}
	return ""
}

// on reports whether a switch is set: <b/> and <b val="1"/>, not <b val="0"/>.
func (a attributes) on(name string) bool {
	switch a.get(name) {
	case "0", "false", "off", "none":
		return false
	}
	return true
}

// visit reads an entry as XML. Entities of its own, which XML bombs are made
// of, have no meaning here.
func (a *archive) visit(name string, v visitor) error {
	r, err := a.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	d := xml.NewDecoder(&tags{r: r})
	d.Strict = false
	depth := 0
	for n := 0; ; n++ {
		if v.full != nil && n%64 == 0 && v.full() {
			return nil
		}
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return reason(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return ErrLimit
			}
			v.start(token.Name.Local, token.Attr)
		case xml.EndElement:
			depth--
			if v.end != nil {
				v.end(token.Name.Local)
			}
		case xml.CharData:
			if v.text != nil {
				v.text(string(token))
			}
		}
	}
}

// reason keeps the errors that say something and calls all others damage.
func reason(err error) error {
	for _, known := range []error{ErrLimit, ErrLocked, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return ErrDamaged
}

// relation is a link from one part of a document to another.
type relation struct{ kind, target string }

// relations returns what a part refers to, by the names that it uses.
func (a *archive) relations(part string) map[string]relation {
	all := map[string]relation{}
	dir, file := path.Split(part)
	// A document that lacks them has no such parts.
	_ = a.visit(dir+"_rels/"+file+".rels", visitor{start: func(name string, attr attributes) {
		if name != "Relationship" || attr.get("TargetMode") == "External" || len(all) >= maxEntries {
			return
		}
		target := attr.get("Target")
		if rooted, ok := strings.CutPrefix(target, "/"); ok {
			target = path.Clean(rooted)
		} else {
			target = path.Join(dir, target)
		}
		all[attr.get("Id")] = relation{path.Base(attr.get("Type")), target}
	}})
	return all
}

// main returns the part that a document begins with; empty if it is none.
func (a *archive) main() string {
	for _, r := range a.relations("") {
		if r.kind == "officeDocument" && a.files[r.target] != nil {
			return r.target
		}
	}
	return ""
}

// related returns the first part of a kind that part refers to.
func related(relations map[string]relation, kind string) string {
	targets := []string{}
	for _, r := range relations {
		if r.kind == kind {
			targets = append(targets, r.target)
		}
	}
	if len(targets) == 0 {
		return ""
	}
	return slices.Min(targets)
}

// maxListed is how many entries of an archive are named.
const maxListed = 500

// list names what is in an archive.
func (a *archive) list() Text {
	t := Text{Total: 1}
	var b strings.Builder
	fmt.Fprintf(&b, "An archive of %d entries:\n", len(a.names))
	for i, name := range a.names {
		if i == maxListed {
			t.Cut = true
			fmt.Fprintf(&b, "and %d more\n", len(a.names)-i)
			break
		}
		if !utf8.ValidString(name) {
			name = strings.ToValidUTF8(name, "\uFFFD")
		}
		name = strings.Join(strings.Fields(name), " ")
		if f := a.files[strings.TrimPrefix(name, "/")]; f != nil && !strings.HasSuffix(name, "/") {
			fmt.Fprintf(&b, "%s, %d bytes\n", name, f.UncompressedSize64)
			continue
		}
		b.WriteString(name + "\n")
	}
	t.Pages = []string{strings.TrimSpace(b.String())}
	t.note("The files in an archive are not opened here.")
	return t
}
