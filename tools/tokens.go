package tools

import (
	"unicode"
	"unicode/utf8"
)

// tokens estimates what a line costs a model. It follows o200k, the vocabulary
// of a common family of models, and is meant to be a little above it, for
// hostile text, too: a vocabulary has words, and what is no word comes in
// pieces, down to single bytes.
//
//   - Digits come in threes, and hex ids therefore in runs of one or two.
//   - A word of up to six letters is one token, and each three letters more are
//     another; of what is no word, four letters are three tokens. A capital begins a new word.
//   - A character beyond ASCII counts by its script, see [foreignTokens].
//   - Everything else is a token a piece. A single space belongs to what follows
//     it, but for digits.
func tokens(s string) int {
	thirds := 0     // of a token
	inside := false // of what is written together
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r >= utf8.RuneSelf:
			thirds += foreignTokens(r, size)
		case isDigit(r):
			size = span(s, isDigit)
			thirds += 3 * ((size + 2) / 3)
		case isLetter(r):
			size = span(s, unicode.IsUpper)
			if lower := span(s[size:], isSmall); size < 2 || lower < 3 {
				size += lower
			}
			thirds += 3 * wordTokens(s[:size], inside)
		case r == ' ' && len(s) > 1 && s[1] != ' ' && !isDigit(rune(s[1])):
		default:
			thirds += 3
		}
		inside = isDigit(r) || isLetter(r)
		s = s[size:]
	}
	return (thirds + 2) / 3
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isSmall(r rune) bool  { return r >= 'a' && r <= 'z' }
func isLetter(r rune) bool { return isSmall(r|0x20) && r < utf8.RuneSelf }

// span returns how many bytes of ASCII at the beginning of s are of a kind.
func span(s string, kind func(rune) bool) int {
	n := 0
	for n < len(s) && s[n] < utf8.RuneSelf && kind(rune(s[n])) {
		n++
	}
	return n
}

// wordTokens are those of a run of letters. Inside of what is written together,
// it is hardly a word.
func wordTokens(word string, inside bool) int {
	vowels := 0
	for _, r := range word {
		switch r | 0x20 {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			vowels++
		}
	}
	switch n := len(word); {
	case n > 1 && inside, n > 2 && vowels*5 < n, n > 24:
		return n - n/4
	case n > 6:
		return 1 + (n-4)/3
	default:
		return 1
	}
}

// foreignTokens are the thirds of a token that a character beyond ASCII costs.
// Those of scripts with few words in the vocabulary are counted as its bytes.
func foreignTokens(r rune, size int) int {
	switch {
	case r < 0x100, unicode.In(r, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew):
		return 3
	case r == '…', r == '‹', r == '–', r == '—', r == '’', r == '“', r == '”', r == '·':
		return 3
	case unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Devanagari):
		return 4
	case unicode.In(r, unicode.Latin, unicode.Greek):
		return 5
	case unicode.Is(unicode.Hangul, r), unicode.Is(unicode.Han, r) && size == 3:
		return 7 // a frequent one is a third of that
	}
	return 3 * size
}
