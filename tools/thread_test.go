package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linkmail/mailbox"
	"linkmail/tools"
)

// threads plays a mailbox with one thread; reading is that of a [box].
type threads struct {
	box
	thread mailbox.Thread
	asked  []mailbox.ThreadQuery
}

func (b *threads) Thread(_ context.Context, q mailbox.ThreadQuery) (mailbox.Thread, error) {
	b.asked = append(b.asked, q)
	t := b.thread
	if n := len(t.Messages) - q.Max; n > 0 {
		for _, m := range t.Messages[:n] {
			t.Omitted = append(t.Omitted, m.ID)
		}
		t.Messages = t.Messages[n:]
	}
	return t, nil
}

// talkOf is a thread of mails with these bodies, oldest first.
func talkOf(bodies ...string) *threads {
	b := &threads{box: box{messages: map[string]mailbox.Message{}}}
	b.thread = mailbox.Thread{ID: "t0", Subject: "Plan", Total: len(bodies)}
	for i, body := range bodies {
		m := letter(fmt.Sprintf("m%02d", i), body)
		m.ThreadID, m.Subject = "t0", "Re: Plan"
		m.Date = time.Date(2026, 11, 1, 8, i, 0, 0, time.UTC)
		b.thread.Messages = append(b.thread.Messages, m)
		b.messages[m.ID] = m
	}
	return b
}

func field[T any](t testing.TB, item map[string]any, name string) T {
	t.Helper()
	v, ok := item[name].(T)
	if !ok {
		t.Fatalf("%s is %T, %v", name, item[name], item)
	}
	return v
}

func TestThreadSaysTheSameInTextAndStructure(t *testing.T) {
	b := talkOf("Shall we?\n", "Yes.\n\nOn Sun, 1 Nov 2026 at 9:00, Anna wrote:\n> Shall we?\n", strings.Repeat("More of it. ", 700))
	b.thread.Messages[1].Labels = []string{"SENT"}
	a := must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0"}`)
	want := `Account: me@example.com
Thread t0, 3 mails.
<mail-content nonce=N untrusted>
Subject: Plan
</mail-content nonce=N>
Message m02, thread t0, 2026-11-01T09:02:00+01:00, INBOX
<mail-content nonce=N untrusted>
From: Anna <anna@example.com>
To: me@example.com
Subject: Re: Plan

` + strings.Repeat("More of it. ", 500) + `
</mail-content nonce=N>
Characters 0 to 6000 of 8400. For more: read_email with messageId "m02" and bodyOffset 6000.
Sender check by Gmail: none.
Message m01, thread t0, 2026-11-01T09:01:00+01:00, SENT
<mail-content nonce=N untrusted>
From: Anna <anna@example.com>
To: me@example.com
Subject: Re: Plan

Yes.


</mail-content nonce=N>
Left out: 52 characters of quoted mail; quotes:"keep" shows them.
Message m00, thread t0, 2026-11-01T09:00:00+01:00, INBOX
<mail-content nonce=N untrusted>
From: Anna <anna@example.com>
To: me@example.com
Subject: Re: Plan

Shall we?

</mail-content nonce=N>
Sender check by Gmail: none.
The thread is not complete here.`
	if diff := cmp.Diff(want, unfenced(a.text)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	data := a.data()
	if data["threadId"] != "t0" || data["subject"] != "Plan" || data["totalMessages"] != 3.0 || data["omitted"] != 0.0 || data["complete"] != false {
		t.Errorf("data = %v", data)
	}
	first := a.items(t)[0]
	if first["messageId"] != "m02" || first["bodyTruncated"] != true || first["nextOffset"] != 6000.0 || first["totalChars"] != 8400.0 {
		t.Errorf("the newest = %v", first)
	}
}

func TestThreadComesInTheOrderThatWasAskedFor(t *testing.T) {
	b := talkOf("one", "two", "three")
	for args, want := range map[string][]string{
		`{"threadId":"t0"}`:                                        {"m02", "m01", "m00"},
		`{"thread_id":"t0","sort":"oldest_first"}`:                 {"m00", "m01", "m02"},
		`{"conversationId":"t0","order":"newest_first","limit":2}`: {"m02", "m01"},
	} {
		a := must(t, tools.Config{Mailbox: b}, "get_thread", args)
		var got []string
		for _, item := range a.items(t) {
			got = append(got, field[string](t, item, "messageId"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", args, got, want)
		}
		complete := len(want) == 3
		if a.data()["complete"] != complete || strings.Contains(a.text, "The thread is complete.") != complete {
			t.Errorf("%s: complete = %v, text:\n%s", args, a.data()["complete"], a.text)
		}
		if !complete && (a.data()["omitted"] != 1.0 || !strings.Contains(a.text, "Not listed: 1 other mail, oldest first: m00.")) {
			t.Errorf("%s: omitted = %v, text:\n%s", args, a.data()["omitted"], a.text)
		}
	}
	if _, err := run(t, tools.Config{Mailbox: b}, "get_thread", `{}`); err == nil {
		t.Error("a thread without an id was read")
	} else if e, ok := errors.AsType[*tools.ArgumentError](err); !ok || e.Argument != "threadId" {
		t.Errorf("got %v", err)
	}
	must(t, tools.Config{Mailbox: b}, "get_thread", `{"id":"m01","maxMessages":7}`)
	if got := b.asked[len(b.asked)-1]; got != (mailbox.ThreadQuery{Message: "m01", Max: 7}) {
		t.Errorf("asked for %+v", got)
	}
}

// Whatever the thread, an answer stays within its size, says what is missing,
// shows the mail that was asked for, prefers the newest, and every body can be
// read on from where it ends.
func TestAThreadSaysHowMoreOfItIsListed(t *testing.T) {
	for limit, says := range map[int]bool{20: true, 50: false} {
		b := talkOf(slices.Repeat([]string{"x"}, 60)...)
		a := must(t, tools.Config{Mailbox: b}, "get_thread", fmt.Sprintf(`{"threadId":"t0","maxMessages":%d}`, limit))
		if got := strings.Contains(a.text, "A larger maxMessages lists more"); got != says || !strings.Contains(a.text, "read_email reads each") {
			t.Errorf("maxMessages %d: a larger one is offered: %v, want %v in\n%s", limit, got, says, a.text)
		}
	}
}

func TestADraftThatIsShownAsALineNamesItsID(t *testing.T) {
	b := talkOf("draft", strings.Repeat("long ", 5000), strings.Repeat("long ", 5000), strings.Repeat("long ", 5000), strings.Repeat("long ", 5000), strings.Repeat("long ", 5000))
	b.thread.Messages[0].DraftID = "r-17"
	a := must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0"}`)
	if !strings.Contains(a.text, "m00 | ") || !strings.Contains(a.text, "| draft r-17 |") {
		t.Errorf("want a line for m00 with its draft:\n%s", a.text)
	}
}

func TestThreadKeepsToItsBudget(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(t2, "mails")
		var bodies []string
		for range n {
			size := rapid.SampledFrom([]int{0, 3, 90, 150, 1000, 5999, 6001, 30_000}).Draw(t2, "size")
			bodies = append(bodies, body(t2, size))
		}
		b := talkOf(bodies...)
		asked := rapid.IntRange(0, n-1).Draw(t2, "asked")
		args := fmt.Sprintf(`{"messageId":"m%02d","maxMessages":50}`, asked)
		a := must(t, tools.Config{Mailbox: b}, "get_thread", args)
		structure, err := json.Marshal(a.envelope)
		if err != nil {
			t2.Fatal(err)
		}
		if text, most := utf8.RuneCountInString(a.text), 32_000; text > most {
			t2.Errorf("the text has %d characters, want at most %d", text, most)
		}
		sum, shortened, complete := 0, false, true
		for i, item := range a.items(t) {
			at := n - 1 - i
			if item["messageId"] != fmt.Sprintf("m%02d", at) {
				t2.Fatalf("item %d is %v", i, item["messageId"])
			}
			total := utf8.RuneCountInString(bodies[at])
			text := utf8.RuneCountInString(inside(t, item["body"]))
			next, more := item["nextOffset"].(float64)
			sum += text
			if item["totalChars"] != float64(total) || more != (text < total) || more && int(next) != text || item["bodyTruncated"] != more {
				t2.Fatalf("mail %d has %v of %d characters and goes on at %v", at, text, total, next)
			}
			complete = complete && !more
			least := min(total, 6000)
			if at == asked && text < least*2/5 {
				t2.Errorf("the mail that was asked for shows %d of %d characters", text, total)
			}
			// Behind the first mail that is cut to a line, there are only lines.
			if at != asked {
				if shortened && text > 100 {
					t2.Errorf("mail %d shows %d characters, below one that was cut to a line", at, text)
				}
				shortened = shortened || text <= 100 && total > 100
			}
		}
		if sum > 24_000 {
			t2.Errorf("the bodies have %d characters, want at most 24,000", sum)
		}
		if a.data()["complete"] != complete {
			t2.Errorf("complete = %v, want %v", a.data()["complete"], complete)
		}
		// JSON writes a line end, of which these bodies are full, as two characters.
		if most := 45_000; utf8.RuneCount(structure) > most {
			t2.Errorf("the structure has %d characters, want at most %d", utf8.RuneCount(structure), most)
		}
		again := must(t, tools.Config{Mailbox: b}, "get_thread", args)
		if unfenced(again.text) != unfenced(a.text) {
			t2.Error("the same call is answered differently")
		}
	})
}

// body draws a text of some characters.
func body(t *rapid.T, size int) string {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"word ", "日本語", "ünïcödé\n", "a\n\n", "x123456789 ", ". "}), 1, 4).Draw(t, "pieces")
	return string([]rune(strings.Repeat(strings.Join(pieces, ""), size))[:size])
}

// What get_thread began, read_email goes on with; together it is the whole.
func TestAThreadGoesOnInReadEmail(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		var bodies []string
		for range 8 {
			bodies = append(bodies, body(t2, rapid.IntRange(1, 20_000).Draw(t2, "size")))
		}
		b := talkOf(bodies...)
		limit := rapid.IntRange(500, 24_000).Draw(t2, "maxBodyChars")
		for i, item := range must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0","order":"oldest_first"}`).items(t) {
			got := []rune(inside(t, item["body"]))
			for next, more := item["nextOffset"].(float64); more; next, more = item["nextOffset"].(float64) {
				args := fmt.Sprintf(`{"messageId":%q,"bodyOffset":%d,"maxBodyChars":%d}`, item["messageId"], int(next), limit)
				item = must(t, tools.Config{Mailbox: b}, "read_email", args).items(t)[0]
				got = append(got, []rune(inside(t, item["body"]))...)
			}
			// A mail that was cut to a line has spaces for its line ends.
			want := []rune(bodies[i])
			if len(got) == len(want) {
				for j := range min(100, len(want)) {
					if want[j] == '\n' {
						want[j], got[j] = ' ', ' '
					}
				}
			}
			if string(got) != string(want) {
				t2.Errorf("the parts of mail %d are %d characters, want the %d of the whole", i, len(got), len(want))
			}
		}
	})
}

// A quote of ">" lines goes as far as its lines stand in the thread, whatever
// programs did to them on the way.
func TestMarkedQuotesOfAThreadGoAsFarAsTheThreadHasThem(t *testing.T) {
	const first = "Dear Alex,\n\nthe folder is **empty** since Monday, see [the list](https://docs.example.com/list?…) and ![the plan](). " +
		"Could you check whether somebody has moved what was in it to the archive?\n\nYes or no will do.\n\nSamuel\n\n-- \nSamuel Hart | Example Ltd | +44 20 7946 0000"
	const second = "No.\n\nOn Sat, 21 Nov 2026 at 18:10, Samuel <samuel@example.com> wrote:\n\n"
	const intro = "Done.\n\nOn Sat, 21 Nov 2026 at 19:10, Alex wrote:\n"
	mark := func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") + "\n" }
	const wrapped = "Dear Alex,\n\nthe folder is *empty* since Monday, see the list\n<https://eur01.safelinks.protection.outlook.com/?url=x> and [image: the\nplan]. Could you check whether\n" +
		"somebody has moved what was\nin it to the archive?\n\nYes or no will do.\n\nSamuel\n\n--\nSamuel Hart | Example Ltd | +44 20 7946 0000"
	for _, test := range []struct {
		name, quote, want string // what is left of the quote
	}{
		{"as it was", mark(first), ""},
		{"wrapped, in plain text, with links rewritten", mark(wrapped), ""},
		{"with another quote inside", mark(second + mark(wrapped)), ""},
		{"cut short", mark("the folder is empty since Monday,"), ""},
		{"of another conversation", mark("The contract ends in May.\nYes.\nPay by Friday."), mark("The contract ends in May.\nYes.\nPay by Friday.")},
		{"with words put into it", mark("The contract ends in May.\n" + first), "> The contract ends in May.\n"},
		{"with one word changed", mark(strings.Replace(wrapped, "Monday", "Tuesday", 1)), "> Dear Alex,\n>\n> the folder is *empty* since Tuesday, see the list\n"},
		{"with a short answer that stands elsewhere", mark("Is it signed?\nYes"), mark("Is it signed?\nYes")},
		{"with a link to elsewhere", mark(first + "\nhttps://other.example/form"), mark(first + "\nhttps://other.example/form")},
		{"of what looks like a header", mark(first + "\nTo: pay by Friday"), mark(first + "\nTo: pay by Friday")},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.quote, test.want = strings.ReplaceAll(test.quote, "> \n", ">\n"), strings.ReplaceAll(test.want, "> \n", ">\n")
			b := talkOf(first, second+mark(first), intro+test.quote)
			a := must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0"}`)
			want := intro + test.want
			if test.want == "" {
				want = "Done.\n\n"
			}
			if got := inside(t, a.items(t)[0]["body"]); got != want {
				t.Errorf("body = %q, want %q", got, want)
			}
			if complete, _ := a.data()["complete"].(bool); !complete {
				t.Error("the thread is said not to be complete")
			}
		})
	}
}

func TestQuotesOfAThreadGoWhereTheThreadHasThem(t *testing.T) {
	const first = "Dear Alex,\n\nthe folder is **empty**. Could you check?\n\nSamuel"
	const header = "\n\n**From:** Samuel  \n**Sent:** Saturday, 21 November 2026 18:10  \n**To:** Alex  \n**Subject:** Plan\n\n"
	for _, test := range []struct {
		name, body, want string
	}{
		{"marked", "Done.\n\nOn Sat, 21 Nov 2026 at 18:10, Samuel wrote:\n> the folder is empty.\n", "Done.\n\n"},
		{"below header lines", "Done." + header + first, "Done.\n"},
		{"below header lines and a rule", "Done.\n\n________________________________\nVon: Samuel\nGesendet: Samstag\nAn: Alex\nBetreff: Plan\n\n" + first, "Done.\n"},
		{"below the line of another program", "Done.\n\n-----Original Message-----\nFrom: Samuel\nSent: Saturday\nTo: Alex\nSubject: Plan\n\n" + first, "Done.\n"},
		{"of a mail that the thread does not have", "Done." + header + "What was said in another place.", ""},
		{"with an answer inside", "See below." + header + strings.Replace(first, "Could", "It is full now.\n\nCould", 1), ""},
		{"of a forward", "FYI\n\n---------- Forwarded message ---------\nFrom: Samuel\nDate: Saturday\nSubject: Plan\nTo: Alex\n\n" + first, ""},
		{"nothing else", strings.TrimSpace(header) + "\n\n" + first, ""},
		{"no header, a list", "From: Hamburg\nTo: Lisbon\nSeats: two\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want == "" {
				test.want = test.body
			}
			b := talkOf(first, test.body)
			a := must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0"}`)
			item := a.items(t)[0]
			if got := inside(t, item["body"]); got != test.want {
				t.Errorf("body = %q, want %q", got, test.want)
			}
			omitted, _ := item["quotedCharsOmitted"].(float64)
			if want := utf8.RuneCountInString(test.body) - utf8.RuneCountInString(test.want); int(omitted) != want {
				t.Errorf("quotedCharsOmitted = %v, want %d", omitted, want)
			}
			a = must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0","quotes":"keep"}`)
			if got := inside(t, a.items(t)[0]["body"]); got != test.body {
				t.Errorf("kept body = %q, want %q", got, test.body)
			}
			// The oldest mail keeps what it quotes: nothing before it has it.
			b = talkOf(test.body, "newer")
			a = must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0"}`)
			if got := inside(t, a.items(t)[1]["body"]); got != test.body {
				t.Errorf("the oldest body = %q, want %q", got, test.body)
			}
		})
	}
}

func TestAMailOfATooLongThreadSaysThatItsTextWasNotLookedAt(t *testing.T) {
	b := talkOf("one", "two")
	b.thread.Messages[0].Body, b.thread.Messages[0].Source, b.thread.Messages[0].Skipped = "", "", true
	a := must(t, tools.Config{Mailbox: b}, "get_thread", `{"threadId":"t0"}`)
	if a.data()["complete"] != false || !strings.Contains(a.text, "m00 | 2026-11-01 09:00 +01:00 | INBOX | text not looked at | Anna") {
		t.Errorf("complete = %v, text:\n%s", a.data()["complete"], a.text)
	}
}

func TestRecipientsThatWouldFillAnAnswerAreCounted(t *testing.T) {
	b := &box{messages: map[string]mailbox.Message{}}
	var ids []string
	for i := range 10 {
		m := letter(fmt.Sprintf("a%d", i), strings.Repeat("word ", 2000))
		for j := range 300 {
			who := mailbox.Address{Name: strings.Repeat("n", 300), Email: fmt.Sprintf("r%d@%s.example", j, strings.Repeat("d", 300))}
			m.To, m.Cc, m.Bcc, m.ReplyTo = append(m.To, who), append(m.Cc, who), append(m.Bcc, who), append(m.ReplyTo, who)
			m.Labels = append(m.Labels, strings.Repeat("l", 200))
			m.Attachments = append(m.Attachments, mailbox.Attachment{PartID: fmt.Sprint(j), Name: strings.Repeat("f", 300), Type: "application/pdf", Size: 1})
		}
		m.Subject = strings.Repeat("s", 100_000)
		b.messages[m.ID] = m
		ids = append(ids, m.ID)
	}
	a := must(t, tools.Config{Mailbox: b}, "read_email", `{"messageIds":"`+strings.Join(ids, ",")+`"}`)
	if n := utf8.RuneCountInString(a.text); n > 32_000 {
		t.Errorf("the text has %d characters", n)
	}
	for _, item := range a.items(t) {
		if len(inside(t, item["body"])) < 200 || !strings.Contains(fmt.Sprint(item["warnings"]), "not listed") {
			t.Errorf("item = %.600v", item)
		}
	}
	one := must(t, tools.Config{Mailbox: b}, "read_email", `{"messageId":"a0"}`)
	if n := utf8.RuneCountInString(one.text); n > 45_000 || !strings.Contains(one.text, "275 more attachments of this mail are not listed.") {
		t.Errorf("the text of one has %d characters:\n%.3000s", n, one.text)
	}
}
