package mailbox

import (
	"context"
	"errors"
	"strings"
)

// Profile is what Gmail says about the account.
type Profile struct {
	Email string
	// Identities are the addresses that are set up for sending.
	Identities []Identity
	// IdentitiesError is the code of the error for which there are none;
	// empty if they were read.
	IdentitiesError string
}

// Identity is an address that is set up for sending.
type Identity struct {
	Address
	// Default is what Gmail takes when none is named.
	Default bool
	// Usable: it is the account's own, or its owner has confirmed it.
	Usable bool
	// Signature: Gmail has one for it.
	Signature bool
}

// Profile asks Gmail about the account. An error means that the mailbox cannot
// be used at present; what lacks a permission of its own is left out and named.
func (c *Client) Profile(ctx context.Context) (Profile, error) {
	if err := c.Warm(ctx); err != nil {
		return Profile{}, err
	}
	p := Profile{Email: c.account.last()}
	err := c.read(ctx, newBudget(), "list the sender addresses", unitsSendAs, func(ctx context.Context) error {
		list, err := c.service.Users.Settings.SendAs.List(me).Context(ctx).Do()
		if err != nil {
			return err
		}
		p.Identities = nil
		for _, s := range list.SendAs {
			if s == nil || s.SendAsEmail == "" {
				continue
			}
			one := Identity{Default: s.IsDefault, Usable: usable(s), Signature: strings.TrimSpace(s.Signature) != ""}
			one.Name, _ = cleanLine(s.DisplayName)
			one.Email, _ = cleanLine(s.SendAsEmail)
			p.Identities = append(p.Identities, one)
		}
		return nil
	})
	if e, ok := errors.AsType[*Error](err); ok {
		p.IdentitiesError = e.Code
		return p, nil
	}
	return p, err
}
