package standin

import (
	"slices"
	"strconv"
	"strings"
)

// sendAs is an address the user may write as.
type sendAs struct {
	Address     string `json:"sendAsEmail"`
	DisplayName string `json:"displayName"`
	ReplyTo     string `json:"replyToAddress"`
	Signature   string `json:"signature"`
	IsPrimary   bool   `json:"isPrimary,omitempty"`
	IsDefault   bool   `json:"isDefault,omitempty"`
	TreatAlias  bool   `json:"treatAsAlias,omitempty"`
	// Status is accepted or pending. The primary address has none.
	Status string `json:"verificationStatus,omitempty"`
}

type profileJSON struct {
	Address       string `json:"emailAddress"`
	MessagesTotal int    `json:"messagesTotal"`
	ThreadsTotal  int    `json:"threadsTotal"`
	HistoryID     string `json:"historyId"`
}

func getProfile(g *gmailState, c *call) (any, error) {
	var out profileJSON
	err := g.inside(c, func(b *inbox) error {
		threads := map[string]bool{}
		for _, r := range b.rows {
			threads[r.threadID] = true
		}
		out = profileJSON{b.user, len(b.rows), len(threads), strconv.FormatUint(b.last, 10)}
		return nil
	})
	return out, err
}

type sendAsListJSON struct {
	SendAs []sendAs `json:"sendAs"`
}

func listSendAs(g *gmailState, c *call) (any, error) {
	var out sendAsListJSON
	err := g.inside(c, func(b *inbox) error {
		out.SendAs = slices.Clone(b.senders)
		return nil
	})
	return out, err
}

func getSendAs(g *gmailState, c *call) (any, error) {
	var out sendAs
	err := g.inside(c, func(b *inbox) error {
		i := slices.IndexFunc(b.senders, func(s sendAs) bool { return strings.EqualFold(s.Address, c.vars["sendAsEmail"]) })
		if i < 0 {
			return notFound()
		}
		out = b.senders[i]
		return nil
	})
	return out, err
}
