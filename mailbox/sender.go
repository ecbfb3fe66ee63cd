package mailbox

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"slices"
	"strings"

	gmail "google.golang.org/api/gmail/v1"
)

// sender is an address that the account may send from.
type sender struct {
	Address
	// primary is the account's own address, preferred the one that the user
	// writes from if they do not choose.
	primary, preferred bool
	// signature is what the user writes below mails from it, as HTML.
	signature string
	// replyTo is where the user wants answers to mails from it; empty for the
	// address itself.
	replyTo string
}

// senders returns the addresses that the account may send from: its own and
// those whose owner confirmed them.
func (c *Client) senders(ctx context.Context, b budget) ([]sender, error) {
	if known, ok := c.identity.recall(c.now()); ok {
		return known, nil
	}
	var found []sender
	err := c.read(ctx, b, "list the sender addresses", unitsSendAs, func(ctx context.Context) error {
		list, err := c.service.Users.Settings.SendAs.List(me).Context(ctx).Do()
		if err != nil {
			return err
		}
		found = found[:0]
		for _, s := range list.SendAs {
			if usable(s) {
				found = append(found, sender{
					Address: Address{Name: s.DisplayName, Email: s.SendAsEmail}, primary: s.IsPrimary, preferred: s.IsDefault,
					signature: s.Signature, replyTo: s.ReplyToAddress,
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, c.host.exists(err)
	}
	c.identity.store(found, c.now())
	return found, nil
}

// answers is where answers to mails from it go, in the form of
// [Outgoing.ReplyTo]. A setting that is no address is as good as none.
func (s sender) answers() []string {
	email, why := checkEmail(s.replyTo)
	if why != "" || strings.EqualFold(email, s.Email) {
		return nil
	}
	return []string{formatAddress(Address{Email: email})}
}

func usable(s *gmail.SendAs) bool {
	return s != nil && s.SendAsEmail != "" && (s.IsPrimary || s.VerificationStatus == "accepted")
}

// parseFrom reads the sender that was asked for; nil stands for the account.
func parseFrom(wanted string) (*mail.Address, error) {
	if strings.TrimSpace(wanted) == "" {
		return nil, nil // not to name a sender is no fault
	}
	a, err := mail.ParseAddress(wanted)
	if err != nil {
		return nil, &Error{
			Code: "invalid_from", Message: "the sender is not an e-mail address",
			Hint: "Write it as name@example.com or Name <name@example.com>, or leave it out.",
		}
	}
	return a, nil
}

// from settles the sender of a mail. Gmail would silently replace one that the
// account may not use, so such a one is refused.
func (c *Client) from(ctx context.Context, b budget, want *mail.Address) (sender, error) {
	known, err := c.senders(ctx, b)
	if want == nil {
		return c.ownAddress(ctx, known, err)
	}
	if err != nil {
		return sender{}, err
	}
	allowed := make([]string, 0, len(known))
	for _, s := range known {
		if strings.EqualFold(s.Email, want.Address) {
			if want.Name != "" {
				s.Name = want.Name
			}
			return s, nil
		}
		address, _ := cleanLine(s.Email)
		allowed = append(allowed, address)
	}
	return sender{}, &Error{
		Code: "from_not_allowed", Message: "the account may not send from this address",
		Hint: "It may send from: " + strings.Join(allowed, ", ") + ".",
	}
}

// ownAddress is the address that the user has set to write from, or else the
// account's primary one. Where the list of senders is
// out of reach, for want of a scope or in servers that have none, the address
// of the account does as well.
func (c *Client) ownAddress(ctx context.Context, known []sender, err error) (sender, error) {
	for _, first := range [...]func(sender) bool{func(s sender) bool { return s.preferred }, func(s sender) bool { return s.primary }} {
		if i := slices.IndexFunc(known, first); i >= 0 {
			return known[i], nil
		}
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return sender{}, err
	}
	if e != nil && e.Code != codeMissingScope && e.Status != http.StatusNotFound && e.Code != codeForbidden {
		return sender{}, err
	}
	own, accountErr := c.Account(ctx)
	switch {
	case accountErr == nil:
		return sender{Address: Address{Email: own}, primary: true}, nil
	case err != nil:
		return sender{}, err
	}
	return sender{}, accountErr
}
