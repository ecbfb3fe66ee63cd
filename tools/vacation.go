package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// VacationEditor is what vacation_responder needs of the mailbox.
type VacationEditor interface {
	Vacation(ctx context.Context) (mailbox.Vacation, error)
	SetVacation(ctx context.Context, v mailbox.Vacation) (mailbox.Vacation, error)
	StopVacation(ctx context.Context) (mailbox.Vacation, error)
}

type vacationIn struct {
	Action            string `json:"action" enum:"get,set,off" default:"\"get\""`
	Subject           string `json:"subject" doc:"Goes before the subject of the answered mail"`
	Body              string `json:"body" doc:"Plain text"`
	Start             string `json:"start" doc:"Date or RFC 3339; default: at once"`
	End               string `json:"end" doc:"Date or RFC 3339, exclusive; default: never"`
	TimeZone          string `json:"timeZone" doc:"IANA zone of dates"`
	Audience          string `json:"audience" enum:"everyone,contacts,organisation,organisation_contacts" default:"\"everyone\""`
	ConfirmationToken string `json:"confirmationToken" doc:"From the previous answer, after the user agreed"`
}

type vacationOut struct {
	Outcome string `json:"outcome" enum:"read,set,off,not_set"`
	vacationState
	// Before is the state that was, or would be, replaced.
	Before            *vacationState `json:"before,omitempty"`
	ConfirmationToken string         `json:"confirmationToken,omitempty"`
	ExpiresAt         string         `json:"expiresAt,omitempty"`
	Note              string         `json:"note,omitempty"`
}

type vacationState struct {
	Enabled  bool   `json:"enabled"`
	Subject  string `json:"subject,omitempty"`
	Body     string `json:"body,omitempty"`
	Start    string `json:"start,omitempty"`
	End      string `json:"end,omitempty"`
	Audience string `json:"audience"`
}

// vacationConfirm is said where the user has to agree before it is switched on.
const vacationConfirm = " Switching it on takes two steps: show the user what the first call answers, and repeat it with the confirmationToken when they agree."

func vacationResponder(cfg Config) mcpserver.ServerTool {
	d := definition{
		name:        "vacation_responder",
		title:       "Read or set the vacation responder",
		description: "Reads the automatic answer to all mail that arrives, sets it, or switches it off. Changing it needs the scope gmail.settings.basic.",
		effect:      effect{destructive: true, idempotent: true, openWorld: true},
	}
	if cfg.Send.mode == confirmFirst {
		d.description += vacationConfirm
	}
	return define(cfg, d, func(ctx context.Context, in vacationIn) (*vacationOut, error) {
		zone, err := zoneOf(cfg, in.TimeZone)
		if err != nil {
			return nil, err
		}
		if in.Action == "set" {
			return setVacation(ctx, cfg, in, zone)
		}
		before, err := cfg.Mailbox.Vacation(ctx)
		if err != nil {
			return nil, err
		}
		if in.Action == "get" {
			return &vacationOut{Outcome: "read", vacationState: stateOf(before, zone)}, nil
		}
		now, err := cfg.Mailbox.StopVacation(ctx)
		if err != nil {
			return nil, err
		}
		return &vacationOut{Outcome: "off", vacationState: stateOf(now, zone)}, nil
	})
}

// setVacation switches the responder on. It answers strangers with words that
// were given here, so it passes the same gate as a mail does.
func setVacation(ctx context.Context, cfg Config, in vacationIn, zone *time.Location) (*vacationOut, error) {
	if cfg.Send.mode == draftOnly {
		return nil, &ArgumentError{
			Argument: "action", Code: "sending_refused",
			Message: "the vacation responder sends mail, and LINKMAIL_SEND=draft lets nothing be sent",
			Hint:    "Tell the user to switch it on in Gmail's own settings.",
		}
	}
	v, err := vacationOf(in, zone, cfg.now())
	if err != nil {
		return nil, err
	}
	before, err := cfg.Mailbox.Vacation(ctx)
	if err != nil {
		return nil, err
	}
	out := &vacationOut{Outcome: "not_set", vacationState: stateOf(v, zone)}
	state := stateOf(before, zone)
	out.Before = &state
	// Nobody knows who the recipients will be; whoever wrote the mail that was
	// read, and may have asked for this, can be one.
	if !cfg.Send.unasked(nil) || cfg.exposure.hasRead(ctx) {
		c, agreed, err := out.confirm(ctx, cfg, in.ConfirmationToken)
		if err != nil || !agreed {
			return out, err
		}
		now, err := cfg.Mailbox.SetVacation(ctx, v)
		if err != nil && ctx.Err() == nil {
			_ = restore(ctx, cfg.Confirmations, c, cfg.now()) // the user can be asked again
		}
		return out.set(now, zone, before.WasHTML, err)
	}
	now, err := cfg.Mailbox.SetVacation(ctx, v)
	return out.set(now, zone, before.WasHTML, err)
}

// confirm reports whether the user has agreed to this very state, and asks for
// it otherwise.
func (o *vacationOut) confirm(ctx context.Context, cfg Config, token string) (c confirmation, agreed bool, err error) {
	if cfg.Confirmations == nil {
		return c, false, &storeError{errNoStore}
	}
	// No address looks like these, so no confirmation of a mail is one of this.
	words := mailbox.Outgoing{
		To:      []string{"vacation responder", o.Audience, o.Start, o.End},
		Subject: o.Subject, Text: o.Body,
	}
	if token = strings.TrimSpace(token); token != "" {
		c, v, err := redeem(ctx, cfg.Confirmations, token, words, cfg.now())
		if err != nil || v == confirmed {
			return c, err == nil, err
		}
		o.Note = "The confirmationToken was not accepted: it is unknown, used, expired or for another text."
	}
	token, ends, err := issue(ctx, cfg.Confirmations, words, cfg.now())
	if err != nil {
		return c, false, err
	}
	o.ConfirmationToken, o.ExpiresAt = token, ends.UTC().Format(time.RFC3339)
	return c, false, nil
}

// set completes the answer after the state was set.
func (o *vacationOut) set(now mailbox.Vacation, zone *time.Location, wasHTML bool, err error) (*vacationOut, error) {
	if err != nil {
		return nil, err
	}
	o.Outcome, o.vacationState = "set", stateOf(now, zone)
	if wasHTML {
		o.Note = "The text before had HTML formatting, which setting it back from here would not restore."
	}
	return o, nil
}

// vacationOf reads the state that is asked for.
func vacationOf(in vacationIn, zone *time.Location, now time.Time) (v mailbox.Vacation, err error) {
	v = mailbox.Vacation{Enabled: true, Subject: strings.TrimSpace(in.Subject), Body: in.Body, Audience: mailbox.Audience(in.Audience)}
	if v.Subject == "" && strings.TrimSpace(v.Body) == "" {
		return v, invalid("body", "Give subject, body or both.", "the automatic answer says nothing")
	}
	if err := checkLine("subject", v.Subject); err != nil {
		return v, err
	}
	if n := mailbox.Invisible(v.Body); n > 0 {
		return v, invalid("body", "Write it without them.", "body contains %s without a glyph", plural(n, "character"))
	}
	if v.Start, err = moment("start", in.Start, zone, now); err != nil {
		return v, err
	}
	if v.End, err = moment("end", in.End, zone, now); err != nil {
		return v, err
	}
	if !v.End.IsZero() && !v.Start.Before(v.End) {
		return v, invalid("end", "It is exclusive: give the first day on which nothing is answered any more.", "end must be later than start")
	}
	return v, nil
}

func stateOf(v mailbox.Vacation, zone *time.Location) vacationState {
	s := vacationState{Enabled: v.Enabled, Subject: line(v.Subject), Body: v.Body, Audience: string(v.Audience)}
	if !v.Start.IsZero() {
		s.Start = v.Start.In(zone).Format(time.RFC3339)
	}
	if !v.End.IsZero() {
		s.End = v.End.In(zone).Format(time.RFC3339)
	}
	return s
}

func (o *vacationOut) summary() summary {
	if o.ConfirmationToken != "" {
		return summary{status: ConfirmationRequired}
	}
	return summary{status: OK}
}

// render has nothing to fence: the texts are the user's own.
func (o *vacationOut) render(fence, string) string {
	var b strings.Builder
	if o.Note != "" {
		b.WriteString(o.Note + "\n")
	}
	switch {
	case o.ConfirmationToken != "":
		b.WriteString("Nothing was changed. Show the user this automatic answer and ask whether to switch it on:\n")
	case o.Outcome == "set":
		b.WriteString("The vacation responder was set:\n")
	case o.Outcome == "off":
		b.WriteString("The vacation responder was switched off; its text is kept:\n")
	}
	b.WriteString(o.text())
	if o.Before != nil {
		b.WriteString("\nBefore, it was this:\n" + o.Before.text())
	}
	if o.ConfirmationToken != "" {
		fmt.Fprintf(&b, "\nOnly after the user agreed, call vacation_responder again with exactly the same arguments and confirmationToken %q "+
			"(for one use, until %s). Any change needs a new confirmation.", o.ConfirmationToken, o.ExpiresAt)
	}
	return strings.TrimSpace(b.String())
}

func (s vacationState) text() string {
	var b strings.Builder
	word := "Off"
	if s.Enabled {
		word = "On"
	}
	fmt.Fprintf(&b, "%s, for %s%s%s.\n", word, s.Audience, prefixed(", from ", s.Start), prefixed(", until ", s.End))
	b.WriteString(prefixed("Subject: ", s.Subject))
	if s.Subject != "" {
		b.WriteByte('\n')
	}
	b.WriteString(s.Body)
	return strings.TrimSpace(b.String()) + "\n"
}
