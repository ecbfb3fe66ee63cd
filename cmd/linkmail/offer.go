package main

import (
	"slices"
	"strconv"
	"strings"

	"linkmail/tools"
)

// layers are the values that a setting was given: flag, environment, file.
func (s *source) layers(env string) []string {
	var list []string
	add := func(v string) {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	add(s.given[env])
	if v, ok := s.p.lookup(env); ok {
		add(v)
	}
	add(s.file[env])
	return list
}

// offer reads what the tools may do. Here no source overrides another: what the
// file or the environment allows is a ceiling, which a flag can only lower, so
// that whoever starts a server cannot widen what its owner has set.
func (s *source) offer() offer {
	o := offer{readOnly: s.on("LINKMAIL_READ_ONLY"), files: s.text("LINKMAIL_DOWNLOADS"), perDay: s.perDay()}
	for _, v := range s.layers("LINKMAIL_READ_ONLY") {
		if on, ok := onOff(v); ok && on {
			o.readOnly = true
		}
	}
	for i, v := range s.layers("LINKMAIL_SEND") {
		p, err := tools.ParseSendPolicy(v)
		switch {
		case err != nil:
			s.problem("LINKMAIL_SEND: %s", plain(err))
		case i == 0:
			o.send = p
		default:
			o.send = o.send.Narrow(p)
		}
	}
	for i, v := range s.layers("LINKMAIL_TOOLSETS") {
		sets, err := tools.ParseToolsets(v)
		switch {
		case err != nil:
			s.problem("LINKMAIL_TOOLSETS: %s", plain(err))
		case i == 0:
			o.toolsets = sets
		default:
			o.toolsets = slices.DeleteFunc(o.toolsets, func(t tools.Toolset) bool { return !slices.Contains(sets, t) })
		}
	}
	return o
}

// perDay is the lowest number of mails a day that was set; negative is any
// number, and zero none that was set.
func (s *source) perDay() int {
	lowest := 0
	if s.number("LINKMAIL_DAILY_SENDS", 0) == 0 && s.text("LINKMAIL_DAILY_SENDS") != "" {
		lowest = -1
	}
	for _, v := range s.layers("LINKMAIL_DAILY_SENDS") {
		if n, err := strconv.Atoi(v); err == nil && n > 0 && (lowest <= 0 || n < lowest) {
			lowest = n
		}
	}
	return lowest
}
