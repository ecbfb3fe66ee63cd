package mailbox

import (
	"context"
	"slices"
)

// WithSignature returns the mail with the signature that the user keeps in
// Gmail for the address it is from. The mail stays as it is if there is none,
// and if its body ends with it already. Where the signatures are out of reach,
// for want of a scope or in servers that have none, there is none.
func (c *Client) WithSignature(ctx context.Context, o Outgoing) (Outgoing, error) {
	want, err := parseFrom(o.From)
	if err != nil {
		return o, err
	}
	from, err := c.from(ctx, newBudget(), want)
	if err != nil {
		return o, err
	}
	o.Signature = signatureOf(from.signature)
	if text, _ := o.withoutSignature(); endsWith(text, plainAlternative(from.signature)) {
		o.Signature = Passage{}
	}
	return o, nil
}

func (o Outgoing) withoutSignature() (text, html string) {
	o.Signature, o.Quoted = Passage{}, Passage{}
	return o.Bodies()
}

// signatureOf sets a signature apart from the text, in the way by which mail
// programs know one.
func signatureOf(html string) Passage {
	text := plainAlternative(html)
	if text == "" {
		return Passage{}
	}
	return Passage{
		Text: "-- \n" + text,
		HTML: `<br><span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">` + html + "</div>\n",
	}
}

// endsWith reports whether the last words of text are those of end.
func endsWith(text, end string) bool {
	words, last := wordsOf(text), wordsOf(end)
	return len(words) >= len(last) && slices.Equal(words[len(words)-len(last):], last)
}
