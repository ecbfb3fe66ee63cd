package tools

import (
	"fmt"
	"slices"
	"strings"

	mcpserver "github.com/mark3labs/mcp-go/server"
)

// Toolset is a group of tools that is offered on request only: what few need
// costs every model that reads the catalogue.
type Toolset string

// The toolsets.
const (
	Compose  Toolset = "compose"  // forward mail, delete drafts
	Labels   Toolset = "labels"   // make, change and delete labels
	Settings Toolset = "settings" // filters, the vacation responder
	Sync     Toolset = "sync"     // what changed since the last time
)

// toolsets are all there are.
var toolsets = []Toolset{Compose, Labels, Settings, Sync}

// ParseToolsets reads a comma-separated list; "all" stands for all there are,
// and "default" for none beside the default tools.
func ParseToolsets(s string) ([]Toolset, error) {
	var list []Toolset
	for name := range strings.SplitSeq(s, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "" || name == "default":
		case name == "all":
			list = append(list, toolsets...)
		case slices.Contains(toolsets, Toolset(name)):
			list = append(list, Toolset(name))
		default:
			return nil, fmt.Errorf("tools: there is no toolset %q; there are compose, labels, settings and sync", name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// entry is a tool and the toolset it belongs to; none if it is a default tool.
type entry struct {
	set  Toolset
	make func(Config) mcpserver.ServerTool
}

var entries = []entry{
	{"", getThread},
	{"", getAccount},
	{"", listLabels},
	{"", modifyEmails},
	{"", getAttachment},
	{"", readEmail},
	{"", searchEmails},
	{"", sendEmail},
	{"", draftEmail},
	{"", replyEmail},
	{Compose, forwardEmail},
	{Compose, deleteDraft},
	{"", trashEmails},

	{Labels, manageLabel},
	{Settings, manageFilter},
	{Settings, vacationResponder},
	{Sync, listChanges},
}

// Catalogue returns the tools that cfg allows, in the order of their names.
func Catalogue(cfg Config) []mcpserver.ServerTool {
	cfg.exposure = newExposure(cfg)
	var list []mcpserver.ServerTool
	cfg.offered = new([]string)
	for _, e := range entries {
		if e.set != "" && !slices.Contains(cfg.Toolsets, e.set) {
			continue
		}
		tool := e.make(cfg)
		if cfg.ReadOnly && !*tool.Tool.Annotations.ReadOnlyHint {
			continue
		}
		list = append(list, tool)
	}
	slices.SortFunc(list, func(a, b mcpserver.ServerTool) int { return strings.Compare(a.Tool.Name, b.Tool.Name) })
	for _, tool := range list {
		*cfg.offered = append(*cfg.offered, tool.Tool.Name)
	}
	return list
}

// Missing explains why there is no tool of this name: which setting would have
// to change, or which name may have been meant. It is asked about names only
// that the catalogue for cfg does not have.
func Missing(cfg Config, name string) *ArgumentError {
	var all, there []string
	why := map[string]string{}
	for _, e := range entries {
		tool := e.make(Config{}).Tool
		all = append(all, tool.Name)
		switch {
		case cfg.ReadOnly && !*tool.Annotations.ReadOnlyHint:
			why[tool.Name] = "is switched off by LINKMAIL_READ_ONLY"
		case e.set != "" && !slices.Contains(cfg.Toolsets, e.set):
			why[tool.Name] = "is in the toolset " + string(e.set) + "; LINKMAIL_TOOLSETS does not name it"
		default:
			there = append(there, tool.Name)
		}
	}
	missing := &ArgumentError{Tool: name, Code: "unknown_tool", Hint: "The user can change that where linkmail is configured."}
	if reason := why[name]; reason != "" {
		missing.Message = name + " " + reason
		return missing
	}
	missing.Message = fmt.Sprintf("there is no tool %q", shorten(line(name), 40))
	near := nearest(name, all)
	switch {
	case near == "":
		slices.Sort(there)
		missing.Hint = "The tools are " + strings.Join(there, ", ") + "."
	case why[near] != "":
		missing.Hint = "Did you mean " + near + "? It " + why[near] + "."
	default:
		missing.Hint = "Did you mean " + near + "?"
	}
	return missing
}
