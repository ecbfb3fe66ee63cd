package mailbox

import (
	"context"
	"time"

	gmail "google.golang.org/api/gmail/v1"
)

// Audience is who gets the answer of the vacation responder.
type Audience string

// The audiences. Those of an organisation exist in Google Workspace only.
const (
	Everyone            Audience = "everyone"
	Contacts            Audience = "contacts"
	Organisation        Audience = "organisation"
	OrganisationContact Audience = "organisation_contacts"
)

// Vacation is the state of the vacation responder, which answers mails by
// itself.
type Vacation struct {
	Enabled bool
	// Subject goes before the subject of the answered mail.
	Subject string
	// Body is plain text. One that is HTML in Gmail is converted to Markdown
	// when it is read.
	Body string
	// WasHTML: the body is HTML in Gmail. What is written is always plain text.
	WasHTML bool
	// Start and End bound when it answers; zero means open.
	Start, End time.Time
	Audience   Audience
}

// Vacation returns the state of the vacation responder.
func (c *Client) Vacation(ctx context.Context) (Vacation, error) {
	var state Vacation
	err := c.read(ctx, newBudget(), "read the vacation responder", unitsSettings, func(ctx context.Context) error {
		v, err := c.service.Users.Settings.GetVacation(me).Context(ctx).Do()
		if err != nil {
			return err
		}
		state = vacationOf(v)
		return nil
	})
	return state, c.host.exists(err)
}

// SetVacation replaces the state of the vacation responder, and returns it as
// Gmail keeps it. It needs the scope gmail.settings.basic.
func (c *Client) SetVacation(ctx context.Context, v Vacation) (Vacation, error) {
	switch {
	case v.Enabled && v.Subject == "" && v.Body == "":
		return Vacation{}, invalid("the vacation responder has neither a subject nor a body", "Give at least one of the two.")
	case !v.Start.IsZero() && !v.End.IsZero() && !v.Start.Before(v.End):
		return Vacation{}, invalid("the vacation does not end after it has begun", "Correct its start or its end.")
	}
	form := &gmail.VacationSettings{
		EnableAutoReply: v.Enabled, ResponseSubject: v.Subject, ResponseBodyPlainText: v.Body,
		RestrictToContacts: v.Audience == Contacts || v.Audience == OrganisationContact,
		RestrictToDomain:   v.Audience == Organisation || v.Audience == OrganisationContact,
		ForceSendFields:    []string{"EnableAutoReply"},
	}
	if !v.Start.IsZero() {
		form.StartTime = v.Start.UnixMilli()
	}
	if !v.End.IsZero() {
		form.EndTime = v.End.UnixMilli()
	}
	return c.updateVacation(ctx, form)
}

// StopVacation switches the vacation responder off and leaves all else of it as
// it is. It needs the scope gmail.settings.basic.
func (c *Client) StopVacation(ctx context.Context) (Vacation, error) {
	var form *gmail.VacationSettings
	err := c.read(ctx, newBudget(), "read the vacation responder", unitsSettings, func(ctx context.Context) error {
		var err error
		form, err = c.service.Users.Settings.GetVacation(me).Context(ctx).Do()
		return err
	})
	if err != nil {
		return Vacation{}, c.host.exists(err)
	}
	form.EnableAutoReply, form.ForceSendFields = false, []string{"EnableAutoReply"}
	return c.updateVacation(ctx, form)
}

// updateVacation replaces the settings, which is harmless to repeat.
func (c *Client) updateVacation(ctx context.Context, form *gmail.VacationSettings) (Vacation, error) {
	var state Vacation
	err := c.read(ctx, newBudget(), "set the vacation responder", unitsSettingsEdit, func(ctx context.Context) error {
		kept, err := c.service.Users.Settings.UpdateVacation(me, form).Context(ctx).Do()
		if err != nil {
			return err
		}
		state = vacationOf(kept)
		return nil
	})
	return state, c.host.exists(err)
}

// vacationOf reads the state out of Gmail's form.
func vacationOf(v *gmail.VacationSettings) Vacation {
	out := Vacation{Enabled: v.EnableAutoReply, Audience: Everyone}
	out.Subject, _ = cleanLine(v.ResponseSubject)
	out.Body, _ = cleanText(v.ResponseBodyPlainText)
	if v.ResponseBodyHtml != "" {
		out.Body, out.WasHTML = render(v.ResponseBodyHtml, Markdown, false).body, true
	}
	if v.StartTime > 0 {
		out.Start = time.UnixMilli(v.StartTime).UTC()
	}
	if v.EndTime > 0 {
		out.End = time.UnixMilli(v.EndTime).UTC()
	}
	switch {
	case v.RestrictToContacts && v.RestrictToDomain:
		out.Audience = OrganisationContact
	case v.RestrictToContacts:
		out.Audience = Contacts
	case v.RestrictToDomain:
		out.Audience = Organisation
	}
	return out
}
