package auth0_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/auth/auth0"
	"linkmail/cache"
	"linkmail/internal/secret"
	"linkmail/internal/standin"
)

// askingProcess is set in a process that only asks for a token, many times at once.
const askingProcess = "TEST_ASKING_PROCESS"

const callers = 100

// TestAskingProcess is not a test but the other process of the test below it.
func TestAskingProcess(t *testing.T) {
	dir := os.Getenv(askingProcess)
	if dir == "" {
		t.Skip("it is started by TestJ91HundredCallersInThreeProcessesCauseOneExchange")
	}
	key, err := cache.ParseKey(secret.New(os.Getenv("TEST_KEY")))
	if err != nil {
		t.Fatal(err)
	}
	later := func() time.Time { return time.Now().Add(2 * time.Hour) } // every token has run out
	store, err := cache.OpenFile(cache.FileConfig{Dir: dir, Key: key, Now: later})
	if err != nil {
		t.Fatal(err)
	}
	p, err := auth0.New(auth0.Config{
		Domain: os.Getenv("TEST_TENANT"), ClientID: standin.DemoClientID, ClientSecret: secret.New(standin.DemoClientSecret),
		RefreshToken: secret.New(os.Getenv("TEST_REFRESH")), Store: store, Now: later,
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			token, err := p.Token(t.Context(), gmail)
			if err != nil {
				t.Error(describe(err))
				return
			}
			sum := sha256.Sum256([]byte(token.AccessToken))
			fmt.Println("token", hex.EncodeToString(sum[:])) //nolint:forbidigo // to the process that started this one
		})
	}
	wg.Wait()
}

func TestJ91HundredCallersInThreeProcessesCauseOneExchange(t *testing.T) {
	r := newRig(t)
	r.world.Connect(standin.DefaultUser, "google-oauth2", "openid", "profile", "email", gmailModify)
	refresh := r.world.AddRefreshToken(standin.DefaultUser)
	raw := make([]byte, cache.KeySize)
	raw[0] = 1
	text := base64.StdEncoding.EncodeToString(raw)
	key, err := cache.ParseKey(secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	r.key = key
	if _, err := r.askAs(tokenMode(refresh)); err != nil {
		t.Fatal(describe(err))
	}
	r.clock.Advance(2 * time.Hour)
	before := r.world.TokenRequests(standin.GrantVault)
	// Slow enough for all processes to be there while the first one asks.
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		if req.URL.Path == "/oauth/token" {
			return &standin.Fault{Delay: time.Second}
		}
		return nil
	})
	var wg sync.WaitGroup
	outputs := make([]string, 3)
	for i := range outputs {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAskingProcess$", "-test.v")
		cmd.Env = append(os.Environ(), askingProcess+"="+r.dir, "TEST_KEY="+text, "TEST_TENANT="+r.tenant, "TEST_REFRESH="+refresh)
		wg.Go(func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
			outputs[i] = string(out)
		})
	}
	wg.Wait()
	var tokens []string
	for line := range strings.SplitSeq(strings.Join(outputs, "\n"), "\n") {
		if _, token, ok := strings.Cut(line, "token "); ok {
			tokens = append(tokens, token)
		}
	}
	if len(tokens) != 3*callers {
		t.Errorf("%d callers got a token, want %d", len(tokens), 3*callers)
	}
	slices.Sort(tokens)
	if different := slices.Compact(tokens); len(different) != 1 {
		t.Errorf("they got %d different tokens", len(different))
	}
	if n := r.world.TokenRequests(standin.GrantVault) - before; n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}
