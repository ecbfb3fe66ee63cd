package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"linkmail/mailbox"
)

// errand is a mail on its way out, whichever tool wrote it.
type errand struct {
	mail mailbox.Outgoing
	// tool is the one that wrote it; derived says that other mail went into it.
	tool    string
	derived bool
	// token is that of an earlier answer; empty if there is none.
	token string
	// repeat: the same mail may go out again.
	repeat bool
}

// gate is what every mail passes on its way out.
type gate struct {
	cfg    Config
	ledger ledger
}

func gateOf(cfg Config) gate {
	return gate{cfg, ledger{store: cfg.Confirmations, now: cfg.now, cap: cfg.perDay()}}
}

// dispatch is the gate for one mail.
func dispatch(ctx context.Context, cfg Config, e errand) (*sendOut, error) {
	out, err := pass(ctx, cfg, e)
	if out != nil {
		out.tool, out.derived, out.draftsOnly = e.tool, e.derived, cfg.Send.mode == draftOnly
	}
	return out, err
}

func pass(ctx context.Context, cfg Config, e errand) (*sendOut, error) {
	if cfg.Send.mode == draftOnly {
		receipt, err := cfg.Mailbox.Draft(ctx, e.mail)
		return receiptAnswer(receipt, e.mail, err)
	}
	g := gateOf(cfg)
	if past := g.ledger.look(ctx, e.mail); past != nil && !e.repeat {
		return g.duplicate(ctx, past, e.mail), nil
	}
	bare := bareAddresses(e.mail)
	strangers, err := cfg.exposure.strangers(ctx, cfg.Mailbox, cfg.Send, bare)
	if err != nil {
		return nil, err
	}
	if cfg.Send.unasked(bare) && len(strangers) == 0 {
		return g.send(ctx, e)
	}
	return g.confirm(ctx, e, strangers)
}

// send sends a mail that nothing stands in the way of any more.
func (g gate) send(ctx context.Context, e errand) (*sendOut, error) {
	mine, other, err := g.ledger.enter(ctx, e.mail, e.repeat)
	switch {
	case err != nil:
		return nil, err
	case other != nil:
		return g.duplicate(ctx, other, e.mail), nil
	}
	receipt, err := g.cfg.Mailbox.Send(ctx, e.mail)
	// The caller may be gone by now; what is known of the mail is not to go
	// with it.
	settled, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if failure := g.ledger.settle(settled, mine, receipt, err != nil); failure != nil && err == nil {
		// It was sent all the same, and that is what the answer has to say.
		receipt.Note = strings.TrimSpace(receipt.Note + " It could not be noted, so a repetition would not be noticed.")
	}
	return receiptAnswer(receipt, e.mail, err)
}

// confirm sends a mail that the user agrees to: by a token that comes with it,
// or by the answer to a question where the client can ask one. Otherwise it
// answers with the question and a token. Nobody is asked about a mail that
// cannot go out.
func (g gate) confirm(ctx context.Context, e errand, strangers []string) (*sendOut, error) {
	store := g.cfg.Confirmations
	if store == nil {
		return nil, &storeError{errNoStore}
	}
	checked, err := g.cfg.Mailbox.Check(ctx, e.mail)
	if err != nil {
		return nil, err
	}
	// The user agrees to the sender that was settled on, too, and to where its
	// answers go: a token is worth nothing for the same words from another account.
	agreed := e.mail
	agreed.From, agreed.ReplyTo = address(checked.From), addresses(checked.ReplyTo, len(checked.ReplyTo))
	why := confirmed
	if token := strings.TrimSpace(e.token); token != "" {
		c, v, err := redeem(ctx, store, token, agreed, g.cfg.now())
		if err != nil {
			return nil, err
		}
		if v == confirmed {
			out, err := g.send(ctx, e)
			if err != nil && ctx.Err() == nil {
				if failure := restore(ctx, store, c, g.cfg.now()); failure != nil {
					err = errors.Join(err, failure)
				}
			}
			return out, err
		}
		why = v
	}
	out := answerOf(checked, e.mail)
	out.Outcome = mailbox.NotSent
	out.show(e.mail, strangers)
	if question := out.question(); g.cfg.Ask != nil && why == confirmed && question != "" {
		yes, asked, err := g.cfg.Ask(ctx, question)
		switch {
		case err != nil:
			return nil, err
		case asked && yes:
			return g.send(ctx, e)
		case asked:
			out.Preview, out.Note = "", "The user was asked and did not agree. Do not ask again unless they say so."
			return out, nil
		}
	}
	token, ends, err := issue(ctx, store, agreed, g.cfg.now())
	if err != nil {
		return nil, err
	}
	out.ConfirmationToken, out.ExpiresAt, out.Note = token, ends.UTC().Format(time.RFC3339), string(why)
	return out, nil
}

// show puts what a user has to see of a mail into the answer.
func (o *sendOut) show(mail mailbox.Outgoing, strangers []string) {
	p := previewOf(mail)
	o.HiddenChars, o.InvisibleChars, o.TextPartDiffers = p.HiddenChars, p.InvisibleChars, p.TextPartDiffers
	var b strings.Builder
	if len(strangers) > 0 {
		fmt.Fprintf(&b, "[Warning: the account has never written to %s; the address stood in a mail that was read or answered here]\n",
			strings.Join(strangers, ", "))
	}
	for _, w := range doubts(mail.Source) {
		fmt.Fprintf(&b, "[Warning about the mail that this one answers or passes on: %s]\n", strings.TrimSuffix(w, "."))
	}
	o.Preview = b.String() + p.Text
}

const (
	// dialogChars bounds what a dialog shows, in characters: some clients break
	// on more than 4096.
	dialogChars = 4000
	// questionChars bounds what it shows of a mail's text.
	questionChars = 2500
)

// question is what a client asks its user; nothing for a mail whose recipients
// alone are too many for a dialog, because none of them may be left out.
func (o *sendOut) question() string {
	var b strings.Builder
	b.WriteString("Send this mail?\n\n")
	o.writeHeader(&b)
	for _, a := range o.Attachments {
		fmt.Fprintf(&b, "Attachment: %s (%s, %d bytes)\n", a.Name, a.Type, a.Size)
	}
	const least = 500
	left := dialogChars - utf8.RuneCountInString(b.String())
	if left < least {
		return ""
	}
	b.WriteString("\n" + ends(o.Preview, min(left-100, questionChars))) // 100 for what ends says
	return b.String()
}

// gone answers for a draft that is not there because it was sent just now; nil
// if err says something else.
func (g gate) gone(ctx context.Context, draftID string, err error) *sendOut {
	if e, ok := errors.AsType[*mailbox.Error](err); !ok || e.Code != "draft_not_found" {
		return nil
	}
	past := g.ledger.sentDraft(ctx, draftID)
	if past == nil {
		return nil
	}
	out := answerOf(mailbox.Receipt{Outcome: duplicate, ID: past.ID, ThreadID: past.Thread, DraftID: draftID}, mailbox.Outgoing{})
	out.Note = g.ago(past, "The draft")
	return out
}

// duplicate tells what became of the same mail before.
func (g gate) duplicate(ctx context.Context, past *entered, mail mailbox.Outgoing) *sendOut {
	// What cannot be checked any more is shown as it was given.
	as, _ := g.cfg.Mailbox.Check(ctx, mail)
	as.Outcome, as.ID, as.ThreadID = duplicate, past.ID, past.Thread
	out := answerOf(as, mail)
	out.Note = g.ago(past, "The same mail") + " allowDuplicate:true sends it again."
	return out
}

// ago says when and how a mail went out before.
func (g gate) ago(past *entered, what string) string {
	ago := "a moment ago"
	if m := int(g.cfg.now().Sub(past.at()).Minutes()); m > 0 {
		ago = plural(m, "minute") + " ago"
	}
	switch past.State {
	case mailbox.Sent:
		return what + " was sent " + ago + "."
	case mailbox.Unknown:
		return what + " was handed over " + ago + ", and it is unknown whether it was sent: the user has to look in Sent."
	default:
		return what + " was handed over " + ago + ", by a call that has not ended yet or was broken off: look in Sent."
	}
}
