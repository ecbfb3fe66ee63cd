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

// TestConvertHTMLComputesWhatBrowsersCompute hides text by values that have to
// be computed, and by other names of properties.
func TestConvertHTMLComputesWhatBrowsersCompute(t *testing.T) {
	for name, style := range map[string]string{
		"a difference":                 "font-size:calc(1px - 1px)",
		"a product":                    "font-size:calc(0 * 1px)",
		"the least":                    "font-size:min(0px, 10px)",
		"the most":                     "font-size:max(0px,0px)",
		"between two":                  "font-size:clamp(0px, 0px, 1px)",
		"nothing in an odd unit":       "font-size:0vmin",
		"a quarter of a millimetre":    "font-size:1Q",
		"an opacity":                   "opacity:calc(0 * 1)",
		"a height":                     "height:calc(0px + 0px);overflow:hidden",
		"a place":                      "position:absolute;left:calc(-100vw - 500px)",
		"an inset":                     "position:absolute;inset:calc(-9999px + 0px) auto auto 0",
		"all margins":                  "margin:0 0 0 -9999px",
		"a margin where lines begin":   "margin-inline-start:-9999px",
		"a place where lines begin":    "position:absolute;inset-inline-start:-9999px",
		"a size of a block":            "max-block-size:0;overflow:hidden",
		"one scroll bar":               "overflow-y:hidden;overflow-x:visible;height:0",
		"an old name":                  "-webkit-filter:opacity(0)",
		"a part cut off on one side":   "clip-path:inset(0 100% 0 0)",
		"all cut off at the bottom":    "clip-path:inset(0 0 9999px 0)",
		"a rectangle without height":   "position:absolute;clip:rect(50px 90px 50px 0)",
		"an ellipse without height":    "clip-path:ellipse(50% 0)",
		"a rectangle of nothing":       "clip-path:xywh(0 0 0 0)",
		"a scale in one direction":     "scale:1 0",
		"a matrix that moves":          "transform:matrix(1,0,0,1,-9999,0)",
		"a move by its own size":       "transform:translateX(-9999%)",
		"a colour for light screens":   "color:light-dark(#fff,#000)",
		"a colour in a colour space":   "color:color(srgb 1 1 1)",
		"a lightness":                  "color:oklch(1 0 0)",
		"a lightness without a chroma": "background:#777;color:lab(50% 0 0)",
		"a whiteness":                  "color:hwb(0 100% 0%)",
		"the colour of the canvas":     "color:Canvas",
		"nothing of a colour":          "color:oklch(0.5 0.2 30 / 0)",
		"a gradient of one colour":     "color:#fff;background:linear-gradient(to right, #fff 0%, white)",
		"the second of two layers":     "color:#fff;background:url(),#fff",
	} {
		if body, hidden := convertHTML(`<p>VISIBLE</p><div style="`+style+`">SECRET</div><p>AFTER</p>`, Markdown); body != "VISIBLE\n\nAFTER" || hidden < 6 {
			t.Errorf("%s: got %q, %d characters removed", name, body, hidden)
		}
	}
	for name, src := range map[string]string{
		"a colour that is too long":  `<font color="#fffffffff">SECRET</font>`,
		"a colour that is no colour": `<table bgcolor="000000000"><tr><td>SECRET</td></tr></table>`,
		"a colour of all links":      `<body link="#ffffff"><a href="https://x.org/">SECRET</a>`,
		"a table that is a block":    `<table style="height:0;overflow:hidden;display:block"><tr><td>SECRET</td></tr></table>`,
	} {
		if body, _ := convertHTML(src, Markdown); body != "" {
			t.Errorf("%s: got %q", name, body)
		}
	}
	for name, style := range map[string]string{
		"a size":                     "font-size:calc(10px + 4px)",
		"a width":                    "overflow:hidden;width:calc(100% - 40px)",
		"a margin":                   "margin:0 auto",
		"another hue":                "background:oklch(0.7 0.2 250);color:oklch(0.7 0.2 30)",
		"a gradient":                 "color:#fff;background:linear-gradient(90deg, #124, #135)",
		"a part cut off":             "clip-path:inset(10px 20%)",
		"a rectangle":                "position:absolute;clip:rect(0 900px 90px 0)",
		"a move":                     "transform:translate(-50%, -50%)",
		"a function nobody knows":    "font-size:foo(1px)",
		"a function that never ends": "font-size:calc((((((((((((((((((((1px",
	} {
		if body, _ := convertHTML(`<div style="`+style+`">SHOWN</div>`, Markdown); body != "SHOWN" {
			t.Errorf("%s: got %q", name, body)
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
