package server

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// readResource is what a client names when it reads a resource, for the log.
const readResource = "resources/read"

// resource wraps the reader of a resource. It goes the way of every call: as
// the same user, in turn with the others, with one line in the log. MCP has no
// result with an error here, so what went wrong, and a sign-in that is needed,
// are the text of a protocol error.
func (s *Server) resource(read mcpserver.ResourceTemplateHandlerFunc) mcpserver.ResourceTemplateHandlerFunc {
	return func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		var contents []mcp.ResourceContents
		r := s.watched(ctx, readResource, mcp.CallToolRequest{}, func(ctx context.Context, c call) reply {
			if err := s.turns.take(ctx); err != nil {
				return s.noTurn(err, c)
			}
			defer s.turns.give()
			var err error
			if contents, err = read(ctx, req); err != nil {
				return explain(err, c.id, c.log)
			}
			return reply{kind: "ok"}
		})
		switch {
		case r.problem != nil:
			judge(ctx, r.problem)
			return nil, errors.New(r.problem.text())
		case r.result != nil: // a challenge
			return nil, errors.New(textOf(r.result))
		}
		return contents, nil
	}
}
