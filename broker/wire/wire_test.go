package wire_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkmail/broker/wire"
)

// vectors is testdata/vectors.json. Part of the envelopes were made by other
// implementations; the page of the broker is held against the same file.
type vectors struct {
	PrivateKey []byte `json:"private_key"`
	Opens      []struct {
		Name      string `json:"name"`
		MadeBy    string `json:"made_by"`
		Envelope  string `json:"envelope"`
		Plaintext []byte `json:"plaintext"`
	} `json:"opens"`
	Refused []struct {
		Name     string `json:"name"`
		Envelope string `json:"envelope"`
	} `json:"refused"`
	GoodKeys []struct {
		Name        string `json:"name"`
		PublicKey   string `json:"public_key"`
		Fingerprint string `json:"fingerprint"`
	} `json:"good_keys"`
	BadKeys []struct {
		Name      string `json:"name"`
		PublicKey string `json:"public_key"`
	} `json:"bad_keys"`
}

func load(t testing.TB) (vectors, *rsa.PrivateKey) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Opens) == 0 || len(v.Refused) == 0 || len(v.GoodKeys) == 0 || len(v.BadKeys) == 0 {
		t.Fatal("vectors.json lacks a section")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(v.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the key of vectors.json is not an RSA key")
	}
	return v, key
}

func TestVectors(t *testing.T) {
	v, key := load(t)
	for _, vec := range v.Opens {
		t.Run("opens "+vec.Name+" by "+vec.MadeBy, func(t *testing.T) {
			got, err := wire.Open(key, vec.Envelope)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, vec.Plaintext) {
				t.Errorf("plaintext = %q, want %q", got, vec.Plaintext)
			}
		})
	}
	for _, vec := range v.Refused {
		t.Run("refuses "+vec.Name, func(t *testing.T) {
			got, err := wire.Open(key, vec.Envelope)
			if !errors.Is(err, wire.ErrEnvelope) || got != nil {
				t.Errorf("Open = %q, %v; want nil, ErrEnvelope", got, err)
			}
		})
	}
	for _, vec := range v.GoodKeys {
		t.Run("accepts a key of "+vec.Name, func(t *testing.T) {
			pub, err := wire.ParsePublicKey(vec.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := wire.Fingerprint(pub); err != nil || got != vec.Fingerprint || len(got) != 16 {
				t.Errorf("Fingerprint = %q, %v; want %q", got, err, vec.Fingerprint)
			}
			if got, err := wire.EncodePublicKey(pub); err != nil || got != vec.PublicKey {
				t.Errorf("EncodePublicKey = %q, %v; want the text it was read from", got, err)
			}
			if _, err := wire.Seal(pub, []byte("x")); err != nil {
				t.Errorf("Seal: %v", err)
			}
		})
	}
	for _, vec := range v.BadKeys {
		t.Run("refuses a key: "+vec.Name, func(t *testing.T) {
			pub, err := wire.ParsePublicKey(vec.PublicKey)
			if !errors.Is(err, wire.ErrKey) || pub != nil {
				t.Fatalf("ParsePublicKey = %v, %v; want nil, ErrKey", pub, err)
			}
			if len(vec.PublicKey) > 8 && strings.Contains(err.Error(), vec.PublicKey[:8]) {
				t.Errorf("the error %q repeats the key", err)
			}
		})
	}
}

func TestOpenRefusesAnEnvelopeThatIsTooLong(t *testing.T) {
	_, key := load(t)
	_, err := wire.Open(key, strings.Repeat("A", wire.MaxEnvelope+4))
	if !errors.Is(err, wire.ErrEnvelope) {
		t.Errorf("Open = %v, want ErrEnvelope", err)
	}
}

var sealed = sync.OnceValues(func() (*rsa.PrivateKey, string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	envelope, err := wire.Seal(&key.PublicKey, []byte(`{"api_key":"sk-test"}`))
	if err != nil {
		panic(err)
	}
	return key, envelope
})

func TestEveryFlippedBitOfTheJSONIsRefused(t *testing.T) {
	key, envelope := sealed()
	inner, err := base64.StdEncoding.DecodeString(envelope)
	if err != nil {
		t.Fatal(err)
	}
	for i := range inner {
		// Every bit costs an RSA operation where the text stays base64 of the
		// right length; one bit a byte keeps the test short and meets every
		// byte, names and punctuation included.
		bit := byte(1) << (i % 8)
		damaged := bytes.Clone(inner)
		damaged[i] ^= bit
		if got, err := wire.Open(key, base64.StdEncoding.EncodeToString(damaged)); !errors.Is(err, wire.ErrEnvelope) {
			t.Fatalf("bit %#x of byte %d (%q) flipped: Open = %q, %v; want ErrEnvelope", bit, i, inner[i], got, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	v, key := load(f)
	for _, vec := range v.Opens {
		f.Add(vec.Envelope)
	}
	for _, vec := range v.Refused {
		f.Add(vec.Envelope)
	}
	f.Fuzz(func(t *testing.T, envelope string) {
		got, err := wire.Open(key, envelope)
		if err != nil && (got != nil || !errors.Is(err, wire.ErrEnvelope)) {
			t.Fatalf("Open = %q, %v", got, err)
		}
	})
}

func FuzzSealThenOpenAndFlip(f *testing.F) {
	f.Add([]byte(`{"api_key":"sk"}`), uint(0))
	f.Add([]byte{}, uint(77))
	f.Add(bytes.Repeat([]byte{0xff}, 1000), uint(4001))
	f.Fuzz(func(t *testing.T, plaintext []byte, at uint) {
		key, _ := sealed()
		envelope, err := wire.Seal(&key.PublicKey, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.Open(key, envelope)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("Open(Seal(x)) = %q, %v; want %q", got, err, plaintext)
		}
		damaged := []byte(envelope)
		damaged[at/8%uint(len(damaged))] ^= 1 << (at % 8)
		if got, err := wire.Open(key, string(damaged)); err == nil {
			t.Fatalf("bit %d flipped: Open = %q", at, got)
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	v, _ := load(f)
	for _, vec := range v.GoodKeys {
		f.Add(vec.PublicKey)
	}
	for _, vec := range v.BadKeys {
		f.Add(vec.PublicKey)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pub, err := wire.ParsePublicKey(text)
		if err != nil {
			if !errors.Is(err, wire.ErrKey) {
				t.Fatalf("error %v is not ErrKey", err)
			}
			return
		}
		if bits := pub.N.BitLen(); bits < wire.MinKeyBits || bits > wire.MaxKeyBits || pub.E < 3 || pub.E%2 == 0 || pub.N.Bit(0) == 0 {
			t.Fatalf("accepted a key of %d bits with exponent %d", bits, pub.E)
		}
		if again, err := wire.EncodePublicKey(pub); err != nil || again != text {
			t.Fatalf("a second spelling of one key was accepted: %q and %q", text, again)
		}
	})
}

func TestProblemIsReadLeniently(t *testing.T) {
	tests := []struct {
		name, body string
		want       wire.Problem
	}{
		{
			"slow down of a broker",
			`{"type":"urn:ietf:params:oauth:error:slow_down","title":"Slow Down","status":429,"detail":"d","interval":10,"error":"slow_down"}`,
			wire.Problem{Type: wire.SlowDown, Title: "Slow Down", Status: 429, Detail: "d", Interval: 10, Error: "slow_down"},
		},
		{
			"slow down of the draft", `{"error":"slow_down","interval":10}`,
			wire.Problem{Interval: 10, Error: "slow_down"},
		},
		{
			"an error nested under detail", `{"detail":{"type":"about:blank","title":"API Key Required","status":401,"detail":"say who you are"}}`,
			wire.Problem{Type: "about:blank", Title: "API Key Required", Detail: "say who you are", Nested: true},
		},
		{
			"a list of faults under detail", `{"detail":[{"loc":["body","ttl"],"msg":"too small"}]}`,
			wire.Problem{Errors: []wire.FieldError{{Loc: []string{"body", "ttl"}, Msg: "too small"}}},
		},
		{
			"a provider's refusal", `{"type":"about:blank","title":"T","status":400,"error":"invalid_grant","refusal":"e30="}`,
			wire.Problem{Type: "about:blank", Title: "T", Status: 400, Error: "invalid_grant", Refusal: "e30="},
		},
		{"members of the wrong type", `{"type":null,"title":7,"status":"x","detail":3,"interval":[],"error":{},"refusal":{}}`, wire.Problem{}},
		{"an empty object", `{}`, wire.Problem{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got wire.Problem
			if err := json.Unmarshal([]byte(tt.body), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNestedProblemIsSaidTwice(t *testing.T) {
	body, err := json.Marshal(wire.Problem{Type: "about:blank", Title: "T", Status: 401, Detail: "d", Nested: true})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"about:blank","title":"T","status":401,"detail":{"type":"about:blank","title":"T","status":401,"detail":"d"}}`
	if string(body) != want {
		t.Errorf("problem = %s, want %s", body, want)
	}
}

func FuzzProblem(f *testing.F) {
	f.Add(`{"type":"urn:x","detail":{"detail":{}}}`)
	f.Add(`{"detail":[{"loc":["a"],"msg":"b"}],"interval":1}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, body string) {
		var p wire.Problem
		if json.Unmarshal([]byte(body), &p) != nil {
			return
		}
		if _, err := json.Marshal(p); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMessagesHaveBothSpellings(t *testing.T) {
	body, err := json.Marshal(wire.Created{SessionID: "i", Code: "c", UserCode: "c", URL: "u", VerificationURIComplete: "u", VerificationURI: "v", PollToken: "p", Interval: 5})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"session_id":"i","code":"c","user_code":"c","url":"u","verification_uri":"v","verification_uri_complete":"u","poll_token":"p","interval":5,"callback_secret":null,"webhook_url":null}`
	if string(body) != want {
		t.Errorf("created = %s, want %s", body, want)
	}
}
