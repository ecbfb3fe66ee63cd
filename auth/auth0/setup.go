package auth0

import (
	"context"
	"errors"
	"strings"

	"linkmail/auth"
)

// State is how a [Setting] stands.
type State string

// The states.
const (
	// Right means that nothing has to be done.
	Right State = "ok"
	// Wrong means that the value has to change.
	Wrong State = "wrong"
	// Unknown means that the value could not be read.
	Unknown State = "unknown"
	// Elsewhere means that Auth0 does not hold the value; Where says who does.
	Elsewhere State = "elsewhere"
)

// Setting is one setting of a tenant: as it is, and as it has to be.
type Setting struct {
	// ID is a stable word, the same that [auth.Check] has in Setting.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Where is the place in the Auth0 dashboard.
	Where string `json:"where"`
	State State  `json:"state"`
	// Have and Want are the value there is and the one that is needed.
	Have string `json:"have,omitempty"`
	Want string `json:"want,omitempty"`
	// Why says why the state is unknown.
	Why string `json:"why,omitempty"`
	// Advice says how to change it by hand.
	Advice string `json:"advice,omitempty"`
	// Dashboard means that [Management.Apply] leaves it alone.
	Dashboard bool `json:"dashboard,omitempty"`
}

// Outcome is what is to be expected of [Management.Apply].
func (s Setting) Outcome() Outcome {
	switch {
	case s.State == Right:
		return Untouched
	case s.State == Elsewhere:
		return ToCheck
	case s.State == Unknown:
		return NotChanged
	case s.Dashboard:
		return ByHand
	}
	return Planned
}

// Outcome is what [Management.Apply] did about a setting.
type Outcome string

// The outcomes.
const (
	// Planned means that it would be changed; nothing was done yet.
	Planned Outcome = "planned"
	// Untouched means that the setting was right.
	Untouched Outcome = "untouched"
	// Changed means that it was changed and read back as wanted.
	Changed Outcome = "changed"
	// NotKept means that Auth0 accepted the change, but does not show it.
	NotKept Outcome = "not_kept"
	// NotChanged means that Auth0 refused the change, or that the value could
	// not be read; Why says which.
	NotChanged Outcome = "not_changed"
	// ByHand means that a person has to change it in the dashboard.
	ByHand Outcome = "by_hand"
	// ToCheck means that Auth0 cannot tell, and a person or the doctor has to
	// look elsewhere.
	ToCheck Outcome = "to_check"
)

// Change is what became of a setting.
type Change struct {
	Setting
	Outcome Outcome `json:"outcome"`
	// After is the value that was read back.
	After string `json:"after,omitempty"`
}

// Plan reads every setting and changes nothing. The order is that in which
// they have to be changed. The error is one that lets nothing be read; a
// single value that cannot be read is a setting of state [Unknown].
func (m *Management) Plan(ctx context.Context) ([]Setting, error) {
	t, err := m.survey(ctx)
	if err != nil {
		return nil, err
	}
	var out []Setting
	for _, step := range steps {
		if s, ok := t.look(step); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// Apply changes what is wrong and reads each change back. Lists are extended,
// never cut, and the options of a connection, which hold the provider's
// secret, are never written. seen is called after each setting and may be nil.
func (m *Management) Apply(ctx context.Context, seen func(Change)) ([]Change, error) {
	t, err := m.survey(ctx)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, step := range steps {
		s, ok := t.look(step)
		if !ok {
			continue
		}
		change, err := t.apply(ctx, step, s)
		if err != nil {
			return out, err
		}
		out = append(out, change)
		if seen != nil {
			seen(change)
		}
	}
	return out, nil
}

// survey reads the whole tenant.
func (m *Management) survey(ctx context.Context) (*tenant, error) {
	t := &tenant{m: m, unread: map[part]error{}}
	parts := []part{partClient, partConnection, partEnabled, partMyAccount, partGrant, partMFA}
	if m.cfg.Audience != "" {
		parts = append(parts, partAPI)
	}
	if loopbackURL(m.cfg.Callback) {
		parts = append(parts, partTenant)
	}
	return t, t.read(ctx, parts...)
}

// apply does one step.
func (t *tenant) apply(ctx context.Context, step step, s Setting) (Change, error) {
	change := Change{Setting: s, Outcome: s.Outcome()}
	if change.Outcome != Planned {
		return change, nil
	}
	err := step.change(ctx, t)
	if failure, ok := errors.AsType[*auth.Failure](err); ok {
		return change, failure
	}
	if ctx.Err() != nil {
		return change, ctx.Err()
	}
	if err != nil {
		change.Outcome, change.Why = NotChanged, err.Error()
		return change, nil //nolint:nilerr // the other settings can still be changed; Why has the error
	}
	if err := t.read(ctx, step.part); err != nil {
		return change, err
	}
	after, _ := t.look(step)
	change.After, change.Outcome = after.Have, Changed
	if after.State != Right {
		change.Outcome = NotKept
		change.Why = "Auth0 accepted the change, but does not show it; run setup again, or change it in the dashboard"
	}
	return change, nil
}

// look says how a setting stands. It reports false for one that does not matter here.
func (t *tenant) look(step step) (Setting, bool) {
	text := settingTexts[step.id]
	fill := strings.NewReplacer("{connection}", t.m.cfg.Connection, "{callback}", t.m.cfg.Callback, "{domain}", t.m.domain)
	s := Setting{
		ID: step.id, Title: text.title, Where: fill.Replace(text.where), Advice: fill.Replace(text.advice),
		Dashboard: step.change == nil,
	}
	if step.matters != nil && !step.matters(t) {
		return s, false
	}
	if err := t.unread[step.part]; err != nil {
		s.State, s.Why = Unknown, err.Error()
		if missing(err) && step.part == partClient {
			s.Why = "the tenant has no application with the id in AUTH0_CLIENT_ID"
		}
		return s, true
	}
	s.Have, s.Want, s.State = step.look(t)
	if s.State == Unknown || s.State == Elsewhere {
		s.Why, s.Have = s.Have, ""
	}
	if s.State == Wrong && step.part == partConnection && t.connection == nil {
		s.Dashboard = true // there is nothing to change yet
	}
	return s, true
}
