package main

import (
	"encoding/json"
	"slices"
	"testing"
)

// told is what a client was told while a call ran.
type told struct {
	steps []float64
	total float64
	text  string // with the last step
	ids   []string
}

// follow calls a tool and collects the notifications before its answer. An
// empty token asks for none.
func (c *conversation) follow(token, tool string, args map[string]any) (got told) {
	c.t.Helper()
	params := map[string]any{"name": tool, "arguments": args}
	if token != "" {
		params["_meta"] = map[string]any{"progressToken": token}
	}
	c.id++
	c.write(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": "tools/call", "params": params})
	for {
		m := c.next()
		if m.ID == c.id {
			if m.Result.IsError || m.Result.StructuredContent.Status != "ok" {
				c.t.Fatalf("%s: %s", tool, c.out.Bytes())
			}
			var answer struct {
				Result struct {
					StructuredContent struct {
						Data struct{ Items []struct{ MessageID string } }
					}
				}
			}
			_ = json.Unmarshal(c.out.Bytes(), &answer) // next has checked that it is JSON
			for _, item := range answer.Result.StructuredContent.Data.Items {
				got.ids = append(got.ids, item.MessageID)
			}
			return got
		}
		var n struct {
			Method string
			Params struct {
				ProgressToken   string
				Progress, Total float64
				Message         string
			}
		}
		if err := json.Unmarshal(c.out.Bytes(), &n); err != nil || n.Method != "notifications/progress" || n.Params.ProgressToken != token {
			c.t.Errorf("%s: got %s", tool, c.out.Bytes())
		}
		got.steps, got.total, got.text = append(got.steps, n.Params.Progress), n.Params.Total, n.Params.Message
	}
}

func TestAClientIsToldHowFarALongCallHasGot(t *testing.T) {
	c := converse(t, []string{"LINKMAIL_AUTH=demo"})
	many := map[string]any{"query": "in:inbox", "maxResults": 50}
	found := c.follow("a", "search_emails", many)
	if !slices.Equal(found.steps, []float64{20, 40}) || found.total != 50 || found.text != "40 of 50 mails" {
		t.Errorf("a search told of %+v", found)
	}
	if len(found.ids) != 50 {
		t.Fatalf("%d mails were found", len(found.ids))
	}
	several := map[string]any{"messageIds": found.ids[:10]}
	if got := c.follow("b", "read_email", several); !slices.Equal(got.steps, []float64{4, 8}) || got.total != 10 || got.text != "8 of 10 mails" {
		t.Errorf("reading ten mails told of %+v", got)
	}
	if got := c.follow("c", "list_labels", map[string]any{"counts": true}); len(got.steps) == 0 || got.steps[0] != 20 || got.total <= 20 {
		t.Errorf("counting labels told of %+v", got)
	}
	if got := c.follow("", "read_email", several); got.steps != nil {
		t.Errorf("a client that did not ask was told of %+v", got)
	}
	c.end()
}
