package mailbox

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"time"
)

func convertHTML(src string, _ Format) (body string, hidden int, err error) {
	body, hidden = cleanText(src)
	return body, hidden, nil
}

func compose(o Outgoing, from Address, now time.Time, sendID string) (raw []byte, to, cc, bcc []Address, err error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\n", from.Email)
	for _, f := range []struct {
		name string
		in   []string
		out  *[]Address
	}{{"To", o.To, &to}, {"Cc", o.Cc, &cc}, {"Bcc", o.Bcc, &bcc}} {
		for _, s := range f.in {
			a, err := mail.ParseAddress(s)
			if err != nil {
				return nil, nil, nil, nil, &Error{Code: "invalid_recipient", Message: "not an address", Err: err}
			}
			*f.out = append(*f.out, Address{Name: a.Name, Email: a.Address})
		}
		if len(f.in) > 0 {
			fmt.Fprintf(&b, "%s: %s\r\n", f.name, strings.Join(f.in, ", "))
		}
	}
	fmt.Fprintf(&b, "Subject: %s\r\nDate: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n%s: %s\r\n\r\n%s",
		mime.QEncoding.Encode("utf-8", o.Subject), now.Format(time.RFC1123Z), sendIDHeader, sendID, o.Text)
	return b.Bytes(), to, cc, bcc, nil
}
