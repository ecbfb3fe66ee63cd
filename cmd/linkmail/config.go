package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"linkmail/internal/secret"
)

// source collects the values of settings and every mistake in them, so that
// one message names all.
type source struct {
	list     []setting
	texts    map[string]*string // flag values by variable
	switches map[string]*bool
	config   *string // --config

	given    map[string]string // flags that were set
	file     map[string]string // keys of the configuration file
	unread   bool              // the configuration file cannot be read: what it holds is not missing
	p        process
	problems []string
}

// withSettings adds a flag for every setting of the list.
func (f *flagSet) withSettings(list []setting) *source {
	s := &source{list: list, texts: map[string]*string{}, switches: map[string]*bool{}}
	own := map[string]bool{}
	f.VisitAll(func(g *flag.Flag) { own[g.Name] = true })
	f.settings = map[string]bool{}
	defer func() { f.VisitAll(func(g *flag.Flag) { f.settings[g.Name] = !own[g.Name] }) }()
	for _, set := range list {
		switch {
		case set.secret():
			s.texts[set.env+"_FILE"] = f.String(set.flag+"-file", "", "`file` that holds "+set.text)
		case set.kind == "switch":
			s.switches[set.env] = f.Bool(set.flag, false, set.text)
		default:
			text := set.text
			if set.def != "" {
				text += " (default: " + set.def + ")"
			}
			s.texts[set.env] = f.String(set.flag, "", "`"+set.kind+"` "+text)
		}
	}
	s.config = f.String("config", "", "TOML `file` with the same keys")
	return s
}

// read takes in the parsed flags, the environment and the configuration file.
func (s *source) read(p process, f *flagSet) {
	s.p, s.given, s.file = p, map[string]string{}, map[string]string{}
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	for _, st := range s.list {
		if st.secret() && set[st.flag+"-file"] {
			s.given[st.env+"_FILE"] = *s.texts[st.env+"_FILE"]
		} else if set[st.flag] {
			if b, ok := s.switches[st.env]; ok {
				s.given[st.env] = strconv.FormatBool(*b)
			} else {
				s.given[st.env] = *s.texts[st.env]
			}
		}
	}
	s.problems = append(s.problems, p.strangers()...)
	s.readFile()
}

// strangers says of each variable with our prefix that nobody reads which one
// may have been meant. Those of other versions are only said to do nothing.
func (p process) strangers() []string {
	var problems []string
	known := map[string]bool{}
	for _, st := range settings {
		known[st.env] = true
		known[st.env+"_FILE"] = st.secret() || st.env == "LINKMAIL_STORE"
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(n string) bool { return !known[n] })
	seen := map[string]bool{}
	for _, kv := range p.env {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "LINKMAIL_") || known[name] || seen[name] || value == "" {
			continue
		}
		seen[name] = true
		problems = append(problems, fmt.Sprintf("%s is not a setting%s", name, suggest(name, names)))
	}
	return problems
}

// readFile reads the TOML file that --config names, else linkmail.toml next to
// the binary or, in a skill, next to its SKILL.md.
func (s *source) readFile() {
	path := *s.config
	if path == "" {
		if path = s.besideSkill(); path == "" {
			return
		}
	}
	var keys map[string]any
	raw, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		s.problem("the configuration file %s cannot be read: %v", path, errors.Unwrap(err))
		s.unread = true
		return
	}
	if err := toml.Unmarshal(raw, &keys); err != nil {
		if perr, ok := errors.AsType[toml.ParseError](err); ok {
			s.problem("the configuration file %s is not TOML: line %d: %s", path, perr.Position.Line, perr.Message)
		} else {
			s.problem("the configuration file %s is not TOML", path)
		}
		s.unread = true
		return
	}
	byName := map[string]string{}
	for _, st := range settings {
		byName[st.env] = st.env
		if st.secret() {
			byName[st.env+"_FILE"] = st.env + "_FILE"
		}
		if !st.broker {
			byName[strings.ToUpper(strings.ReplaceAll(st.flag, "-", "_"))] = st.env
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		env, ok := byName[strings.ToUpper(strings.ReplaceAll(key, "-", "_"))]
		if !ok && !strings.HasPrefix(key, "OAUTH_") {
			s.problem("%s: %q is not a setting%s", path, key, suggest(key, slices.Sorted(maps.Keys(byName))))
			continue
		}
		if !ok {
			env = key
		}
		switch v := keys[key].(type) {
		case string, bool, int64:
			s.file[env] = fmt.Sprint(v)
		default:
			s.problem("%s: %q must be a text, a number or true or false", path, key)
		}
	}
}

// besideSkill returns the path of an installed configuration file, if any.
func (s *source) besideSkill() string {
	if s.p.executable == "" {
		return ""
	}
	dir := filepath.Dir(s.p.executable)
	places := []string{dir}
	if parent := filepath.Dir(dir); isFile(filepath.Join(parent, "SKILL.md")) {
		places = append(places, parent)
	}
	for _, d := range places {
		if path := filepath.Join(d, "linkmail.toml"); isFile(path) {
			return path
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// problem notes a mistake, once however often it is come across.
func (s *source) problem(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.problems, text) {
		s.problems = append(s.problems, text)
	}
}

// raw returns a value: flag, environment, file.
func (s *source) raw(name string) string {
	if v, ok := s.given[name]; ok {
		return v
	}
	if v, ok := s.p.lookup(name); ok {
		return v
	}
	return s.file[name]
}

// text returns a setting that is no secret.
func (s *source) text(env string) string { return strings.TrimSpace(s.raw(env)) }

// choice returns a setting that takes one of a few words.
func (s *source) choice(env, def string, words ...string) string {
	v := s.text(env)
	switch {
	case v == "":
		return def
	case !slices.Contains(words, v):
		s.problem("%s is %q; it must be one of: %s", env, clip(v), strings.Join(words, ", "))
	}
	return v
}

// on returns a switch.
func (s *source) on(env string) bool {
	v := s.text(env)
	if v == "" {
		return false
	}
	b, ok := onOff(v)
	if !ok {
		s.problem("%s is %q; it must be true or false", env, clip(v))
	}
	return b
}

// onOff reads a switch in any of the words that people use for one.
func onOff(v string) (on, ok bool) {
	switch v = strings.ToLower(v); v {
	case "yes", "y", "on":
		return true, true
	case "no", "n", "off":
		return false, true
	}
	b, err := strconv.ParseBool(v)
	return b, err == nil
}

// number returns a whole number that is not negative.
func (s *source) number(env string, def int) int {
	v := s.text(env)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		s.problem("%s is %q; it must be a whole number, 0 or more", env, clip(v))
		return def
	}
	return n
}

// maxSecretFile is the size of the largest file a secret is read from.
const maxSecretFile = 64 << 10

// secret returns a secret from its variable or from the file that NAME_FILE
// names: from the flag, the environment or the configuration file, whichever
// comes first. White space around it, such as a file's last line break, is not
// part of it.
func (s *source) secret(env string) secret.Text {
	file := s.given[env+"_FILE"]
	for _, place := range []struct {
		name  string
		value func(string) string
	}{
		{"the environment", func(n string) string { v, _ := s.p.lookup(n); return v }},
		{"the configuration file", func(n string) string { return s.file[n] }},
	} {
		if file != "" {
			break
		}
		direct := place.value(env)
		file = place.value(env + "_FILE")
		if direct != "" && file != "" {
			s.problem("%s and %s_FILE are both set in %s; keep one", env, env, place.name)
			return secret.Text{}
		}
		if direct != "" {
			return secret.New(strings.TrimSpace(direct))
		}
	}
	if file == "" {
		return secret.Text{}
	}
	info, err := os.Stat(file)
	if err == nil && (info.Size() > maxSecretFile || info.IsDir()) {
		s.problem("%s_FILE: %s is not a file of at most %d bytes", env, file, maxSecretFile)
		return secret.Text{}
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		s.problem("%s_FILE: %s cannot be read: %v", env, file, errors.Unwrap(err))
		return secret.Text{}
	}
	t := secret.New(strings.TrimSpace(string(raw)))
	if t.IsZero() {
		s.problem("%s_FILE: %s is empty", env, file)
	}
	return t
}

// need reports settings that a mode cannot do without, all of them.
func (s *source) need(why string, names ...string) {
	if s.unread {
		return
	}
	for _, n := range names {
		if s.raw(n) == "" && s.raw(n+"_FILE") == "" {
			s.problem("%s is not set, and %s needs it: %s", n, why, describe(n))
		}
	}
}

func describe(env string) string {
	for _, st := range settings {
		if st.env == env {
			return st.text
		}
	}
	return ""
}

// err returns all problems as one usage error.
func (s *source) err() error {
	switch len(s.problems) {
	case 0:
		return nil
	case 1:
		return usagef("configuration: %s\nRun \"linkmail help config\" for all settings.", s.problems[0])
	}
	return usagef("configuration: %d things are wrong:\n  %s\nRun \"linkmail help config\" for all settings.",
		len(s.problems), strings.Join(s.problems, "\n  "))
}

// clip shortens a value for an error message.
func clip(v string) string {
	if len(v) > 40 {
		return v[:37] + "..."
	}
	return v
}
