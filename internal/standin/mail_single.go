package standin

import (
	_ "embed" // the mails are text, not code
	"fmt"
	"strings"
	"time"
)

//go:embed seed/singles.txt
var singlesFile string

// singles are short plain mails that nobody answered.
func singles() []*mailing {
	var out []*mailing
	for i, block := range strings.Split("\n"+singlesFile, "\n=== ")[1:] {
		lines := strings.SplitN(block, "\n", 3)
		who, subject, ok := strings.Cut(lines[0], " | ")
		if !ok || len(lines) < 3 || cast[who].address == "" {
			panic("standin: singles: bad block " + block)
		}
		m := &mailing{key: fmt.Sprintf("single-%02d", i), from: cast[who], subject: encodeSubject(subject), noTrace: who == "alex"}
		for entry := range strings.SplitSeq(lines[1], " | ") {
			word, value, _ := strings.Cut(entry, " ")
			switch word {
			case "days":
				var days float64
				if _, err := fmt.Sscan(value, &days); err != nil {
					panic("standin: singles: " + err.Error())
				}
				m.age = time.Duration(days * float64(day))
			case "to":
				for name := range strings.SplitSeq(value, ", ") {
					m.to = append(m.to, cast[name])
				}
			case "labels":
				m.labels = append(m.labels, value)
			default:
				m.labels = append(m.labels, strings.ToUpper(word))
			}
		}
		if who == "alex" {
			m.labels = append(m.labels, "SENT")
		} else if m.labels = append(m.labels, "CATEGORY_PERSONAL"); m.age < 90*day {
			m.labels = append(m.labels, "INBOX")
		}
		text := strings.TrimSpace(lines[2]) + "\n"
		m.body = func(*mailing) piece { return plainText(text) }
		out = append(out, m)
	}
	return out
}

// notices are what machines and lists send to everybody who asked for it.
func notices() []*mailing {
	out := append(singles(), reviews()...)
	out = append(out, listPosts()...)
	network := person{"Ringwell", "notify@ringwell.example"}
	for i, text := range []string{
		"Hana Sato accepted your invitation", "You appeared in 9 searches this week", "Samuel Okafor has a work anniversary",
		"Ines Carvalho viewed your profile", "Mei Lin mentioned you in a post", "3 people you may know", "Your weekly summary", "Wei Zhang commented on your photo",
	} {
		out = append(out, note(fmt.Sprintf("social-%d", i), time.Duration(2+i*37)*day, network, text, text+".\n\nOpen Ringwell: https://ringwell.example/n/"+fmt.Sprint(8800+i)+"\n",
			"CATEGORY_SOCIAL", "UNREAD"))
	}
	guard := person{"Harbor & Pine Accounts", "security@accounts.example.com"}
	for i, text := range []string{"New sign-in from Firefox on Linux", "Your verification code is 418 220", "Your password was changed", "Your verification code is 903 517"} {
		out = append(out, note(fmt.Sprintf("guard-%d", i), time.Duration(7+i*61)*day, guard, text,
			text+".\n\nIf this was not you, write to the help desk at once.\n", "CATEGORY_UPDATES", "INBOX"))
	}
	return append(out, invitations()...)
}

func note(key string, age time.Duration, from person, subject, text string, labels ...string) *mailing {
	return &mailing{
		key: key, age: age, from: from, to: []person{alex}, subject: encodeSubject(subject), labels: labels,
		body: func(*mailing) piece { return plainText(text) },
	}
}

// reviews are the mails of a code host: a thread for each change.
func reviews() []*mailing {
	var out []*mailing
	for i, title := range []string{
		"Keep drafts on the device", "Check Norwegian postcodes", "Compress the log archive", "Remove the old checkout", "Order form: focus styles", "Retry the mail queue",
	} {
		number := 1204 - i*17
		subject := fmt.Sprintf("[harborpine/shop] %s (PR #%d)", title, number)
		root := ""
		for j, comment := range []string{
			"priya requested your review.\n\nThis is what we talked about on Monday. Tests are included.",
			"tomas commented on this pull request.\n\nLooks good on a small screen, too.",
			"Merged #" + fmt.Sprint(number) + " into main.",
		} {
			m := note(fmt.Sprintf("review-%d-%d", i, j), time.Duration(10+i*34)*day-time.Duration(j*5)*time.Hour,
				person{"Codehost", "notifications@codehost.example"}, subject,
				comment+fmt.Sprintf("\n\n-- \nView it on Codehost:\nhttps://codehost.example/harborpine/shop/pull/%d\n", number), "CATEGORY_FORUMS")
			m.extra = []field{{"List-Id", "harborpine/shop <shop.harborpine.codehost.example>"}, {"X-Codehost-Reason", "review_requested"}}
			if j == 0 {
				root = m.key
			} else {
				m.thread, m.refs, m.subject = root, []string{out[len(out)-j].messageID()}, "Re: "+subject
			}
			if i < 2 {
				m.labels = append(m.labels, "INBOX")
			}
			out = append(out, m)
		}
	}
	return out
}

// listPosts are from a mailing list that Alex reads.
func listPosts() []*mailing {
	var out []*mailing
	for i, p := range [][3]string{
		{"Birgit Aas", "birgit@fjordmail.example", "Which binding lies flat?"},
		{"Tim Oyelaran", "tim@oyelaran.example", "Scanner for bound books"},
		{"Birgit Aas", "birgit@fjordmail.example", "Paper from stone: does it last?"},
		{"Ruth Kessler", "ruth.kessler@papermail.example", "Meeting of the Hamburg group"},
		{"Tim Oyelaran", "tim@oyelaran.example", "Selling: small hand press, 60 kg"},
		{"Ada Nowak", "ada@nowak.example", "Thread sizes, again"},
		{"Ruth Kessler", "ruth.kessler@papermail.example", "Minutes of the Hamburg group"},
		{"Ada Nowak", "ada@nowak.example", "Glue that does not yellow"},
	} {
		m := note(fmt.Sprintf("list-%d", i), time.Duration(6+i*63)*day, person{p[0], p[1]}, "[binders] "+p[2],
			"Dear all,\n\n"+p[2]+" I have read everything in the archive and would still like to hear what you do.\n\n"+p[0]+
				"\n_______________________________________________\nbinders mailing list\nbinders@lists.bookbinders.example\n", "CATEGORY_FORUMS", "Reading list")
		m.to = []person{{"", "binders@lists.bookbinders.example"}}
		m.extra = []field{
			{"List-Id", "Bookbinding for everybody <binders.lists.bookbinders.example>"},
			{"List-Post", "<mailto:binders@lists.bookbinders.example>"},
			{"Reply-To", "binders@lists.bookbinders.example"},
		}
		out = append(out, m)
	}
	return out
}

// invitations are meeting requests.
func invitations() []*mailing {
	var out []*mailing
	for i, e := range []struct {
		days, ahead int // how long ago it came, and how long after that it is
		who, title  string
		place       string
	}{
		{1, 3, "samuel", "Call about the next icon set", "https://meet.example.com/bluefin"},
		{4, 6, "jonas", "Budget 2027", "Room Elbe, 2nd floor"},
		{18, 5, "priya", "Interview Ines Carvalho", "Room Alster"},
		{35, 7, "nora", "Kestrel launch rehearsal", "https://meet.example.com/kestrel"},
		{64, 14, "mei", "Brand session", "Room Elbe, 2nd floor"},
		{140, 21, "dana", "Offsite kick-off", "Hotel Miradouro, roof terrace"},
		{220, 2, "tomas", "Icon review", "Room Alster"},
	} {
		m := &mailing{
			key: fmt.Sprintf("invite-%d", i), age: time.Duration(e.days)*day + 3*time.Hour, from: cast[e.who], to: []person{alex},
			subject: "Invitation: " + e.title, labels: []string{"CATEGORY_PERSONAL"},
		}
		if e.days < 60 {
			m.labels = append(m.labels, "INBOX")
		}
		m.body = func(m *mailing) piece {
			start := m.at.Truncate(day).Add(time.Duration(e.ahead)*day + 10*time.Hour)
			text := fmt.Sprintf("%s invites you to:\n\n%s\n%s (UTC), 45 minutes\n%s\n", m.from.name, e.title, start.UTC().Format("Monday, 2 January 2006, 15:04"), e.place)
			return invite(m, text, start, 45, e.place)
		}
		out = append(out, m)
	}
	return out
}
