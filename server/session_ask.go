package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
)

// answered is a client's answer to a request of ours.
type answered struct {
	ID     string          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

var errRefused = errors.New("server: the client refused the question")

// RequestElicitation asks the client to ask its user, and waits for the answer.
func (s *session) RequestElicitation(ctx context.Context, request mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	id := "ask-" + rand.Text()
	ready := make(chan answered, 1)
	s.mu.Lock()
	if s.asked == nil {
		s.asked = map[string]chan<- answered{}
	}
	s.asked[id] = ready
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.asked, id)
		s.mu.Unlock()
	}()
	s.out.write(struct {
		Version string                `json:"jsonrpc"`
		ID      string                `json:"id"`
		Method  string                `json:"method"`
		Params  mcp.ElicitationParams `json:"params"`
	}{mcp.JSONRPC_VERSION, id, string(mcp.MethodElicitationCreate), request.Params})
	select {
	case a := <-ready:
		if a.Error != nil || a.Result == nil {
			return nil, errRefused
		}
		var result mcp.ElicitationResult
		if err := json.Unmarshal(a.Result, &result); err != nil {
			return nil, fmt.Errorf("server: read the answer to a question: %w", err)
		}
		return &result, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answered takes an answer to whoever waits for it. One to a question that was
// never asked is dropped, and so is a second one.
func (s *session) answered(text []byte) {
	var a answered
	if json.Unmarshal(text, &a) != nil {
		return
	}
	s.mu.Lock()
	ready := s.asked[a.ID]
	delete(s.asked, a.ID)
	s.mu.Unlock()
	if ready != nil {
		ready <- a
	}
}
