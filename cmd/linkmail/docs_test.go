package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"linkmail/tools"
)

var update = flag.Bool("update", false, "write the generated parts of the README")

// toolTable is the README's table of tools.
func toolTable() string {
	var b strings.Builder
	b.WriteString("| tool | what it does | changes something |\n|---|---|---|\n")
	for _, t := range tools.Catalogue(tools.Config{}) {
		first, _, _ := strings.Cut(t.Tool.Description, "\n")
		if i := strings.Index(first, ". "); i > 0 {
			first = first[:i+1]
		}
		changes := "no"
		if ro := t.Tool.Annotations.ReadOnlyHint; ro == nil || !*ro {
			changes = "yes"
		}
		b.WriteString("| `" + t.Tool.Name + "` | " + first + " | " + changes + " |\n")
	}
	return b.String()
}

// configTable is the README's table of settings.
func configTable(broker bool) string {
	var b strings.Builder
	b.WriteString("| variable | flag | meaning | default |\n|---|---|---|---|\n")
	for _, s := range settingsFor(broker) {
		flag := "`--" + s.flag + "`"
		if s.secret() {
			flag = "`--" + s.flag + "-file`"
		}
		b.WriteString("| `" + s.env + "` | " + flag + " | " + strings.ReplaceAll(s.text, "|", "\\|") + " | " + s.def + " |\n")
	}
	return b.String()
}

func TestTheGeneratedPartsOfTheReadmeAreCurrent(t *testing.T) {
	const readme = "../../README.md"
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, content := range map[string]string{
		"tools": toolTable(), "configuration": configTable(false), "broker configuration": configTable(true),
	} {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end: "+name+" -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("the README has no markers for %s", name)
		}
		text = before + begin + content + end + after
	}
	if text == string(raw) {
		return
	}
	if !*update {
		t.Fatal("the README is behind the code; run make docs")
	}
	if err := os.WriteFile(readme, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
