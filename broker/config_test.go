package broker_test

import (
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/internal/secret"
)

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	_, err := broker.New(broker.Config{
		BaseURL:          "http://broker.example/path?q=canary",
		Keys:             []broker.APIKey{{Name: "a"}, {Name: "b", Secret: secret.New("canary-key")}, {Name: "c", Secret: secret.New("canary-key")}},
		Providers:        map[string]broker.Provider{"bad name": {}, "p": {ClientID: "x", AuthURL: "http://p.example", TokenURL: "https://p.example", Extra: map[string]string{"state": "x"}}},
		ProxyAllow:       []string{"*.com", "127.0.0.1:80", "https://x.example"},
		PassthroughAllow: []string{"*"},
		MaxSessions:      -1, SessionTTL: time.Second, MaxTTL: time.Hour, PollInterval: time.Millisecond, Profile: "other",
	})
	if err == nil {
		t.Fatal("New accepted it")
	}
	for _, want := range []string{
		"BaseURL", "API key 1", `"b" and "c" are the same`, `provider "bad name": ClientID`, `provider "p": AuthURL`, `"state"`,
		`"*.com"`, `"127.0.0.1:80"`, `"https://x.example"`, `"*"`, "MaxSessions", "SessionTTL", "MaxTTL", "PollInterval", "unknown Profile",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %s:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error repeats a secret:\n%v", err)
	}
}

func TestBaseURLs(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://broker.example": true, "https://broker.example/": true, "https://broker.example:8443": true, "http://127.0.0.1:8080": true,
		"http://localhost:8080": true, "http://[::1]:8080": true, "http://broker.example": false, "https://broker.example/x": false, "": false,
		"broker.example": false, "https://": false, "https://u:p@broker.example": false, "https://broker.example?x": false, "ftp://localhost": false,
		"https://:8080": false, "http://127.0.0.1.evil.example": false,
	} {
		_, err := broker.New(broker.Config{BaseURL: url, Keys: someKeys()})
		if got := err == nil; got != ok {
			t.Errorf("BaseURL %q: accepted = %v, want %v (%v)", url, got, ok, err)
		}
	}
}

func TestHostPatterns(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"api.example": true, "*.api.example": true, "API.Example": true, "b\u00fccher.example": true, "10.0.0.1": true, "127.0.0.1:80": true, "localhost:1": true, "[::1]:80": true,
		"": false, "*": false, "*.example": false, "a.*.example": false, "api*.example": false, "https://api.example": false, "api.example/x": false,
		"api.example:443": false, "u@api.example": false, "a b": false, "*.127.0.0.1:80": false, "localhost:0": false, "localhost:x": false, "localhost:99999": false, ".example": false,
	} {
		_, err := broker.New(broker.Config{BaseURL: "http://127.0.0.1:1", Dev: true, ProxyAllow: []string{pattern}})
		if got := err == nil; got != ok {
			t.Errorf("pattern %q: accepted = %v, want %v (%v)", pattern, got, ok, err)
		}
	}
}
