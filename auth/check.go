package auth

// Check is one thing that was looked at to find out why something does not
// work. Its texts are for people; none of them holds a secret or text of
// unbounded origin.
type Check struct {
	// ID is a stable word for programs, for example "gmail".
	ID string `json:"id"`
	// Service is the service that it is about, as in [Request.Scope]; empty if
	// it is the same for all.
	Service string `json:"service,omitempty"`
	// Title says what was looked at.
	Title   string  `json:"title"`
	Verdict Verdict `json:"verdict"`
	// Saw is what was seen, in one sentence.
	Saw string `json:"saw"`
	// Setting is the stable word of the setting that is wrong, or may be.
	Setting string `json:"setting,omitempty"`
	// Where is the place to change it: what to click, or a variable's name.
	Where string `json:"where,omitempty"`
	// Advice says what to do.
	Advice string `json:"advice,omitempty"`
	// Setup is the step of "linkmail setup" that would change it, if one would.
	Setup string `json:"setupStep,omitempty"`
}

// Verdict is what became of a [Check].
type Verdict string

// The verdicts.
const (
	// Passed means that all is well.
	Passed Verdict = "ok"
	// Failed means that something is wrong.
	Failed Verdict = "failed"
	// Unclear means that it cannot be told from here.
	Unclear Verdict = "cannot_tell"
	// Skipped means that it was not looked at, because an earlier check failed
	// or the mode does not need it.
	Skipped Verdict = "skipped"
)
