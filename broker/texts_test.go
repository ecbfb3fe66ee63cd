package broker_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// table is page/texts.json: language, then key, then a text or a map of texts.
func table(t *testing.T) map[string]map[string]any {
	t.Helper()
	raw, err := os.ReadFile("page/texts.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// flat names every text by its path.
func flat(prefix string, texts map[string]any) map[string]string {
	out := map[string]string{}
	for key, value := range texts {
		switch v := value.(type) {
		case string:
			out[prefix+key] = v
		case map[string]any:
			maps.Copy(out, flat(prefix+key+"/", v))
		}
	}
	return out
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	placeholder := regexp.MustCompile(`\{\w+\}`)
	english := flat("", table(t)["en"])
	for lang, texts := range table(t) {
		other := flat("", texts)
		for key, text := range english {
			if strings.TrimSpace(other[key]) == "" {
				t.Errorf("%s lacks %s", lang, key)
			}
			want, got := placeholder.FindAllString(text, -1), placeholder.FindAllString(other[key], -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s %s has the placeholders %v, want %v", lang, key, got, want)
			}
		}
		for key := range other {
			if english[key] == "" {
				t.Errorf("%s has %s, which English lacks", lang, key)
			}
		}
	}
}

// TestEveryTextIsUsedAndEveryUsedTextIsThere compares the table with the page.
func TestEveryTextIsUsedAndEveryUsedTextIsThere(t *testing.T) {
	var page string
	for _, file := range []string{"index.html", "app.js"} {
		raw, err := os.ReadFile("page/" + file)
		if err != nil {
			t.Fatal(err)
		}
		page += string(raw)
	}
	english := table(t)["en"]
	used := map[string]bool{"noscript": true, "noticeClose": true, "scopes": true, "notices": true}
	use := func(key string) {
		used[key] = true
		if english[key] == nil {
			t.Errorf("the page uses %s, which the table lacks", key)
		}
	}
	for _, m := range regexp.MustCompile(`data-text="(\w+)"`).FindAllStringSubmatch(page, -1) {
		use(m[1])
	}
	for _, m := range regexp.MustCompile(`say\(([^()]*)\)`).FindAllStringSubmatch(page, -1) {
		for _, key := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(m[1], -1) {
			use(key[1])
		}
	}
	endings := regexp.MustCompile(`end\("(\w+)"\)|\d{3}: "(\w+)"|\|\| "(failed)"`)
	for _, m := range endings.FindAllStringSubmatch(page, -1) {
		name := m[1] + m[2] + m[3]
		use(name + "Title")
		use(name + "Text")
	}
	for key := range english {
		if !used[key] {
			t.Errorf("nothing uses the text %s", key)
		}
	}
}

func TestNoticesSpeakThePersonsLanguage(t *testing.T) {
	tests := []struct{ name, header, want string }{
		{"German is asked for", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"German is liked better", "en;q=0.3, de;q=0.7", "de"},
		{"English is liked better", "de;q=0.3,en", "en"},
		{"neither", "fr, ja", "en"},
		{"nothing", "", "en"},
		{"nonsense", "de;q=x, ;;;,,q=2", "en"},
		{"a weight that is none", "de;q=7", "en"},
		{"German is refused", "de;q=0", "en"},
	}
	r := newRig(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := r.send("GET", "/v1/oauth/callback?state=x", "", "Accept", "text/html", "Accept-Language", tt.header).want(http.StatusBadRequest)
			want, ok := table(t)[tt.want]["notices"].(map[string]any)["Invalid State"].(string)
			if !ok || !strings.Contains(got.body, want) || !strings.Contains(got.body, `<html lang="`+tt.want+`">`) {
				t.Errorf("page = %s, want it in %q", got.body, tt.want)
			}
		})
	}
}

// titleOf finds the titles of problems in the source.
var titleOf = regexp.MustCompile(`(?:newProblem\([^,]+, |conflict\()"([^"]+)"`)

// TestWhatAPersonReadsIsInEveryLanguage: a problem without a text of its own is
// shown in English to everybody.
func TestWhatAPersonReadsIsInEveryLanguage(t *testing.T) {
	titles := map[string]bool{}
	for _, file := range []string{"oauth.go", "exchange.go", "capture.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range titleOf.FindAllStringSubmatch(string(source), -1) {
			titles[m[1]] = true
		}
	}
	// A program's mistakes: no page of the broker leads there.
	delete(titles, "Bad Request")
	delete(titles, "Not an OAuth Session")
	if len(titles) < 5 || !titles["Sign-In Not Kept"] {
		t.Fatalf("found only %v", titles)
	}
	for language, texts := range table(t) {
		notices, ok := texts["notices"].(map[string]any)
		if !ok {
			t.Fatalf("%s has no notices", language)
		}
		for title := range titles {
			if text, _ := notices[title].(string); text == "" {
				t.Errorf("%s has no notice %q", language, title)
			}
		}
	}
}
