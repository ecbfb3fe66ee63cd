package pdf

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// codePage is what the bytes of a simple font mean; 0 is nothing.
type codePage [256]rune

// The encodings of ISO 32000-1, annex D. Those of PDF for Windows and the Mac
// differ from the systems' own in a few signs that no text has.
var (
	winAnsi  = pageOf(charmap.Windows1252, map[byte]rune{0x7F: '•', 0x81: '•', 0x8D: '•', 0x8F: '•', 0x90: '•', 0x9D: '•', 0xA0: ' ', 0xAD: '-'})
	macRoman = pageOf(charmap.Macintosh, map[byte]rune{0xCA: ' ', 0xDB: '¤'})
	// standard is that of fonts which say nothing.
	standard = patched(map[byte]string{
		0x27: "’", 0x60: "‘",
		0xA1: "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ", 0xB1: "–†‡·", 0xB6: "¶•‚„”»…‰", 0xBF: "¿", 0xC1: "`´ˆ˜¯˘˙¨", 0xCA: "˚¸", 0xCD: "˝˛ˇ—",
		0xE1: "Æ", 0xE3: "ª", 0xE8: "ŁØŒº", 0xF1: "æ", 0xF5: "ı", 0xF8: "łøœß",
	})
	// symbol is that of the font Symbol.
	symbol = patched(map[byte]string{
		0x22: "∀", 0x24: "∃", 0x27: "∋", 0x2A: "∗", 0x2D: "−", 0x40: "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", 0x5C: "∴", 0x5E: "⊥",
		0x61: "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", 0x7E: "∼",
		0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…", 0xC0: "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑",
		0xF1: "⟩∫",
	})
	// dingbats have no letters: whatever they are, they mark something.
	dingbats = patched(map[byte]string{0x21: strings.Repeat("•", 94), 0xA1: strings.Repeat("•", 94)})
)

func pageOf(m *charmap.Charmap, but map[byte]rune) *codePage {
	var p codePage
	for i := range 256 {
		if r := m.DecodeByte(byte(i)); i >= 0x20 {
			p[i] = r
		}
	}
	for c, r := range but {
		p[c] = r
	}
	return &p
}

// patched is ASCII with runs of other characters.
func patched(runs map[byte]string) *codePage {
	var p codePage
	for i := 0x20; i < 0x7F; i++ {
		p[i] = rune(i)
	}
	for at, run := range runs {
		i := int(at)
		for _, r := range run {
			p[i] = r
			i++
		}
	}
	return &p
}

// pageNamed returns an encoding by its name; nil if there is none of it.
func pageNamed(n any) *codePage {
	switch n {
	case name("WinAnsiEncoding"):
		return winAnsi
	case name("MacRomanEncoding"), name("MacExpertEncoding"):
		return macRoman
	case name("StandardEncoding"):
		return standard
	}
	return nil
}

// charset is an encoding of Asian text whose codes have one or two bytes.
type charset struct {
	encoding encoding.Encoding
	wide     bool // every code has two bytes or, beyond the first 65,536 characters, four
}

// charsetOf returns what a predefined CMap (ISO 32000-1, table 118) is called
// everywhere else; nil for those whose codes are numbers in a collection.
func charsetOf(cmap name) *charset {
	s := string(cmap)
	if strings.Contains(s, "UCS2") || strings.Contains(s, "UTF16") {
		return &charset{unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), true}
	}
	for _, known := range []struct{ part, charset string }{
		{"RKSJ", "shift_jis"}, {"GBK2K", "gb18030"}, {"GB", "gbk"}, {"B5", "big5"}, {"KSC", "euc-kr"}, {"EUC-", "euc-jp"},
	} {
		if strings.Contains(s, known.part) && !strings.HasPrefix(s, "Uni") {
			if e, err := htmlindex.Get(known.charset); err == nil {
				return &charset{encoding: e}
			}
		}
	}
	return nil
}

// cut returns how many bytes the first code of s has.
func (c *charset) cut(s text) int {
	n := 1
	switch {
	case c.wide && s[0]&0xFC == 0xD8: // half of a pair
		n = 4
	case c.wide, s[0] >= 0x81 && (s[0] < 0xA0 || s[0] >= 0xE0 || !strings.HasPrefix(nameOf(c.encoding), "Shift")):
		n = 2
	}
	return min(n, len(s))
}

func nameOf(e encoding.Encoding) string {
	if s, ok := e.(interface{ String() string }); ok {
		return s.String()
	}
	return ""
}

func (c *charset) decode(code text) string {
	out, err := c.encoding.NewDecoder().String(string(code))
	if err != nil {
		return ""
	}
	return out
}
