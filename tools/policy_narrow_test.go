package tools_test

import (
	"testing"

	"linkmail/tools"
)

func TestTwoPoliciesAllowWhatBothAllow(t *testing.T) {
	parse := func(s string) tools.SendPolicy {
		p, err := tools.ParseSendPolicy(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, one := range []struct{ a, b, want string }{
		{"direct", "direct", "direct"},
		{"direct", "confirm", "confirm"},
		{"direct", "draft", "draft"},
		{"draft", "allow:a@x.example", "draft"},
		{"confirm", "allow:a@x.example", "confirm"},
		{"direct", "allow:a@x.example", "allow:a@x.example"},
		{"allow:*@x.example", "allow:a@x.example,b@y.example", "allow:a@x.example"},
		{"allow:*@x.example,b@y.example", "allow:*@x.example", "allow:*@x.example"},
		{"allow:a@x.example", "allow:b@x.example", "confirm"},
	} {
		for _, got := range []tools.SendPolicy{parse(one.a).Narrow(parse(one.b)), parse(one.b).Narrow(parse(one.a))} {
			if !got.Equal(parse(one.want)) {
				t.Errorf("%s and %s: got %+v, want %s", one.a, one.b, got, one.want)
			}
		}
	}
}
