package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// readText reads a file of the repository.
func readText(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheImageIsBuiltAsTheMakefileBuilds(t *testing.T) {
	m := regexp.MustCompile(`(?m)^BUILD = (.*)$`).FindStringSubmatch(readText(t, "Makefile"))
	if m == nil {
		t.Fatal("the Makefile has no line BUILD")
	}
	image := readText(t, "Dockerfile")
	want := "RUN " + strings.ReplaceAll(m[1], "$(VERSION)", "$VERSION") + " -o /out/ ./cmd/linkmail\n"
	if !strings.Contains(image, want) {
		t.Errorf("the Dockerfile does not have %q", want)
	}
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readText(t, "go.mod"))
	if language == nil || !strings.Contains(image, "FROM golang:"+language[1]+" AS build\n") {
		t.Errorf("the Dockerfile does not build with the Go of go.mod, %v", language)
	}
	for _, line := range []string{"FROM scratch\n", "USER 65532:65532\n"} {
		if !strings.Contains(image, line) {
			t.Errorf("the Dockerfile does not have %q", line)
		}
	}
}

// TestTheDeploymentsSettingsExist compares the names in deploy/compose.yaml with
// those that the broker reads.
func TestTheDeploymentsSettingsExist(t *testing.T) {
	known := map[string]bool{}
	for _, s := range settings {
		if s.broker {
			known[s.env] = true
			if s.secret() {
				known[s.env+"_FILE"] = true
			}
		}
	}
	provider := regexp.MustCompile(`^OAUTH_[A-Z0-9]+_(CLIENT_ID|CLIENT_SECRET_FILE|ISSUER)$`)
	broker, _, ok := strings.Cut(readText(t, "deploy/compose.yaml"), "\n  caddy:")
	if !ok {
		t.Fatal("compose.yaml has no service caddy")
	}
	names := regexp.MustCompile(`(?m)^      ([A-Z][A-Z0-9_]*):`).FindAllStringSubmatch(broker, -1)
	if len(names) < 5 {
		t.Fatalf("compose.yaml sets %v for the broker, which is not all", names)
	}
	for _, m := range names {
		if !known[m[1]] && !provider.MatchString(m[1]) {
			t.Errorf("compose.yaml sets %s, which the broker does not know", m[1])
		}
	}
}

// TestTheFrontLeadsToTheBroker compares what the three files of a deployment
// say about each other.
func TestTheFrontLeadsToTheBroker(t *testing.T) {
	image, compose, front := readText(t, "Dockerfile"), readText(t, "deploy/compose.yaml"), readText(t, "deploy/Caddyfile")
	for _, in := range []struct{ file, text, want string }{
		{"Dockerfile", image, "EXPOSE 8080\n"},
		{"compose.yaml", compose, `"0.0.0.0:8080"`},
		{"compose.yaml", compose, "\n  broker:\n"},
		{"Caddyfile", front, "reverse_proxy broker:8080"},
		{"Caddyfile", front, "{$LINKAUTH_HOST} {"},
	} {
		if !strings.Contains(in.text, in.want) {
			t.Errorf("%s does not have %q", in.file, in.want)
		}
	}
	secrets := regexp.MustCompile(`/run/secrets/(\w+)`).FindAllStringSubmatch(compose, -1)
	if len(secrets) == 0 {
		t.Fatal("compose.yaml uses no secrets")
	}
	for _, m := range secrets {
		if !strings.Contains(compose, "file: secrets/"+m[1]+"\n") {
			t.Errorf("compose.yaml uses the secret %s and does not say where it is", m[1])
		}
	}
}
