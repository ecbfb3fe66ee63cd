package mailbox

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	tests := map[string]struct {
		in, want string
		removed  int
	}{
		"plain text is untouched":                     {"Hello, world!\nBye.", "Hello, world!\nBye.", 0},
		"tabs and spaces at line ends are kept":       {"a\tb \n-- \nsig", "a\tb \n-- \nsig", 0},
		"line ends become newlines":                   {"a\r\nb\rc\u2028d\u0085e", "a\nb\nc\nd\ne", 0},
		"text in unicode tags is removed":             {"a\U000E0068\U000E0069b", "ab", 2},
		"a language tag in a flag is removed":         {"\U0001F3F4\U000E0067\U000E007F", "\U0001F3F4", 2},
		"bidi overrides and isolates are removed":     {"a\u202Eb\u2066c\u2069\u200F", "abc", 4},
		"zero-width characters are removed":           {"a\u200Bb\u2060c\uFEFFd", "abcd", 3},
		"soft hyphens and joiners of graphemes go":    {"a\u00ADb\u034Fc", "abc", 2},
		"selectors of the supplement are removed":     {"a\U000E0100\U000E01EFb", "ab", 2},
		"hangul fillers are removed":                  {"a\u115F\u1160\u3164\uFFA0b", "ab", 4},
		"controls are removed":                        {"a\x00\x07\x1b[31m\x7f\u009bb", "a[31mb", 5},
		"zwnj between persian letters is kept":        {"می\u200Cخواهم", "می\u200Cخواهم", 0},
		"zwnj between latin letters is removed":       {"se\u200Ccret", "secret", 1},
		"zwj in devanagari is kept":                   {"क्\u200Dष", "क्\u200Dष", 0},
		"a second joiner in a row is removed":         {"می\u200C\u200Cخ", "می\u200Cخ", 1},
		"zwj ends a malayalam word":                   {"ന്\u200D നല്ല", "ന്\u200D നല്ല", 0},
		"an emoji family stays together":              {"👩\u200D👩\u200D👧", "👩\u200D👩\u200D👧", 0},
		"a heart keeps its presentation":              {"❤\uFE0F ❤\uFE0E", "❤\uFE0F ❤\uFE0E", 0},
		"a rainbow flag keeps selector and joiner":    {"🏳\uFE0F\u200D🌈", "🏳\uFE0F\u200D🌈", 0},
		"a keycap keeps its selector":                 {"1\uFE0F\u20E3", "1\uFE0F\u20E3", 0},
		"a selector on a letter is removed":           {"a\uFE0Fb", "ab", 1},
		"a second selector on an emoji is removed":    {"❤\uFE0F\uFE0F", "❤\uFE0F", 1},
		"mongolian keeps its vowel separator":         {"ᠰᠠᠶᠢᠬᠠ\u180Eᠨ", "ᠰᠠᠶᠢᠬᠠ\u180Eᠨ", 0},
		"visible format characters stay":              {"\u0600\u06DD", "\u0600\u06DD", 0},
		"invalid utf-8 is shown":                      {"a\xff\xfeb", "a\uFFFDb", 0},
		"letters of every kind stay":                  {"Grüße, 你好, שלום, café\u0301", "Grüße, 你好, שלום, café\u0301", 0},
		"a tag between carriage return and feed goes": {"a\r\U000E0041\nb", "a\n\nb", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, removed := cleanText(tt.in)
			if got != tt.want || removed != tt.removed {
				t.Errorf("cleanText(%q) = %q, %d, want %q, %d", tt.in, got, removed, tt.want, tt.removed)
			}
		})
	}
}

func TestCleanLine(t *testing.T) {
	tests := map[string]struct {
		in, want string
		removed  int
	}{
		"plain text is untouched":         {"Re: lunch", "Re: lunch", 0},
		"line ends become spaces":         {"a\r\nBcc: x\ty", "a Bcc: x y", 0},
		"preheader filler collapses":      {"Hi \u034F \u200C \u00A0 \u200C\u2007 ", "Hi", 3},
		"exotic spaces become one space":  {"a\u00A0\u2003b", "a b", 0},
		"spaces at the ends are removed":  {"  a ", "a", 0},
		"a control between words is gone": {"pay\u202Efdp.exe", "payfdp.exe", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, removed := cleanLine(tt.in)
			if got != tt.want || removed != tt.removed {
				t.Errorf("cleanLine(%q) = %q, %d, want %q, %d", tt.in, got, removed, tt.want, tt.removed)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"", "plain", "a\r\nb\rc", "می\u200Cخ", "می\u200C\u200E\u200Cخ", "ന്\u200D\u200B\u200Dx", "👩\u200D\uFE0F\u200D👧",
		"1\uFE0F\u200B\u20E3", "a\r\U000E0041\nb", "ᠰ\u180B\u180B", "\xff\u200D", "❤\u200B\uFE0F",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, clean := range map[string]func(string) (string, int){"cleanText": cleanText, "cleanLine": cleanLine} {
			once, removed := clean(s)
			twice, again := clean(once)
			if twice != once || again != 0 {
				t.Errorf("%s is not idempotent: %q, then %q with %d removed", name, once, twice, again)
			}
			if !utf8.ValidString(once) {
				t.Errorf("%s(%q) = %q, which is not UTF-8", name, s, once)
			}
			if removed > utf8.RuneCountInString(s) {
				t.Errorf("%s(%q) removed %d characters of %d", name, s, removed, utf8.RuneCountInString(s))
			}
			if strings.ContainsFunc(once, func(r rune) bool {
				return 0xE0000 <= r && r <= 0xE0FFF || 0x202A <= r && r <= 0x202E || r == 0x200B || r == '\r'
			}) {
				t.Errorf("%s(%q) = %q keeps an invisible character", name, s, once)
			}
		}
		if line, _ := cleanLine(s); strings.ContainsAny(line, "\n\t") {
			t.Errorf("cleanLine(%q) = %q has more than one line", s, line)
		}
	})
}
