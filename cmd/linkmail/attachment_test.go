package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	mcpclient "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
)

// board is a mail of the demo with slides and a PDF.
const board = "subject:(last open points) has:attachment"

// servedHTTP runs "linkmail serve --http" and connects a client to it.
func servedHTTP(t *testing.T, env ...string) *mcpclient.Client {
	t.Helper()
	errs := &listening{url: make(chan string, 1)}
	cmd := linkmail(t.Context(), append(env, "LINKMAIL_AUTH=demo"), "serve", "--http", "127.0.0.1:0")
	cmd.Stderr = errs
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test has ended it
	c, err := mcpclient.NewStreamableHttpClient(<-errs.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: "test", Version: "1"}
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	return c
}

func callTool(t *testing.T, c *mcpclient.Client, name string, args map[string]any) *mcp.CallToolResult {
	t.Helper()
	var req mcp.CallToolRequest
	req.Params.Name, req.Params.Arguments = name, args
	result, err := c.CallTool(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestOverHTTPAttachmentsAreLinkedAndNotSaved: whoever reaches the port gets
// files through the protocol, and not through this machine's disk.
func TestOverHTTPAttachmentsAreLinkedAndNotSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "downloads")
	c := servedHTTP(t, "LINKMAIL_DOWNLOADS="+dir)
	found, _ := callTool(t, c, "search_emails", map[string]any{"query": board}).StructuredContent.(map[string]any)
	items, _ := found["data"].(map[string]any)["items"].([]any)
	if len(items) == 0 {
		t.Fatalf("nothing was found: %v", found)
	}
	args := map[string]any{"messageId": items[0].(map[string]any)["messageId"], "filename": "board-slides.pdf", "as": "save"}
	refused := callTool(t, c, "get_attachment", args)
	if text, _ := refused.Content[0].(mcp.TextContent); !refused.IsError || !strings.Contains(text.Text, "files are switched off") {
		t.Errorf("saving is answered with %+v", refused.Content)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was touched: %v", err)
	}
	args["as"] = "link"
	linked := callTool(t, c, "get_attachment", args)
	link, ok := linked.Content[len(linked.Content)-1].(mcp.ResourceLink)
	if !ok {
		t.Fatalf("linking is answered with %+v", linked.Content)
	}
	var read mcp.ReadResourceRequest
	read.Params.URI = link.URI
	result, err := c.ReadResource(t.Context(), read)
	if err != nil {
		t.Fatal(err)
	}
	blob, _ := result.Contents[0].(mcp.BlobResourceContents)
	content, err := base64.StdEncoding.DecodeString(blob.Blob)
	if err != nil || !strings.HasPrefix(string(content), "%PDF-") || blob.MIMEType != "application/pdf" {
		t.Errorf("the resource is %s, %.20q, %v", blob.MIMEType, content, err)
	}
}

func TestCallSavesAnAttachmentIntoTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "downloads")
	env := []string{"LINKMAIL_AUTH=demo", "LINKMAIL_DOWNLOADS=" + dir}
	list := run(t, env, "call", "search_emails", `{"query":"`+board+`"}`).stdout
	_, id, _ := strings.Cut(list, `"messageId":"`)
	id, _, _ = strings.Cut(id, `"`)
	saved := run(t, env, "call", "get_attachment", `{"messageId":"`+id+`","filename":"board-slides.pptx","as":"save"}`)
	if !strings.Contains(saved.stdout, `"path":"board-slides.pptx"`) {
		t.Errorf("got %+v", saved)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "board-slides.pptx")); err != nil || !strings.HasPrefix(string(content), "PK") {
		t.Errorf("the file holds %.20q, %v", content, err)
	}
	shown := run(t, env, "call", "get_attachment", `{"messageId":"`+id+`","filename":"board-slides.pptx"}`, "--text")
	if !strings.Contains(shown.stdout, "[slide 2]\nOpen points") {
		t.Errorf("got %+v", shown)
	}
}
