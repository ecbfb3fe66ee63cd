package standin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// labelJSON is a Label. Only labels.get counts.
type labelJSON struct {
	ID             string      `json:"id,omitempty"`
	Name           string      `json:"name,omitempty"`
	MessageList    string      `json:"messageListVisibility,omitempty"`
	LabelList      string      `json:"labelListVisibility,omitempty"`
	Type           string      `json:"type,omitempty"`
	MessagesTotal  *int        `json:"messagesTotal,omitempty"`
	MessagesUnread *int        `json:"messagesUnread,omitempty"`
	ThreadsTotal   *int        `json:"threadsTotal,omitempty"`
	ThreadsUnread  *int        `json:"threadsUnread,omitempty"`
	Color          *labelColor `json:"color,omitempty"`
}

type labelColor struct {
	Text       string `json:"textColor"`
	Background string `json:"backgroundColor"`
}

type labelListJSON struct {
	Labels []labelJSON `json:"labels"`
}

func (l *label) json() labelJSON {
	out := labelJSON{
		ID: l.id, Name: l.name, Type: "user", MessageList: l.messageList, LabelList: l.labelList, Color: l.color,
	}
	if l.system {
		out.Type = "system"
	}
	return out
}

func listLabels(g *gmailState, c *call) (any, error) {
	var out labelListJSON
	err := g.inside(c, func(b *inbox) error {
		for _, l := range b.labels {
			out.Labels = append(out.Labels, l.json())
		}
		return nil
	})
	return out, err
}

func getLabel(g *gmailState, c *call) (any, error) {
	var out labelJSON
	err := g.inside(c, func(b *inbox) error {
		l := b.label(c.vars["id"])
		if l == nil {
			return notFound()
		}
		out = l.json()
		b.count(l.id, &out)
		return nil
	})
	return out, err
}

// count fills in how much is under a label.
func (b *inbox) count(id string, out *labelJSON) {
	var messages, unread int
	threads, unreadThreads := map[string]bool{}, map[string]bool{}
	for _, r := range b.rows {
		if !r.has(id) {
			continue
		}
		messages++
		threads[r.threadID] = true
		if r.has("UNREAD") {
			unread++
			unreadThreads[r.threadID] = true
		}
	}
	total, totalUnread := len(threads), len(unreadThreads)
	out.MessagesTotal, out.MessagesUnread, out.ThreadsTotal, out.ThreadsUnread = &messages, &unread, &total, &totalUnread
}

func createLabel(g *gmailState, c *call) (any, error) {
	var in, out labelJSON
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	err := g.inside(c, func(b *inbox) error {
		if err := b.checkName(in.Name, ""); err != nil {
			return err
		}
		l := b.newLabel(in.Name)
		if err := l.apply(in); err != nil {
			return err
		}
		if len(b.labels) >= maxLabels {
			return badRequest("Label limit exceeded")
		}
		b.labels = append(b.labels, l)
		out = l.json()
		return nil
	})
	return out, err
}

func (b *inbox) newLabel(name string) *label {
	l := &label{id: fmt.Sprintf("Label_%d", b.nextLabel), name: name, messageList: "show", labelList: "labelShow"}
	b.nextLabel++
	return l
}

// checkName refuses a name that is taken by another label than except.
func (b *inbox) checkName(name, except string) error {
	if strings.TrimSpace(name) == "" || len(name) > 225 {
		return badRequest("Invalid label name")
	}
	for _, l := range b.labels {
		if l.id == except || !strings.EqualFold(l.name, name) {
			continue
		}
		if l.system {
			return badRequest("Invalid label name")
		}
		return refuse(http.StatusConflict, "ABORTED", "aborted", "Label name exists or conflicts")
	}
	return nil
}

var (
	messageVisibilities = []string{"show", "hide"}
	labelVisibilities   = []string{"labelShow", "labelShowIfUnread", "labelHide"}
)

// apply takes over what a request says about visibility and color.
func (l *label) apply(in labelJSON) error {
	if in.MessageList != "" {
		if !slices.Contains(messageVisibilities, in.MessageList) {
			return badRequest("Invalid value at 'label.message_list_visibility' (TYPE_ENUM), %q", in.MessageList)
		}
		l.messageList = in.MessageList
	}
	if in.LabelList != "" {
		if !slices.Contains(labelVisibilities, in.LabelList) {
			return badRequest("Invalid value at 'label.label_list_visibility' (TYPE_ENUM), %q", in.LabelList)
		}
		l.labelList = in.LabelList
	}
	if in.Color != nil {
		if err := in.Color.check(); err != nil {
			return err
		}
		l.color = in.Color
	}
	return nil
}

// maxLabels is how many labels a mailbox may have.
const maxLabels = 10_000

// updateLabel serves PUT, which needs a name, and PATCH, which does not.
func updateLabel(g *gmailState, c *call) (any, error) {
	var in, out labelJSON
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	err := g.inside(c, func(b *inbox) error {
		l := b.label(c.vars["id"])
		switch {
		case l == nil:
			return notFound()
		case l.system:
			return badRequest("Invalid update request")
		}
		named := in.Name != "" || c.Method == http.MethodPut
		if named {
			if err := b.checkName(in.Name, l.id); err != nil {
				return err
			}
		}
		if err := l.apply(in); err != nil {
			return err
		}
		if named {
			l.name = in.Name
		}
		out = l.json()
		return nil
	})
	return out, err
}

func deleteLabel(g *gmailState, c *call) (any, error) {
	err := g.inside(c, func(b *inbox) error {
		id := c.vars["id"]
		l := b.label(id)
		switch {
		case l == nil:
			return notFound()
		case l.system:
			return badRequest("Invalid delete request")
		}
		b.labels = slices.DeleteFunc(b.labels, func(l *label) bool { return l.id == id })
		for _, r := range b.newest() {
			b.relabel(r, nil, []string{id})
		}
		return nil
	})
	return nothing{}, err
}
