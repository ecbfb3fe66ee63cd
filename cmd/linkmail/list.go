package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"linkmail/tools"
)

// listTools prints the catalogue.
func (p process) listTools(_ context.Context, args []string) error {
	fs := newFlags("linkmail tools [--json]", "Lists the tools that the configuration allows, as text or as MCP shows them to a model.")
	asJSON := fs.Bool("json", false, "print name, description and schemas as JSON")
	src := fs.withSettings(settingsFor(false))
	if err := fs.alone(p, args, src); err != nil {
		return err
	}
	offer := src.offer()
	if err := src.err(); err != nil {
		return err
	}
	list := tools.Catalogue(offer.tools())
	if *asJSON {
		var out struct {
			Tools []any `json:"tools"`
		}
		for _, t := range list {
			out.Tools = append(out.Tools, t.Tool)
		}
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(out)
	}
	for _, t := range list {
		if _, err := fmt.Fprintf(p.stdout, "%s\n    %s\n", t.Tool.Name, strings.ReplaceAll(t.Tool.Description, "\n", "\n    ")); err != nil {
			return err
		}
	}
	return nil
}
