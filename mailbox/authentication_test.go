package mailbox_test

import (
	"strings"
	"testing"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// Trace fields as Gmail's servers write them above a mail that arrives.
const (
	hopInside  = "Received: by 2002:a05:6402:3489:b0:5c8:93a2:11f0 with SMTP id v9; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
	hopGmail   = "Received: from mail.example.com (mail.example.com. [203.0.113.7])\r\n        by mx.google.com with ESMTPS id x1\r\n        for <alex.rivera@example.com>; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
	hopForeign = "Received: from laptop by mail.example.com with ESMTP; Tue, 24 Nov 2026 09:59:00 +0000\r\n"
	arcPass    = "ARC-Authentication-Results: i=1; mx.google.com; dkim=pass; spf=pass; dmarc=pass\r\n"
	allPass    = "Authentication-Results: mx.google.com; dkim=pass header.i=@example.com; spf=pass smtp.mailfrom=a@example.com; dmarc=pass header.from=example.com\r\n"
	allFail    = "Authentication-Results: mx.google.com;\r\n       dkim=fail header.i=@example.com;\r\n       spf=softfail smtp.mailfrom=a@example.com;\r\n       dmarc=fail (p=NONE) header.from=example.com\r\n"
	written    = "From: Anna <a@example.com>\r\nTo: alex.rivera@example.com\r\nSubject: s\r\n"
)

func TestOnlyGmailsOwnVerdictOnASenderIsBelieved(t *testing.T) {
	pass := mailbox.Authentication{SPF: "pass", DKIM: "pass", DMARC: "pass"}
	fail := mailbox.Authentication{SPF: "softfail", DKIM: "fail", DMARC: "fail"}
	none := mailbox.Authentication{}
	for _, test := range []struct {
		name, header string
		want         mailbox.Authentication
	}{
		{"Gmail's", hopInside + hopGmail + allPass + written, pass},
		{"Gmail's, without a mark of the way", allFail + written, fail},
		{"Gmail's above a forged one", hopGmail + allFail + allPass + written, fail},
		{"Gmail's above one that the sender put into the mail", hopGmail + allFail + written + allPass, fail},
		{"a forged one alone, among what the sender wrote", hopGmail + written + allPass, none},
		{"a forged one above what the sender wrote, behind the mark of a foreign server", hopForeign + allPass + written, none},
		{"a forged one behind Gmail's mark and a foreign one", hopGmail + hopForeign + allPass + written, none},
		// Whoever puts a mail into the mailbox writes all of it, whatever the order.
		{"one among the fields of a mail that no server has passed on", written + allPass, pass},
		{"the first of two of a mail that no server has passed on", written + allFail + allPass, fail},
		{"one of another server in a mail that no server has passed on", written + strings.Replace(allPass, "mx.google.com", "mx.evil.example", 1), none},
		{"a forged one above the mark of a server, below what the sender wrote", written + allPass + hopForeign, none},
		{"a forged one below what the sender wrote, behind a mark inside of Gmail", hopInside + written + allPass, none},
		{"one of another server", hopGmail + strings.Replace(allPass, "mx.google.com", "mx.evil.example", 1) + written, none},
		{"one of a server that is called almost like Gmail's", strings.Replace(allPass, "mx.google.com", "mx.google.com.evil.example", 1) + written, none},
		{"Gmail's below one of another server", hopGmail + strings.Replace(allPass, "mx.google.com", "mx.evil.example", 1) + allFail + written, fail},
		{"ARC's alone", hopInside + arcPass + hopGmail + written, none},
		{"none", hopInside + hopGmail + written, none},
		{"with the name in capitals and versions", "Authentication-Results: MX.Google.com 1; DKIM/1 = Pass; spf=PASS\r\n" + written, mailbox.Authentication{SPF: "pass", DKIM: "pass"}},
		{"with a word that is no result", "Authentication-Results: mx.google.com; dkim=yes; spf=pass\r\n" + written, mailbox.Authentication{SPF: "pass"}},
		{"with two signatures, one of them good", "Authentication-Results: mx.google.com; dkim=fail header.i=@a.example; dkim=pass header.i=@example.com\r\n" + written, mailbox.Authentication{DKIM: "pass"}},
		{"with a result in a comment", "Authentication-Results: mx.google.com; spf=fail (x; dmarc=pass); dmarc=fail\r\n" + written, mailbox.Authentication{SPF: "fail", DMARC: "fail"}},
		{"with a result in an address", "Authentication-Results: mx.google.com; spf=fail smtp.mailfrom=\"a; dmarc=pass\"@evil.example; dmarc=fail\r\n" + written, mailbox.Authentication{SPF: "fail", DMARC: "fail"}},
		{"with an address that closes its comment", "Authentication-Results: mx.google.com; spf=fail (domain of \"a) ; dmarc=pass (\"@evil.example designates x) smtp.mailfrom=x\r\n" + written, mailbox.Authentication{SPF: "fail"}},
		{"with a second result of one method", "Authentication-Results: mx.google.com; dmarc=pass; dmarc=fail; spf=fail; spf=pass\r\n" + written, mailbox.Authentication{SPF: "fail", DMARC: "fail"}},
		{"with a comment that does not end", "Authentication-Results: mx.google.com; spf=fail (x; dmarc=pass\r\n" + written, mailbox.Authentication{SPF: "fail"}},
		{"empty", "Authentication-Results:\r\n" + written, none},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, standin.Config{})
			m := r.read(t, r.deliver(test.header+"\r\nHello\r\n"), mailbox.Text)
			if m.Authentication != test.want {
				t.Errorf("got %+v, want %+v", m.Authentication, test.want)
			}
		})
	}
}

func FuzzAuthenticationResults(f *testing.F) {
	f.Add("mx.google.com; dkim=pass header.i=@x.org; spf=fail (a (b) \"c)\"); dmarc=none")
	f.Add("mx.google.com; spf=fail (x; dmarc=pass")
	f.Add("\"mx.google.com\"; ;=;spf=;=pass;dkim/1=pass")
	f.Fuzz(func(t *testing.T, value string) {
		_, plain := mailbox.AuthenticationResults(value)
		// What a sender can choose stands in quotes or comments, and says nothing.
		for _, hidden := range []string{`(; dmarc=pass)`, `"; dmarc=pass"`} {
			server, a := mailbox.AuthenticationResults("mx.google.com; " + hidden + " x=y")
			if server != "mx.google.com" || a != (mailbox.Authentication{}) {
				t.Errorf("%q counts: %q, %+v", hidden, server, a)
			}
		}
		for _, result := range []string{plain.SPF, plain.DKIM, plain.DMARC} {
			if strings.ContainsFunc(result, func(r rune) bool { return r < 'a' || r > 'z' }) {
				t.Errorf("got %q, which is no result", result)
			}
		}
	})
}
