package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongConfigurationEndsEveryCommandBeforeItAnswers(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, []byte("not a directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	token := []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=canary-token", "LINKMAIL_CACHE_DIR=" + dir}
	tests := []struct {
		name string
		env  []string
		args []string
		want []string // all in standard error
	}{
		{"no mode at all", nil, nil, []string{"LINKMAIL_AUTH is not set", "auth0-linkauth"}},
		{"a mode that does not exist", []string{"LINKMAIL_AUTH=oauth"}, nil, []string{`LINKMAIL_AUTH is "oauth"`, "auth0-token"}},
		{"a store that is none", append([]string{"LINKMAIL_STORE=http://canary"}, token...), nil, []string{"LINKMAIL_STORE must be file, or redis://"}},
		{"a shared store without a key", append([]string{"LINKMAIL_STORE=redis://127.0.0.1"}, token...), nil, []string{"LINKMAIL_KEY is not set"}},
		{
			"a shared store with its password for all to see", append([]string{"LINKMAIL_KEY=" + sealKey}, token...),
			[]string{"--store", "redis://u:canary@127.0.0.1"},
			[]string{"--store has a password", "LINKMAIL_STORE_FILE"},
		},
		{"a shared store that is not there", append([]string{"LINKMAIL_STORE=redis://u:canary@127.0.0.1:1", "LINKMAIL_KEY=" + sealKey}, token...), nil, []string{"LINKMAIL_STORE: ", "cannot be reached"}},
		{"token without its token", []string{"LINKMAIL_AUTH=token"}, nil, []string{"LINKMAIL_GMAIL_TOKEN is not set"}},
		{
			"auth0-token with nothing",
			[]string{"LINKMAIL_AUTH=auth0-token"},
			nil,
			[]string{"4 things are wrong", "AUTH0_DOMAIN is not set", "AUTH0_CLIENT_ID is not set", "AUTH0_CLIENT_SECRET is not set", "AUTH0_REFRESH_TOKEN is not set"},
		},
		{
			"auth0-linkauth with nothing",
			[]string{"LINKMAIL_AUTH=auth0-linkauth"},
			nil,
			[]string{"AUTH0_DOMAIN is not set", "AUTH0_CLIENT_ID is not set", "AUTH0_CLIENT_SECRET is not set", "LINKAUTH_BROKER_URL is not set"},
		},
		{"auth0-oauth with nothing", []string{"LINKMAIL_AUTH=auth0-oauth"}, nil, []string{"3 things are wrong", "AUTH0_DOMAIN is not set", "AUTH0_CLIENT_ID is not set", "AUTH0_CLIENT_SECRET is not set"}},
		{"linkauth without a broker", []string{"LINKMAIL_AUTH=linkauth"}, nil, []string{"LINKAUTH_BROKER_URL is not set"}},
		{"google without a client", []string{"LINKMAIL_AUTH=google"}, nil, []string{"GOOGLE_CLIENT_ID is not set"}},
		{"an account that is no address", append([]string{"LINKMAIL_ACCOUNT=Alex Rivera"}, token...), nil, []string{"LINKMAIL_ACCOUNT", "e-mail address"}},
		{"a service without a connection", append([]string{"LINKMAIL_CONNECTIONS=jira, slack=s=x"}, token...), nil, []string{`"jira"`, `"slack=s=x"`, "NAME=CONNECTION"}},
		{"a service twice", append([]string{"LINKMAIL_CONNECTIONS=jira=a,jira=b scope"}, token...), nil, []string{`"jira" twice`}},
		{"a port that is none", []string{"LINKMAIL_AUTH=google", "GOOGLE_CLIENT_ID=x", "LINKMAIL_CALLBACK_PORT=70000"}, nil, []string{"LINKMAIL_CALLBACK_PORT", "65535"}},
		{"a Google endpoint in plain http", []string{"LINKMAIL_AUTH=google", "GOOGLE_CLIENT_ID=x", "LINKMAIL_GOOGLE_ENDPOINT=http://accounts.example.com/"}, nil, []string{"LINKMAIL_GOOGLE_ENDPOINT", "loopback"}},
		{"an unknown variable names the nearest", append([]string{"LINKMAIL_CACHEDIR=/x"}, token...), nil, []string{"LINKMAIL_CACHEDIR", "did you mean LINKMAIL_CACHE_DIR?"}},
		{"a variable and its file", append([]string{"LINKMAIL_GMAIL_TOKEN_FILE=" + file}, token...), nil, []string{"LINKMAIL_GMAIL_TOKEN and LINKMAIL_GMAIL_TOKEN_FILE are both set"}},
		{"a secret file that is not there", []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN_FILE=" + dir + "/none"}, nil, []string{"LINKMAIL_GMAIL_TOKEN_FILE", "/none", "no such file"}},
		{"an empty secret file", []string{"LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN_FILE=" + empty}, nil, []string{"LINKMAIL_GMAIL_TOKEN_FILE", "is empty"}},
		{"plain http elsewhere", append([]string{"LINKMAIL_GMAIL_ENDPOINT=http://mail.example.com/"}, token...), nil, []string{"LINKMAIL_GMAIL_ENDPOINT", "loopback"}},
		{"a domain with a path", []string{"LINKMAIL_AUTH=auth0-linkauth", "AUTH0_DOMAIN=x.example.com/authorize", "AUTH0_CLIENT_ID=a", "AUTH0_CLIENT_SECRET=b", "LINKAUTH_BROKER_URL=https://b.example.com"}, nil, []string{"AUTH0_DOMAIN", "without a path"}},
		{"the broker's way without a broker", []string{"LINKMAIL_AUTH=auth0-token", "AUTH0_DOMAIN=x.example.com", "AUTH0_CLIENT_ID=a", "AUTH0_CLIENT_SECRET=b", "AUTH0_REFRESH_TOKEN=c", "LINKMAIL_AUTH0_VIA=broker"}, nil, []string{"LINKMAIL_AUTH0_VIA is broker", "LINKAUTH_BROKER_URL"}},
		{
			"the secret at the broker, with nothing",
			[]string{"LINKMAIL_AUTH=auth0-linkauth", "LINKMAIL_AUTH0_VIA=vault"},
			nil,
			[]string{"3 things are wrong", "AUTH0_DOMAIN is not set, and LINKMAIL_AUTH=auth0-linkauth with LINKMAIL_AUTH0_VIA=vault needs it", "AUTH0_CLIENT_ID is not set", "LINKAUTH_BROKER_URL is not set"},
		},
		{"the secret at the broker in another mode", []string{"LINKMAIL_AUTH=auth0-oauth", "AUTH0_DOMAIN=x.example.com", "AUTH0_CLIENT_ID=a", "AUTH0_CLIENT_SECRET=b", "LINKMAIL_AUTH0_VIA=vault"}, nil, []string{"LINKMAIL_AUTH0_VIA is vault", "LINKMAIL_AUTH=auth0-linkauth"}},
		{"a way that does not exist", []string{"LINKMAIL_AUTH=auth0-linkauth", "AUTH0_DOMAIN=x.example.com", "AUTH0_CLIENT_ID=a", "AUTH0_CLIENT_SECRET=b", "LINKAUTH_BROKER_URL=https://b.example.com", "LINKMAIL_AUTH0_VIA=proxy"}, nil, []string{`LINKMAIL_AUTH0_VIA is "proxy"`, "auto, direct, broker, vault"}},
		{"a send policy that does not exist", append([]string{"LINKMAIL_SEND=always"}, token...), nil, []string{"LINKMAIL_SEND", "confirm"}},
		{"a switch that is neither", append([]string{"LINKMAIL_READ_ONLY=maybe"}, token...), nil, []string{`LINKMAIL_READ_ONLY is "maybe"`, "true or false"}},
		{"a key that is no key", append([]string{"LINKMAIL_KEY=canary-short"}, token...), nil, []string{"LINKMAIL_KEY", "32 random bytes"}},
		{"a cache directory below a file", append([]string{"LINKMAIL_KEY=" + randomKey()}, "LINKMAIL_AUTH=token", "LINKMAIL_GMAIL_TOKEN=canary-token", "LINKMAIL_CACHE_DIR="+file+"/cache"), nil, []string{"the cache directory " + file + "/cache", "Set LINKMAIL_CACHE_DIR"}},
		{"a configuration file that is not there", token, []string{"--config", dir + "/none.toml"}, []string{dir + "/none.toml", "cannot be read"}},
		{"a secret on the command line", token, []string{"--gmail-token", "canary-argv"}, []string{"--gmail-token", "a secret does not belong on the command line", "LINKMAIL_GMAIL_TOKEN"}},
		{"a flag that does not exist", token, []string{"--reed-only"}, []string{"--reed-only", "did you mean --read-only?"}},
	}
	commands := map[string][]string{
		"serve": {"serve"}, "call": {"call", "search_emails", "{}"},
		"login": {"login"}, "logout": {"logout"}, "status": {"status"},
	}
	for _, tt := range tests {
		for name, command := range commands {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				got := run(t, tt.env, append(command, tt.args...)...)
				if got.status != exitUsage || got.stdout != "" {
					t.Errorf("status %d and output %q, want %d and none", got.status, got.stdout, exitUsage)
				}
				for _, want := range tt.want {
					if !strings.Contains(got.stderr, want) {
						t.Errorf("the message lacks %q:\n%s", want, got.stderr)
					}
				}
				if strings.Contains(got.stderr, "canary") {
					t.Errorf("the message repeats a secret:\n%s", got.stderr)
				}
			})
		}
	}
}

func TestTheDemoKnowsAMisspeltVariableToo(t *testing.T) {
	got := run(t, []string{"LINKMAIL_CACHEDIR=/x", "LINKMAIL_SEND=draft"}, "demo", "--tour")
	if got.status != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, "LINKMAIL_CACHEDIR is not a setting; did you mean LINKMAIL_CACHE_DIR?") {
		t.Errorf("status %d, %q, %q", got.status, got.stdout, got.stderr)
	}
	if got := run(t, []string{"LINKMAIL_CACHEDIR=/x"}, "version"); got.status != exitOK {
		t.Errorf("version ends with %d: %s", got.status, got.stderr)
	}
}

func TestConfigurationFileHasTheSameKeysAndComesLast(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		t.Helper()
		path := filepath.Join(dir, "linkmail.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("LINKMAIL_AUTH = \"demo\"\nread-only = true\n")
	if got := run(t, nil, "call", "search_emails", `{"maxResults":1}`, "--config", path); got.status != exitOK || got.envelope(t).Status != "ok" {
		t.Errorf("the file's mode is not used: %+v", got)
	}
	if got := run(t, nil, "call", "send_email", `{"to":["a@example.com"],"subject":"s","body":"b"}`, "--config", path); got.status != exitUsage || !strings.Contains(got.stderr, "send_email") {
		t.Errorf("the file's read-only is not used: %+v", got)
	}
	if got := run(t, []string{"LINKMAIL_AUTH=token"}, "call", "search_emails", "{}", "--config", path); !strings.Contains(got.stderr, "LINKMAIL_GMAIL_TOKEN is not set") {
		t.Errorf("the environment does not win over the file: %+v", got)
	}
	if got := run(t, []string{"LINKMAIL_AUTH=token"}, "call", "search_emails", `{"maxResults":1}`, "--config", path, "--auth", "demo"); got.status != exitOK {
		t.Errorf("the flag does not win over the environment: %+v", got)
	}
	for text, want := range map[string]string{
		"LINKMAIL_AUHT = \"demo\"": "did you mean LINKMAIL_AUTH?",
		"a = [":                    "is not TOML: line 1",
		"LINKMAIL_AUTH = [1]":      "must be a text",
	} {
		if got := run(t, nil, "serve", "--config", write(text)); got.status != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: got status %d and %q, want %d and %q", text, got.status, got.stderr, exitUsage, want)
		}
	}
}

func TestWrongUsageSaysWhatIsRight(t *testing.T) {
	demo := []string{"LINKMAIL_AUTH=demo", "OAUTH_AUTH0_CLIENT_ID=x"}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "Usage:"},
		{"an unknown command", []string{"serv"}, "did you mean serve?"},
		{"an unknown tool", []string{"call", "search_email", "{}"}, "Did you mean search_emails?"},
		{"no tool", []string{"call"}, "call takes a tool"},
		{"arguments that are no JSON", []string{"call", "search_emails", "{query:1}"}, "not JSON: invalid character 'q' looking for beginning of object key string at byte 2. For example: linkmail call search_emails '{\"query\""},
		{"arguments that are nothing", []string{"call", "search_emails", ""}, "not JSON: unexpected end of JSON input"},
		{"arguments that are no object", []string{"call", "search_emails", "[1]"}, "must be a JSON object"},
		{"too many arguments", []string{"call", "search_emails", "{}", "{}"}, "call takes a tool"},
		{"sse without http", []string{"serve", "--sse"}, "--sse needs --http"},
		{"http that is open to the network", []string{"serve", "--http", "0.0.0.0:8765"}, "loopback"},
		{"http on every address", []string{"serve", "--http", ":8765"}, "loopback"},
		{"an argument to serve", []string{"serve", "now"}, `"now"`},
		{"a broker that would be open", []string{"broker"}, "LINKAUTH_API_KEYS is not set"},
		{"a provider without an address", []string{"broker", "--dev", "--listen", "127.0.0.1:0"}, "OAUTH_AUTH0_ISSUER is not set"},
		{"a dev broker on the network", []string{"broker", "--dev", "--listen", "0.0.0.0:8080"}, "loopback"},
		{"a demo that should do two things", []string{"demo", "--json", "--tour"}, "exclude each other"},
		{"a login to the demo", []string{"login"}, "needs no sign-in"},
		{"a login without patience", []string{"login", "--timeout", "0s"}, "--timeout"},
		{"an argument to logout", []string{"logout", "now"}, `"now"`},
		{"an argument to status", []string{"status", "now"}, `"now"`},
		{"a wait that is no duration", []string{"call", "search_emails", "{}", "--wait", "soon"}, "such as 30s"},
		{"a negative wait of serve", []string{"serve", "--wait", "-1s"}, "--wait"},
		{"a name that is near to nothing", []string{"bogus"}, `there is no command "bogus". Run`},
		{"a tool of a toolset, misspelt", []string{"call", "forward_mail", "{}"}, "Did you mean forward_email? It is in the toolset compose; LINKMAIL_TOOLSETS does not name it."},
		{"a tool that read-only switches off", []string{"call", "send_email", "{}", "--read-only"}, "switched off by LINKMAIL_READ_ONLY"},
		{"a switch of tools that is neither", []string{"tools", "--send", "always"}, "LINKMAIL_SEND"},
		{"a quota that is no number", []string{"serve", "--gmail-units", "all"}, "LINKMAIL_GMAIL_UNITS is \"all\"; it must be a whole number"},
		{"a quota that no send fits in", []string{"serve", "--gmail-units", "99"}, "LINKMAIL_GMAIL_UNITS must be at least 100"},
		{"an argument to version", []string{"version", "now"}, `"now"`},
		{"a negative wait", []string{"call", "search_emails", "{}", "--wait", "-1s"}, "--wait"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, demo, tt.args...)
			if tt.args != nil && tt.args[0] == "call" && strings.Contains(got.stderr, "configuration:") {
				t.Errorf("a call that is wrong is blamed on the configuration: %s", got.stderr)
			}
			if got.status != exitUsage || !strings.Contains(got.stderr, tt.want) || got.stdout != "" {
				t.Errorf("got status %d, stdout %q, stderr %q; want %d and %q", got.status, got.stdout, got.stderr, exitUsage, tt.want)
			}
		})
	}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"help", "config"}, {"help", "call"}, {"help", "help"}, {"help", "-h"}, {"help", "--help"}, {"help", "version"}, {"serve", "--help"}, {"call", "-h"}, {"broker", "--help"}, {"demo", "--help"}, {"tools", "--help"}, {"login", "--help"}, {"logout", "--help"}, {"status", "--help"}} {
		if got := run(t, nil, args...); got.status != exitOK || len(got.stdout) < 40 || got.stderr != "" {
			t.Errorf("linkmail %v: status %d, %d bytes of help, stderr %q", args, got.status, len(got.stdout), got.stderr)
		}
	}
}

func TestASecretComesFromTheFirstPlaceThatHasIt(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for path, text := range map[string]string{good: "good\n", bad: "bad\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "linkmail.toml")
	tests := []struct {
		name, file string
		env, args  []string
	}{
		{"the flag before the environment", "", []string{"LINKMAIL_GMAIL_TOKEN=bad"}, []string{"--gmail-token-file", good}},
		{"the flag before the file", `LINKMAIL_GMAIL_TOKEN = "bad"`, nil, []string{"--gmail-token-file", good}},
		{"the environment before the file", `LINKMAIL_GMAIL_TOKEN_FILE = "` + bad + `"`, []string{"LINKMAIL_GMAIL_TOKEN=good"}, nil},
		{"the environment's file before the file", `LINKMAIL_GMAIL_TOKEN = "bad"`, []string{"LINKMAIL_GMAIL_TOKEN_FILE=" + good}, nil},
		{"the file", `LINKMAIL_GMAIL_TOKEN_FILE = "` + good + `"`, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(config, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			fs := newFlags("t", "")
			src := fs.withSettings(settingsFor(false))
			p := process{env: tt.env}
			if _, err := fs.parse(p, append(tt.args, "--config", config)); err != nil {
				t.Fatal(err)
			}
			src.read(p, fs)
			if got := src.secret("LINKMAIL_GMAIL_TOKEN").Reveal(); got != "good" || src.err() != nil {
				t.Errorf("got %q and %v, want the good one", got, src.err())
			}
		})
	}
}

func TestACallThatCouldNotRememberALoginIsRefused(t *testing.T) {
	u := newUser(t, &traffic{})
	var env []string
	for _, kv := range u.env {
		if !strings.HasPrefix(kv, "LINKMAIL_CACHE_DIR=") {
			env = append(env, kv)
		}
	}
	got := run(t, env, "call", "search_emails", "{}") // there is no HOME either
	if got.status != exitUsage || !strings.Contains(got.stderr, "LINKMAIL_CACHE_DIR") || got.stdout != "" {
		t.Errorf("got %+v, want status %d naming LINKMAIL_CACHE_DIR", got, exitUsage)
	}
}
