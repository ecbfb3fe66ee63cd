package mailbox

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	gmail "google.golang.org/api/gmail/v1"
)

// maxLabelName is how long the name of a label may be, in characters.
const maxLabelName = 225

// LabelEdit is what to make or to change of a label. Empty fields stay as they
// are, or as Gmail makes them.
type LabelEdit struct {
	// Name is the full name; "/" nests.
	Name       string
	Visibility Visibility
	// Background and Text are colors of Gmail's palette as #rrggbb. Gmail wants
	// both or none.
	Background, Text string
}

// label checks the edit and puts it into Gmail's form.
func (e LabelEdit) label() (*gmail.Label, error) {
	if e.Name != "" {
		if err := checkLabelName(e.Name); err != nil {
			return nil, err
		}
	}
	word, ok := visibilities[e.Visibility]
	if e.Visibility != "" && !ok {
		return nil, invalid("there is no such visibility of a label", "Use show, show_if_unread or hide.")
	}
	l := &gmail.Label{Name: e.Name, LabelListVisibility: word}
	if e.Background != "" {
		l.Color = &gmail.LabelColor{BackgroundColor: e.Background, TextColor: e.Text}
	}
	return l, nil
}

// checkLabelName refuses a name that Gmail refuses, and one that would not be
// seen as it is.
func checkLabelName(name string) error {
	const hint = `Use visible characters, with "/" only between two names.`
	if clean, _ := cleanLine(name); clean != name {
		return invalid("the name of the label has spaces at its ends, line breaks or invisible characters", hint)
	}
	if utf8.RuneCountInString(name) > maxLabelName {
		return invalid("the name of the label is longer than 225 characters", "Use a shorter one.")
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.TrimSpace(part) == "" {
			return invalid("the name of the label has an empty part", hint)
		}
	}
	return nil
}

// CreateLabel makes a label. The error for one that exists has the code
// "conflict". If it is not certain whether Gmail made the label, the list of
// labels decides.
func (c *Client) CreateLabel(ctx context.Context, e LabelEdit) (Label, error) {
	if e.Name == "" {
		return Label{}, invalid("the label has no name", "Give one.")
	}
	l, err := e.label()
	if err != nil {
		return Label{}, err
	}
	if err := c.quota.take(unitsLabelEdit); err != nil {
		return Label{}, nothing(err, "changed")
	}
	defer c.labels.age()
	var made *gmail.Label
	unclear, err := c.deliver(ctx, "make the label", "changed", func(ctx context.Context) error {
		var err error
		made, err = c.service.Users.Labels.Create(me, l).Context(ctx).Do()
		return err
	})
	switch {
	case unclear:
		all, err := c.Labels(ctx)
		if err != nil {
			return Label{}, unclearEdit("the label was made", "list_labels")
		}
		for _, one := range all {
			if strings.EqualFold(one.Name, e.Name) {
				return one, nil
			}
		}
		return Label{}, unclearEdit("the label was made", "list_labels")
	case err != nil:
		return Label{}, labelError(err)
	}
	return labelOf(made), nil
}

// UpdateLabel changes a label, which is given by its id.
func (c *Client) UpdateLabel(ctx context.Context, id string, e LabelEdit) (Label, error) {
	l, err := e.label()
	if err != nil {
		return Label{}, err
	}
	defer c.labels.age()
	var now *gmail.Label
	err = c.read(ctx, newBudget(), "change the label", unitsLabelEdit, func(ctx context.Context) error {
		var err error
		now, err = c.service.Users.Labels.Patch(me, id, l).Context(ctx).Do()
		return err
	})
	if err != nil {
		return Label{}, labelError(err)
	}
	return labelOf(now), nil
}

// DeleteLabel deletes a label, which is given by its id, for good. Its mails
// stay, without it.
func (c *Client) DeleteLabel(ctx context.Context, id string) error {
	defer c.labels.age()
	err := c.read(ctx, newBudget(), "delete the label", unitsLabelEdit, func(ctx context.Context) error {
		return c.service.Users.Labels.Delete(me, id).Context(ctx).Do()
	})
	return labelError(err)
}

// labelError says in terms of labels what Gmail has against an edit.
func labelError(err error) error {
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	e := *refused
	switch {
	case e.Status == http.StatusConflict:
		e.Message, e.Hint = "a label of this name exists already", "Use that one, or another name."
	case e.Code == codeNotFound:
		e.Message, e.Hint = "the label does not exist any more", "List the labels for the present ones."
	}
	return &e
}

// unclearEdit says that it is not known whether something took effect.
func unclearEdit(what, look string) *Error {
	return &Error{
		Code: codeUnavailable, Message: "the connection failed; it is unknown whether " + what,
		Hint: "Look with " + look + " before trying again.", RetryAfter: soon,
	}
}
