package authtest_test

import (
	"errors"
	"fmt"
	"testing"

	"linkmail/auth"
	"linkmail/auth/authtest"
)

// judged is a test that is told of faults.
type judged struct {
	testing.TB
	faults int
}

func (j *judged) Helper()               {}
func (j *judged) Errorf(string, ...any) { j.faults++ }

func TestASecretIsFoundWhereverAnErrorHoldsIt(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		faults int
	}{
		"none":          {&auth.Failure{Code: "c", Message: "it was refused"}, 0},
		"in the text":   {&auth.Failure{Code: "c", Message: "ya29.token was refused"}, 1},
		"in the advice": {&auth.Failure{Code: "c", Hint: "remove GOCSPX-secret"}, 1},
		"in the cause":  {&auth.Failure{Code: "c", Err: errors.New("canary")}, 1},
		"deeper":        {&auth.Failure{Code: "c", Err: fmt.Errorf("get: %w", errors.New("?ticket=x"))}, 1},
		"around it":     {fmt.Errorf("eyJ: %w", &auth.Failure{Code: "c"}), 1},
	} {
		j := &judged{TB: t}
		authtest.Failure(j, tt.err, "c")
		if j.faults != tt.faults {
			t.Errorf("%s: %d faults, want %d", name, j.faults, tt.faults)
		}
	}
}
