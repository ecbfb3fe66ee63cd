package mailbox

import (
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAddresses(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []Address
	}{
		"nothing":                         {"", nil},
		"a bare address":                  {"a@example.com", []Address{{Email: "a@example.com"}}},
		"a name and an address":           {"Ann Lee <a@example.com>", []Address{{"Ann Lee", "a@example.com"}}},
		"a quoted name":                   {`"Lee, Ann \"A\"" <a@example.com>`, []Address{{`Lee, Ann "A"`, "a@example.com"}}},
		"a name that lost its quotes":     {"Lee, Ann <a@example.com>, b@example.com", []Address{{"Lee, Ann", "a@example.com"}, {"", "b@example.com"}}},
		"several":                         {"a@x.org, B <b@x.org>,c@x.org", []Address{{"", "a@x.org"}, {"B", "b@x.org"}, {"", "c@x.org"}}},
		"an empty group":                  {"undisclosed-recipients:;", nil},
		"a group":                         {"Team: a@x.org, B <b@x.org>; c@x.org", []Address{{"", "a@x.org"}, {"B", "b@x.org"}, {"", "c@x.org"}}},
		"a colon in a decoded name":       {"Team: Sales <s@x.org>", []Address{{"Team: Sales", "s@x.org"}}},
		"a name in a comment":             {"a@x.org (Ann Lee)", []Address{{"Ann Lee", "a@x.org"}}},
		"an encoded name":                 {"=?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@x.org>", []Address{{"Grüße", "a@x.org"}}},
		"a comma in an encoded word":      {"=?utf-8?q?Lee,_Ann?= <a@x.org>", []Address{{"Lee, Ann", "a@x.org"}}},
		"an encoded word hides no one":    {"=?utf-8?q?x=3Cb=40x=2Eorg=3E=2C?= <a@x.org>", []Address{{"x<b@x.org>,", "a@x.org"}}},
		"a name that looks like another":  {`"good@bank.com" <evil@x.org>`, []Address{{"good@bank.com", "evil@x.org"}}},
		"two brackets":                    {"A <good@bank.com> <evil@x.org>", []Address{{"A <good@bank.com>", "evil@x.org"}}},
		"a lone quote":                    {`"Ann <a@x.org>, b@x.org`, []Address{{`"Ann`, "a@x.org"}, {"", "b@x.org"}}},
		"an open bracket":                 {"Ann <a@x.org", []Address{{"Ann", "a@x.org"}}},
		"no address at all":               {"Mail Delivery Subsystem", []Address{{Name: "Mail Delivery Subsystem"}}},
		"a name and a bare address":       {"Ann a@x.org", []Address{{"Ann", "a@x.org"}}},
		"a quoted local part":             {`<"a b"@x.org>`, []Address{{"", `"a b"@x.org`}}},
		"invisible characters in both":    {"A\u202Enn <a\u200B@x.org>", []Address{{"Ann", "a@x.org"}}},
		"a list by semicolons":            {"a@x.org; b@x.org", []Address{{"", "a@x.org"}, {"", "b@x.org"}}},
		"empty entries":                   {", a@x.org,,", []Address{{"", "a@x.org"}}},
		"a folded header":                 {"Ann\r\n Lee <a@x.org>", []Address{{"Ann Lee", "a@x.org"}}},
		"a name followed by nothing":      {"Ann,", []Address{{Name: "Ann"}}},
		"a name before a bare address":    {"Ann, a@x.org", []Address{{Name: "Ann"}, {Email: "a@x.org"}}},
		"a backslash at the end of quote": {`"Ann\`, []Address{{Name: `"Ann\`}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseAddresses(tt.in)); diff != "" {
				t.Errorf("parseAddresses(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

var spacedAddress = regexp.MustCompile(` [@.]|[@.] `)

// What a strict parser accepts, the lenient one must read the same way: the
// same number of recipients and the same addresses.
func FuzzParseAddresses(f *testing.F) {
	for _, s := range []string{
		"", "a@x.org", `"Lee, Ann" <a@x.org>, b@x.org`, "Team: a@x.org, B <b@x.org>;", "undisclosed-recipients:;",
		`"Ann <a@x.org`, "=?utf-8?q?Lee,_Ann?= <a@x.org>", "A <a@x.org> <b@x.org>", "a@x.org (Ann (Lee))", "a@[1.2.3.4]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := parseAddresses(s)
		for _, a := range got {
			for _, part := range []string{a.Name, a.Email} {
				if clean, _ := cleanLine(part); clean != part {
					t.Errorf("parseAddresses(%q) has the unclean part %q", s, part)
				}
			}
		}
		// Quoted strings and comments nest in ways in which parsers differ, and
		// the grammar lets an address have spaces, which nobody means.
		if strings.ContainsAny(s, "\"()\\:;=") || !isPlain(s, ' ') || spacedAddress.MatchString(s) {
			return
		}
		want, err := mail.ParseAddressList(s)
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("parseAddresses(%q) = %v, want %v", s, got, want)
		}
		for i := range want {
			if got[i].Email != want[i].Address {
				t.Errorf("parseAddresses(%q)[%d] = %q, want %q", s, i, got[i].Email, want[i].Address)
			}
		}
	})
}
