// Command skillpack packs the agent skill: make skill runs it.
//
//	skillpack -out linkmail-skill.zip -version v1.0.0 linux/amd64=PATH ...
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"linkmail/skill"
	"linkmail/tools"
)

func main() {
	out := flag.String("out", "linkmail-skill.zip", "the zip to write")
	version := flag.String("version", "dev", "the version to name")
	flag.Parse()
	if err := pack(*out, *version, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "skillpack:", err)
		os.Exit(1)
	}
}

func pack(out, version string, platforms []string) error {
	var binaries []skill.Binary
	for _, p := range platforms {
		platform, path, ok := strings.Cut(p, "=")
		goos, goarch, ok2 := strings.Cut(platform, "/")
		if !ok || !ok2 {
			return fmt.Errorf("%q is not OS/ARCH=PATH", p)
		}
		content, err := os.ReadFile(path) //nolint:gosec // the Makefile names the file
		if err != nil {
			return err
		}
		binaries = append(binaries, skill.Binary{OS: goos, Arch: goarch, Content: content})
	}
	var list []mcp.Tool
	for _, t := range tools.Catalogue(tools.Config{}) {
		list = append(list, t.Tool)
	}
	md, err := skill.Render(list, version)
	if err != nil {
		return err
	}
	f, err := os.Create(out) //nolint:gosec // the Makefile names the file
	if err != nil {
		return err
	}
	if err := skill.Pack(f, md, binaries); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
