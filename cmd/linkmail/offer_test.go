package main

import (
	"slices"
	"testing"

	"linkmail/tools"
)

func TestWhatTheToolsMayDoIsACeilingThatFlagsCanOnlyLower(t *testing.T) {
	policy := func(text string) tools.SendPolicy {
		p, err := tools.ParseSendPolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, one := range []struct {
		name             string
		flag, env, file  map[string]string
		send             string
		readOnly         bool
		toolsets, perDay int
	}{
		{"nothing set", nil, nil, nil, "confirm", false, 0, 0},
		{
			"a flag where nothing else is set",
			map[string]string{"LINKMAIL_SEND": "direct", "LINKMAIL_TOOLSETS": "all"},
			nil, nil,
			"direct", false, 4, 0,
		},
		{
			"a flag that asks for more",
			map[string]string{"LINKMAIL_SEND": "direct", "LINKMAIL_READ_ONLY": "false", "LINKMAIL_TOOLSETS": "all", "LINKMAIL_DAILY_SENDS": "0"},
			map[string]string{"LINKMAIL_SEND": "draft", "LINKMAIL_READ_ONLY": "true", "LINKMAIL_TOOLSETS": "labels", "LINKMAIL_DAILY_SENDS": "5"},
			nil,
			"draft", true, 1, 5,
		},
		{
			"a flag that asks for less",
			map[string]string{"LINKMAIL_SEND": "draft", "LINKMAIL_READ_ONLY": "true", "LINKMAIL_TOOLSETS": "sync", "LINKMAIL_DAILY_SENDS": "2"},
			map[string]string{"LINKMAIL_SEND": "direct", "LINKMAIL_TOOLSETS": "all", "LINKMAIL_DAILY_SENDS": "9"},
			nil,
			"draft", true, 1, 2,
		},
		{
			"an environment that asks for more than the file",
			nil,
			map[string]string{"LINKMAIL_SEND": "direct"},
			map[string]string{"LINKMAIL_SEND": "allow:*@example.com", "LINKMAIL_READ_ONLY": "true"},
			"allow:*@example.com", true, 0, 0,
		},
		{"no limit a day", nil, map[string]string{"LINKMAIL_DAILY_SENDS": "0"}, nil, "confirm", false, 0, -1},
	} {
		t.Run(one.name, func(t *testing.T) {
			var env []string
			for name, value := range one.env {
				env = append(env, name+"="+value)
			}
			s := source{p: process{env: env}, given: one.flag, file: one.file}
			o := s.offer()
			if err := s.err(); err != nil {
				t.Fatal(err)
			}
			if !o.send.Equal(policy(one.send)) || o.readOnly != one.readOnly || len(slices.Compact(o.toolsets)) != one.toolsets || o.perDay != one.perDay {
				t.Errorf("got %+v, want %+v", o, one)
			}
		})
	}
}
