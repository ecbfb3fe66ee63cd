package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// LabelEditor is what manage_label needs of the mailbox beside names.
type LabelEditor interface {
	CreateLabel(ctx context.Context, e mailbox.LabelEdit) (mailbox.Label, error)
	UpdateLabel(ctx context.Context, id string, e mailbox.LabelEdit) (mailbox.Label, error)
	DeleteLabel(ctx context.Context, id string) error
}

type manageLabelIn struct {
	Action     string `json:"action" required:"true" enum:"create,get_or_create,update,delete"`
	Name       string `json:"name" required:"true" doc:"Full name, nested by /; for update and delete also the id"`
	NewName    string `json:"newName" doc:"update: full new name"`
	Color      string `json:"color" enum:"red,orange,yellow,green,teal,blue,purple,pink,brown,gray,black"`
	Visibility string `json:"visibility" enum:"show,show_if_unread,hide" doc:"In Gmail's list of labels"`
}

type manageLabelOut struct {
	Outcome    string `json:"outcome" enum:"created,existed,updated,deleted"`
	ID         string `json:"id"`
	Name       string `json:"name"`
	Color      string `json:"color,omitempty"`
	Visibility string `json:"visibility,omitempty"`
	// Total is how many mails a deleted label was on.
	Total *int   `json:"total,omitempty"`
	Note  string `json:"note,omitempty"`
}

// colors are pairs of Gmail's palette that can be read.
var colors = map[string]struct{ background, text string }{
	"red": {"#cc3a21", "#ffffff"}, "orange": {"#ffad47", "#000000"}, "yellow": {"#fad165", "#000000"},
	"green": {"#16a766", "#ffffff"}, "teal": {"#2da2bb", "#ffffff"}, "blue": {"#4a86e8", "#ffffff"},
	"purple": {"#a479e2", "#ffffff"}, "pink": {"#f691b3", "#000000"}, "brown": {"#7a4706", "#ffffff"},
	"gray": {"#cccccc", "#000000"}, "black": {"#000000", "#ffffff"},
}

// colorName is the word for a color, or the color itself.
func colorName(background string) string {
	for name, c := range colors {
		if c.background == background {
			return name
		}
	}
	return line(background)
}

func manageLabel(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:  "manage_label",
		title: "Make, change or delete a label",
		description: "Makes, renames, colors or deletes a label. Deleting takes the label off its mails for good; the mails stay. " +
			"modify_emails puts labels on mails.",
		effect: effect{destructive: true},
	}, func(ctx context.Context, in manageLabelIn) (*manageLabelOut, error) {
		edit := mailbox.LabelEdit{Visibility: mailbox.Visibility(in.Visibility)}
		edit.Background, edit.Text = colors[in.Color].background, colors[in.Color].text
		if in.NewName != "" && in.Action != "update" {
			return nil, invalid("newName", "Give name alone, or use action update.", "newName is for action update only")
		}
		all, err := cfg.Mailbox.Labels(ctx)
		if err != nil {
			return nil, err
		}
		label, exists := findLabel(all, in.Name)
		switch in.Action {
		case "create", "get_or_create":
			return makeLabel(ctx, cfg.Mailbox, in, edit, all)
		}
		switch {
		case !exists:
			e := noLabel("name", all, in.Name)
			e.Hint = strings.Replace(e.Hint, "manage_label, in the toolset labels, makes new ones.", "action create makes a new one.", 1)
			return nil, e
		case label.System:
			return nil, invalid("name", "Choose one of the user's own labels.", "name is a label of Gmail's own, which cannot be changed or deleted")
		case in.Action == "delete":
			return deleteLabel(ctx, cfg.Mailbox, label, all)
		}
		return updateLabel(ctx, cfg.Mailbox, in, edit, label, all)
	})
}

// makeLabel makes a label, or finds it if the action allows that.
func makeLabel(ctx context.Context, box Mailbox, in manageLabelIn, edit mailbox.LabelEdit, all []mailbox.Label) (*manageLabelOut, error) {
	edit.Name = spaced(in.Name)
	if label, ok := exactly(all, edit.Name); ok {
		if in.Action == "get_or_create" {
			return labelAnswer("existed", label), nil
		}
		return nil, &mailbox.Error{
			Code: "conflict", Message: "the label exists already, with the id " + label.ID,
			Hint: "Use it, or choose another name.",
		}
	}
	label, err := box.CreateLabel(ctx, edit)
	if e, ok := errors.AsType[*mailbox.Error](err); ok && e.Code == "conflict" && in.Action == "get_or_create" {
		// Somebody made it in between.
		if all, err := box.Labels(ctx); err == nil {
			if label, ok := exactly(all, edit.Name); ok {
				return labelAnswer("existed", label), nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return labelAnswer("created", label), nil
}

// exactly finds a label by its name, in whatever case. Two names that only
// queries take for the same are two labels.
func exactly(all []mailbox.Label, name string) (mailbox.Label, bool) {
	i := slices.IndexFunc(all, func(l mailbox.Label) bool { return strings.EqualFold(l.Name, name) })
	if i < 0 {
		return mailbox.Label{}, false
	}
	return all[i], true
}

func updateLabel(ctx context.Context, box Mailbox, in manageLabelIn, edit mailbox.LabelEdit, label mailbox.Label, all []mailbox.Label) (*manageLabelOut, error) {
	if edit.Name = spaced(in.NewName); edit == (mailbox.LabelEdit{}) {
		return nil, invalid("newName", "Give newName, color or visibility.", "nothing is to be changed")
	}
	now, err := box.UpdateLabel(ctx, label.ID, edit)
	if err != nil {
		return nil, err
	}
	out := labelAnswer("updated", now)
	if edit.Name != "" {
		if n := nested(all, label); n > 0 {
			out.Note = plural(n, "label") + " nested under the old name may have to be renamed, too; list_labels shows them."
		}
	}
	return out, nil
}

func deleteLabel(ctx context.Context, box Mailbox, label mailbox.Label, all []mailbox.Label) (*manageLabelOut, error) {
	// Without the count it is deleted all the same.
	counts, _ := box.CountLabels(ctx, []string{label.ID})
	if err := box.DeleteLabel(ctx, label.ID); err != nil {
		return nil, err
	}
	out := labelAnswer("deleted", label)
	if n, ok := counts.Counts[label.ID]; ok {
		out.Total = &n.Total
	}
	if n := nested(all, label); n > 0 {
		out.Note = plural(n, "label") + " nested under it stayed."
	}
	return out, nil
}

// nested counts the labels whose names continue that of another.
func nested(all []mailbox.Label, under mailbox.Label) (n int) {
	prefix := strings.ToLower(under.Name) + "/"
	for _, l := range all {
		if strings.HasPrefix(strings.ToLower(l.Name), prefix) {
			n++
		}
	}
	return n
}

func labelAnswer(outcome string, l mailbox.Label) *manageLabelOut {
	return &manageLabelOut{
		Outcome: outcome, ID: l.ID, Name: line(l.Name), Color: colorName(l.Background), Visibility: string(l.Visibility),
	}
}

func (o *manageLabelOut) summary() summary { return summary{status: OK} }

func (o *manageLabelOut) render(fence, string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The label was %s: %s | %s", o.Outcome, o.ID, o.Name)
	if o.Outcome == "existed" {
		b.Reset()
		fmt.Fprintf(&b, "The label exists already: %s | %s", o.ID, o.Name)
	}
	b.WriteString(prefixed(", color ", o.Color) + prefixed(", visibility ", o.Visibility) + ".\n")
	if o.Total != nil {
		fmt.Fprintf(&b, "It was on %s, which stay without it.\n", plural(*o.Total, "mail"))
	}
	b.WriteString(o.Note)
	return strings.TrimSpace(b.String())
}
