package storetest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"linkmail/broker"
	"linkmail/internal/secret"
)

// providerName is that of the OAuth provider of the brokers that are killed.
const providerName = "provider"

// tokens is what a login at it yields.
const tokens = `{"access_token":"at","refresh_token":"rt","token_type":"Bearer"}`

// provider is an authorization server whose person agrees at once. A code of
// it is good for one request, by the client, with the verifier and for the
// redirect URI that it was asked with (RFC 6749 section 4.1.3, RFC 7636).
type provider struct {
	url string
	mu  sync.Mutex
	// codes are those that nobody has redeemed, with what they were asked with.
	codes     map[string]url.Values
	exchanges int
	// asked runs when a good code has come and before it is answered.
	asked func()
}

// client is the broker's registration there.
func client(at string) broker.Provider {
	return broker.Provider{
		ClientID: "client", ClientSecret: secret.New("client-secret"),
		AuthURL: at + "/authorize", TokenURL: at + "/token", RevocationURL: at + "/revoke",
	}
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{codes: make(map[string]url.Values), asked: func() {}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.ParseForm() != nil || !p.redeem(r.PostForm) {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
			return
		}
		p.asked()
		_, _ = w.Write([]byte(tokens))
	})
	p.url = serving(t, mux)
	return p
}

func (p *provider) redeem(form url.Values) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, ok := p.codes[form.Get("code")]
	delete(p.codes, form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	good := ok && form.Get("grant_type") == "authorization_code" &&
		form.Get("client_id") == "client" && form.Get("client_secret") == "client-secret" &&
		form.Get("redirect_uri") == q.Get("redirect_uri") &&
		base64.RawURLEncoding.EncodeToString(sum[:]) == q.Get("code_challenge")
	if good {
		p.exchanges++
	}
	return good
}

// agree is the person there: it returns the query that the browser comes back
// with.
func (p *provider) agree(location string) (url.Values, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.codes[code] = u.Query()
	return url.Values{"code": {code}, "state": {u.Query().Get("state")}}, nil
}

// exchanged is how many codes were redeemed.
func (p *provider) exchanged() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanges
}
