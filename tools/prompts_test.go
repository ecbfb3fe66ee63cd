package tools_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/tools"
)

func promptNamed(t *testing.T, cfg tools.Config, name string) mcpserver.ServerPrompt {
	t.Helper()
	for _, p := range tools.Prompts(cfg) {
		if p.Prompt.Name == name {
			return p
		}
	}
	t.Fatalf("there is no prompt %s", name)
	return mcpserver.ServerPrompt{}
}

func ask(t *testing.T, name string, args map[string]string) (string, error) {
	t.Helper()
	var req mcp.GetPromptRequest
	req.Params.Name, req.Params.Arguments = name, args
	got, err := promptNamed(t, tools.Config{}, name).Handler(t.Context(), req)
	if err != nil {
		return "", err
	}
	content, ok := got.Messages[0].Content.(mcp.TextContent)
	if !ok || len(got.Messages) != 1 || got.Messages[0].Role != mcp.RoleUser {
		t.Fatalf("%s: got %+v, want one text of the user", name, got.Messages)
	}
	return content.Text, nil
}

func TestPromptsNameOnlyToolsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, one := range tools.Catalogue(tools.Config{}) {
		known[one.Tool.Name] = true
	}
	for _, p := range tools.Prompts(tools.Config{}) {
		args := map[string]string{}
		for _, a := range p.Prompt.Arguments {
			args[a.Name] = "CANARY"
		}
		text, err := ask(t, p.Prompt.Name, args)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(text, "CANARY") != len(args) || strings.ContainsAny(text, "{}") {
			t.Errorf("%s does not use each argument once: %s", p.Prompt.Name, text)
		}
		for _, word := range regexp.MustCompile(`[a-z]+_[a-z]+`).FindAllString(text, -1) {
			if word != "newer_than" && !known[word] {
				t.Errorf("%s speaks of %s, which is no tool", p.Prompt.Name, word)
			}
		}
	}
}

func TestPromptsThatWriteAreNotOfferedReadOnly(t *testing.T) {
	for _, p := range tools.Prompts(tools.Config{ReadOnly: true}) {
		if p.Prompt.Name == "draft_reply" {
			t.Error("draft_reply is offered")
		}
	}
	promptNamed(t, tools.Config{}, "draft_reply")
}

func TestWrongArgumentsOfPromptsAreNamed(t *testing.T) {
	for _, one := range []struct {
		name string
		args map[string]string
		says string
	}{
		{"summarize_thread", nil, "thread is missing"},
		{"summarize_thread", map[string]string{"thread": strings.Repeat("x", 3000)}, "at most 2000"},
		{"triage_inbox", map[string]string{"days": "3"}, `unknown argument "days"`},
	} {
		if _, err := ask(t, one.name, one.args); err == nil || !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s %v: got %v, want %q", one.name, one.args, err, one.says)
		}
	}
	text, err := ask(t, "triage_inbox", nil)
	if err != nil || !strings.Contains(text, "newer_than:3d") {
		t.Errorf("got %q, %v, want the default of three days", text, err)
	}
}
