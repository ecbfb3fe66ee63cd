package server

import (
	"context"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// noTool is what a call of a tool that there is not goes to. mcp-go answers it
// with a protocol error of few words, which models often do not get to see; like
// any failed call it shall be a result. No list shows it.
const noTool = "no_such_tool"

// missingTools are the hooks by which calls come to [noTool], the name that was
// called as their argument.
func (s *Server) missingTools() *mcpserver.Hooks {
	var hooks mcpserver.Hooks
	hooks.AddBeforeCallTool(func(_ context.Context, _ any, req *mcp.CallToolRequest) {
		if _, ok := s.handlers[req.Params.Name]; !ok {
			req.Params.Name, req.Params.Arguments = noTool, req.Params.Name
		}
	})
	hooks.AddAfterListTools(func(_ context.Context, _ any, _ *mcp.ListToolsRequest, list *mcp.ListToolsResult) {
		shown := make([]mcp.Tool, 0, len(list.Tools))
		for _, t := range list.Tools {
			if t.Name != noTool {
				shown = append(shown, t)
			}
		}
		list.Tools = shown
	})
	return &hooks
}

// answerMissing is the handler of [noTool].
func (s *Server) answerMissing(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	req.Params.Name, _ = req.Params.Arguments.(string)
	return s.handle(ctx, req)
}
