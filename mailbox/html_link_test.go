package mailbox

import (
	"net/url"
	"strings"
	"testing"
)

func TestLinkTargetNamesTheRealHost(t *testing.T) {
	base, err := url.Parse("https://base.example/dir/")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ href, want string }{
		"a plain link":                        {"https://example.com/a?b=c#d", "https://example.com/a?b=c#d"},
		"spaces around it":                    {" https://example.com/ ", "https://example.com/"},
		"a line break inside":                 {"https://exam\r\nple.com/", "https://example.com/"},
		"a user name that is a host":          {"https://bank.com@evil.example/x", "https://evil.example/x"},
		"a user name with a slash in reverse": {`https://evil.example\@bank.com/`, "https://evil.example/@bank.com/"},
		"slashes in reverse":                  {`http:\\evil.example\a`, `http://evil.example/a`},
		"one slash":                           {"https:/evil.example/", "https://evil.example/"},
		"no slash":                            {"HTTPS:evil.example", "https://evil.example"},
		"a host in capitals":                  {"https://EXAMPLE.com/A", "https://example.com/A"},
		"a look-alike letter":                 {"https://\u0430pple.com/", "https://xn--pple-43d.com/"},
		"a look-alike letter, escaped":        {"https://%D0%B0pple.com/", "https://xn--pple-43d.com/"},
		"a full-width dot":                    {"https://bank．example.org/", "https://bank.example.org/"},
		"a port":                              {"https://example.com:8443/", "https://example.com:8443/"},
		"invisible characters":                {"https://ex\u200Bample.com/\u202Ea", "https://example.com/a"},
		"a bracket that ends a link":          {"https://x.org/a) [b](https://y.org", "https://x.org/a%29%20%5Bb%5D%28https://y.org"},
		"without a scheme":                    {"//example.com/a", "https://example.com/a"},
		"only a host":                         {"www.example.com/a", "http://www.example.com/a"},
		"a script":                            {"JavaScript:alert(1)", ""},
		"a script with a tab":                 {"java\tscript:alert(1)", ""},
		"data":                                {"data:text/html,x", ""},
		"a part of the mail":                  {"cid:1", ""},
		"a fragment":                          {"#top", ""},
		"a path":                              {"/a/b", ""},
		"nothing":                             {"", ""},
		"no host":                             {"https://", ""},
		"a mail address":                      {"mailto:ann%40example.com?subject=x", "mailto:ann@example.com"},
		"a phone number":                      {"tel:+49 30 1", "tel:+49%2030%201"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := linkTarget(tt.href, nil); got != tt.want {
				t.Errorf("linkTarget(%q) = %q, want %q", tt.href, got, tt.want)
			}
		})
	}
	for href, want := range map[string]string{
		"a":              "https://base.example/dir/a",
		"/a":             "https://base.example/a",
		"//evil.example": "https://evil.example",
		"#top":           "",
		"":               "",
	} {
		if got := linkTarget(href, base); got != want {
			t.Errorf("linkTarget(%q) on a base = %q, want %q", href, got, want)
		}
	}
}

func TestShortLink(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := map[string]struct{ target, want string }{
		"a short one is whole":             {"https://x.org/a?b=c#d", "https://x.org/a?b=c#d"},
		"tracking is removed":              {"https://x.org/a?utm_source=n&id=7&mc_eid=1&fbclid=2", "https://x.org/a?id=7"},
		"nothing but tracking":             {"https://x.org/a?utm_source=n#d", "https://x.org/a#d"},
		"a long query is cut":              {"https://x.org/verify?token=" + long, "https://x.org/verify?…"},
		"a long path is cut at a segment":  {"https://x.org/a/b/" + long, "https://x.org/a/b/…"},
		"a redirect keeps its own host":    {"https://x.org/r?to=https%3A%2F%2Fbank.com%2F" + long, "https://x.org/r?…"},
		"a long fragment is cut":           {"https://x.org/#" + long, "https://x.org/?…"},
		"a long host is whole":             {"https://" + long + ".org/a/b", "https://" + long + ".org/…"},
		"a long phone number is cut":       {"tel:" + long, "tel:" + long[:96] + "…"},
		"an address of no length is whole": {"mailto:a@x.org", "mailto:a@x.org"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := shortLink(tt.target); got != tt.want {
				t.Errorf("shortLink(%q) = %q, want %q", tt.target, got, tt.want)
			}
		})
	}
}
