package standin

import (
	_ "embed" // the conversations are text, not code
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed seed/conversations.txt
var conversations string

// turn is one mail of a conversation.
type turn struct {
	who   string
	gap   time.Duration // after the first
	style string        // plain, html (as Gmail writes it) or outlook
	files []string
	text  string
}

// conversation is a thread of the seeded mailbox.
type conversation struct {
	key, subject string
	age          time.Duration
	with         []string
	labels       []string // names, "starred" and "unread" among them
	turns        []turn
}

// readConversations reads the embedded file:
//
//	=== subject
//	days 11 | with nora, dana | labels Clients/Kestrel | unread
//	--- nora +3h outlook attach=one.pdf,two.csv
//	text up to the next mark
//
// It panics on a mistake, because the file is part of the program.
func readConversations(src string) []conversation {
	var out []conversation
	for i, block := range strings.Split("\n"+src, "\n=== ")[1:] {
		head, rest, _ := strings.Cut(block, "\n--- ")
		subject, meta, _ := strings.Cut(head, "\n")
		c := conversation{key: fmt.Sprintf("talk-%02d", i), subject: subject}
		for entry := range strings.SplitSeq(strings.TrimSpace(meta), " | ") {
			word, value, _ := strings.Cut(entry, " ")
			switch word {
			case "days":
				days, err := strconv.ParseFloat(value, 64)
				if err != nil {
					panic("standin: conversations: " + err.Error())
				}
				c.age = time.Duration(days * float64(24*time.Hour))
			case "with":
				c.with = append([]string{"alex"}, strings.Split(value, ", ")...)
			case "labels":
				c.labels = append(c.labels, value)
			case "starred", "unread":
				c.labels = append(c.labels, strings.ToUpper(word))
			default:
				panic("standin: conversations: unknown entry " + word)
			}
		}
		for part := range strings.SplitSeq(rest, "\n--- ") {
			c.turns = append(c.turns, readTurn(part))
		}
		out = append(out, c)
	}
	return out
}

func readTurn(part string) turn {
	line, text, _ := strings.Cut(part, "\n")
	f := strings.Fields(line)
	if len(f) < 3 || cast[f[0]].address == "" {
		panic("standin: conversations: bad line " + line)
	}
	gap, err := time.ParseDuration(strings.TrimPrefix(f[1], "+"))
	if err != nil {
		panic("standin: conversations: " + err.Error())
	}
	t := turn{who: f[0], gap: gap, style: f[2], text: strings.TrimSpace(text)}
	for _, extra := range f[3:] {
		t.files = strings.Split(strings.TrimPrefix(extra, "attach="), ",")
	}
	return t
}

// mailings turns a conversation into messages as Alex's mailbox holds them.
func (c conversation) mailings() []*mailing {
	var out []*mailing
	for i, t := range c.turns {
		m := &mailing{
			key: fmt.Sprintf("%s-%02d", c.key, i), age: c.age - t.gap, from: cast[t.who], subject: encodeSubject(c.subject),
			noTrace: t.who == "alex",
		}
		last := i == len(c.turns)-1
		if i > 0 {
			m.thread = out[0].key
			m.refs = append(slices.Clone(out[i-1].refs), out[i-1].messageID())
			if !strings.HasPrefix(c.subject, "Re: ") {
				m.subject = encodeSubject("Re: " + c.subject)
			}
		}
		for _, name := range c.with {
			switch {
			case name == t.who:
			case len(m.to) == 0 && (i == 0 || name == c.turns[i-1].who || c.turns[i-1].who == t.who):
				m.to = append(m.to, cast[name])
			default:
				m.cc = append(m.cc, cast[name])
			}
		}
		if len(m.to) == 0 {
			m.to, m.cc = m.cc, nil
		}
		m.labels = c.labelsOf(m, last)
		out = append(out, m)
	}
	for i, m := range out {
		m.body = func(*mailing) piece { return c.body(i, out) }
	}
	return out
}

// labelsOf says where a mail of the conversation lies.
func (c conversation) labelsOf(m *mailing, last bool) []string {
	var labels []string
	if m.from == alex {
		labels = append(labels, "SENT")
	} else {
		labels = append(labels, "CATEGORY_PERSONAL")
		if c.age < 100*24*time.Hour {
			labels = append(labels, "INBOX")
		}
		if len(c.turns) > 4 {
			labels = append(labels, "IMPORTANT")
		}
	}
	for _, name := range c.labels {
		if (name == "UNREAD" || name == "STARRED") && (!last || m.from == alex && name == "UNREAD") {
			continue
		}
		labels = append(labels, name)
	}
	return labels
}

// body writes the mail of a turn in its style, over the quoted one before it.
func (c conversation) body(i int, all []*mailing) piece {
	t := c.turns[i]
	text := t.text
	if s := signatures[t.who]; s != "" && i%2 == 0 {
		text += "\n\n-- \n" + s
	}
	plain := text + "\n"
	if i > 0 {
		plain += "\n" + c.attribution(i-1, all) + "\n" + c.quoted(i-1, all, 3)
	}
	var content piece
	switch t.style {
	case "html":
		content = alternative(plainText(plain), htmlPage(c.gmailPage(i, text, all)))
	case "outlook":
		content = alternative(plainText(plain), htmlPage(c.outlookPage(i, text, all)))
	default:
		content = plainText(plain)
	}
	if len(t.files) == 0 {
		return content
	}
	parts := []piece{content}
	for _, name := range t.files {
		parts = append(parts, attachment(name, c.subject+": "+name))
	}
	return mixed(parts...)
}

func (c conversation) attribution(i int, all []*mailing) string {
	p := all[i].from
	return fmt.Sprintf("On %s %s <%s> wrote:", all[i].at.Format("Mon, Jan 2, 2006 at 3:04 PM"), p.name, p.address)
}

// quoted is a mail as the text part of an answer repeats it.
func (c conversation) quoted(i int, all []*mailing, depth int) string {
	text := c.turns[i].text
	if i > 0 && depth > 1 {
		text += "\n\n" + c.attribution(i-1, all) + "\n" + c.quoted(i-1, all, depth-1)
	}
	return "> " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n> ") + "\n"
}

// paragraphs is text as a mail program marks it up.
func paragraphs(text, open, end string) string {
	var out strings.Builder
	for p := range strings.SplitSeq(text, "\n\n") {
		out.WriteString(open + strings.ReplaceAll(markupEscapes.Replace(p), "\n", "<br>\n") + end + "\n")
	}
	return out.String()
}

func (c conversation) gmailPage(i int, text string, all []*mailing) string {
	page := `<div dir="ltr">` + paragraphs(text, "<div>", "</div><div><br></div>") + "</div>"
	if i > 0 {
		page += c.gmailQuote(i-1, all, 3)
	}
	return page
}

func (c conversation) gmailQuote(i int, all []*mailing, depth int) string {
	p := all[i].from
	inner := paragraphs(c.turns[i].text, "<div>", "</div>")
	if i > 0 && depth > 1 {
		inner += c.gmailQuote(i-1, all, depth-1)
	}
	return fmt.Sprintf(`<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On %s %s &lt;<a href="mailto:%s">%s</a>&gt; wrote:<br></div>`+
		`<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">%s</blockquote></div>`,
		all[i].at.Format("Mon, Jan 2, 2006 at 3:04 PM"), markupEscapes.Replace(p.name), p.address, p.address, inner)
}

// outlookPage is the mark-up of the other large mail program.
func (c conversation) outlookPage(i int, text string, all []*mailing) string {
	page := outlookHead + paragraphs(text, `<p class="MsoNormal"><span lang="EN-GB" style="font-size:11.0pt;font-family:&quot;Aptos&quot;,sans-serif">`,
		`<o:p></o:p></span></p>`+"\n"+`<p class="MsoNormal"><span lang="EN-GB"><o:p>&nbsp;</o:p></span></p>`)
	if i > 0 {
		m := all[i-1]
		page += `<div id="divRplyFwdMsg"><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>From:</b> ` +
			markupEscapes.Replace(m.from.name+" <"+m.from.address+">") + `<br><b>Sent:</b> ` + m.at.Format("Monday, 2 January 2006 15:04") +
			`<br><b>To:</b> ` + markupEscapes.Replace(all[i].from.name) + `<br><b>Subject:</b> ` + markupEscapes.Replace(c.subject) + `<o:p></o:p></p></div></div>` +
			paragraphs(c.turns[i-1].text, `<p class="MsoNormal">`, `<o:p></o:p></p>`)
	}
	return page + "</div></body></html>"
}

const outlookHead = `<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word">
<head><meta name="Generator" content="Microsoft Word 15 (filtered medium)">
<!--[if !mso]><style>v\:* {behavior:url(#default#VML);} o\:* {behavior:url(#default#VML);}</style><![endif]-->
<style><!--
@font-face {font-family:"Cambria Math"; panose-1:2 4 5 3 5 4 6 3 2 4;}
p.MsoNormal, li.MsoNormal, div.MsoNormal {margin:0cm; font-size:11.0pt; font-family:"Aptos",sans-serif;}
a:link, span.MsoHyperlink {mso-style-priority:99; color:#0563C1; text-decoration:underline;}
span.EmailStyle17 {mso-style-type:personal-compose;}
.MsoChpDefault {mso-style-type:export-only;}
@page WordSection1 {size:612.0pt 792.0pt; margin:72.0pt 72.0pt 72.0pt 72.0pt;}
--></style></head>
<body lang="EN-GB" link="#0563C1" vlink="#954F72" style="word-wrap:break-word"><div class="WordSection1">
`
