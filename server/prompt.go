package server

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// prompt wraps what fills in a prompt. As for a resource, what went wrong is the
// text of a protocol error.
func (s *Server) prompt(fill mcpserver.PromptHandlerFunc) mcpserver.PromptHandlerFunc {
	return func(ctx context.Context, req mcp.GetPromptRequest) (filled *mcp.GetPromptResult, err error) {
		r := s.watched(ctx, string(mcp.MethodPromptsGet), mcp.CallToolRequest{}, func(ctx context.Context, c call) reply {
			if filled, err = fill(ctx, req); err != nil {
				return explain(err, c.id, c.log)
			}
			return reply{kind: "ok"}
		})
		if r.problem != nil {
			judge(ctx, r.problem)
			return nil, errors.New(r.problem.text())
		}
		return filled, nil
	}
}
