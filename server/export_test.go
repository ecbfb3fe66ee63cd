package server

// Redact is how explanations are searched for credentials.
var Redact = redact

// MaxLine is the longest message on stdio.
const MaxLine = maxLine
