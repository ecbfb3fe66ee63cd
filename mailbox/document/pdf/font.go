package pdf

import (
	"regexp"
	"strconv"
	"strings"
)

// font turns the codes of a drawn string into characters and widths.
type font struct {
	composite bool     // codes have several bytes
	charset   *charset // of a composite font, if its codes are those of one
	unicode   *cmap    // what the font says itself, which counts most
	lengths   *cmap    // of a composite font with a CMap of its own
	page      *codePage
	named     map[byte]string // glyphs by name, where the font has its own
	widths    []widthRange
	otherwise float64 // the width of all others
	custom    bool    // its glyphs are drawings, of a size of their own
	vertical  bool
	known     map[uint32]glyph
}

// glyph is one drawn character. Its width is in thousandths of the font size.
type glyph struct {
	text  string
	width float64
	space bool // the code 32 of one byte, which word spacing widens
}

// widthRange gives the widths of successive codes: one for all, or a list.
type widthRange struct {
	low, high uint32
	all       float64
	list      []float64
}

func (o *font) width(code uint32) float64 {
	for _, r := range o.widths {
		switch {
		case code < r.low:
		case r.list != nil && code-r.low < uint32(len(r.list)): //nolint:gosec // at most maxTokens
			return r.list[code-r.low]
		case r.list == nil && code <= r.high:
			return r.all
		}
	}
	return o.otherwise
}

func (f *file) numbers(list array, scale float64) []float64 {
	out := make([]float64, len(list))
	for i, x := range list {
		out[i] = f.number(x) * scale
	}
	return out
}

const (
	// maxGlyphs bounds the glyphs that are remembered of a font.
	maxGlyphs = 4096
	// fontCost is about what a font takes with them, in bytes.
	fontCost = 256 << 10
)

// font returns a font by its object; nil if there is none.
func (f *file) font(x any) *font {
	r, isRef := x.(ref)
	if isRef {
		if known, ok := f.fonts.values[r.num]; ok {
			return known
		}
	}
	d := f.dict(x)
	if d == nil {
		return nil
	}
	one := &font{
		known: map[uint32]glyph{}, named: map[byte]string{},
		unicode: f.cmap(f.resolve(d["ToUnicode"])),
	}
	if d["Subtype"] == name("Type0") {
		f.compositeFont(one, d)
	} else {
		f.simpleFont(one, d)
	}
	if isRef {
		f.fonts.put(r.num, one, fontCost+one.unicode.cost()+one.lengths.cost())
	}
	return one
}

// simpleFont reads a font whose codes are bytes.
func (f *file) simpleFont(one *font, d dict) {
	base, _ := f.resolve(d["BaseFont"]).(name)
	descriptor := f.dict(d["FontDescriptor"])
	encoding := f.resolve(d["Encoding"])
	one.page = pageNamed(encoding)
	if e, ok := encoding.(dict); ok {
		one.page = pageNamed(f.resolve(e["BaseEncoding"]))
		f.differences(one, e["Differences"])
	}
	if one.page == nil {
		switch {
		case strings.Contains(string(base), "Symbol"):
			one.page = symbol
		case strings.Contains(string(base), "Dingbats"):
			one.page = dingbats
		case d["Subtype"] == name("TrueType"):
			one.page = winAnsi
		default:
			one.page = standard
			if s, ok := f.resolve(descriptor["FontFile"]).(stream); ok {
				builtIn(one, f.decode(s))
			}
		}
	}
	one.otherwise = f.number(descriptor["MissingWidth"])
	widths, _ := f.resolve(d["Widths"]).(array)
	scale := 1.0
	if d["Subtype"] == name("Type3") { // its glyphs are in units of its own
		one.custom = true
		if m, ok := f.resolve(d["FontMatrix"]).(array); ok && len(m) == 6 {
			scale = f.number(m[0]) * 1000
		}
	}
	if first := f.number(d["FirstChar"]); first >= 0 && first < 256 {
		one.widths = append(one.widths, widthRange{low: uint32(first), list: f.numbers(widths[:min(len(widths), 256)], scale)})
	}
	if len(widths) == 0 { // one of the fonts that every reader has
		usualWidths(one, string(base))
	}
}

func (f *file) differences(one *font, x any) {
	list, _ := f.resolve(x).(array)
	code := 0
	for _, item := range list[:min(len(list), 1024)] {
		switch v := f.resolve(item).(type) {
		case float64:
			code = int(v)
		case name:
			if code >= 0 && code < 256 {
				one.named[byte(code)] = string(v)
			}
			code++
		}
	}
}

// fontCode finds the entries of the encoding of a font program.
var fontCode = regexp.MustCompile(`dup\s+(\d{1,3})\s*/([A-Za-z0-9._]{1,40})\s+put`)

// builtIn reads the encoding of a Type 1 font program, whose beginning is text.
func builtIn(one *font, program []byte) {
	for _, m := range fontCode.FindAllSubmatch(program[:min(len(program), 64<<10)], 256) {
		code, err := strconv.Atoi(string(m[1]))
		if _, taken := one.named[byte(code&0xFF)]; err == nil && code < 256 && !taken {
			one.named[byte(code&0xFF)] = string(m[2])
		}
	}
}

// compositeFont reads a font whose codes have several bytes.
func (f *file) compositeFont(one *font, d dict) {
	one.composite = true
	switch encoding := f.resolve(d["Encoding"]).(type) {
	case name:
		one.charset = charsetOf(encoding)
		one.vertical = strings.HasSuffix(string(encoding), "-V")
	case stream:
		one.lengths = f.cmap(encoding)
	}
	var inner dict
	if list, ok := f.resolve(d["DescendantFonts"]).(array); ok && len(list) > 0 {
		inner = f.dict(list[0])
	}
	one.otherwise = 1000
	if w := f.resolve(inner["DW"]); w != nil {
		one.otherwise = f.number(w)
	}
	list, _ := f.resolve(inner["W"]).(array)
	for len(list) >= 2 && f.charge(8) {
		first := f.number(list[0])
		if first < 0 || first > 65535 {
			return
		}
		code := uint32(first)
		switch v := f.resolve(list[1]).(type) {
		case array:
			one.widths = append(one.widths, widthRange{low: code, list: f.numbers(v, 1)})
			list = list[2:]
		case float64:
			if len(list) < 3 || v < first || v > 65535 {
				return
			}
			one.widths = append(one.widths, widthRange{low: code, high: uint32(v), all: f.number(list[2])})
			list = list[3:]
		default:
			return
		}
	}
}

// next reads the first glyph of a string and returns how many bytes it took.
func (o *font) next(s text) (glyph, int) {
	n := 1
	switch {
	case !o.composite:
	case o.charset != nil:
		n = o.charset.cut(s)
	case o.lengths != nil && o.lengths.lengths[s[0]] > 0:
		n = int(o.lengths.lengths[s[0]])
	default:
		n = 2
	}
	n = min(n, len(s))
	code := number32(s[:n])
	g, ok := o.known[code]
	if !ok {
		g = o.glyph(code, s[:n])
		if len(o.known) < maxGlyphs {
			o.known[code] = g
		}
	}
	return g, n
}

func (o *font) glyph(code uint32, raw text) glyph {
	g := glyph{width: o.width(code), space: len(raw) == 1 && code == 32}
	if o.unicode != nil {
		g.text = o.unicode.lookup(code)
	}
	switch {
	case g.text != "" && g.text != "\x00":
	case o.charset != nil:
		g.text = o.charset.decode(raw)
	case !o.composite:
		g.text = o.character(byte(code)) //nolint:gosec // a simple font's codes are bytes
	default:
		g.text = ""
	}
	if g.text == "" {
		g.text = unreadable
	}
	return g
}

// height is the size of text that is drawn so high. That of drawings says
// nothing of theirs.
func (o *font) height(size float64) float64 {
	if o.custom {
		return max(size, tiny)
	}
	return size
}

// character returns the character of a byte.
func (o *font) character(code byte) string {
	if n, ok := o.named[code]; ok {
		if s := glyphText(n); s != "" || n == ".notdef" {
			return s
		}
		return unreadable
	}
	if r := o.page[code]; r != 0 {
		return string(r)
	}
	if code == '\n' || code == '\r' || code == '\t' { // a string that was wrapped
		return " "
	}
	return ""
}

// The widths of Helvetica and Times, which files need not carry, for the codes
// from 32 to 126 (Adobe's core font metrics).
var (
	sansWidths = [...]float64{
		278, 278, 355, 556, 556, 889, 667, 222, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
		1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
		222, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
	}
	serifWidths = [...]float64{
		250, 333, 408, 500, 500, 833, 778, 333, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444,
		921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500,
		333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
	}
)

func usualWidths(one *font, base string) {
	table := sansWidths[:]
	switch {
	case strings.Contains(base, "Courier"):
		one.otherwise = 600
		return
	case strings.Contains(base, "Times"):
		table = serifWidths[:]
	}
	one.otherwise = 556
	one.widths = []widthRange{{low: 32, list: table}}
}
