package server

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// noTool is what a call of a tool that there is not goes to. The protocol has
// an error for it, which mcp-go gives few words: neither the nearest name nor the
// setting that leaves a tool out. No list shows it.
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
	r := s.watched(ctx, string(mcp.MethodToolsCall), req, func(_ context.Context, c call) reply { return s.unknownTool(c) })
	if v, ok := ctx.Value(verdictKey{}).(*verdict); ok {
		v.code.Store(mcp.INVALID_PARAMS)
	}
	return nil, errors.New(r.problem.text())
}
