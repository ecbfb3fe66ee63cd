package standin

import (
	"mime"
	"strings"
)

// person is somebody who writes or receives mail.
type person struct{ name, address string }

// String is the person as a header field names them.
func (p person) String() string {
	if p.name == "" {
		return p.address
	}
	name := p.name
	switch {
	case !isASCII(name):
		name = mime.QEncoding.Encode("UTF-8", name)
	case strings.ContainsAny(name, `.,;:@"()<>`):
		name = `"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
	}
	return name + " <" + p.address + ">"
}

func (p person) domain() string {
	_, domain, _ := strings.Cut(p.address, "@")
	return domain
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 126 || r < 32 }) < 0
}

func people(list ...person) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return strings.Join(out, ", ")
}

var alex = person{"Alex Rivera", DefaultUser}

// cast is everybody in the conversations, by the name they have there.
var cast = map[string]person{
	"alex":   alex,
	"dana":   {"Dana Whitfield", "dana.whitfield@example.com"},
	"priya":  {"Priya Raman", "priya.raman@example.com"},
	"tomas":  {"Tomás Ortega", "tomas.ortega@example.com"},
	"jonas":  {"Jonas Weber", "jonas.weber@example.com"},
	"mei":    {"Mei Lin", "mei.lin@example.com"},
	"nora":   {"Nora Lindqvist", "nora@kestrel.example"},
	"samuel": {"Okafor, Samuel", "samuel.okafor@bluefin.example"},
	"maya":   {"Maya Chen", "maya.chen@example.net"},
	"rosa":   {"Rosa Rivera", "rosa.rivera@example.net"},
	"leo":    {"Leo Rivera", "leo@example.org"},
	"greta":  {"Greta Holm", "greta@holmproperty.example"},
}

// signatures stand under the mails of those who have one.
var signatures = map[string]string{
	"dana":  "Dana Whitfield\nOperations, Harbor & Pine",
	"jonas": "Jonas Weber\nFinance, Harbor & Pine\n+49 40 5550 114",
	"nora":  "Nora Lindqvist\nFounder, Kestrel Notebooks",
}
