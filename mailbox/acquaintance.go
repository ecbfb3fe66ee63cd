package mailbox

import (
	"context"
	"strings"
)

// Knows reports whether an address is one of the account's own, or one that it
// has written to before. It is what tells a recipient whom the user knows from
// one whom only a mail has named. It costs two lists at most.
func (c *Client) Knows(ctx context.Context, address string) (bool, error) {
	a, err := checkRecipient("address", address)
	if err != nil {
		return false, err
	}
	b := newBudget()
	own, err := c.senders(ctx, b)
	if err != nil {
		return false, err
	}
	for _, s := range own {
		if strings.EqualFold(s.Email, a.Email) {
			return true, nil
		}
	}
	// An address with a quote in it cannot be searched for, and is nobody's.
	if strings.ContainsAny(a.Email, "\"{}()\\ ") {
		return false, nil
	}
	term := `"` + a.Email + `"`
	known := false
	for _, query := range []string{"in:sent to:" + term, "in:sent {cc:" + term + " bcc:" + term + "}"} {
		err = c.read(ctx, b, "look for earlier mail to the recipient", unitsList, func(ctx context.Context) error {
			list, err := c.listCall(Query{}, query, "messages(id)").MaxResults(1).Context(ctx).Do()
			if err != nil {
				return err
			}
			known = len(idsOf(list.Messages)) > 0
			return nil
		})
		if err != nil || known {
			break
		}
	}
	return known, c.host.exists(err)
}
