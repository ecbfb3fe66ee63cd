package tools

import (
	"fmt"
	"time"
)

// ArgumentError says which argument of a call was wrong, and how to repair it.
// It names arguments and types; it never quotes a value.
type ArgumentError struct {
	// Tool is the tool that was called.
	Tool string
	// Argument is the argument at fault; empty if it is the call as a whole.
	Argument string
	// Code is "invalid_argument" or "too_large".
	Code string
	// Message says what was wrong, Hint what to do.
	Message, Hint string
}

func (e *ArgumentError) Error() string { return "tools: " + e.Tool + ": " + e.Message }

// Explain returns the error in the four parts that the server answers with.
// There is nothing to wait for, so retryAfter is zero.
func (e *ArgumentError) Explain() (code, message, hint string, retryAfter time.Duration) {
	return e.Code, e.Message, e.Hint, 0
}

// invalid returns an *ArgumentError about one argument.
func invalid(argument, hint, format string, args ...any) *ArgumentError {
	return &ArgumentError{
		Argument: argument,
		Code:     "invalid_argument",
		Message:  fmt.Sprintf(format, args...),
		Hint:     hint,
	}
}
