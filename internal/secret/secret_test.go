package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/rs/zerolog"

	"linkmail/internal/secret"
)

// canary is what must never be seen. It is long enough that no address, length
// or random text contains it by chance.
const canary = "canary-5e1f-swordfish"

type exported struct {
	Name  string
	Token secret.Text
}

type unexported struct {
	name  string
	token secret.Text
}

type embedded struct{ secret.Text }

type deep struct{ inner *unexported }

// placements are the ways a program carries a secret about.
func placements() map[string]any {
	text := secret.New(canary)
	return map[string]any{
		"bare":              text,
		"pointer":           &text,
		"exported field":    exported{Name: "n", Token: text},
		"unexported field":  unexported{name: "n", token: text},
		"pointer to struct": &unexported{name: "n", token: text},
		"embedded":          embedded{text},
		"two levels deep":   deep{inner: &unexported{token: text}},
		"slice":             []secret.Text{text},
		"slice of structs":  []unexported{{token: text}},
		"array":             [1]secret.Text{text},
		"map value":         map[string]secret.Text{"k": text},
		"map of structs":    map[string]unexported{"k": {token: text}},
		"interface in any":  []any{text, unexported{token: text}},
	}
}

// checkHidden fails the test if out shows the canary in any form that a verb
// or an encoder could give it.
func checkHidden(t *testing.T, out string) {
	t.Helper()
	forms := map[string]string{
		"clear":   canary,
		"hex":     hex.EncodeToString([]byte(canary)),
		"base64":  base64.RawStdEncoding.EncodeToString([]byte(canary)),
		"decimal": strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"),
		"go hex":  strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(canary)), "[]byte{"), "}"),
		"spaced":  fmt.Sprintf("% x", canary),
	}
	for form, text := range forms {
		if strings.Contains(strings.ToLower(out), strings.ToLower(text)) {
			t.Errorf("the secret shows (%s) in %q", form, out)
		}
	}
}

func TestNoVerbShowsTheSecretWhereverItIsStored(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}
	for place, value := range placements() {
		for _, verb := range verbs {
			t.Run(place+" with "+verb, func(t *testing.T) {
				checkHidden(t, fmt.Sprintf(verb, value))
				checkHidden(t, fmt.Errorf("wrapped: "+verb, value).Error())
			})
		}
	}
}

func TestTheProbeSeesAnUnwrappedString(t *testing.T) {
	// A table that cannot fail proves nothing: the same holder with a plain
	// string must be caught by the forms that checkHidden looks for.
	type naked struct{ token string }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if out := fmt.Sprintf(verb, naked{canary}); !strings.Contains(out, canary) {
			t.Errorf("%s of a plain string gave %q, the probe is blind", verb, out)
		}
	}
	if out := fmt.Sprintf("%x", canary); out != hex.EncodeToString([]byte(canary)) {
		t.Errorf("%%x of a plain string gave %q, the probe is blind", out)
	}
}

func TestNoEncoderWritesTheSecret(t *testing.T) {
	for place, value := range placements() {
		t.Run(place, func(t *testing.T) {
			if out, err := json.Marshal(value); err != nil {
				t.Errorf("json: %v", err)
			} else {
				checkHidden(t, string(out))
			}
			// Not every placement is valid XML; what comes out must be clean.
			out, err := xml.Marshal(value)
			checkHidden(t, string(out))
			if err != nil {
				checkHidden(t, err.Error())
			}
		})
	}
	t.Run("as a map key", func(t *testing.T) {
		out, err := json.Marshal(map[secret.Text]int{secret.New(canary): 1})
		if err != nil {
			t.Fatal(err)
		}
		checkHidden(t, string(out))
	})
}

func TestNoLoggerWritesTheSecret(t *testing.T) {
	for place, value := range placements() {
		t.Run(place, func(t *testing.T) {
			var out bytes.Buffer
			zl := zerolog.New(&out)
			zl.Info().Interface("v", value).Msg("interface")
			zl.Info().Any("v", value).Msg("any")
			zl.Info().Fields(map[string]any{"v": value}).Msg("fields")
			zl.Info().Err(fmt.Errorf("failed with %v", value)).Msg("error")
			zl.Info().Msgf("%v %+v %#v %s", value, value, value, value)
			zl.Print(value)
			slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", value) //nolint:forbidigo // a dependency may use this logger
			slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", value) //nolint:forbidigo // as above
			checkHidden(t, out.String())
		})
	}
}

func TestNoTemplatePrintsTheSecret(t *testing.T) {
	var out strings.Builder
	page := template.Must(template.New("").Parse(`{{.}} {{printf "%v" .}} {{print .}}`))
	for _, value := range placements() {
		if err := page.Execute(&out, value); err != nil {
			t.Fatal(err)
		}
	}
	checkHidden(t, out.String())
}

func TestTextSaysThatItIsRedacted(t *testing.T) {
	text := secret.New(canary)
	for verb, want := range map[string]string{"%v": "[redacted]", "%s": "[redacted]", "%#v": "[redacted]", "%q": `"[redacted]"`} {
		if got := fmt.Sprintf(verb, text); got != want {
			t.Errorf("%s gave %q, want %q", verb, got, want)
		}
	}
	out, err := json.Marshal(exported{Name: "n", Token: text})
	if got, want := string(out), `{"Name":"n","Token":"[redacted]"}`; err != nil || got != want {
		t.Errorf("json gave %s, %v, want %s", got, err, want)
	}
}

func TestReveal(t *testing.T) {
	if got := secret.New(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %q, want %q", got, canary)
	}
	var zero secret.Text
	if got := zero.Reveal(); got != "" {
		t.Errorf("Reveal() of the zero value = %q, want nothing", got)
	}
}

func TestIsZero(t *testing.T) {
	for name, tc := range map[string]struct {
		text secret.Text
		want bool
	}{
		"the zero value":       {secret.Text{}, true},
		"an empty string":      {secret.New(""), true},
		"a blank":              {secret.New(" "), false},
		"a string":             {secret.New("x"), false},
		"a single NUL":         {secret.New("\x00"), false},
		"a copy of the string": {func() secret.Text { t := secret.New("x"); return t }(), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.text.IsZero(); got != tc.want {
				t.Errorf("IsZero() = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b secret.Text
		want bool
	}{
		"equal text in two values": {secret.New("ab"), secret.New("a" + "b"), true},
		"different text":           {secret.New("ab"), secret.New("ac"), false},
		"a prefix":                 {secret.New("ab"), secret.New("a"), false},
		"empty and zero":           {secret.New(""), secret.Text{}, true},
		"empty and something":      {secret.Text{}, secret.New("a"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.a.Equal(tc.b); got != tc.want {
				t.Errorf("Equal() = %v, want %v", got, tc.want)
			}
			if got := tc.b.Equal(tc.a); got != tc.want {
				t.Errorf("Equal() the other way = %v, want %v", got, tc.want)
			}
		})
	}
}
