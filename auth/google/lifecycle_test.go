package google_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"linkmail/auth"
	"linkmail/auth/google"
	"linkmail/cache"
	"linkmail/internal/standin"
)

// failing is a store that takes no writes while it is full.
type failing struct {
	cache.Store
	mu   sync.Mutex
	full bool
}

func (f *failing) set(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

func (f *failing) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	f.mu.Lock()
	full := f.full
	f.mu.Unlock()
	if full {
		return errors.New("the process was killed")
	}
	return f.Store.Put(ctx, key, value, ttl)
}

// TestJ92ACrashAfterRotationCostsOneSignIn loses the refresh token that a
// rotating provider has just given. It then sees the old one again, and kills
// the family.
func TestJ92ACrashAfterRotationCostsOneSignIn(t *testing.T) {
	r := newRig(t)
	store := &failing{Store: r.store}
	on := func(cfg *google.Config) { cfg.Store = store }
	r.signIn(r.provider(on), gmail, standin.Choice{})
	r.clock.Advance(2 * time.Hour)
	refreshes := 0
	r.says(func(rw http.ResponseWriter, _ *http.Request) {
		if refreshes++; refreshes == 1 {
			store.set(true)
			says(200, `{"access_token":"ya29.canary","refresh_token":"1//canary-next","expires_in":3599}`)(rw, nil)
			return
		}
		says(400, `{"error":"invalid_grant","error_description":"reuse detected"}`)(rw, nil)
	})
	_, err := r.provider(on).Token(t.Context(), gmail)
	failure(t, err, "cache_failed")
	store.set(false)
	_, err = r.provider(on).Token(t.Context(), gmail)
	link := challenge(t, err)
	for range 3 {
		_, err = r.provider(on).Token(t.Context(), gmail)
		if again := challenge(t, err); again.URL != link.URL {
			t.Fatal("a second link was given out for one dead sign-in")
		}
	}
	if refreshes != 2 {
		t.Errorf("the dead token was tried %d times after the crash, want once", refreshes-1)
	}
}

// mailboxes is Gmail, and a client of it on behalf of a user.
func mailboxes(t *testing.T, r *rig, p auth.Provider) func(subject string) (int, error) {
	t.Helper()
	srv := httptest.NewServer(r.world.Gmail())
	t.Cleanup(srv.Close)
	client := &http.Client{Transport: &auth.Transport{Provider: p, Scope: "gmail", Hosts: []string{strings.TrimPrefix(srv.URL, "http://")}}}
	return func(subject string) (int, error) {
		ctx := auth.WithPrincipal(t.Context(), auth.Principal{Subject: subject})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/gmail/v1/users/me/profile", http.NoBody)
		if err != nil {
			return 0, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode, nil
	}
}

func TestJ95ATokenThatIsRevokedMidFlightLeadsToOneLinkAndTroublesNobodyElse(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	alex, sam := gmail, gmail
	alex.Principal.Subject, sam.Principal.Subject = "alex", "sam"
	r.signIn(p, alex, standin.Choice{User: standin.DefaultUser})
	r.signIn(p, sam, standin.Choice{User: standin.SecondUser})
	get := mailboxes(t, r, p)
	if status, err := get("alex"); status != 200 || err != nil {
		t.Fatalf("status %d, %v", status, err)
	}
	r.world.RevokeGoogle(standin.DefaultUser)
	_, err := get("alex")
	link := challenge(t, err)
	if _, err := get("alex"); challenge(t, err).URL != link.URL {
		t.Error("a second link was given out")
	}
	if n := r.world.GoogleTokenRequests(standin.GrantRefreshToken); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	if status, err := get("sam"); status != 200 || err != nil {
		t.Errorf("the other user: status %d, %v", status, err)
	}
}

func TestJ96AStormOf401CausesOneRefreshAUser(t *testing.T) {
	r := newRig(t)
	p := r.provider(nil)
	r.signIn(p, gmail, standin.Choice{})
	get := mailboxes(t, r, p)
	r.world.RevokeTokens(standin.DefaultUser) // the access tokens alone
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if status, err := get("local"); err != nil || status != 200 {
				t.Errorf("status %d, %v", status, err)
			}
		})
	}
	wg.Wait()
	if n := r.world.GoogleTokenRequests(standin.GrantRefreshToken); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	// A refusal that no token can help is no reason to renew.
	r.world.SetFault(func(req *http.Request) *standin.Fault {
		if strings.HasPrefix(req.URL.Path, "/gmail/") {
			return standin.InsufficientScope()
		}
		return nil
	})
	if status, err := get("local"); status != 403 || err != nil {
		t.Errorf("status %d, %v; want the 403 itself", status, err)
	}
	if n := r.world.GoogleTokenRequests(standin.GrantRefreshToken); n != 1 {
		t.Errorf("%d refreshes after a 403, want none more", n)
	}
}

func TestK107TwoAgentsOnOneCacheShareALinkAndBothGetTheToken(t *testing.T) {
	r := newRig(t)
	one, two := r.provider(nil), r.provider(nil)
	_, err := one.Token(t.Context(), gmail)
	first := challenge(t, err)
	_, err = two.Token(t.Context(), gmail)
	if second := challenge(t, err); second.URL != first.URL {
		t.Fatal("two agents were given two links")
	}
	r.visit(first, standin.Choice{})
	a, err := two.Token(t.Context(), gmail)
	if err != nil {
		t.Fatal(describe(err))
	}
	b, err := one.Token(t.Context(), gmail)
	if err != nil || a.AccessToken != b.AccessToken {
		t.Errorf("the other agent got %s, want the same token", describe(err))
	}
	if n := r.world.GoogleTokenRequests(standin.GrantAuthorizationCode); n != 1 {
		t.Errorf("%d codes were redeemed, want 1", n)
	}
}
