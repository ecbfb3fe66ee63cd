package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// flagSet is a command's flags. Unlike package flag it lets flags follow the
// arguments, because people write: linkmail call TOOL JSON --text.
type flagSet struct {
	*flag.FlagSet
	synopsis, about string
	// settings are the names of the flags that stand for settings.
	settings map[string]bool
}

func newFlags(synopsis, about string) *flagSet {
	fs := flag.NewFlagSet("linkmail", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return &flagSet{FlagSet: fs, synopsis: synopsis, about: about}
}

// parse returns the arguments that are not flags. "--" ends the flags, and a
// lone "-" is an argument.
func (f *flagSet) parse(p process, args []string) ([]string, error) {
	var rest []string
	for {
		err := f.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			_, werr := fmt.Fprintln(p.stdout, f.help())
			return nil, errors.Join(err, werr)
		case err != nil:
			return nil, f.explain(err)
		}
		taken := len(args) - f.NArg()
		ended := taken > 0 && args[taken-1] == "--"
		args = f.Args()
		if ended || len(args) == 0 {
			return append(rest, args...), nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// alone parses a command line without arguments and reads the settings. An
// argument is one of the problems that src reports.
func (f *flagSet) alone(p process, args []string, src *source) error {
	rest, err := f.parse(p, args)
	if err != nil {
		return err
	}
	src.read(p, f)
	if len(rest) > 0 {
		name := strings.Fields(f.synopsis)[1] // after "linkmail"
		src.problem("%s takes no arguments, but %q was given", name, clip(rest[0]))
	}
	return nil
}

// explain turns a parse error into one that names the nearest flag. The value
// is not repeated: it may be a secret that was put on the command line.
func (f *flagSet) explain(err error) error {
	const unknown = "flag provided but not defined: -"
	if name, ok := strings.CutPrefix(err.Error(), unknown); ok {
		name = strings.TrimLeft(name, "-")
		if s, isSecret := secretNamed(name); isSecret {
			return usagef("there is no flag --%s: a secret does not belong on the command line, where other users can see it. Set %s or --%s-file.", name, s.env, name)
		}
		var names []string
		f.VisitAll(func(g *flag.Flag) { names = append(names, "--"+g.Name) })
		return usagef("there is no flag --%s%s Usage: %s", clip(name), suggest("--"+name, names), f.synopsis)
	}
	if _, rest, ok := strings.Cut(err.Error(), "for flag -"); ok {
		name, cause, _ := strings.Cut(rest, ": ")
		if cause == "parse error" {
			cause = "the value is not one that it takes"
			if g := f.Lookup(name); g != nil && strings.Contains(g.Usage, "`duration`") {
				cause = "the value is not a duration such as 30s or 2m"
			}
		}
		return usagef("--%s: %s. Usage: %s", name, cause, f.synopsis)
	}
	return usagef("%v. Usage: %s", err, f.synopsis)
}

// help puts the flags of the command itself before those that it shares with
// others, which are the settings.
func (f *flagSet) help() string {
	var own, shared strings.Builder
	f.VisitAll(func(g *flag.Flag) {
		arg, text := flag.UnquoteUsage(g)
		if strings.HasPrefix(g.Usage, "`") {
			text = strings.TrimPrefix(text, arg+" ") // a word about the value, not of the text
		}
		name := "--" + g.Name
		if arg != "" && !isBool(g) {
			name += " " + strings.ToUpper(arg)
		}
		if g.DefValue != "" && g.DefValue != "false" {
			text += " (default " + g.DefValue + ")"
		}
		to := &own
		if f.settings[g.Name] {
			to = &shared
		}
		fmt.Fprintf(to, "  %-32s %s\n", name, text)
	})
	help := fmt.Sprintf("Usage: %s\n\n%s\n", f.synopsis, f.about)
	if own.Len() > 0 {
		help += "\nFlags:\n" + own.String()
	}
	if shared.Len() > 0 {
		help += "\nSettings (\"linkmail help config\" has their variables):\n" + shared.String()
	}
	return strings.TrimRight(help, "\n")
}

func isBool(g *flag.Flag) bool {
	b, ok := g.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// suggest ends a sentence about an unknown word: it asks whether the nearest
// name was meant, unless none is near enough to be a slip of the finger.
func suggest(word string, names []string) string {
	best, least := "", 2+len(word)/4
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return "."
	}
	return "; did you mean " + best + "?"
}

// distance is the Levenshtein distance in bytes; names are ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
