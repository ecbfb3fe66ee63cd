package mailbox

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// newsletter returns an HTML mail as template compilers write them: 57 kB for
// three hundred words, with every container at font-size 0, tracking links of
// 470 characters, a padded preheader, conditional comments and a pixel.
func newsletter() string {
	var b strings.Builder
	link := func(i int) string {
		return fmt.Sprintf("https://click.news.example.com/f/a/%s~~/AAQRxQA~/%s", strings.Repeat(fmt.Sprintf("Ab%dCd", i%10), 5), strings.Repeat(fmt.Sprintf("RgRnQ%dwxyz0123", i%10), 28))
	}
	b.WriteString(`<!doctype html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>The Weekly Kettle</title>
<!--[if !mso]><!--><meta http-equiv="X-UA-Compatible" content="IE=edge"><!--<![endif]-->
<style type="text/css">#outlook a { padding:0; } body { margin:0;padding:0; } table, td { border-collapse:collapse; }
p { display:block;margin:13px 0; } .mj-preview { display:none } @media only screen and (min-width:480px) { .mj-column-per-100 { width:100% !important; max-width: 100%; } .mj-column-per-50 { width:50% !important; } }
@media only screen and (max-width:479px) { table.mj-full-width-mobile { width: 100% !important; } .desktop { display: none !important; } }</style></head>
<body style="word-spacing:normal;background-color:#f4f4f4;"><div class="mj-preview" style="display:none;font-size:1px;color:#ffffff;line-height:1px;max-height:0px;max-width:0px;opacity:0;overflow:hidden;">This week: seven kettles`)
	b.WriteString(strings.Repeat("&#847; &zwnj; &nbsp; &#8199; &shy; ", 120))
	b.WriteString(`</div><div style="background-color:#f4f4f4;">`)
	row := func(inner string) {
		fmt.Fprintf(&b, `<!--[if mso | IE]><table align="center" border="0" cellpadding="0" cellspacing="0" class="" style="width:600px;" width="600" ><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]-->
<div style="margin:0px auto;max-width:600px;"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%%;"><tbody><tr><td style="direction:ltr;font-size:0px;padding:20px 0;text-align:center;">
<div class="mj-column-per-100 mj-outlook-group-fix" style="font-size:0px;text-align:left;direction:ltr;display:inline-block;vertical-align:top;width:100%%;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" style="vertical-align:top;" width="100%%"><tbody>%s</tbody></table></div>
</td></tr></tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]-->`, inner)
	}
	cell := func(style, content string) string {
		return `<tr><td align="left" style="font-size:0px;padding:10px 25px;word-break:break-word;"><div style="font-family:Ubuntu, Helvetica, Arial, sans-serif;text-align:left;` + style + `">` + content + `</div></td></tr>`
	}
	row(`<tr><td align="center" style="font-size:0px;padding:10px 25px;"><a href="` + link(0) + `" target="_blank"><img alt="The Weekly Kettle" height="auto" src="https://cdn.example.com/logo.png" style="border:0;display:block;font-size:13px;" width="160" /></a></td></tr>`)
	row(cell("font-size:28px;line-height:1;color:#222222;", "Seven kettles worth boiling for"))
	for i := 1; i <= 13; i++ {
		row(`<tr><td align="center" style="font-size:0px;padding:0;"><a href="` + link(i) + `" target="_blank"><img height="auto" src="https://cdn.example.com/` + strings.Repeat("x", 60) + `.jpg" width="600" style="display:block;width:100%;" /></a></td></tr>` +
			cell("font-size:20px;line-height:24px;color:#222222;", fmt.Sprintf(`<a href="%s" style="color:#222222;text-decoration:none;">Kettle number %d</a>`, link(i), i)) +
			cell("font-size:14px;line-height:20px;color:#555555;", fmt.Sprintf("Model %d boils a litre in %d seconds and keeps quiet about it. We tried it for a week.", i, 100+i)) +
			`<tr><td align="center" style="font-size:0px;padding:10px 25px;"><table border="0" cellpadding="0" cellspacing="0" role="presentation"><tr><td align="center" bgcolor="#414141" role="presentation" style="border-radius:3px;background:#414141;" valign="middle"><a href="` + link(i) + `" style="display:inline-block;background:#414141;color:#ffffff;font-size:13px;" target="_blank">Read more</a></td></tr></table></td></tr>`)
	}
	row(cell("font-size:11px;line-height:16px;color:#999999;", `You get this because you like kettles. <a href="`+link(14)+`">Unsubscribe</a> | <a href="`+link(15)+`">View in browser</a>`))
	b.WriteString(`<img src="https://click.news.example.com/o/open.gif" width="1" height="1" alt="" /></div></body></html>`)
	return b.String()
}

// mostTokens is an upper bound of what a text in the Latin alphabet costs a
// model. The common tokenizers need one token for about four characters of
// prose, and for no less than three of the worst here, which are targets.
func mostTokens(s string) int { return (utf8.RuneCountInString(s) + 2) / 3 }

func TestANewsletterCostsAThousandTokens(t *testing.T) {
	src := newsletter()
	if len(src) < 55_000 || len(src) > 60_000 {
		t.Fatalf("the newsletter has %d bytes, it should have 57,000", len(src))
	}
	for _, format := range []Format{Markdown, Text} {
		body, hidden := convertHTML(src, format)
		if tokens := mostTokens(body); tokens > 1000 {
			t.Errorf("%s may have %d tokens:\n%s", format, tokens, body)
		}
		for i := 1; i <= 13; i++ {
			for _, want := range []string{fmt.Sprintf("Kettle number %d", i), fmt.Sprintf("Model %d boils", i)} {
				if !strings.Contains(body, want) {
					t.Errorf("%s lost %q", format, want)
				}
			}
		}
		for _, want := range []string{"Seven kettles worth", "The Weekly Kettle", "Read more", "Unsubscribe", "https://click.news.example.com/"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lost %q", format, want)
			}
		}
		if strings.Contains(body, "This week: seven kettles") || hidden == 0 {
			t.Errorf("%s shows the preheader, hidden = %d", format, hidden)
		}
		t.Logf("%s: %d bytes, %d hidden", format, len(body), hidden)
	}
}

func BenchmarkConvertHTML(b *testing.B) {
	src := newsletter()
	for _, format := range []Format{Markdown, Text, HTML} {
		b.Run(string(format), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			body := ""
			for b.Loop() {
				body, _ = convertHTML(src, format)
			}
			b.ReportMetric(float64(mostTokens(body)), "tokens-at-most")
			b.ReportMetric(float64(len(src))/float64(len(body)), "times-smaller")
		})
	}
}
