package mailbox

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// convertHTML converts src as reading a mail does.
func convertHTML(src string, format Format) (body string, hidden int) {
	c := render(src, format, false)
	return c.body, c.hidden
}

// Every way of hiding text, as one element. SECRET must not survive, in any
// format, and VISIBLE beside it must.
var hidingPlaces = map[string]string{
	"display none":                     `<div style="display:none">SECRET</div>`,
	"display none, shouted and spaced": `<div style=" DISPLAY : NONE !important ; color:red">SECRET</div>`,
	"display none, escaped":            `<div style="d\69 splay:n\6f ne">SECRET</div>`,
	"display none after a comment":     `<style>.c{/* } */display:none}</style><div class="c">SECRET</div>`,
	"a value that does not count":      `<div style="display:none;display:bogus"><p style="color:#fff;color:notacolor">SECRET</p></div>`,
	"a colour that does not count":     `<div style="color:#fff;color:notacolor">SECRET</div>`,
	"a rule for links":                 `<style>a:link{color:#fff}</style><a href="https://x.org/">SECRET</a>`,
	"a column that is not drawn":       `<div style="display:table-column">SECRET</div>`,
	"visibility hidden":                `<span style="visibility:hidden">SECRET</span>`,
	"visibility collapse":              `<p style="visibility:collapse">SECRET</p>`,
	"content-visibility":               `<div style="content-visibility:hidden">SECRET</div>`,
	"opacity 0":                        `<div style="opacity:0">SECRET</div>`,
	"opacity 1%":                       `<div style="opacity:1%">SECRET</div>`,
	"opacity that multiplies":          `<div style="opacity:.2"><div style="opacity:.2">SECRET</div></div>`,
	"a filter":                         `<div style="filter:opacity(0)">SECRET</div>`,
	"font-size 0":                      `<div style="font-size:0">SECRET</div>`,
	"font-size 1px":                    `<div style="font-size:1px">SECRET</div>`,
	"font-size 1pt":                    `<span style="font-size:1pt">SECRET</span>`,
	"font-size that shrinks":           `<div style="font-size:.2em"><div style="font-size:20%">SECRET</div></div>`,
	"the font shorthand":               `<div style="font:bold 0/0 a">SECRET</div>`,
	"white on white":                   `<span style="color:#fff">SECRET</span>`,
	"nearly white on white":            `<span style="color:rgb(250 252 253)">SECRET</span>`,
	"white in hsl":                     `<span style="color:hsl(10,50%,99%)">SECRET</span>`,
	"snow on white":                    `<span style="color:Snow">SECRET</span>`,
	"a font tag in white":              `<font color="ffffff">SECRET</font>`,
	"black on black, inherited":        `<table bgcolor="#000000"><tr><td><p>SECRET</p></td></tr></table>`,
	"red on red in the shorthand":      `<div style="background:url() no-repeat red"><b style="color:#f00">SECRET</b></div>`,
	"a colour with a name on itself":   `<div style="background:tomato;color:tomato">SECRET</div>`,
	"transparent":                      `<div style="color:transparent">SECRET</div>`,
	"nearly transparent":               `<div style="color:rgba(0,0,0,.02)">SECRET</div>`,
	"transparent in eight digits":      `<div style="color:#00000000">SECRET</div>`,
	"text fill":                        `<div style="-webkit-text-fill-color:transparent">SECRET</div>`,
	"a link in white":                  `<a href="https://x.org/" style="color:#fff">SECRET</a>`,
	"max-height 0":                     `<div style="max-height:0;overflow:hidden">SECRET</div>`,
	"max-height 0 on a span":           `<span style="max-height:0px;overflow:hidden">SECRET</span>`,
	"height 0":                         `<div style="height:0;overflow:hidden">SECRET</div>`,
	"width 1px":                        `<div style="overflow-x:hidden;width:1px">SECRET</div>`,
	"off to the left":                  `<div style="position:absolute;left:-9999px">SECRET</div>`,
	"off to the top":                   `<div style="position:fixed;top:-100em">SECRET</div>`,
	"off by a margin":                  `<div style="margin-left:-5000px">SECRET</div>`,
	"text-indent":                      `<div style="text-indent:-9999px"><p>SECRET</p></div>`,
	"clip":                             `<div style="position:absolute;clip:rect(0,0,0,0)">SECRET</div>`,
	"clip-path inset":                  `<div style="clip-path:inset(100%)">SECRET</div>`,
	"clip-path circle":                 `<div style="clip-path:circle(0)">SECRET</div>`,
	"clip-path polygon":                `<div style="clip-path:polygon(0 0, 0 0, 0 0)">SECRET</div>`,
	"scale 0":                          `<div style="transform:scale(0)">SECRET</div>`,
	"translated away by the property":  `<div style="translate:0 -9999px">SECRET</div>`,
	"zoomed away":                      `<div style="zoom:0.01">SECRET</div>`,
	"turned on its edge":               `<div style="transform:rotateX(90deg)">SECRET</div>`,
	"turned on its edge, in turns":     `<div style="transform:rotateY(-.25turn)">SECRET</div>`,
	"flattened by a matrix":            `<div style="transform:matrix(0,0,0,0,0,0)">SECRET</div>`,
	"off by an inset":                  `<div style="position:absolute;inset:0 0 0 -9999px">SECRET</div>`,
	"off to the right":                 `<div style="position:absolute;right:-9999px">SECRET</div>`,
	"off by a margin on top":           `<div style="margin-top:-9999px">SECRET</div>`,
	"max-width 0":                      `<div style="max-width:0;overflow:hidden">SECRET</div>`,
	"a font size of nothing, computed": `<div style="font-size:calc(0px)">SECRET</div>`,
	"scaled in one direction":          `<div style="transform:scaleX(0)">SECRET</div>`,
	"scaled by the property":           `<div style="scale:0">SECRET</div>`,
	"a class for visibility":           `<style>.h{visibility:hidden}</style><p class="h">SECRET</p>`,
	"the description of a small image": `<img src="https://x.org/p" style="width:1px;height:1px" alt="SECRET">`,
	"the description of an image that is not drawn": `<img src="https://x.org/p" style="display:none" alt="SECRET">`,
	"translated away":                   `<div style="transform:translateX(-9999px)">SECRET</div>`,
	"the hidden attribute":              `<div hidden>SECRET</div>`,
	"a closed dialog":                   `<dialog>SECRET</dialog>`,
	"a class":                           `<style>.gone{display:none}</style><div class="a gone">SECRET</div>`,
	"a tag rule":                        `<style>h6{font-size:0}</style><h6>SECRET</h6>`,
	"an id rule":                        `<style>div#x1 {color:#fefefe}</style><div id="x1">SECRET</div>`,
	"a descendant rule":                 `<style>.outer p, .other{display:none}</style><div class="outer"><div><p>SECRET</p></div></div>`,
	"a child rule":                      `<style>.outer>p{display:none}</style><div class="outer"><p>SECRET</p></div>`,
	"an attribute rule":                 `<style>[data-x^="ab"]{display:none}</style><p data-x="abc">SECRET</p>`,
	"a rule for wide screens":           `<style>@media screen and (min-width:600px){.m{display:none}}</style><p class="m">SECRET</p>`,
	"a rule in the body of the mail":    `<div><style media="screen">u{display:none}</style><u>SECRET</u></div>`,
	"important beats the style":         `<style>.i{display:none!important}</style><p class="i" style="display:block">SECRET</p>`,
	"a later rule":                      `<style>.l{display:block}.l{display:none}</style><p class="l">SECRET</p>`,
	"a comment":                         `<!-- SECRET -->`,
	"a conditional comment":             `<!--[if mso]><p>SECRET</p><![endif]-->`,
	"noscript":                          `<noscript><p>SECRET</p></noscript>`,
	"template":                          `<template><p>SECRET</p></template>`,
	"svg":                               `<svg><text>SECRET</text></svg>`,
	"a script":                          `<script>"SECRET"</script>`,
	"textarea":                          `<textarea>SECRET</textarea>`,
	"input":                             `<input type="hidden" value="SECRET"><input value="SECRET">`,
	"a title attribute":                 `<p title="SECRET">x</p>`,
	"a title in the body":               `<title>SECRET</title>`,
	"iframe":                            `<iframe>SECRET</iframe>`,
	"an attribute nobody knows":         `<p data-prompt="SECRET" aria-label="SECRET">x</p>`,
	"the description of a pixel":        `<img src="https://x.org/p" width="1" height="1" alt="SECRET">`,
	"the description of a hidden image": `<div style="display:none"><img src="https://x.org/p" alt="SECRET"></div>`,
	"the end of a long description":     `<img src="https://x.org/p" alt="` + strings.Repeat("x", 90) + `SECRET">`,
	"unicode tags":                      "<p>x\U000E0053\U000E0045\U000E0043</p>",
	"a hidden parent of a visible one":  `<div style="display:none"><div style="display:block;visibility:visible">SECRET</div></div>`,
}

func TestConvertHTMLRemovesWhatAReaderDoesNotSee(t *testing.T) {
	for name, place := range hidingPlaces {
		t.Run(name, func(t *testing.T) {
			src := "<html><body><p>VISIBLE</p>" + place + "<p>AFTER</p></body></html>"
			deep := src + strings.Repeat("<div>", 600) + "DEEP"
			for _, format := range []Format{Markdown, Text, HTML} {
				for _, src := range []string{src, deep} {
					body, _ := convertHTML(src, format)
					if strings.Contains(body, "SECRET") || strings.Contains(body, "\U000E0053") {
						t.Errorf("%s has the hidden text: %q", format, body)
					}
					if !strings.Contains(body, "VISIBLE") || !strings.Contains(body, "AFTER") {
						t.Errorf("%s lost visible text: %q", format, body)
					}
				}
			}
		})
	}
}

// What is left out because a reader does not see it is counted. Not counted is
// what no mail program has ever shown: comments, code, titles.
func TestConvertHTMLCountsEveryHidingPlace(t *testing.T) {
	uncounted := map[string]bool{
		"a comment": true, "a conditional comment": true, "a script": true, "a title in the body": true,
		"a title attribute": true, "an attribute nobody knows": true,
	}
	for name, place := range hidingPlaces {
		want := len("SECRET")
		switch {
		case uncounted[name]:
			want = 0
		case name == "unicode tags":
			want = 3
		}
		for _, src := range []string{"<p>Hello</p>" + place, "<p>Hello</p>" + place + strings.Repeat("<div>", 600)} {
			if _, got := convertHTML(src, Markdown); got < want || want == 0 && got != 0 {
				t.Errorf("%s: %d characters are counted, want %d", name, got, want)
			}
		}
	}
}

// What looks like hiding and is not.
func TestConvertHTMLKeepsWhatAReaderSees(t *testing.T) {
	tests := map[string]string{
		"a container of a newsletter":          `<td style="font-size:0;line-height:0"><div style="font-size:13px">SEEN</div></td>`,
		"visibility turned on again":           `<div style="visibility:hidden"><p style="visibility:visible">SEEN</p></div>`,
		"white on a dark background":           `<div style="background:#222"><p style="color:#fff">SEEN</p></div>`,
		"white on bgcolor":                     `<table bgcolor="navy"><tr><td><font color="white">SEEN</font></td></tr></table>`,
		"white on an image":                    `<td background="https://x.org/a.png"><p style="color:#fff">SEEN</p></td>`,
		"white on an image over white":         `<div style="background:url(x.png) #fff;color:#fff">SEEN</div>`,
		"white on a gradient":                  `<div style="background:linear-gradient(90deg, #fff, #000);color:#fff">SEEN</div>`,
		"white on a colour without a number":   `<div style="background:rebeccapurple;color:#fff">SEEN</div>`,
		"white on a variable":                  `<div style="--b:#222;background-color:var(--b);color:#fff">SEEN</div>`,
		"white on half-transparent black":      `<div style="background:rgba(0,0,0,.5);color:#fff">SEEN</div>`,
		"letters cut out of a background":      `<div style="background:#333;-webkit-background-clip:text;color:transparent">SEEN</div>`,
		"a link in a white context":            `<div style="color:#fff"><a href="https://x.org/">SEEN</a></div>`,
		"pale grey":                            `<p style="color:#ccc">SEEN</p>`,
		"display none overridden by a rule":    `<style>.x{display:none} .x{display:block}</style><p class="x">SEEN</p>`,
		"display none overridden by the style": `<style>.x{display:none}</style><p class="x" style="display:inline">SEEN</p>`,
		"a hidden attribute overridden":        `<p hidden style="display:block">SEEN</p>`,
		"a rule for small screens":             `<style>@media only screen and (max-width:480px){.x{display:none!important}}</style><p class="x">SEEN</p>`,
		"a rule for print":                     `<style media="print">p{display:none}</style><style>@media print{p{display:none}}</style><p>SEEN</p>`,
		"a rule for hovering":                  `<style>p:hover{display:none}</style><p>SEEN</p>`,
		"a rule for a sibling":                 `<style>h1 + p{display:none}</style><p>SEEN</p>`,
		"a rule for another class":             `<style>.x.y{display:none} .z p{display:none}</style><p class="x">SEEN</p>`,
		"a rule that is broken":                `<style>p{color:#fff;;} } p{</style><style>p{color:#000}</style><p>SEEN</p>`,
		"max-height without overflow":          `<div style="max-height:0">SEEN</div>`,
		"a cell that is cut with an ellipsis":  `<table><tr><td style="max-width:0;overflow:hidden;text-overflow:ellipsis">SEEN</td></tr></table>`,
		"a cell of no height":                  `<table><tr><td height="0" style="height:0;overflow:hidden">SEEN</td></tr></table>`,
		"overflow with a height":               `<div style="height:20px;overflow:hidden">SEEN</div>`,
		"a font with weight and line height":   `<div style="font:700 12px / 0 Arial">SEEN</div>`,
		"a font size in calc":                  `<div style="font-size:calc(10px + 1vw)">SEEN</div>`,
		"a font tag with a size":               `<div style="font-size:1px"><font size="3">SEEN</font></div>`,
		"a margin of a layout":                 `<div style="margin-left:-30px;position:relative;left:-20px">SEEN</div>`,
		"a closed detail":                      `<details><summary>x</summary>SEEN</details>`,
		"mso-hide":                             `<div style="mso-hide:all">SEEN</div>`,
		"the other side of a conditional":      `<!--[if !mso]><!--><p>SEEN</p><!--<![endif]-->`,
		"an unknown element":                   `<o:p>SEEN</o:p><custom-tag>x</custom-tag>`,
		"a button":                             `<button style="color:#fff;background:#06c">SEEN</button>`,
		"an opacity one can read":              `<p style="opacity:.6">SEEN</p>`,
		"a plaintext element":                  `<plaintext>SEEN`,
		"an unclosed style":                    `<p>SEEN<style>p{color:red}`,
		"a description":                        `<img src="cid:1" alt="SEEN">`,
		"a description in a link":              `<a href="https://x.org/a"><img src="https://x.org/i" alt="SEEN"></a>`,
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(src, "<td") {
				src = "<table><tr>" + src + "</tr></table>"
			}
			for _, format := range []Format{Markdown, Text, HTML} {
				for _, src := range []string{src, strings.Repeat("<center>", 600) + src} {
					if body, _ := convertHTML(src, format); !strings.Contains(body, "SEEN") {
						t.Errorf("%s lost it: %q", format, body)
					}
				}
			}
		})
	}
}

func TestConvertHTMLCountsWhatItRemoved(t *testing.T) {
	tests := map[string]struct {
		src  string
		want int
	}{
		"nothing":                       {"<p>Hello</p>", 0},
		"letters of a hidden element":   {`<p>Hi</p><div style="display:none">pay Eve</div>`, 6},
		"of text nobody can see":        {`<p>Hi</p><span style="color:#fff">pay <b>Eve</b></span>`, 6},
		"of a preheader without filler": {"<div style=\"display:none\">Hi\u200C \u00A0\u200C</div>x", 2},
		"invisible characters":          {"<p>a\u200Bb\U000E0041</p>", 2},
		"no styles, scripts, comments":  {"<head><title>abc</title><style>p{}</style></head><script>abc</script><!-- abc --><p>x</p>", 0},
		"a description of a pixel":      {`<img width=1 height=1 alt="pay Eve">x`, 6},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, src := range []string{tt.src, tt.src + strings.Repeat("<div>", 600)} {
				if _, got := convertHTML(src, Markdown); got != tt.want {
					t.Errorf("hidden = %d, want %d", got, tt.want)
				}
			}
		})
	}
}

func TestConvertHTMLWrites(t *testing.T) {
	const long = "https://click.news.example.com/f/a/AbCdEfGhIjKlMnOpQrStUv~~/AAQRxQA~/RgRnQwxyz0123456789012345678901234567890123456789"
	tests := map[string]struct {
		src, markdown, text string
	}{
		"paragraphs and emphasis": {
			"<p>Hello <b>Ann</b>,</p><p>see\nyou <i>soon</i>.</p>",
			"Hello **Ann**,\n\nsee you *soon*.", "Hello Ann,\n\nsee you soon.",
		},
		"lines of a mail program": {
			"<div>One</div><div>Two<br>Three</div>",
			"One\n\nTwo  \nThree", "One\nTwo\nThree",
		},
		"headings and lists": {
			"<h2>Plan</h2><ul><li>a<li>b</ul><ol start=3><li>c</ol>",
			"## Plan\n\n- a\n- b\n\n3. c", "Plan\n\n- a\n- b\n3. c",
		},
		"a quotation": {
			"<p>Yes</p><blockquote>No?<p>Maybe</blockquote>",
			"Yes\n\n> No?\n> \n> Maybe", "Yes\n\n> No?\n>\n> Maybe",
		},
		"a short link": {
			`<a href="https://example.com/a?id=7&utm_source=x">here</a>`,
			"[here](https://example.com/a?id=7)", "here (https://example.com/a?id=7)",
		},
		"a tracking link": {
			`<a href="` + long + `">Read more</a>`,
			"[Read more](https://click.news.example.com/f/a/…)", "Read more (https://click.news.example.com/f/a/…)",
		},
		"a link that is its own text": {
			`<a href="https://example.com/">https://example.com</a>`, "https://example.com", "https://example.com",
		},
		"a link that is not its text": {
			`<a href="https://evil.example/">https://bank.com</a>`,
			"[https://bank.com](https://evil.example/)", "https://bank.com (https://evil.example/)",
		},
		"a link with nothing in it": {`a <a href="https://x.org/p"> </a> b`, "a b", "a b"},
		"a link around a pixel":     {`a <a href="https://x.org/p"><img src="p" width=1 height=1></a> b`, "a b", "a b"},
		"a script around a picture": {`a <a href="javascript:x()"><img src="p"></a> b`, "a b", "a b"},
		"a link around a picture": {
			`a <a href="https://x.org/p"><img src="p"></a> b`, "a [image](https://x.org/p) b", "a [image] (https://x.org/p) b",
		},
		"a link around a picture, in a layout": {
			`<p>a</p><a href="https://x.org/p"><table><tr><td><img src="p" alt="" width=200 height=50></td></tr></table></a>`,
			"a\n\n[image](https://x.org/p)", "a\n\n[image] (https://x.org/p)",
		},
		"a link around a picture whose description says nothing": {
			`<p>a</p><a href="https://x.org/p"><img src="p" alt="Alt text"></a>`, "a\n\n[image](https://x.org/p)", "a\n\n[image] (https://x.org/p)",
		},
		"links around pictures to the same place": {
			`<p>a</p>` + strings.Repeat(`<a href="https://x.org/p"><img src="p"></a>`, 3) + `<a href="https://x.org/q"><img src="q"></a>`,
			"a\n\n[image](https://x.org/p)[image](https://x.org/q)", "a\n\n[image] (https://x.org/p)[image] (https://x.org/q)",
		},
		"links around pictures that are cut to the same place": {
			`<p>a</p><a href="` + long + `1"><img src="p"></a><p><a href="` + long + `2"><img src="q"></a>`,
			"a\n\n[image](https://click.news.example.com/f/a/…)", "a\n\n[image] (https://click.news.example.com/f/a/…)",
		},
		"a link around a picture, where words lead as well": {
			`<a href="https://x.org/p"><img src="p"></a><p><a href="https://x.org/p">The story</a></p>`,
			"[The story](https://x.org/p)", "The story (https://x.org/p)",
		},
		"a link around two pictures, one of which is described": {
			`<a href="https://x.org/p"><img src="p"><img src="q" alt="A red kettle"></a>`,
			"[![A red kettle]()](https://x.org/p)", "[image: A red kettle] (https://x.org/p)",
		},
		"a grid of pictures above what they show": {
			`<table><tr><td><a href="https://x.org/1"><img src="1"></a></td><td><a href="https://x.org/2"><img src="2"></a></td></tr>` +
				`<tr><td><a href="https://x.org/1">One</a></td><td><a href="https://x.org/2">Two</a></td></tr></table>`,
			"[One](https://x.org/1) | [Two](https://x.org/2)", "One (https://x.org/1) | Two (https://x.org/2)",
		},
		"a price as a picture":  {`<img src="p" alt="50%">`, "![50%]()", "[image: 50%]"},
		"the button of a form":  {`<form><input type="SUBMIT" value="Pay now"><button>Or later</button></form>`, "Pay now Or later", "Pay now Or later"},
		"a picture as a button": {`<form><input type=image src=p alt="Pay now"></form>`, "![Pay now]()", "[image: Pay now]"},
		"a card that is a link": {
			`<a href="https://x.org/p"><div>Title</div><p>More</p></a>`,
			"Title\n\nMore\n\n<https://x.org/p>", "Title\n\nMore\n\n(https://x.org/p)",
		},
		"a heading that is a link": {
			`<a href="https://x.org/p"><h2>Title</h2></a>`, "## [Title](https://x.org/p)", "Title\n\n(https://x.org/p)",
		},
		"pictures in links that words lead to as well": {
			`<a href="https://x.org/p"><img src="p" alt="story"></a><p><a href="https://x.org/p">The story</a></p>`,
			"[The story](https://x.org/p)", "The story (https://x.org/p)",
		},
		"pictures that describe the template": {
			strings.Repeat(`<a href="https://x.org/1"><img src="p" alt="story"></a> `, 3) + `<p><img alt="company logo"><img alt="IMG_2041.png"> Hello</p>`,
			"[![story]()](https://x.org/1)\n\nHello", "[image: story] (https://x.org/1)\n\nHello",
		},
		"a picture that describes itself, beside words that lead there": {
			`<a href="https://x.org/p"><img src="p" alt="A red kettle"></a><p><a href="https://x.org/p">Buy</a></p>`,
			"[![A red kettle]()](https://x.org/p)\n\n[Buy](https://x.org/p)", "[image: A red kettle] (https://x.org/p)\n\nBuy (https://x.org/p)",
		},
		"a description in another script": {`<img alt="新しい店">`, "![新しい店]()", "[image: 新しい店]"},
		"an image in a link": {
			`<a href="https://x.org/p"><img src="p" alt="Our [new] shop"></a>`,
			`[![Our \[new\] shop]()](https://x.org/p)`, "[image: Our [new] shop] (https://x.org/p)",
		},
		"a script as a link": {`<a href="javascript:alert(1)">click</a>`, "click", "click"},
		"a table of data": {
			"<table><tr><th>Item</th><th>Price</th></tr><tr><td><p>Tea</p></td><td>$3</td></tr><tr><td>Cup</td><td>$9</td></tr></table>",
			"| Item | Price |\n|---|---|\n| Tea | $3 |\n| Cup | $9 |", "Item | Price\nTea | $3\nCup | $9",
		},
		"a table of layout": {
			`<table><tr><td><table><tr><td><h1>News</h1></td></tr></table></td></tr><tr><td></td><td>One</td><td><a href="https://x.org/">Two</a></td></tr></table>`,
			"# News\n\nOne | [Two](https://x.org/)", "News\n\nOne | Two (https://x.org/)",
		},
		"cents in superscript": {"<p>$19<sup>99</sup> H<sub>2</sub>O</p>", "$19^99 H2O", "$19^99 H2O"},
		"a struck price":       {"<p><s>$5</s> $3</p>", "~~$5~~ $3", "$5 $3"},
		"blocks by style": {
			`<span style="display:block">One</span><span style="display:block">Two</span>`, "One\n\nTwo", "One\nTwo",
		},
		"white space that is kept": {
			"<div style=\"white-space:pre-wrap\">a\nb</div>", "a  \nb", "a\nb",
		},
		"code":              {"<pre>a\n  b</pre>", "```\na\n  b\n```", "a\n  b"},
		"markup characters": {"<p>1 * 2 * 3 &lt;b&gt;</p>", "1 * 2 * 3 &lt;b&gt;", "1 * 2 * 3 <b>"},
		"nothing but pictures of a template": {
			strings.Repeat(`<a href="https://x.org/1"><img src="p" alt="sale"></a>`, 4),
			"[![sale]()](https://x.org/1)", "[image: sale] (https://x.org/1)",
		},
		"nothing but linked pictures": {
			strings.Repeat(`<a href="https://x.org/1"><img src="p"></a>`, 4) + `<p><a href="https://x.org/2"><img src="p" alt="banner"></a>`,
			"[linkmail: no text, 5 images without a description]\n\n[image](https://x.org/1)\n\n[image](https://x.org/2)",
			"[linkmail: no text, 5 images without a description]\n\n[image] (https://x.org/1)\n\n[image] (https://x.org/2)",
		},
		"images without text":    {`<img src="a"><img src="b">`, "[linkmail: no text, 2 images without a description]", "[linkmail: no text, 2 images without a description]"},
		"nothing":                {"", "", ""},
		"a mail of one pixel":    {`<img src="a" width=1 height=1>`, "", ""},
		"padding that collapses": {"<p>a\u00A0\u200C\u00A0\u2007\u00A0b</p>", "a b", "a b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, _ := convertHTML(tt.src, Markdown); got != tt.markdown {
				t.Errorf("markdown = %q, want %q", got, tt.markdown)
			}
			if got, _ := convertHTML(tt.src, Text); got != tt.text {
				t.Errorf("text = %q, want %q", got, tt.text)
			}
		})
	}
}

func TestConvertHTMLSanitizesHTML(t *testing.T) {
	src := `<body onload="x()"><style>p{color:red}</style><p style="color:red" onclick="x()" class="a">Hi <a href="https://x.org/?utm_source=a" title="t">there</a>
		<a href="javascript:x()">not</a></p><script>x()</script><img src="https://x.org/i.png" alt="pic" onerror="x()"><table><tr><td colspan="2">c</td></tr></table></body>`
	want := `<p>Hi <a href="https://x.org/?utm_source=a">there</a>
		not</p><img alt="pic" src="https://x.org/i.png"/><table><tbody><tr><td colspan="2">c</td></tr></tbody></table>`
	if got, _ := convertHTML(src, HTML); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestConvertHTMLCutsAt2MBAndSaysSo(t *testing.T) {
	src := "<p>START</p>" + strings.Repeat("<p>ü</p>", maxConverted/8)
	for _, format := range []Format{Markdown, HTML} {
		body, _ := convertHTML(src, format)
		if !strings.Contains(body, "START") || !strings.HasSuffix(body, cutNote) {
			t.Errorf("%s: body of %d bytes starts %.20q and ends %q", format, len(body), body, body[len(body)-60:])
		}
	}
}

// bombs are small mails that would cost much if each part of them were taken
// at its word.
func TestConvertHTMLSurvivesBombs(t *testing.T) {
	bombs := map[string]string{
		"deep elements":        strings.Repeat("<div>", 40_000),
		"deep quotations":      strings.Repeat("<blockquote>", 500) + strings.Repeat("a<br>", 30_000),
		"deep lists":           strings.Repeat("<ul><li>", 250) + strings.Repeat("<p>a", 30_000),
		"deep tables":          strings.Repeat("<table><tr><td>", 120) + strings.Repeat("a ", 50_000),
		"wide and long tables": "<table><tr>" + strings.Repeat("<td>a", 10_000) + "</tr>" + strings.Repeat("<tr><td>a", 10_000) + "</table>",
		"spanning cells":       "<table>" + strings.Repeat(`<tr><td colspan=999 rowspan=999>a<td>b`, 2_000) + "</table>",
		"many links":           strings.Repeat(`<a href="https://x.org/`+strings.Repeat("y", 40)+`">a</a>`, 2_000),
		"many emphases":        strings.Repeat("<b>a<i>b", 10_000),
		"unclosed emphases":    strings.Repeat("<p><b><i><u>a", 5_000),
		"end tags":             strings.Repeat("<div>", 600) + strings.Repeat("</x>", 40_000),
		"rules for everything": "<style>" + strings.Repeat("*{color:red}", 5_000) + "</style>" + strings.Repeat("<p class=a id=b>x", 5_000),
		"rules for ancestors":  "<style>" + strings.Repeat("a b c d e p{color:red}", 2_000) + "</style>" + strings.Repeat("<p>x", 10_000),
		"many classes":         "<style>.a{color:red}</style>" + strings.Repeat(`<p class="`+strings.Repeat("b ", 100)+`">x`, 1_600),
		"escapes":              "<p>" + strings.Repeat("*_`[]#\\|<", 20_000),
		"blanks":               "a" + strings.Repeat("<br><b> </b>\n<!---->", 8_000),
		"breaks":               strings.Repeat("<br>", 40_000),
		"images":               strings.Repeat("<img alt=a>", 15_000),
		"entities":             strings.Repeat("&zwnj;&nbsp;", 15_000),
		"code":                 strings.Repeat("<code>`", 20_000),
		"attributes":           "<p " + strings.Repeat("a ", 50_000) + ">x",
		"style elements":       strings.Repeat("<style>p{color:red}</style>", 25_000) + "x",
		"declarations":         `<p style="` + strings.Repeat("color:red;", 15_000) + `">x`,
		"line breaks in lists": "<ul>" + strings.Repeat("<li>a<br><br>", 10_000),
	}
	for name, src := range bombs {
		t.Run(name, func(t *testing.T) {
			for _, format := range []Format{Markdown, Text, HTML} {
				body, _ := convertHTML(src, format)
				if len(body) > maxConverted+len(cutNote)+2 {
					t.Errorf("%s of %d bytes", format, len(body))
				}
			}
		})
	}
}

// A mail of random structure, of which it is known what a reader sees.
type randomMail struct {
	*rand.Rand
	b            strings.Builder
	seen, unseen []string
	words        int
}

func (m *randomMail) word(visible bool) {
	m.words++
	w := fmt.Sprintf("w%dx", m.words)
	if visible {
		m.seen = append(m.seen, w)
	} else {
		m.unseen = append(m.unseen, w)
	}
	m.b.WriteString(w + []string{" ", "\n", ", "}[m.IntN(3)])
}

var (
	inlineElements = []string{"span", "b", "em", "a", "font", "code", "s", "u", "x-unknown", "strong", "sup", "label", "i", "button"}
	blockElements  = []string{
		"div", "p", "blockquote", "ul", "ol", "li", "h1", "h3", "center", "pre", "table", "td", "th", "tr", "section", "dl", "dd", "caption", "form", "tbody",
	}
	// What the parser takes out of its own kind, or of a paragraph.
	unnested = map[string]bool{"a": true, "p": true, "h1": true, "h3": true, "form": true, "button": true, "dd": true, "pre": true}

	harmless = []string{
		"", ` style="color:#333"`, ` style="font-size:20px"`, ` class="plain"`, ` style="background:#fff;color:#000;font-size:12px"`,
		` href="https://example.com/path"`, ` style="display:block"`, ` align="center" width="600"`, ` style="visibility:visible"`, ` style="max-height:900px;overflow:hidden"`,
		` style="letter-spacing:-.02em"`, ` style="position:relative;left:-20px"`, ` style="overflow:hidden;padding-top:20px"`, ` style="--c:#333;color:var(--c)"`,
		` class="first"`, ` style="display:var(--shown,block)"`, ` style="margin-top:40px"`,
	}
	hiding = []string{
		` style="display:none"`, ` hidden`, ` style="opacity:0"`, ` class="gone"`, ` style="position:absolute;left:-9999px"`, ` style="clip-path:inset(100%)"`,
		` style="max-height:0;overflow:hidden"`, ` style="position:fixed;top:-9999px"`, ` style="transform:scale(0)"`, ` style="margin-left:-9999px"`,
		` style="content-visibility:hidden"`, ` style="display:block;opacity:.01"`, ` style="position:absolute;clip:rect(0,0,0,0)"`, ` style="zoom:0"`,
		` style="--n:none;display:var(--n)"`, ` style="display:var(--none,none)"`, ` popover`, ` hidden=until-found`, ` data-h=1`, ` class="not"`,
		` style="mask:linear-gradient(#0000,#0000)"`, ` style="position:absolute;left:-500px"`, ` style="rotate:y 90deg"`, ` style="mix-blend-mode:screen"`,
	}
	// What hides the text inside an element, but not inside of those in it
	// that say otherwise.
	hidingText = []string{
		`<span style="color:#fff">`, `<span style="font-size:0">`, `<span style="visibility:hidden">`, `<span style="color:transparent">`,
		`<font color="white">`, `<span style="background:#123;color:#123">`, `<span class="pale">`, `<span style="font-size:1px">`, `<noscript>`, `<template>`,
	}
)

// content writes words and elements. in names the elements around them, as far
// as they matter to the parser.
func (m *randomMail) content(depth int, visible bool, in string) {
	for range m.IntN(4) + 1 {
		if m.IntN(12) == 0 {
			open := hidingText[m.IntN(len(hidingText))]
			m.b.WriteString(open)
			m.word(false)
			m.b.WriteString("</" + strings.Trim(strings.Fields(open)[0], "<>") + ">")
		}
		if depth == 0 || m.IntN(3) == 0 {
			m.word(visible)
			continue
		}
		elements := inlineElements
		if m.IntN(3) > 0 && !strings.Contains(in, "p ") {
			elements = blockElements
		}
		tag := elements[m.IntN(len(elements))]
		around := in
		if unnested[tag] {
			if kind := strings.TrimRight(tag, "13") + " "; strings.Contains(" "+in, " "+kind) {
				m.word(visible)
				continue
			} else {
				around += kind
			}
		}
		attr, inside := harmless[m.IntN(len(harmless))], visible
		if m.IntN(8) == 0 {
			attr, inside = hiding[m.IntN(len(hiding))], false
		}
		open, end := "<"+tag+attr+">", "</"+tag+">"
		// Parts of tables and lists stand where they belong, or the parser moves
		// their text out of the element that hides it.
		switch tag {
		case "li":
			open, end = "<ul>"+open, end+"</ul>"
		case "tbody", "table":
			open, end = "<table"+attr+"><tr><td>", "</td></tr></table>"
		case "tr", "td", "th", "caption":
			open, end = "<table"+attr+"><caption>c</caption><tr><th>h</th><th>i</th></tr><tr><td>", "</td><td>k</td></tr></table>"
		}
		m.b.WriteString(open)
		m.content(depth-1, inside, around)
		m.b.WriteString(end)
		if m.IntN(6) == 0 {
			m.b.WriteString("<br>")
		}
	}
}

func TestConvertHTMLLosesNothingVisibleAndShowsNothingHidden(t *testing.T) {
	for seed := range uint64(300) {
		m := &randomMail{Rand: rand.New(rand.NewPCG(seed, 1))}
		m.b.WriteString("<style>.gone{display:none} .pale{color:#fefefe} [data-h]:not(.first){display:none} :is(.not,h6):nth-child(n){display:none}" +
			".first:first-child{color:#222} .first~*,.first:only-child,.first:has(b){font-weight:bold}</style>")
		m.content(6, true, "")
		src := m.b.String()
		for _, format := range []Format{Markdown, Text, HTML} {
			body, _ := convertHTML(src, format)
			for _, w := range m.seen {
				if !strings.Contains(body, w) {
					t.Fatalf("seed %d: %s lost %s of\n%s\n\n%s", seed, format, w, src, body)
				}
			}
			for _, w := range m.unseen {
				if strings.Contains(body, w) {
					t.Fatalf("seed %d: %s shows %s of\n%s\n\n%s", seed, format, w, src, body)
				}
			}
		}
	}
}

func FuzzConvertHTML(f *testing.F) {
	for _, src := range hidingPlaces {
		f.Add(src)
	}
	f.Add(newsletter()[:8000])
	f.Add(strings.Repeat("<div>", 513) + "<a href=//x.org>a</b></a><style>p{")
	f.Add("<table><tr><td>a<td>b<tr><td>c<td>d<caption>e</table><ul>x<li>y</ul><pre>\n a</pre>")
	f.Add(`<a href="http:\\a@b:80\x?y#z"><b style="color:hsl(1,2%,3%)">x</b></a><base href="https://b.org/c/"><a href="d">e</a>`)
	f.Fuzz(func(t *testing.T, src string) {
		for _, format := range []Format{Markdown, Text, HTML} {
			body, hidden := convertHTML(src, format)
			if hidden < 0 {
				t.Errorf("%s: hidden = %d", format, hidden)
			}
			if clean, _ := cleanText(body); clean != body {
				t.Errorf("%s is not clean: %q", format, body)
			}
		}
	})
}
