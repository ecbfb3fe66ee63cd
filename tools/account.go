package tools

import (
	"context"
	"fmt"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/mailbox"
)

// AccountReader is what get_account needs of the mailbox.
type AccountReader interface {
	Profile(ctx context.Context) (mailbox.Profile, error)
}

type accountIn struct{}

type accountOut struct {
	Items []accountItem `json:"items" omit:"scopes"`
}

type accountItem struct {
	Email string `json:"email"`
	// Health is "ok", or the code of what does not work.
	Health    string       `json:"health"`
	SendAs    []sendAsItem `json:"sendAs"`
	Tools     []string     `json:"tools"`
	ReadOnly  bool         `json:"readOnly"`
	SendsMail string       `json:"sendsMail" enum:"never,draft,confirm,allow,direct"`
	Files     bool         `json:"files"`
	// Scopes are the OAuth scopes that were granted, as far as anybody said.
	Scopes []string `json:"scopes,omitempty"`
}

type sendAsItem struct {
	Email     string `json:"email"`
	Name      string `json:"name,omitempty"`
	Default   bool   `json:"default"`
	Verified  bool   `json:"verified"`
	Signature bool   `json:"signature"`
}

func getAccount(cfg Config) mcpserver.ServerTool {
	return define(cfg, definition{
		name:        "get_account",
		title:       "Show the account",
		description: "Says which mailbox is connected, whether it works, and what the tools may do. Asks for the sign-in if there is none.",
		effect:      effect{readOnly: true, idempotent: true},
	}, func(ctx context.Context, _ accountIn) (*accountOut, error) {
		p, err := cfg.Mailbox.Profile(ctx)
		if err != nil {
			return nil, err
		}
		item := accountOf(p, cfg)
		if cfg.Scopes != nil {
			for _, s := range cfg.Scopes(ctx) {
				item.Scopes = append(item.Scopes, line(s))
			}
		}
		return &accountOut{Items: []accountItem{item}}, nil
	})
}

func accountOf(p mailbox.Profile, cfg Config) accountItem {
	a := accountItem{
		Email: line(p.Email), Health: "ok", SendAs: []sendAsItem{}, Tools: []string{},
		ReadOnly: cfg.ReadOnly, SendsMail: cfg.Send.word(), Files: cfg.Files != nil,
	}
	if cfg.offered != nil {
		a.Tools = append(a.Tools, *cfg.offered...)
	}
	if cfg.ReadOnly {
		a.SendsMail = "never"
	}
	if p.IdentitiesError != "" {
		a.Health = p.IdentitiesError
	}
	for _, i := range p.Identities {
		a.SendAs = append(a.SendAs, sendAsItem{line(i.Email), line(i.Name), i.Default, i.Usable, i.Signature})
	}
	return a
}

// word names the policy.
func (p SendPolicy) word() string {
	switch {
	case p.mode == draftOnly:
		return "draft"
	case p.mode == sendDirectly:
		return "direct"
	case len(p.allow) > 0:
		return "allow"
	default:
		return "confirm"
	}
}

func (o *accountOut) summary() summary { return summary{status: OK} }

// sendTexts say what the words of sendsMail mean.
var sendTexts = map[string]string{
	"never": "not sent: the tools only read", "draft": "only saved as drafts", "direct": "sent at once",
	"confirm": "sent after the user has confirmed each",
	"allow":   "sent at once to recipients who were allowed beforehand, after the user has confirmed to others",
}

func (o *accountOut) render(fence, string) string {
	var b strings.Builder
	for _, a := range o.Items {
		if a.Health == "ok" {
			fmt.Fprintf(&b, "%s is connected and works.\n", a.Email)
		} else {
			fmt.Fprintf(&b, "%s is connected, but the addresses it sends from cannot be read: %s.\n", a.Email, a.Health)
		}
		for _, s := range a.SendAs {
			about := []string{"no signature"}
			if s.Signature {
				about[0] = "has a signature"
			}
			if s.Default {
				about = append(about, "the default")
			}
			if !s.Verified {
				about = append(about, "not verified, so nothing can be sent from it")
			}
			fmt.Fprintf(&b, "Sends as %s: %s.\n", address(mailbox.Address{Name: s.Name, Email: s.Email}), strings.Join(about, ", "))
		}
		fmt.Fprintf(&b, "Mail is %s (sendsMail %s). Files on this machine: %s.\n", sendTexts[a.SendsMail], a.SendsMail, yesNo(a.Files))
		fmt.Fprintf(&b, "Tools: %s.\n", strings.Join(a.Tools, ", "))
		if len(a.Scopes) > 0 {
			fmt.Fprintf(&b, "Granted by Google: %s\n", strings.Join(a.Scopes, " "))
		}
	}
	return strings.TrimSpace(b.String())
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
