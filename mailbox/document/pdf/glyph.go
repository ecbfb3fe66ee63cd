package pdf

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fonts name their glyphs. The names are those of the Adobe Glyph List, which
// has some thousands; nearly all that occur in practice are a letter, a letter
// with an accent, "uni" with the code point, or one of the list below.

// glyphNames pairs names with characters that are no white space.
const glyphNames = `exclam ! quotedbl " numbersign # dollar $ percent % ampersand & quotesingle ' quoteright ’ quoteleft ‘
parenleft ( parenright ) asterisk * plus + comma , hyphen - minus − period . slash / colon : semicolon ; less < equal = greater >
question ? at @ bracketleft [ backslash \ bracketright ] asciicircum ^ underscore _ grave ` + "`" + ` braceleft { bar | braceright } asciitilde ~
zero 0 one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9
exclamdown ¡ cent ¢ sterling £ currency ¤ yen ¥ brokenbar ¦ section § dieresis ¨ copyright © ordfeminine ª guillemotleft « logicalnot ¬
registered ® macron ¯ degree ° plusminus ± twosuperior ² threesuperior ³ acute ´ mu µ paragraph ¶ periodcentered · cedilla ¸
onesuperior ¹ ordmasculine º guillemotright » onequarter ¼ onehalf ½ threequarters ¾ questiondown ¿ multiply × divide ÷
AE Æ ae æ OE Œ oe œ Oslash Ø oslash ø Lslash Ł lslash ł Eth Ð eth ð Thorn Þ thorn þ germandbls ß dotlessi ı dotlessj ȷ Dcroat Đ dcroat đ
Hbar Ħ hbar ħ Tbar Ŧ tbar ŧ Eng Ŋ eng ŋ kgreenlandic ĸ longs ſ napostrophe ŉ IJ Ĳ ij ĳ Ldot Ŀ ldot ŀ Idot İ schwa ə
florin ƒ circumflex ˆ caron ˇ breve ˘ dotaccent ˙ ring ˚ ogonek ˛ tilde ˜ hungarumlaut ˝
endash – emdash — horizontalbar ― quotesinglbase ‚ quotedblbase „ quotedblleft “ quotedblright ” dagger † daggerdbl ‡ bullet • ellipsis …
perthousand ‰ guilsinglleft ‹ guilsinglright › fraction ⁄ Euro € euro € trademark ™ afii61352 № estimated ℮ minute ′ second ″ sfthyphen -
ff ﬀ fi ﬁ fl ﬂ ffi ﬃ ffl ﬄ
Alpha Α Beta Β Gamma Γ Delta Δ Epsilon Ε Zeta Ζ Eta Η Theta Θ Iota Ι Kappa Κ Lambda Λ Mu Μ Nu Ν Xi Ξ Omicron Ο Pi Π Rho Ρ Sigma Σ Tau Τ
Upsilon Υ Phi Φ Chi Χ Psi Ψ Omega Ω alpha α beta β gamma γ delta δ epsilon ε epsilon1 ϵ zeta ζ eta η theta θ theta1 ϑ iota ι kappa κ lambda λ
nu ν xi ξ omicron ο pi π rho ρ rho1 ϱ sigma σ sigma1 ς tau τ upsilon υ phi φ phi1 ϕ chi χ psi ψ omega ω omega1 ϖ
arrowleft ← arrowup ↑ arrowright → arrowdown ↓ arrowboth ↔ arrowdblleft ⇐ arrowdblright ⇒ arrowdblboth ⇔ mapsto ↦
partialdiff ∂ gradient ∇ product ∏ summation ∑ radical √ infinity ∞ integral ∫ approxequal ≈ notequal ≠ equivalence ≡ lessequal ≤ greaterequal ≥
element ∈ notelement ∉ intersection ∩ union ∪ propersubset ⊂ propersuperset ⊃ reflexsubset ⊆ reflexsuperset ⊇ emptyset ∅ universal ∀ existential ∃
logicaland ∧ logicalor ∨ proportional ∝ similar ∼ congruent ≅ therefore ∴ perpendicular ⊥ angle ∠ circleplus ⊕ circlemultiply ⊗ dotmath ⋅ asteriskmath ∗
angbracketleft ⟨ angbracketright ⟩ angleleft ⟨ angleright ⟩ lozenge ◊ aleph ℵ Ifraktur ℑ Rfraktur ℜ weierstrass ℘ prime ′ openbullet ◦ circle ○ filledbox ■
checkmark ✓ spade ♠ club ♣ heart ♥ diamond ♦`

// accents are what follows the letter in the name of one with an accent.
var accents = map[string]string{
	"grave": "\u0300", "acute": "\u0301", "circumflex": "\u0302", "tilde": "\u0303", "macron": "\u0304", "breve": "\u0306",
	"dotaccent": "\u0307", "dot": "\u0307", "dieresis": "\u0308", "ring": "\u030A", "hungarumlaut": "\u030B", "caron": "\u030C",
	"commaaccent": "\u0327", "cedilla": "\u0327", "ogonek": "\u0328", "dotbelow": "\u0323", "horn": "\u031B",
}

var namedGlyphs = sync.OnceValue(func() map[string]string {
	m := map[string]string{"space": " ", "nbspace": " "}
	words := strings.Fields(glyphNames)
	for i := 0; i+1 < len(words); i += 2 {
		m[words[i]] = words[i+1]
	}
	return m
})

// glyphText returns the characters that a glyph's name stands for; empty if
// the name does not say.
func glyphText(glyph string) string {
	glyph, _, _ = strings.Cut(glyph, ".") // a variant, such as a small capital
	if strings.Contains(glyph, "_") {     // a ligature
		var all strings.Builder
		for part := range strings.SplitSeq(glyph, "_") {
			all.WriteString(glyphText(part))
		}
		return all.String()
	}
	if s, ok := namedGlyphs()[glyph]; ok {
		return s
	}
	if len(glyph) == 1 && isLetter(glyph[0]) {
		return glyph
	}
	if hex, ok := strings.CutPrefix(glyph, "uni"); ok && len(hex) >= 4 && len(hex)%4 == 0 {
		return codePoints(hex, 4)
	}
	if hex, ok := strings.CutPrefix(glyph, "u"); ok && len(hex) >= 4 && len(hex) <= 6 {
		return codePoints(hex, len(hex))
	}
	if len(glyph) > 1 && isLetter(glyph[0]) {
		if mark, ok := accents[glyph[1:]]; ok {
			return norm.NFC.String(glyph[:1] + mark)
		}
	}
	return ""
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// codePoints reads hexadecimal code points of width digits each.
func codePoints(hex string, width int) string {
	var out strings.Builder
	for ; len(hex) >= width; hex = hex[width:] {
		n, err := strconv.ParseUint(hex[:width], 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) { //nolint:gosec // at most six digits
			return ""
		}
		out.WriteRune(rune(n)) //nolint:gosec // as above
	}
	return out.String()
}
