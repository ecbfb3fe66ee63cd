package mailbox

import (
	"context"
	"strings"
)

// userLabel begins the id of a label that the user made.
const userLabel = "Label_"

// readLabels learns the names of the labels. It does its best: a label whose
// name is not known is shown by its id.
func (c *Client) readLabels(ctx context.Context) {
	_ = c.once(ctx, "list the labels", unitsLabels, func(ctx context.Context) error {
		list, err := c.service.Users.Labels.List(me).Fields("labels(id,name)").Context(ctx).Do()
		if err != nil {
			return err
		}
		names := make(map[string]string, len(list.Labels))
		for _, l := range list.Labels {
			names[l.Id], _ = cleanLine(l.Name)
		}
		c.labels.store(names, c.now())
		return nil
	})
}

// labelsStale reports whether the names should be read with the next request.
func (c *Client) labelsStale() bool {
	_, ok := c.labels.recall(c.now())
	return !ok
}

// labelNames puts names to label ids. A label that is newer than the list has
// no name yet; the list is then read again with the next call.
func (c *Client) labelNames(ids []string) []string {
	known := c.labels.last()
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		name, ok := known[id]
		if !ok {
			name, _ = cleanLine(id)
			if known != nil && strings.HasPrefix(id, userLabel) {
				c.labels.age()
			}
		}
		names = append(names, name)
	}
	return names
}
