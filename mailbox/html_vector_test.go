package mailbox

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// place is text in a mail; it is the mail's third of three paragraphs, between
// VISIBLE and AFTER.
type place struct{ name, src string }

// shows reports which of the words of a mail are shown, in the tree and without.
func shows(t *testing.T, src string) string {
	t.Helper()
	shown := map[string]bool{}
	for _, src := range []string{src, src + strings.Repeat("<div>", 600) + "DEEP"} {
		c := render(src, Markdown, false)
		shown[strings.TrimSpace(strings.ReplaceAll(c.body, "DEEP", ""))] = true
		if c.mayHide {
			t.Errorf("%s: it is not told what is hidden", src)
		}
	}
	var words []string
	for _, w := range []string{"VISIBLE", "SECRET", "SHOWN", "AFTER"} {
		n := 0
		for body := range shown {
			if strings.Contains(body, w) {
				n++
			}
		}
		switch {
		case n == len(shown):
			words = append(words, w)
		case n > 0:
			words = append(words, w+"?") // in one of the two
		}
	}
	return strings.Join(words, " ")
}

// between puts a place between two paragraphs.
func between(p string) string { return "<body><p>VISIBLE</p>" + p + "<p>AFTER</p></body>" }

func TestConvertHTMLMatchesSelectorsAsBrowsersDo(t *testing.T) {
	const rule = "{display:none}"
	for _, p := range []place{
		{"not", `<style>i:not(.a)` + rule + `</style><i class=a>x</i><i>SECRET</i>`},
		{"not one of several", `<style>i:not(.a,.b)` + rule + `</style><i>SECRET</i>`},
		{"not inside of something", `<style>i:not(.a i)` + rule + `</style><i>SECRET</i>`},
		{"until the mouse is over it", `<style>i:not(:hover)` + rule + `</style><i>SECRET</i>`},
		{"is", `<style>:is(h1,i.q)` + rule + `</style><i class=q>SECRET</i>`},
		{"is, with rubbish", `<style>:is(::x,:y(1),i)` + rule + `</style><i>SECRET</i>`},
		{"is, inside of each other", `<style>:is(:is(:where(:not(b):is(i))))` + rule + `</style><i>SECRET</i>`},
		{"where", `<style>:where(.o) i` + rule + `</style><div class=o><i>SECRET</i></div>`},
		{"its old name", `<style>:-webkit-any(i,b)` + rule + `</style><i>SECRET</i>`},
		{"the first child", `<style>i:first-child` + rule + `</style><div><i>SECRET</i><i>x</i></div>`},
		{"the first child behind text and a comment", `<style>i:first-child` + rule + `</style><div>x<!-- x --><i>SECRET</i></div>`},
		{"the last child", `<style>i:last-child` + rule + `</style><div><i>x</i><i>SECRET</i>x</div>`},
		{"the only child", `<style>i:only-child` + rule + `</style><div><i>SECRET</i></div>`},
		{"the second child", `<style>i:nth-child(2)` + rule + `</style><div><b>x</b><i>SECRET</i></div>`},
		{"every even child", `<style>i:nth-child( even )` + rule + `</style><div><i>x</i><i>SECRET</i></div>`},
		{"every odd child", `<style>i:nth-child(ODD)` + rule + `</style><div><i>SECRET</i></div>`},
		{"every child from the second on", `<style>i:nth-child(n + 2)` + rule + `</style><div><i>x</i><i>SECRET</i></div>`},
		{"every child up to the second", `<style>i:nth-child(-n+2)` + rule + `</style><div><i>SECRET</i></div>`},
		{"every third child", `<style>i:nth-child(3n - 1)` + rule + `</style><div><i>x</i><i>SECRET</i></div>`},
		{"the second of a kind", `<style>i:nth-child(2 of .k)` + rule + `</style><div><i class=k>x</i><i>x</i><i class=k>SECRET</i></div>`},
		{"the last but one", `<style>i:nth-last-child(2)` + rule + `</style><div><i>SECRET</i><i>x</i></div>`},
		{"the first of its type", `<style>i:first-of-type` + rule + `</style><div><b>x</b><i>SECRET</i></div>`},
		{"the last of its type", `<style>i:last-of-type` + rule + `</style><div><i>SECRET</i><b>x</b></div>`},
		{"the only one of its type", `<style>i:only-of-type` + rule + `</style><div><i>SECRET</i><b>x</b></div>`},
		{"what is not empty", `<style>i:not(:empty)` + rule + `</style><i>SECRET</i>`},
		{"the root", `<style>:root i` + rule + `</style><i>SECRET</i>`},
		{"the root by its name", `<style>html:root>body i` + rule + `</style><i>SECRET</i>`},
		{"the body of a table", `<style>table>tbody>tr>td.q` + rule + `</style><table><tr><td class=q>SECRET</td></tr><tr><td>x</td></tr></table>`},
		{"the next sibling", `<style>b + i` + rule + `</style><b>x</b> <i>SECRET</i>`},
		{"the next sibling without a space", `<style>b+i` + rule + `</style><b>x</b><!-- --><i>SECRET</i>`},
		{"a later sibling", `<style>b ~ i` + rule + `</style><b>x</b><u>x</u><i>SECRET</i>`},
		{"siblings of ancestors", `<style>b + div > u ~ i` + rule + `</style><b>x</b><div><u>x</u><i>SECRET</i></div>`},
		{"a box that is checked", `<style>input:checked + i` + rule + `</style><input type=checkbox checked><i>SECRET</i>`},
		{"one that has an image", `<style>div:has(> img)` + rule + `</style><div><img>SECRET</div>`},
		{"one before another", `<style>i:has(+ b)` + rule + `</style><i>SECRET</i><b>x</b>`},
		{"a body that has a paragraph", `<style>body:has(p) i` + rule + `</style><i>SECRET</i>`},
		{"a language", `<style>i:lang(de)` + rule + `</style><div lang="de-AT"><i>SECRET</i></div>`},
		{"a direction", `<style>i:dir(ltr)` + rule + `</style><i>SECRET</i>`},
		{"what is not to be written to", `<style>i:read-only` + rule + `</style><i>SECRET</i>`},
		{"a word of a list", `<style>[data-a~=y]` + rule + `</style><i data-a="x y z">SECRET</i>`},
		{"a language of an attribute", `<style>[data-a|=en]` + rule + `</style><i data-a="en-GB">SECRET</i>`},
		{"an end", `<style>[data-a$="yz"]` + rule + `</style><i data-a="xyz">SECRET</i>`},
		{"a middle", `<style>[data-a*=y]` + rule + `</style><i data-a="xyz">SECRET</i>`},
		{"an attribute in any namespace", `<style>[*|data-a]` + rule + `</style><i data-a>SECRET</i>`},
		{"a scope", `<style>@scope (.o){i` + rule + `}</style><div class=o><i>SECRET</i></div>`},
		{"a rule in a rule, behind an arrow", `<style>.o{> i` + rule + `}</style><div class=o><i>SECRET</i></div>`},
		{"a rule in a rule, before its parent", `<style>i{.o &` + rule + `}</style><div class=o><i>SECRET</i></div>`},
		{"a rule in one of several", `<style>h6,.o{i` + rule + `}</style><div class=o><i>SECRET</i></div>`},
		{"a comment between two words", `<style>@media/**/screen{i` + rule + `}</style><i>SECRET</i>`},
		{"a comment in a selector", `<style>i/**/.q` + rule + `</style><i class=q>SECRET</i>`},
		{"thirty ancestors", `<style>` + strings.Repeat("div ", 30) + `i` + rule + `</style>` + strings.Repeat("<div>", 30) + "<i>SECRET</i>" + strings.Repeat("</div>", 30)},
		{"no layer before a layer", `<style>i` + rule + `@layer a{i#x.y{display:inline}}</style><i id=x class=y>SECRET</i>`},
		{"a later layer", `<style>@layer a,b;@layer b{i` + rule + `}@layer a{i#x{display:inline}}</style><i id=x>SECRET</i>`},
		{"an important earlier layer, twice", `<style>@layer a{i{display:none!important}}i{display:inline!important}</style><i>SECRET</i>`},
		{"an important earlier layer", `<style>@layer a{i{display:none!important}}i#x{display:inline!important}</style><i id=x>SECRET</i>`},
	} {
		if got := shows(t, between(p.src)); got != "VISIBLE AFTER" {
			t.Errorf("%s: %s is shown", p.name, got)
		}
	}
	for _, p := range []place{
		{"a first child that is styled", `<style>p:first-child{color:#333;margin-top:0}</style><div><p>SHOWN</p></div>`},
		{"another child", `<style>i:first-child` + rule + `</style><div><b>x</b><i>SHOWN</i></div>`},
		{"not the last", `<style>i:last-child` + rule + `</style><div><i>SHOWN</i><i>x</i></div>`},
		{"one of two", `<style>i:only-child` + rule + `</style><div><i>SHOWN</i><b>x</b></div>`},
		{"another number", `<style>i:nth-child(2n)` + rule + `</style><div><i>SHOWN</i></div>`},
		{"no number", `<style>i:nth-child(x)` + rule + `</style><div><i>SHOWN</i></div>`},
		{"what is not so", `<style>i:not(.q)` + rule + `</style><i class=q>SHOWN</i>`},
		{"what is not with rubbish", `<style>i:not(:foo)` + rule + `</style><i>SHOWN</i>`},
		{"what is nothing", `<style>i:is()` + rule + `</style><i>SHOWN</i>`},
		{"what is empty", `<style>i:empty` + rule + `</style><i>SHOWN</i>`},
		{"a sibling that is not next", `<style>b + i` + rule + `</style><b>x</b><u>x</u><i>SHOWN</i>`},
		{"a sibling that comes later", `<style>b ~ i` + rule + `</style><i>SHOWN</i><b>x</b>`},
		{"a box that is not checked", `<style>input:checked ~ i` + rule + `</style><input type=checkbox><i>SHOWN</i>`},
		{"a mouse", `<style>i:hover,i:focus,i:active,a:visited` + rule + `</style><i>SHOWN</i>`},
		{"what stands before it", `<style>i::before,i:after,i::first-letter` + rule + `</style><i>SHOWN</i>`},
		{"one that has no image", `<style>div:has(img)` + rule + `</style><div>SHOWN</div><img>`},
		{"one that has it elsewhere", `<style>.o:has(div i)` + rule + `</style><div><p class=o>SHOWN<i>x</i></p></div>`},
		{"another language", `<style>i:lang(de)` + rule + `</style><i lang=den>SHOWN</i>`},
		{"the other direction", `<style>i:dir(rtl)` + rule + `</style><i>SHOWN</i>`},
		{"what is inside of the scope only", `<style>@scope (.o){i` + rule + `}</style><i>SHOWN</i>`},
		{"a comment that is no space", `<style>i/**/.q` + rule + `</style><i><b class=q>SHOWN</b></i>`},
		{"a layer before no layer", `<style>@layer a{i#x` + rule + `}i{display:inline}</style><i id=x>SHOWN</i>`},
		{"a rule for another program", `<style>u + .body i,.ExternalClass i,.moz-text-html i,[owa] i,#outlook i` + rule + `</style><div class=body><i>SHOWN</i></div>`},
		{"a selector that says nothing", `<style>` + strings.Repeat("i:is(", 3) + rule + `</style><i>SHOWN</i>`},
		{"two combinators", `<style>b > > i` + rule + `</style><b><i>SHOWN</i></b>`},
	} {
		if got := shows(t, between(p.src)); got != "VISIBLE SHOWN AFTER" {
			t.Errorf("%s: %s is shown", p.name, got)
		}
	}
}

func TestConvertHTMLComputesVariables(t *testing.T) {
	for _, p := range []place{
		{"a variable", `<i style="--x:none;display:var(--x)">SECRET</i>`},
		{"a variable of an ancestor", `<div style="--x:none"><i style="display:var( --x )">SECRET</i></div>`},
		{"a variable of the root", `<style>:root{--x:none}i{display:var(--x)}</style><i>SECRET</i>`},
		{"a variable of a variable", `<style>:root{--x:var(--y);--y:none}i{display:var(--x)}</style><i>SECRET</i>`},
		{"what is taken instead", `<i style="display:var(--x,none)">SECRET</i>`},
		{"what is taken instead of that", `<i style="display:var(--x,var(--y,none))">SECRET</i>`},
		{"a part of a value", `<i style="--x:0;color:rgba(0,0,0,var(--x))">SECRET</i>`},
		{"a shorthand", `<div style="--x:#fff;background:var(--x);color:var(--x)">SECRET</div>`},
		{"a number in a sum", `<i style="--x:0;font-size:calc(var(--x)*1px)">SECRET</i>`},
		{"a variable in capitals", `<i style="--X:none;--x:inline;DISPLAY:VAR(--X)">SECRET</i>`},
		{"an important one", `<style>i{--x:none!important}</style><i style="--x:inline;display:var(--x)">SECRET</i>`},
		{"a circle", `<i style="--x:var(--x);display:var(--x,inline);display:var(--x,none)">SECRET</i>`},
		{"a background that there is none of", `<i style="color:#fff;background:var(--none)">SECRET</i>`},
		{"a registered one", `<style>@property --x{syntax:"*";inherits:false;initial-value:none}i{display:var(--x)}</style><i>SECRET</i>`},
		{"the edge of a screen", `<div style="max-height:env(safe-area-inset-top,9px);overflow:hidden">SECRET</div>`},
	} {
		if got := shows(t, between(p.src)); got != "VISIBLE AFTER" {
			t.Errorf("%s: %s is shown", p.name, got)
		}
	}
	for _, p := range []place{
		{"colours", `<style>:root{--fg:#222;--bg:#fff}div{color:var(--fg);background:var(--bg)}</style><div>SHOWN</div>`},
		{"white on a dark variable", `<style>:root{--bg:#123}div{color:#fff;background-color:var(--bg)}</style><div>SHOWN</div>`},
		{"another value nearer", `<div style="--x:none"><i style="--x:inline;display:var(--x)">SHOWN</i></div>`},
		{"what is not taken", `<i style="--x:inline;display:var(--x,none)">SHOWN</i>`},
		{"no value after one", `<i style="display:none;display:var(--y)">SHOWN</i>`},
		{"the initial value", `<div style="--x:none"><i style="--x:initial;display:var(--x)">SHOWN</i></div>`},
		{"a value that is not valid", `<i style="--x:foo;font-size:0;font-size:var(--x)">SHOWN</i>`},
	} {
		if got := shows(t, between(p.src)); got != "VISIBLE SHOWN AFTER" {
			t.Errorf("%s: %s is shown", p.name, got)
		}
	}
}

func TestConvertHTMLSeesWhatIsCoveredOrMovedAway(t *testing.T) {
	for name, style := range map[string]string{
		"an indent of all the width":       "text-indent:100%;white-space:nowrap;overflow:hidden",
		"an indent of a width":             "text-indent:200px;white-space:nowrap;overflow:hidden;width:100px",
		"a move by ten times its size":     "transform:translate(-1000%,0)",
		"letters on one another":           "letter-spacing:-1em",
		"letters on one another in pixels": "font-size:16px;letter-spacing:-9px",
		"a place to the left":              "position:absolute;left:-500px",
		"a place above":                    "position:fixed;top:-500px",
		"a place relative to its own":      "position:relative;left:-500px",
		"a mask of nothing":                "mask:linear-gradient(transparent,transparent)",
		"a mask without colour":            "-webkit-mask-image:linear-gradient(#0000,#0000)",
		"a mask without size":              "mask-image:linear-gradient(#000,#000);mask-size:0 0",
		"a line of a polygon":              "clip-path:polygon(0 0,100% 0,50% 0)",
		"a polygon beside it":              "clip-path:polygon(-50% 0,-10% 0,-20% 100%)",
		"its back, which is hidden":        "backface-visibility:hidden;transform:rotateY(180deg)",
		"its back by the property":         "backface-visibility:hidden;rotate:x .5turn",
		"its edge by the property":         "rotate:y 90deg",
		"a padding of the whole window":    "box-sizing:border-box;height:20px;padding-top:40px;overflow:hidden",
		"a window of a thin padding":       "max-height:0;padding-bottom:2px;overflow:hidden",
		"a window two pixels high":         "height:2px;overflow:hidden",
		"a window three pixels wide":       "width:3px;overflow:hidden",
		"dots for letters":                 "-webkit-text-security:disc",
		"a blur":                           "filter:blur(40px)",
		"no contrast":                      "filter:contrast(0)",
		"black that lightens white":        "mix-blend-mode:lighten",
		"a mix of colours":                 "color:color-mix(in srgb, white 98%, black)",
		"a mix with nothing":               "color:color-mix(in srgb, black 1%, transparent)",
		"half of white and white":          "color:color-mix(in oklab, #fff, white)",
		"a colour of a colour":             "color:rgb(from white r g b)",
		"the colour of a field":            "color:Field",
	} {
		if got := shows(t, between(`<div style="`+style+`">SECRET</div>`)); got != "VISIBLE AFTER" {
			t.Errorf("%s: %s is shown", name, got)
		}
	}
	for _, p := range []place{
		{"a margin inside of a window", `<div style="height:30px;overflow:hidden"><p style="margin-top:50px">SECRET</p></div>`},
		{"a padding inside of a window", `<div style="width:100px;overflow:hidden"><p style="padding-left:120px">SECRET</p></div>`},
		{"several inside of a window", `<div style="height:30px;overflow:hidden"><div style="padding-top:20px"><p style="margin-top:20px">SECRET</p></div></div>`},
		{"a share of a window", `<div style="overflow:hidden"><p style="margin-left:100%">SECRET</p></div>`},
		{"a window in a window", `<div style="height:30px;overflow:hidden"><div style="margin-top:40px;overflow:hidden;height:90px">SECRET</div></div>`},
		{"a popover", `<div popover>SECRET</div>`},
		{"what is hidden until it is found", `<div hidden=until-found style="display:block">SECRET</div>`},
		{"the place of a video", `<video src=x>SECRET</video>`},
		{"the place of a sound", `<audio>SECRET</audio>`},
		{"the place of a drawing", `<canvas>SECRET</canvas>`},
		{"the place of an object", `<object data="data:,">SECRET</object>`},
		{"the place of a bar", `<progress>SECRET</progress><meter>SECRET</meter>`},
		{"a note in a formula", `<math><semantics><mi>x</mi><annotation>SECRET</annotation></semantics></math>`},
	} {
		if got := shows(t, between(p.src)); got != "VISIBLE AFTER" {
			t.Errorf("%s: %s is shown", p.name, got)
		}
	}
	for name, style := range map[string]string{
		"an indent of a line":           "text-indent:2em;overflow:hidden;white-space:nowrap",
		"an indent that breaks":         "text-indent:100%;overflow:hidden",
		"a move by half its size":       "transform:translate(-50%,-100%)",
		"letters closer together":       "letter-spacing:-0.05em",
		"a place a little to the left":  "position:absolute;left:-20px;top:-100px",
		"a wide one moved to the left":  "position:relative;left:-600px;width:1800px",
		"a mask that fades out":         "mask-image:linear-gradient(#000,transparent)",
		"a polygon":                     "clip-path:polygon(0 0,100% 0,100% 90%,0 100%)",
		"its front, with a hidden back": "backface-visibility:hidden;transform:rotateY(0deg)",
		"its back, which is seen":       "transform:rotateY(180deg)",
		"a window with a padding":       "height:20px;padding-top:40px;overflow:hidden",
		"a window one line high":        "height:16px;line-height:16px;overflow:hidden",
		"a button":                      "display:inline-block;height:40px;overflow:hidden;padding:12px 30px",
		"letters as they are":           "-webkit-text-security:none",
		"a small blur":                  "filter:blur(1px)",
		"black that darkens white":      "mix-blend-mode:multiply",
		"a mix one can read":            "color:color-mix(in srgb, white, black)",
		"a colour of another":           "color:rgb(from white 0 0 0)",
		"a ragged line in a window":     "white-space:nowrap;overflow:hidden;text-overflow:ellipsis;max-width:200px",
	} {
		if got := shows(t, between(`<div style="`+style+`">SHOWN</div>`)); got != "VISIBLE SHOWN AFTER" {
			t.Errorf("%s: %s is shown", name, got)
		}
	}
	for _, p := range []place{
		{"a margin inside of a large window", `<div style="height:300px;overflow:hidden"><p style="margin-top:50px">SHOWN</p></div>`},
		{"a margin between the lines of a paragraph", `<div style="height:30px;overflow:hidden"><span style="margin-top:50px">SHOWN</span></div>`},
		{"a margin in the flow", `<div style="overflow:hidden"><p style="margin:500px 0 0 20px">SHOWN</p></div>`},
		{"halves of halves", `<div style="overflow:hidden"><div style="margin-left:50%"><p style="margin-left:50%">SHOWN</p></div></div>`},
		{"a box that keeps its shape", `<div style="position:relative;height:0;padding-bottom:56%;overflow:hidden"><p style="position:absolute;top:0">SHOWN</p></div>`},
		{"what stands on a picture", `<div style="position:relative;height:300px;overflow:hidden"><div style="padding-top:290px"><p style="position:absolute;top:20px">SHOWN</p></div></div>`},
		{"what is moved and moved back", `<div style="overflow:hidden"><p style="position:relative;left:100%;transform:translateX(-100%)">SHOWN</p></div>`},
		{"what is centred by shares", `<div style="position:relative;left:50%"><p style="position:relative;left:-50%">SHOWN</p></div>`},
		{"a text on the picture above", `<div style="margin-top:-500px">SHOWN</div>`},
		{"an object without data", `<object>SHOWN</object>`},
		{"a closed detail", `<details><summary>x</summary>SHOWN</details>`},
		{"a cell of no height", `<table><tr><td style="height:0;overflow:hidden">SHOWN</td></tr></table>`},
		{"a formula", `<math><mi>SHOWN</mi></math>`},
		{"spaced out again", `<div style="letter-spacing:-1em"><p style="letter-spacing:normal">SHOWN</p></div>`},
	} {
		if got := shows(t, between(p.src)); got != "VISIBLE SHOWN AFTER" {
			t.Errorf("%s: %s is shown", p.name, got)
		}
	}
}

// TestConvertHTMLHidesBehindAnyNumberOfStyles: rules that are of no use push
// none out that hides.
func TestConvertHTMLHidesBehindAnyNumberOfStyles(t *testing.T) {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const secret = `.q{display:none}</style>` + `<i class=q>SECRET</i>`
	for name, src := range map[string]string{
		"rules of other names":       `<style>` + numbered(40_000, ".x%d .y{color:red}") + secret,
		"rules that repeat":          `<style>` + strings.Repeat("i{color:red}", 80_000) + secret,
		"rules for all":              `<style>` + numbered(20_000, "*:not(#x%d){top:0}") + secret,
		"rules with long lists":      `<style>` + numbered(100_000, ".x%d,") + `i{color:red}` + secret,
		"rules with no declarations": `<style>` + numbered(100_000, ".x%d{}") + secret,
		"comments":                   `<style>` + strings.Repeat("/* a{} */", 100_000) + secret,
		"style elements":             strings.Repeat("<style>i{color:red}</style>", 20_000) + `<style>` + secret,
		"paragraphs":                 numbered(20_000, "<p id=i%d class=x>x") + `<style>` + secret,
	} {
		c := render(src, Markdown, false)
		if strings.Contains(c.body, "SECRET") || c.mayHide {
			t.Errorf("%s: the text is shown, or it is not told: %v", name, c.mayHide)
		}
	}
}

// TestConvertHTMLSaysWhenStylesAreTooMany: the text is kept, but not silently.
func TestConvertHTMLSaysWhenStylesAreTooMany(t *testing.T) {
	var rules, ids strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&rules, ":not(#x%d){top:0}", i)
		fmt.Fprintf(&ids, "<p id=i%d>x", i)
	}
	for name, src := range map[string]string{
		"more than can be matched":   "<style>" + rules.String() + ".q{display:none}</style>" + ids.String() + "<i class=q>SHOWN</i>",
		"more inside of each other":  "<style>" + strings.Repeat("@media all{", 40) + ".q{display:none}" + strings.Repeat("}", 40) + "</style><i class=q>SHOWN</i>",
		"rules inside of each other": "<style>" + strings.Repeat("i{", 40) + ".q{display:none}" + strings.Repeat("}", 40) + "</style><i class=q>SHOWN</i>",
		"parentheses":                "<style>" + strings.Repeat(":is(", 20) + ".q" + strings.Repeat(")", 20) + "{display:none}</style><i class=q>SHOWN</i>",
		"compounds":                  "<style>" + strings.Repeat("html ", 300) + ".q{display:none}</style><i class=q>SHOWN</i>",
		"a value that grows":         "<style>i{--a:" + strings.Repeat("x", 3000) + ";--b:var(--a)var(--a);display:var(--b)}</style><i>SHOWN</i>",
		"styles behind the cut":      "<i class=q>SHOWN</i>" + strings.Repeat("<!-- -->", maxConverted/8) + "<STYLE>.q{display:none}</style>",
	} {
		c := render(src, Markdown, false)
		if !strings.Contains(c.body, "SHOWN") || !c.mayHide {
			t.Errorf("%s: the text is lost, or it is not said: %v", name, c.mayHide)
		}
	}
	if c := render("<style>p{color:red}</style><p>x", Markdown, false); c.mayHide {
		t.Error("it is said of a plain mail")
	}
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{
		"p", "a > b+c ~ d e", ":is(a,.b:not(#c)) *|d", "i:nth-child(-2n + 3 of .a,b)", "&.x", "> p", "[a|=b i]", "[*|c='d\\]']", ":has(+ a > b)", ":lang(\"de\")", `.\31 a\{`, "::before", ":is(((",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := selectorParser{}
		sel, ok := p.parseSelector(text)
		if ok && len(sel.parts) == 0 {
			t.Errorf("%q is a selector of nothing", text)
		}
		doc := looseTree("<div class=a lang=de><p>x</p><p id=b>y<i>z</i></p></div>")
		var m matcher
		walk(doc, func(n *html.Node) {
			if ok && n.Data != "" {
				m.match(sel.parts, n)
			}
		}, nil)
		p.parent = []selector{sel}
		if ok {
			p.parseSelector("& > " + text)
		}
	})
}

func FuzzStyle(f *testing.F) {
	for _, s := range []string{
		"display:none", "--x:var(--y,none);--y:var(--x);display:var(--x)", "clip-path:polygon(evenodd,0 0,1px 1%)", "background:var(--a) url(x),#fff", "font:0/0 a",
		"mask:linear-gradient(#000,#0000)", "text-indent:calc(100% - 1px);overflow:hidden", "rotate:x 90deg;backface-visibility:hidden", "inset:env(safe-area-inset-top) 0", "margin:1px 2% 3em 4q!important",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, style string) {
		if _, hidden := convertHTML("<style>p{"+style+"}</style><p style='"+strings.ReplaceAll(style, "'", "&#39;")+"'>x", Text); hidden < 0 {
			t.Errorf("hidden = %d", hidden)
		}
	})
}
