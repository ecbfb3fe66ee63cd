package mailbox

import (
	"strings"
	"testing"
)

// TestConvertHTMLReadsStylesAsBrowsersDo hides text by what a browser reads out
// of a style and a simpler reader does not.
func TestConvertHTMLReadsStylesAsBrowsersDo(t *testing.T) {
	for name, place := range map[string]string{
		"a comment before a declaration":         `<p style="/* x */display:none">SECRET</p>`,
		"a comment inside of a declaration":      `<p style="display/**/:none">SECRET</p>`,
		"a comment with a semicolon":             `<p style="color:red/*;*/;/*a:b*/display:none">SECRET</p>`,
		"a string that ends with its line":       "<p style=\"content:'x\n;display:none\">SECRET</p>",
		"an escape that a tab ends":              "<p style=\"dis\\70\tlay:none\">SECRET</p>",
		"a brace in a string":                    `<style>.q{content:"}";display:none}</style><p class=q>SECRET</p>`,
		"a brace in the string of a rule before": `<style>.z{content:"{"} .q{display:none}</style><p class=q>SECRET</p>`,
		"a comment that is in a string":          `<style>.z{content:"/*"} .q{display:none}</style><p class=q>SECRET</p>`,
		"a comment that is in an address":        `<style>.z{background:url(a/*b)} .q{display:none}</style><p class=q>SECRET</p>`,
		"a class that begins with a digit":       `<style>.\31 23{display:none}</style><p class="123">SECRET</p>`,
		"a class with a brace":                   `<style>.a\{b{display:none}</style><p class="a{b">SECRET</p>`,
		"a class in other letters":               `<style>.ABC{display:none}</style><p class="abc">SECRET</p>`,
		"an attribute in whatever case":          `<style>[data-x="AB" i]{display:none}</style><p data-x="ab">SECRET</p>`,
		"an attribute that has no case":          `<style>[align=LEFT]{display:none}</style><p align="left">SECRET</p>`,
		"an attribute with a bracket":            `<style>[data-x="a]b"]{display:none}</style><p data-x="a]b">SECRET</p>`,
		"an attribute with a brace":              `<style>[data-x="a{b"]{display:none}</style><p data-x="a{b">SECRET</p>`,
		"an attribute with an arrow":             `<style>[data-x="a > b"]{display:none}</style><p data-x="a > b">SECRET</p>`,
		"an attribute with an escape":            `<style>[data-\78="\61 b"]{display:none}</style><p data-x="ab">SECRET</p>`,
		"a namespace":                            `<style>*|u{display:none}</style><u>SECRET</u>`,
		"many ancestors":                         `<style>html body div div div div .q{display:none}</style><div><div><div><div><p class=q>SECRET</p></div></div></div></div>`,
		"a feature test":                         `<style>@supports (display:block){.q{display:none}}</style><p class=q>SECRET</p>`,
		"a layer":                                `<style>@layer a{.q{display:none}}</style><p class=q>SECRET</p>`,
		"a container":                            `<style>@container x (min-width:0){.q{display:none}}</style><p class=q>SECRET</p>`,
		"what is no printer":                     `<style>@media not print{.q{display:none}}</style><p class=q>SECRET</p>`,
		"a range of widths":                      `<style>@media (1px <= width < 9000px){.q{display:none}}</style><p class=q>SECRET</p>`,
		"a height":                               `<style>@media (min-height:1px){.q{display:none}}</style><p class=q>SECRET</p>`,
		"a light screen":                         `<style>@media (prefers-color-scheme:light){.q{display:none}}</style><p class=q>SECRET</p>`,
		"a wide screen":                          `<style>@media (orientation:landscape){.q{display:none}}</style><p class=q>SECRET</p>`,
		"a screen with colours":                  `<style>@media (color){.q{display:none}}</style><p class=q>SECRET</p>`,
		"one of two":                             `<style>@media (max-width:1px) or (min-width:2px){.q{display:none}}</style><p class=q>SECRET</p>`,
		"a query on several lines":               "<style>@media screen\nand\n(min-width:1px){.q{display:none}}</style><p class=q>SECRET</p>",
		"queries inside each other":              `<style>@media all{@media all{@media all{@media all{@media all{.q{display:none}}}}}}</style><p class=q>SECRET</p>`,
		"a rule in a rule":                       `<style>.o{color:red;.q{display:none}}</style><div class=o><p class=q>SECRET</p></div>`,
		"a rule in a rule, with an ampersand":    `<style>.o{&.q{display:none}}</style><p class="o q">SECRET</p>`,
		"a query in a rule":                      `<style>.q{@media all{display:none}}</style><p class=q>SECRET</p>`,
		"a declaration behind a rule in a rule":  `<style>.q{.y{color:red} display:none}</style><p class=q>SECRET</p>`,
	} {
		if body, hidden := convertHTML("<p>VISIBLE</p>"+place+"<p>AFTER</p>", Markdown); body != "VISIBLE\n\nAFTER" || hidden < 6 {
			t.Errorf("%s: got %q, %d characters removed", name, body, hidden)
		}
	}
}

// TestConvertHTMLShowsWhatStylesDoNotHide holds the other side.
func TestConvertHTMLShowsWhatStylesDoNotHide(t *testing.T) {
	for name, place := range map[string]string{
		"a comment":                 `<p style="color:red;/*display:none*/">SHOWN</p>`,
		"a declaration in a string": `<p style="content:';display:none;'">SHOWN</p>`,
		"a printer":                 `<style>@media print{.q{display:none}}</style><p class=q>SHOWN</p>`,
		"no screen":                 `<style>@media not screen{.q{display:none}}</style><p class=q>SHOWN</p>`,
		"a dark screen":             `<style>@media (prefers-color-scheme:dark){.q{display:none}}</style><p class=q>SHOWN</p>`,
		"a narrow screen":           `<style>@media (width < 600px){.q{display:none}}</style><p class=q>SHOWN</p>`,
		"a phone":                   `<style>@supports (-webkit-overflow-scrolling:touch){.q{display:none}}</style><p class=q>SHOWN</p>`,
		"another parent":            `<style>.o{.q{display:none}}</style><p class=q>SHOWN</p>`,
		"another value":             `<style>[data-x="a b"]{display:none}</style><p data-x="A B">SHOWN</p>`,
	} {
		if body, hidden := convertHTML("<p>VISIBLE</p>"+place, Markdown); body != "VISIBLE\n\nSHOWN" || hidden > 0 {
			t.Errorf("%s: got %q, %d characters removed", name, body, hidden)
		}
	}
}

// TestConvertHTMLMultipliesNoRules: rules in rules are one for each selector
// around them.
func TestConvertHTMLMultipliesNoRules(t *testing.T) {
	many := strings.Repeat("a,", 1000)
	convertHTML("<style>"+many+"a{"+many+"b{"+strings.Repeat("color:red;", 100_000)+"}}</style><p>x", Markdown)
	convertHTML("<style>"+strings.Repeat("a,a{", 16)+"color:red</style><p>x", Markdown)
}
