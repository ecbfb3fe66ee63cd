package mailbox

import (
	"testing"
	"unicode/utf8"
)

func TestDecodeCharset(t *testing.T) {
	tests := map[string]struct {
		in, charset, want string
	}{
		"utf-8 passes":                                {"Grüße", "UTF-8", "Grüße"},
		"a byte order mark is dropped":                {"\uFEFFabc", "utf-8", "abc"},
		"broken utf-8 is shown":                       {"a\xffb", "utf-8", "a\uFFFDb"},
		"no charset and valid utf-8 is utf-8":         {"Grüße", "", "Grüße"},
		"ascii that is not ascii is windows-1252":     {"Gr\xfc\xdfe", "us-ascii", "Grüße"},
		"latin1 means windows-1252":                   {"\x93quoted\x94 \x80", "ISO-8859-1", "“quoted” €"},
		"latin9 has the euro sign":                    {"\xa4", "iso-8859-15", "€"},
		"koi8-r":                                      {"\xf0\xf2\xe9\xf7\xe5\xf4", "koi8-r", "ПРИВЕТ"},
		"iso-2022-jp":                                 {"\x1b$B$3$s\x1b(B", "ISO-2022-JP", "こん"},
		"shift_jis under its windows name":            {"\x82\xb1", "cp932", "こ"},
		"gb18030":                                     {"\xc4\xe3\xba\xc3", "gb18030", "你好"},
		"hz, which browsers refuse":                   {"~{<:Ky~}", "hz-gb-2312", "己所"},
		"utf-16 with a mark":                          {"\xff\xfea\x00", "utf-16", "a"},
		"utf-16 without a mark is big-endian":         {"\x00a", "utf-16", "a"},
		"a code page that browsers do not know":       {"\x81", "ibm437", "ü"},
		"quotes around the name are ignored":          {"\xfc", `"windows-1252"`, "ü"},
		"an unknown charset with valid utf-8 is kept": {"Grüße", "x-unknown", "Grüße"},
		"an unknown charset shows what it lost":       {"Gr\xfc\xdfe", "x-unknown", "Gr\uFFFDe"},
		"a registered but unsupported charset":        {"a\xff", "utf-7", "a\uFFFD"},
		"a truncated multi-byte text":                 {"a\x82", "shift_jis", "a\uFFFD"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := decodeCharset([]byte(tt.in), tt.charset); got != tt.want {
				t.Errorf("decodeCharset(%q, %q) = %q, want %q", tt.in, tt.charset, got, tt.want)
			}
		})
	}
}

func TestDecodeWords(t *testing.T) {
	tests := map[string]string{
		"plain":                             "plain",
		"=?utf-8?q?Gr=C3=BC=C3=9Fe?=":       "Grüße",
		"=?iso-2022-jp?b?GyRCJDMbKEI=?= ok": "こ ok",
		"=?x-unknown?q?abc?=":               "abc",
		"=?utf-8?b?broken":                  "=?utf-8?b?broken",
		"=?iso-8859-1?q?=93a=94?=":          "“a”",
	}
	for in, want := range tests {
		if got := decodeWords(in); got != want {
			t.Errorf("decodeWords(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDecodeCharset(f *testing.F) {
	for _, charset := range []string{"", "utf-8", "iso-2022-jp", "utf-16", "gb18030", "hz-gb-2312", "ibm437", "x-unknown", "=?"} {
		f.Add([]byte("a\x1b$B\xff\x82~{"), charset)
	}
	f.Fuzz(func(t *testing.T, b []byte, charset string) {
		if got := decodeCharset(b, charset); !utf8.ValidString(got) {
			t.Errorf("decodeCharset(%q, %q) = %q, which is not UTF-8", b, charset, got)
		}
	})
}
