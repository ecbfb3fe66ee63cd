package tools

import (
	"context"
	"errors"
	"strings"
	"time"

	"linkmail/mailbox"
)

// dispatch is the gate that every mail passes on its way out, whichever tool
// wrote it. bare are the addresses of all of its recipients.
func dispatch(ctx context.Context, cfg Config, mail mailbox.Outgoing, bare []string, token string) (*sendOut, error) {
	if cfg.Send.mode == draftOnly {
		receipt, err := cfg.Mailbox.Draft(ctx, mail)
		return receiptAnswer(receipt, mail, err)
	}
	if cfg.Send.unasked(bare) {
		receipt, err := cfg.Mailbox.Send(ctx, mail)
		return receiptAnswer(receipt, mail, err)
	}
	return confirmAndSend(ctx, cfg, mail, token)
}

// confirmAndSend sends a mail that comes with a good token, and asks otherwise.
// Nobody is asked about a mail that cannot go out.
func confirmAndSend(ctx context.Context, cfg Config, mail mailbox.Outgoing, token string) (*sendOut, error) {
	if cfg.Confirmations == nil {
		return nil, &storeError{errNoStore}
	}
	checked, err := cfg.Mailbox.Check(ctx, mail)
	if err != nil {
		return nil, err
	}
	// The user agrees to the sender that was settled on, too: a token is worth
	// nothing for the same words from another account.
	agreed := mail
	agreed.From = address(checked.From)
	why := confirmed
	if token = strings.TrimSpace(token); token != "" {
		c, v, err := redeem(ctx, cfg.Confirmations, token, agreed, cfg.now())
		if err != nil {
			return nil, err
		}
		if v == confirmed {
			receipt, err := cfg.Mailbox.Send(ctx, mail)
			if err != nil && ctx.Err() == nil {
				if failure := restore(ctx, cfg.Confirmations, c, cfg.now()); failure != nil {
					err = errors.Join(err, failure)
				}
			}
			return receiptAnswer(receipt, mail, err)
		}
		why = v
	}
	token, ends, err := issue(ctx, cfg.Confirmations, agreed, cfg.now())
	if err != nil {
		return nil, err
	}
	out := previewed(checked, mail)
	out.Outcome = mailbox.NotSent
	out.ConfirmationToken, out.ExpiresAt = token, ends.UTC().Format(time.RFC3339)
	out.Note = string(why)
	return out, nil
}
