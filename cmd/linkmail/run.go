package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"linkmail/tools"
)

// The exit statuses. They are part of the command's contract.
const (
	exitOK    = 0 // an answer was given, whatever its status
	exitError = 1 // a tool or a server failed
	exitUsage = 2 // wrong arguments or configuration; nothing was answered
)

// process is the world outside: what a command may read and where it writes.
// Tests and the demo's tour run commands with a process of their own.
type process struct {
	env            []string // KEY=value, as os.Environ returns it
	stdin          io.Reader
	stdout, stderr io.Writer
	executable     string // path of this binary; empty if unknown
	// browse opens the user's browser; nil if there is none.
	browse func(context.Context, string) error
	// every is how often a command that waits for a person asks again; zero
	// means [retryEvery].
	every time.Duration
}

// lookup returns the value of an environment variable. A variable that is set
// to nothing counts as not set, as most shells and container files mean it.
func (p process) lookup(name string) (string, bool) {
	for _, kv := range slices.Backward(p.env) {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v, v != ""
		}
	}
	return "", false
}

// usageError is a mistake in the arguments or the configuration.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// command is one word after "linkmail".
type command struct {
	name, args, short string
	run               func(p process, ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "[--http ADDR [--sse]]", "MCP server on stdio, or on HTTP", process.serve},
		{"call", "TOOL JSON", "run one tool and print its result", process.call},
		{"login", "[SERVICE...]", "sign in, and wait until it is done", process.login},
		{"logout", "", "end the sign-in and forget it", process.logout},
		{"status", "[--json]", "who is signed in, and what is kept", process.status},
		{"doctor", "[SERVICE...]", "find out what is wrong, and where to change it", process.doctor},
		{"setup", "[--apply]", "the settings of an Auth0 tenant: show, change", process.setup},
		{"tools", "[--json]", "list the tools", process.listTools},
		{"broker", "[keys] [--listen ADDR]", "LinkAuth broker and its API keys, for operators", process.broker},
		{"demo", "[--tour | --json]", "everything on this machine, no account needed", process.demo},
		{"version", "", "print the version", process.version},
	}
}

// statusError ends a command with a status of its own and nothing more to say.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run executes one command line and returns the exit status.
func (p process) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	var usage *usageError
	var status statusError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		p.say("linkmail: %s", usage.text)
		return exitUsage
	default:
		p.say("linkmail: %s", plain(err))
		return exitError
	}
}

func (p process) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		p.say("%s", usage())
		return statusError(exitUsage)
	}
	name := args[0]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && args[1] == "config" {
			_, err := fmt.Fprintln(p.stdout, configHelp())
			return err
		}
		if len(args) > 1 && !strings.HasSuffix(args[1], "help") && args[1] != "-h" {
			return p.dispatch(ctx, []string{args[1], "--help"})
		}
		_, err := fmt.Fprintln(p.stdout, usage())
		return err
	case "-v", "--version", "-version":
		name = "version"
	}
	names := make([]string, 0, 8)
	for _, c := range commands() {
		if c.name == name {
			return c.run(p, ctx, args[1:])
		}
		names = append(names, c.name)
	}
	if isTool(name) {
		return usagef("%s is a tool: linkmail call %s", name, name)
	}
	return usagef("there is no command %q%s Run \"linkmail help\" for the list.", clip(name), suggest(name, names))
}

// isTool reports whether a word names a tool, offered or not.
func isTool(word string) bool {
	all, _ := tools.ParseToolsets("all")
	return slices.ContainsFunc(tools.Catalogue(tools.Config{Toolsets: all}), func(t mcpserver.ServerTool) bool { return t.Tool.Name == word })
}

// plain is an error without the names of our packages in front, which say
// nothing to a user.
func plain(err error) string {
	text := err.Error()
	for {
		name, rest, ok := strings.Cut(text, ": ")
		if !ok || !slices.Contains([]string{"auth0", "broker", "broker/keyfile", "cache", "linkauth", "mailbox", "server", "tools"}, name) {
			return text
		}
		text = rest
	}
}

func (p process) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, format+"\n", args...)
}

func usage() string {
	var b strings.Builder
	b.WriteString("linkmail is Gmail for AI agents that cannot open a browser.\n\nUsage:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  linkmail %-30s %s\n", strings.TrimSpace(c.name+" "+c.args), c.short)
	}
	b.WriteString(`
Try it without any account:
  linkmail demo --tour
  linkmail call search_emails '{"query":"is:unread"}' --auth demo

Run "linkmail COMMAND --help" for the flags of a command and
"linkmail help config" for the configuration.`)
	return b.String()
}

// version prints what was built.
func (p process) version(_ context.Context, args []string) error {
	rest, err := newFlags("linkmail version", "Prints the version.").parse(p, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("version takes no arguments, but %q was given", clip(rest[0]))
	}
	_, err = fmt.Fprintf(p.stdout, "linkmail %s\n", buildVersion())
	return err
}

// release is set by the linker for a release build.
var release string

// buildVersion names the build: the release, else what the module knows.
func buildVersion() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
