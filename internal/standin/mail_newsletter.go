package standin

import (
	_ "embed" // the stories are text, not code
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed seed/newsletters.txt
var newsletterFile string

// publication is a newsletter that Alex gets.
type publication struct {
	from            person
	tracker         string // host of its links
	every, count    int    // days between issues, issues
	category, color string
	// text says what the plain part is: full, stub or none.
	text, subject string
	stories       []story
}

type story struct{ headline, blurb string }

// readPublications reads the embedded file and panics on a mistake in it.
func readPublications(src string) []publication {
	var out []publication
	for _, block := range strings.Split("\n"+src, "\n=== ")[1:] {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		head := strings.Split(lines[0], " | ")
		p := publication{from: person{head[0], head[1]}, tracker: head[2]}
		for entry := range strings.SplitSeq(lines[1], " | ") {
			word, value, _ := strings.Cut(entry, " ")
			n, _ := strconv.Atoi(value) // of words that are no numbers: unused
			switch word {
			case "every":
				p.every = n
			case "count":
				p.count = n
			case "category":
				p.category = value
			case "color":
				p.color = value
			case "text":
				p.text = value
			case "subject":
				p.subject = value
			default:
				panic("standin: newsletters: unknown entry " + word)
			}
		}
		for _, line := range lines[2:] {
			headline, blurb, ok := strings.Cut(strings.TrimPrefix(line, "* "), " | ")
			if !ok {
				panic("standin: newsletters: bad line " + line)
			}
			p.stories = append(p.stories, story{headline, blurb})
		}
		out = append(out, p)
	}
	return out
}

func newsletters() []*mailing {
	var out []*mailing
	for n, p := range readPublications(newsletterFile) {
		for i := range p.count {
			host := p.from.domain()
			m := &mailing{
				key: fmt.Sprintf("news-%d-%03d", n, i), from: p.from, to: []person{{"", DefaultUser}},
				age:     time.Duration(i*p.every+n)*day + time.Duration(4+3*n)*time.Hour,
				subject: encodeSubject(strings.NewReplacer("{headline}", p.stories[i%len(p.stories)].headline, "{number}", strconv.Itoa(412-i)).Replace(p.subject)),
				labels:  []string{p.category},
				extra: []field{
					{"List-Id", "<" + strings.ReplaceAll(host, ".", "-") + ".list." + host + ">"},
					{"List-Unsubscribe", "<https://" + p.tracker + "/u/" + strconv.Itoa(90210+i) + ">, <mailto:leave@" + host + "?subject=leave>"},
					{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
					{"Precedence", "bulk"},
				},
			}
			if i < 12 {
				m.labels = append(m.labels, "INBOX")
			}
			if i < 4 || i%3 == 0 {
				m.labels = append(m.labels, "UNREAD")
			}
			m.body = func(m *mailing) piece { return p.issue(m, i) }
			out = append(out, m)
		}
	}
	return out
}

// issue writes one newsletter the way the common templates come out of their
// compiler: tables in tables, every style inline, every link a tracker.
func (p publication) issue(m *mailing, i int) piece {
	d := seed(m.key, 0)
	lead := p.stories[i%len(p.stories)]
	var page, text strings.Builder
	page.Grow(64 << 10)
	page.WriteString(strings.NewReplacer("{color}", p.color, "{title}", markupEscapes.Replace(lead.headline)).Replace(newsletterHead))
	page.WriteString(`<div style="display:none;font-size:1px;color:#ffffff;line-height:1px;max-height:0px;max-width:0px;opacity:0;overflow:hidden;">` +
		markupEscapes.Replace(lead.blurb) + strings.Repeat("&#847;&zwnj;&nbsp;&#8199;&shy;", 110) + `</div>` + "\n")
	page.WriteString(p.image(&d, "logo", 180))
	fmt.Fprintf(&text, "%s\n%s\n\n", p.from.name, m.at.Format("Monday, 2 January 2006"))
	// As many stories as it takes to be as long as such mails are.
	target := 31_000 + d.below(22_000)
	for n := 0; page.Len() < target; n++ {
		s := p.stories[(i+n)%len(p.stories)]
		if n >= len(p.stories) {
			s.blurb = pick(&d, fillers) + " " + s.blurb
		}
		p.section(&page, &d, s)
		fmt.Fprintf(&text, "%s\n%s\nhttps://%s/s/%d\n\n", s.headline, s.blurb, p.tracker, 1000+n)
	}
	fmt.Fprintf(&page, newsletterFoot, markupEscapes.Replace(p.from.name), DefaultUser, p.link(&d), p.link(&d), p.link(&d))
	fmt.Fprintf(&text, "You get this mail because %s is subscribed.\nLeave: https://%s/u/%d\n", DefaultUser, p.tracker, 90210+i)
	switch p.text {
	case "none":
		return htmlPage(page.String())
	case "stub":
		stub := "This email is best viewed in a browser:\n" + p.link(&d) + "\n"
		return alternative(plainText(stub), htmlPage(page.String()))
	}
	return alternative(plainText(text.String()), htmlPage(page.String()))
}

var fillers = []string{
	"In case you missed it:", "Still the most read piece of the month:", "From the archive:", "A reader asked for this one again:",
}

// link is an address that says nothing about where it leads, as long as the
// real ones.
func (p publication) link(d *dice) string {
	return "https://" + p.tracker + "/CL0/" + d.text(180) + "/1/" + d.hex(40) + "-" + d.hex(12) + "-000000/" + d.text(170) + "=" + strconv.Itoa(100+d.below(400))
}

func (p publication) image(d *dice, name string, width int) string {
	return fmt.Sprintf(`<table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="border-collapse:collapse;border-spacing:0px;"><tbody><tr><td style="width:%[1]dpx;">`+
		`<a href="%[2]s" target="_blank"><img alt="%[3]s" height="auto" src="https://images.%[4]s/%[5]s/%[3]s.png" style="border:0;display:block;outline:none;text-decoration:none;height:auto;width:100%%;font-size:13px;" width="%[1]d"></a></td></tr></tbody></table>`+"\n",
		width, p.link(d), name, p.from.domain(), d.hex(32))
}

// section is one story.
func (p publication) section(page *strings.Builder, d *dice, s story) {
	page.WriteString(sectionOpen)
	page.WriteString(p.image(d, "story", 520))
	fmt.Fprintf(page, sectionText, p.link(d), p.color, markupEscapes.Replace(s.headline), markupEscapes.Replace(s.blurb), p.color, p.link(d))
}

const newsletterHead = `<!doctype html>
<html lang="en" dir="auto" xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head><title>{title}</title><!--[if !mso]><!--><meta http-equiv="X-UA-Compatible" content="IE=edge"><!--<![endif]-->
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<style type="text/css">
#outlook a { padding:0; }
body { margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%; }
table, td { border-collapse:collapse;mso-table-lspace:0pt;mso-table-rspace:0pt; }
img { border:0;height:auto;line-height:100%; outline:none;text-decoration:none;-ms-interpolation-mode:bicubic; }
p { display:block;margin:13px 0; }
</style>
<!--[if mso]><noscript><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml></noscript><![endif]-->
<!--[if lte mso 11]><style type="text/css">.mj-outlook-group-fix { width:100% !important; }</style><![endif]-->
<style type="text/css">
@media only screen and (min-width:480px) { .mj-column-per-100 { width:100% !important; max-width: 100%; } .mj-column-per-50 { width:50% !important; max-width: 50%; } }
@media only screen and (max-width:479px) { table.mj-full-width-mobile { width: 100% !important; } td.mj-full-width-mobile { width: auto !important; } }
a { color: {color}; } .hide-desktop { display:none !important; }
</style></head>
<body style="word-spacing:normal;background-color:#f4f4f5;font-size:0px;">
`

const sectionOpen = `<!--[if mso | IE]><table align="center" border="0" cellpadding="0" cellspacing="0" class="" role="presentation" style="width:600px;" width="600" bgcolor="#ffffff"><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]-->
<div style="background:#ffffff;background-color:#ffffff;margin:0px auto;max-width:600px;">
<table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="background:#ffffff;background-color:#ffffff;width:100%;"><tbody><tr>
<td style="direction:ltr;font-size:0px;padding:20px 0;text-align:center;">
<div class="mj-column-per-100 mj-outlook-group-fix" style="font-size:0px;text-align:left;direction:ltr;display:inline-block;vertical-align:top;width:100%;">
<table border="0" cellpadding="0" cellspacing="0" role="presentation" style="vertical-align:top;" width="100%"><tbody>
<tr><td align="center" style="font-size:0px;padding:10px 25px;word-break:break-word;">
`

const sectionText = `</td></tr>
<tr><td align="left" style="font-size:0px;padding:10px 25px;word-break:break-word;"><div style="font-family:Helvetica, Arial, sans-serif;font-size:22px;font-weight:700;line-height:28px;text-align:left;color:#111827;"><a href="%s" style="color:%s;text-decoration:none;" target="_blank">%s</a></div></td></tr>
<tr><td align="left" style="font-size:0px;padding:10px 25px;word-break:break-word;"><div style="font-family:Helvetica, Arial, sans-serif;font-size:15px;line-height:23px;text-align:left;color:#374151;">%s</div></td></tr>
<tr><td align="left" vertical-align="middle" style="font-size:0px;padding:10px 25px;word-break:break-word;"><table border="0" cellpadding="0" cellspacing="0" role="presentation" style="border-collapse:separate;line-height:100%%;"><tbody><tr><td align="center" bgcolor="%s" role="presentation" style="border:none;border-radius:4px;cursor:auto;mso-padding-alt:10px 25px;" valign="middle"><a href="%s" style="display:inline-block;color:#ffffff;font-family:Helvetica, Arial, sans-serif;font-size:13px;font-weight:normal;line-height:120%%;margin:0;text-decoration:none;text-transform:none;padding:10px 25px;mso-padding-alt:0px;border-radius:4px;" target="_blank">Read more</a></td></tr></tbody></table></td></tr>
</tbody></table></div></td></tr></tbody></table></div>
<!--[if mso | IE]></td></tr></table><![endif]-->
`

const newsletterFoot = `<div style="margin:0px auto;max-width:600px;"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%%;"><tbody><tr>
<td style="direction:ltr;font-size:0px;padding:20px 0;text-align:center;"><div style="font-family:Helvetica, Arial, sans-serif;font-size:12px;line-height:18px;color:#9ca3af;">%s · 12 Quay Street · You get this mail because %s is subscribed.<br>
<a href="%s" style="color:#9ca3af;">Unsubscribe</a> · <a href="%s" style="color:#9ca3af;">Preferences</a></div></td></tr></tbody></table></div>
<img src="%s" alt="" width="1" height="1" border="0" style="height:1px !important;width:1px !important;border-width:0 !important;margin:0 !important;padding:0 !important;">
</body></html>
`
