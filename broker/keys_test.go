package broker_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"linkmail/broker"
	"linkmail/broker/keyfile"
	"linkmail/internal/secret"
)

func TestKeysHaveAFormThatAScannerCanCheck(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		key := broker.NewKey().Reveal()
		if len(key) != 52 || !strings.HasPrefix(key, "la_") || seen[key] {
			t.Fatalf("key %q", key)
		}
		seen[key] = true
		if _, err := broker.New(config(key)); err != nil {
			t.Fatalf("a key of our own is refused: %v", err)
		}
		typo := []byte(key)
		if typo[10] = 'A'; string(typo) == key {
			typo[10] = 'B'
		}
		if _, err := broker.New(config(string(typo))); err == nil || !strings.Contains(err.Error(), "mistyped") || strings.Contains(err.Error(), string(typo)) {
			t.Fatalf("a mistyped key: %v", err)
		}
	}
	if _, err := broker.New(config("any other text of some length")); err != nil {
		t.Errorf("a key from elsewhere is refused: %v", err)
	}
}

func TestKeysThatCouldBeGuessedAreRefused(t *testing.T) {
	for key, want := range map[string]string{
		"k": "too short", "canary7": "too short", strings.Repeat("can", 10): "could be guessed", strings.Repeat("a", 99): "could be guessed",
		"canary-of-16-by.": "", "8f1d0c2b9e5a4f6781920345abcdefab": "",
	} {
		_, err := broker.New(config(key))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), `API key "a" `) || !strings.Contains(err.Error(), want)) {
			t.Errorf("key %q: %v, want %q", key, err, want)
		}
		if err != nil && len(key) > 1 && strings.Contains(err.Error(), key) {
			t.Errorf("the error repeats the key: %v", err)
		}
		cfg := config(key)
		cfg.BaseURL, cfg.Dev = "http://127.0.0.1:1", true
		if _, err := broker.New(cfg); err != nil {
			t.Errorf("under Dev key %q: %v", key, err)
		}
	}
}

// goodKey passes every check.
const goodKey = "la_a-key-of-these-tests"

func config(key string) broker.Config {
	return broker.Config{BaseURL: "https://broker.example", Keys: []broker.APIKey{{Name: "a", Secret: secret.New(key)}}, Log: zerolog.Nop()}
}

func TestKeysMayDoWhatTheirScopesSay(t *testing.T) {
	idp := newIDP(t)
	keys := map[broker.Scope]string{}
	r := newRig(t, func(cfg *broker.Config) {
		withIDP(idp)(cfg)
		cfg.ProxyAllow = []string{strings.TrimPrefix(idp.URL, "http://")}
		for _, scope := range broker.Scopes() {
			keys[scope] = "key-for-" + string(scope)
			cfg.Keys = append(cfg.Keys, broker.APIKey{Name: string(scope), Secret: secret.New(keys[scope]), Scopes: []broker.Scope{scope}})
		}
	})
	create := `{"public_key":"` + publicKey(t) + `","template":"api_key"}`
	requests := map[broker.Scope]func(key string) answer{
		broker.ScopeSessions: func(key string) answer {
			return r.send("POST", "/v1/sessions", create, "Content-Type", "application/json", "X-API-Key", key)
		},
		broker.ScopeProxy: func(key string) answer {
			return r.send("POST", "/v1/proxy", `{"method":"GET","url":"`+idp.URL+`/"}`, "Content-Type", "application/json", "X-API-Key", key)
		},
		broker.ScopeRefresh: func(key string) answer {
			return r.send("POST", "/v1/oauth/refresh", `{"provider":"auth0","refresh_token":"x","public_key":"`+publicKey(t)+`"}`, "Content-Type", "application/json", "X-API-Key", key)
		},
	}
	for needs, send := range requests {
		for has, key := range keys {
			got := send(key)
			if ok := got.status < 300; ok != (needs == has) {
				t.Errorf("a key for %s where %s is needed: %d %s", has, needs, got.status, got.body)
			}
		}
	}
}

func TestKeysEnd(t *testing.T) {
	r := newRig(t, func(cfg *broker.Config) { cfg.Keys[0].Expires = cfg.Now().Add(time.Hour) })
	a := r.create(nil)
	r.clock.Advance(time.Hour - time.Second)
	r.create(nil)
	r.clock.Advance(time.Second)
	if got := r.tryCreate(nil).problem(403); got.Title != "Invalid API Key" {
		t.Errorf("title %q", got.Title)
	}
	a.pollNow().problem(403)
}

func TestKeysOfTheFileComeAndGo(t *testing.T) {
	file := keyfile.New(keyfile.Config{Path: filepath.Join(t.TempDir(), "keys.json")})
	r := newRig(t, func(cfg *broker.Config) { cfg.KeySource = file })
	create := func(key secret.Text) answer {
		return r.send("POST", "/v1/sessions", `{"public_key":"`+publicKey(t)+`","template":"api_key"}`,
			"Content-Type", "application/json", "X-API-Key", key.Reveal())
	}
	key, err := file.Add(t.Context(), "laptop", broker.Scopes(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	create(key).want(201)
	if !strings.Contains(r.log.String(), `"key":"laptop"`) {
		t.Errorf("log:\n%s", r.log)
	}
	if err := file.Revoke(t.Context(), "laptop"); err != nil {
		t.Fatal(err)
	}
	create(key).problem(403)
	create(secret.New(apiKey)).want(201)
}

func TestTheFirstKeyClosesAnOpenBrokerForGood(t *testing.T) {
	file := keyfile.New(keyfile.Config{Path: filepath.Join(t.TempDir(), "keys.json")})
	r := newRig(t, func(cfg *broker.Config) { cfg.Keys, cfg.KeySource = nil, file })
	create := func() answer {
		return r.send("POST", "/v1/sessions", `{"public_key":"`+publicKey(t)+`","template":"api_key"}`, "Content-Type", "application/json")
	}
	create().want(201)
	if _, err := file.Add(t.Context(), "a", broker.Scopes(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	create().problem(401)
	if err := file.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	create().problem(401)
}

// failing is a source that cannot be read.
type failing struct{ broken bool }

func (f *failing) APIKeys() ([]broker.HashedKey, error) {
	if f.broken {
		return nil, errors.New("disk canary")
	}
	return []broker.HashedKey{{Name: "f", Hash: broker.HashKey(secret.New("file-key")), Scopes: broker.Scopes()}}, nil
}

func TestASourceThatFailsAdmitsNobody(t *testing.T) {
	source := &failing{}
	r := newRig(t, func(cfg *broker.Config) { cfg.KeySource = source })
	body := `{"public_key":"` + publicKey(t) + `","template":"api_key"}`
	r.send("POST", "/v1/sessions", body, "Content-Type", "application/json", "X-API-Key", "file-key").want(201)
	source.broken = true
	for _, key := range []string{"file-key", "x"} {
		r.send("POST", "/v1/sessions", body, "Content-Type", "application/json", "X-API-Key", key).problem(503)
	}
	r.tryCreate(nil).want(201) // the configuration's own key
	if log := r.log.String(); !strings.Contains(log, "cannot be read") || strings.Contains(log, "canary") {
		t.Errorf("log:\n%s", log)
	}
	if _, err := broker.New(broker.Config{BaseURL: "https://b.example", KeySource: source}); err == nil {
		t.Error("a broker begins without keys")
	}
}
