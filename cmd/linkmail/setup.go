package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"linkmail/auth"
	"linkmail/auth/auth0"
)

// setup shows the settings of an Auth0 tenant, and changes them if told to.
func (p process) setup(ctx context.Context, args []string) error {
	fs := newFlags("linkmail setup [--apply]",
		"Compares the settings of an Auth0 tenant with what linkmail needs and shows each change as before\n"+
			"and after. Nothing is changed without --apply. Lists are extended and never cut, the options of a\n"+
			"connection are left alone, and the multi-factor policy is only reported.")
	apply := fs.Bool("apply", false, "make the changes")
	asJSON := fs.Bool("json", false, "print the settings as one JSON object")
	callback := fs.String("callback", "", "the `url` that logins come back to; default: that of auth0-oauth or of the broker, as configured")
	src := fs.withSettings(settingsFor(false))
	if err := fs.alone(p, args, src); err != nil {
		return err
	}
	src.need("setup", "AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_MANAGEMENT_TOKEN")
	cfg := auth0.ManagementConfig{
		Domain: src.text("AUTH0_DOMAIN"), Token: src.secret("AUTH0_MANAGEMENT_TOKEN"),
		ClientID: src.text("AUTH0_CLIENT_ID"), Audience: src.text("AUTH0_AUDIENCE"),
		Callback: *callback, Connection: src.connection(mailService), HTTP: &http.Client{Transport: egress(p), Timeout: apiTimeout},
	}
	if cfg.Domain != "" {
		src.origin("AUTH0_DOMAIN", cfg.Domain, "https")
	}
	if cfg.Callback == "" {
		cfg.Callback = src.callback()
	} else {
		src.origin("--callback", cfg.Callback, "")
	}
	if err := src.err(); err != nil {
		return err
	}
	m, err := auth0.NewManagement(cfg)
	if err != nil {
		return usagef("%v", err)
	}
	run := setupRun{p: p, json: *asJSON, apply: *apply}
	return run.do(ctx, m)
}

// callback is the redirect URI of the configured way to a person.
func (s *source) callback() string {
	if s.text("LINKMAIL_AUTH") == modeOAuth {
		port := s.number("LINKMAIL_CALLBACK_PORT", defaultCallbackPort)
		return fmt.Sprintf("http://127.0.0.1:%d/callback", port)
	}
	broker := s.text("LINKAUTH_BROKER_URL")
	if broker == "" {
		return ""
	}
	s.origin("LINKAUTH_BROKER_URL", broker, "")
	return strings.TrimRight(broker, "/") + "/v1/oauth/callback"
}

// connection is the configured Auth0 connection of a service; empty for the
// one that it has by default.
func (s *source) connection(service string) string {
	names, _ := s.connections()
	return names[service]
}

// setupRun is one run of setup.
type setupRun struct {
	p           process
	json, apply bool
}

func (s setupRun) do(ctx context.Context, m *auth0.Management) error {
	if !s.apply {
		plan, err := m.Plan(ctx)
		if err != nil {
			return explained(err)
		}
		return s.report(planned(plan))
	}
	var seen func(auth0.Change)
	if !s.json {
		seen = func(c auth0.Change) { _, _ = fmt.Fprint(s.p.stdout, changeLines(c, true)) }
	}
	changes, err := m.Apply(ctx, seen)
	if err != nil {
		return explained(err)
	}
	return s.report(changes)
}

// planned turns what is into what would become of it.
func planned(plan []auth0.Setting) []auth0.Change {
	changes := make([]auth0.Change, len(plan))
	for i, s := range plan {
		changes[i] = auth0.Change{Setting: s, Outcome: s.Outcome()}
	}
	return changes
}

// report prints the rest and ends with the status.
func (s setupRun) report(changes []auth0.Change) error {
	failed := 0
	changed := false
	for _, c := range changes {
		if s.apply && (c.Outcome == auth0.NotChanged || c.Outcome == auth0.NotKept) {
			failed++
		}
		changed = changed || c.Outcome == auth0.Changed
	}
	var err error
	if s.json {
		enc := json.NewEncoder(s.p.stdout)
		enc.SetEscapeHTML(false)
		err = enc.Encode(struct {
			Applied  bool           `json:"applied"`
			Settings []auth0.Change `json:"settings"`
			Next     string         `json:"next"`
		}{s.apply, changes, s.next(changes, changed)})
	} else {
		var b strings.Builder
		if !s.apply {
			for _, c := range changes {
				b.WriteString(changeLines(c, false))
			}
		}
		_, err = fmt.Fprintf(s.p.stdout, "%s\n%s\n", b.String(), s.next(changes, changed))
	}
	if err == nil && failed > 0 {
		return statusError(exitError)
	}
	return err
}

// next says what to do now.
func (s setupRun) next(changes []auth0.Change, changed bool) string {
	count := map[auth0.Outcome]int{}
	for _, c := range changes {
		count[c.Outcome]++
	}
	var parts []string
	if n := count[auth0.Planned]; n > 0 {
		parts = append(parts, fmt.Sprintf("Nothing was changed. linkmail setup --apply makes the changes (%d).", n))
	}
	if n := count[auth0.NotChanged] + count[auth0.NotKept]; n > 0 {
		parts = append(parts, fmt.Sprintf("Not done or not known: %d; the lines above say why.", n))
	}
	if n := count[auth0.ByHand]; n > 0 {
		parts = append(parts, fmt.Sprintf("To be changed by hand: %d.", n))
	}
	if changed {
		parts = append(parts, "Now log in again (linkmail logout, linkmail login): a refresh token from before the changes keeps its old rights.")
	}
	if len(parts) == 0 {
		parts = append(parts, "All settings are right.")
	}
	if n := count[auth0.ToCheck]; n > 0 {
		parts = append(parts, fmt.Sprintf("Not Auth0's, so not known here: %d; each line above says where it is.", n))
	}
	return strings.Join(parts, "\n")
}

// changeLines shows one setting.
func changeLines(c auth0.Change, applied bool) string {
	var b strings.Builder
	word := map[auth0.Outcome]string{
		auth0.Untouched: "ok", auth0.Planned: "would change", auth0.Changed: "changed", auth0.NotKept: "NOT KEPT",
		auth0.NotChanged: "NOT CHANGED", auth0.ByHand: "by hand", auth0.ToCheck: "to check",
	}[c.Outcome]
	if c.Outcome == auth0.NotChanged && !applied {
		word = "cannot tell"
	}
	fmt.Fprintf(&b, "%-13s %s (%s)", word, c.Title, c.ID)
	if c.Outcome == auth0.Untouched {
		fmt.Fprintf(&b, ": %s\n", c.Have)
		return b.String()
	}
	b.WriteString("\n")
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-13s   %-7s %s\n", "", name, text)
		}
	}
	line("before", c.Have)
	switch {
	case applied && c.After != "":
		line("after", c.After)
	case c.Outcome == auth0.Planned:
		line("after", c.Want)
	case c.Have != "":
		line("wanted", c.Want)
	}
	line("why", c.Why)
	if c.Outcome != auth0.Changed && c.Outcome != auth0.Planned {
		line("where", c.Where)
		line("do", c.Advice)
	}
	return b.String()
}

// explained is an error for people: what happened and what to do.
func explained(err error) error {
	if failure, ok := errors.AsType[*auth.Failure](err); ok {
		return fmt.Errorf("%s. %s", failure.Message, failure.Hint)
	}
	return err
}
