package main

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestKeysAreAddedListedAndRevoked(t *testing.T) {
	env := []string{"XDG_DATA_HOME=" + t.TempDir()}
	added := run(t, env, "broker", "keys", "add", "my laptop", "--scopes", "sessions,proxy", "--expires", "90d")
	key := strings.TrimSpace(added.stdout)
	if added.status != exitOK || !strings.HasPrefix(key, "la_") || strings.Contains(added.stderr, key) || !strings.Contains(added.stderr, "once") {
		t.Fatalf("add: %+v", added)
	}
	listed := run(t, env, "broker", "keys", "list")
	if listed.status != exitOK || !strings.Contains(listed.stdout, "my laptop  proxy,sessions") || strings.Contains(listed.stdout, key) {
		t.Errorf("list: %+v", listed)
	}
	var keys []struct {
		Name    string
		Expires time.Time
	}
	if err := json.Unmarshal([]byte(run(t, env, "broker", "keys", "list", "--json").stdout), &keys); err != nil || len(keys) != 1 || keys[0].Expires.IsZero() {
		t.Errorf("list --json: %v, %v", keys, err)
	}
	if got := run(t, env, "broker", "keys", "revoke", "my laptop"); got.status != exitOK {
		t.Errorf("revoke: %+v", got)
	}
	if got := run(t, env, "broker", "keys", "list", "--json"); strings.TrimSpace(got.stdout) != "[]" {
		t.Errorf("after it: %+v", got)
	}
}

func TestKeyCommandsThatAreRefused(t *testing.T) {
	env := []string{"XDG_DATA_HOME=" + t.TempDir()}
	for name, tt := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"no verb":                {env, []string{}, "usage:"},
		"a verb that is none":    {env, []string{"rotate", "x"}, "usage:"},
		"no name":                {env, []string{"add"}, "usage:"},
		"two names":              {env, []string{"add", "a", "b"}, "usage:"},
		"a name of control":      {env, []string{"add", "a\tb"}, "a name has"},
		"a scope that is none":   {env, []string{"add", "a", "--scopes", "admin"}, "a scope is"},
		"an end that is none":    {env, []string{"add", "a", "--expires", "soon"}, "--expires"},
		"an end in the past":     {env, []string{"add", "a", "--expires", "2020-01-01"}, "ended already"},
		"a key nobody has":       {env, []string{"revoke", "x"}, "no key has this name"},
		"nowhere to keep them":   {nil, []string{"list"}, "LINKAUTH_KEYS_FILE is not set"},
		"a directory as file":    {[]string{"LINKAUTH_KEYS_FILE=" + t.TempDir()}, []string{"list"}, "not a regular file"},
		"a flag of another word": {env, []string{"list", "--listen", "x"}, "no flag --listen"},
	} {
		got := run(t, tt.env, append([]string{"broker", "keys"}, tt.args...)...)
		if got.status != exitUsage || !strings.Contains(got.stderr, tt.want) || got.stdout != "" {
			t.Errorf("%s: %+v, want %q", name, got, tt.want)
		}
	}
}

func TestKeysOfTheEnvironmentThatCouldBeGuessed(t *testing.T) {
	env := []string{"LINKAUTH_BASE_URL=https://broker.example", "LINKAUTH_STORE=memory", "LINKAUTH_API_KEYS=la_a-key-of-these-tests,agent:canary7,aaaaaaaaaaaaaaaaaaaa"}
	got := run(t, env, "broker", "--listen", "127.0.0.1:0")
	for _, want := range []string{"key 2 is too short", "key 3 could be guessed", "openssl rand -hex 32", "linkmail broker keys add NAME"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("standard error %q does not say %q", got.stderr, want)
		}
	}
	if got.status != exitUsage || strings.Contains(got.stderr, "key 1") || strings.Contains(got.stderr, "canary") || strings.Contains(got.stderr, "aaaa") {
		t.Errorf("%+v", got)
	}
	// The deployment's own instruction makes one that is good.
	recipe := regexp.MustCompile(`printf 'agent:la_%s' "\$\(openssl rand -hex (\d+)\)"`).FindStringSubmatch(readText(t, "deploy/README.md"))
	if recipe == nil {
		t.Fatal("deploy/README.md makes no key")
	}
	n, err := strconv.Atoi(recipe[1])
	if err != nil || n < 16 {
		t.Errorf("deploy/README.md makes a key of %s random bytes, %v", recipe[1], err)
	}
}

func TestBrokerEdgesAreChecked(t *testing.T) {
	base := []string{"LINKAUTH_BASE_URL=https://broker.example", "LINKAUTH_API_KEYS=la_a-key-of-these-tests", "LINKAUTH_STORE=memory"}
	for name, tt := range map[string]struct{ env, want string }{
		"a proxy that is no address":   {"LINKAUTH_TRUSTED_PROXIES=caddy", "neither an address nor a network"},
		"a proxy that is everybody":    {"LINKAUTH_TRUSTED_PROXIES=0.0.0.0/0", "trusts everybody"},
		"a profile that is none":       {"LINKAUTH_PROFILE=strict", "reference, draft"},
		"a switch that is none":        {"LINKAUTH_EXPIRED_AS_STATUS=perhaps", "true or false"},
		"a callback host that is none": {"LINKAUTH_CALLBACK_ALLOW=https://x/", "CallbackAllow"},
	} {
		if got := run(t, append(base, tt.env), "broker", "--listen", "127.0.0.1:0"); got.status != exitUsage || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v, want %q", name, got, tt.want)
		}
	}
	src := newFlags("", "").withSettings(settingsFor(true))
	src.p = process{env: []string{"LINKAUTH_TRUSTED_PROXIES=10.1.2.3, 172.30.77.9/24,2001:db8::/32"}}
	cfg := src.brokerConfig(true)
	want := []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("172.30.77.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	if len(cfg.TrustedProxies) != 3 || cfg.TrustedProxies[0] != want[0] || cfg.TrustedProxies[1] != want[1] || cfg.TrustedProxies[2] != want[2] {
		t.Errorf("TrustedProxies = %v, want %v; %v", cfg.TrustedProxies, want, src.problems)
	}
}

func TestKeyEnds(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"":                     {},
		"90d":                  now.AddDate(0, 0, 90),
		"12h":                  now.Add(12 * time.Hour),
		"2026-12-31":           time.Date(2027, 1, 1, 0, 0, 0, 0, time.Local),
		"2026-12-31T23:00:00Z": time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC),
	} {
		if got, err := keyEnd(text, now); err != nil || !got.Equal(want) {
			t.Errorf("keyEnd(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"0d", "-1d", "d", "1e3d", "-1h", "tomorrow", "2026-02-30"} {
		if got, err := keyEnd(text, now); err == nil {
			t.Errorf("keyEnd(%q) = %v, want an error", text, got)
		}
	}
}
