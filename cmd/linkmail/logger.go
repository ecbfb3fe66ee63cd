package main

import (
	"time"

	"github.com/rs/zerolog"
)

// logger returns the logger that the settings ask for. It writes to standard
// error only, because standard output belongs to MCP and to results.
func (s *source) logger(def string) zerolog.Logger {
	word := s.choice("LINKMAIL_LOG_LEVEL", def, "trace", "debug", "info", "warn", "error", "off")
	level, err := zerolog.ParseLevel(word)
	if word == "off" || err != nil {
		level = zerolog.Disabled
	}
	out := zerolog.SyncWriter(s.p.stderr)
	if s.choice("LINKMAIL_LOG_FORMAT", "console", "console", "json") == "console" {
		_, noColor := s.p.lookup("NO_COLOR")
		out = zerolog.ConsoleWriter{Out: out, NoColor: noColor || !isTerminal(s.p.stderr), TimeFormat: time.TimeOnly}
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger()
}
