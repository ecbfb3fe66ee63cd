package broker_test

import (
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/broker/wire"
)

// TestGuessBudget multiplies the shipped numbers: whoever guesses with all the
// addresses of the world for the whole life of a session hits a live code with
// a chance of at most 2^-32 (RFC 8628 section 5.1). It does not use the
// functions that compute the limits from each other.
func TestGuessBudget(t *testing.T) {
	if len(broker.TestAlphabet) != 1<<broker.TestBitsPerSymbol {
		t.Fatalf("%d symbols are not %d bits each", len(broker.TestAlphabet), broker.TestBitsPerSymbol)
	}
	// An interval as long as a life touches one window more than fit, and
	// another if it begins inside one.
	windows := int64(math.Ceil(float64(broker.TestMaxTTL)/float64(broker.TestGuessWindow))) + 1
	limit := new(big.Int).Lsh(big.NewInt(1), 32)
	previous := 0
	for _, live := range []int{0, 1, 2, 10, 100, 873, 1000, 1746, 1747, 5000, 20_000, 100_000, 1_000_000} {
		length := broker.TestCodeLength(live)
		if length < broker.TestMinCodeLength || length%2 != 0 || length < previous {
			t.Errorf("%d live sessions: code of %d symbols", live, length)
		}
		previous = length
		codes := new(big.Int).Exp(big.NewInt(int64(len(broker.TestAlphabet))), big.NewInt(int64(length)), nil)
		guesses := big.NewInt(int64(broker.TestTotalGuesses(live+1)) * windows * int64(live+1))
		if new(big.Int).Mul(guesses, limit).Cmp(codes) > 0 {
			t.Errorf("%d live sessions: %v guesses at %v codes are more than 1 in 2^32", live, guesses, codes)
		}
	}
	if got := broker.TestCodeLength(1000); got != 10 {
		t.Errorf("a broker with 1000 sessions uses codes of %d symbols, want 10", got)
	}
}

// TestTheDocsQuoteTheBudget: operators read the numbers there.
func TestTheDocsQuoteTheBudget(t *testing.T) {
	text, err := os.ReadFile("../docs/broker.md")
	if err != nil {
		t.Fatal(err)
	}
	shared := broker.TestTotalGuesses(1)
	for _, want := range []string{
		fmt.Sprintf("| %d in any ten minutes |", broker.TestGuessesPerAddress),
		fmt.Sprintf("| %d,%03d in ten minutes divided by the open sessions, at least %d |", shared/1000, shared%1000, broker.TestTotalGuesses(1_000_000)),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/broker.md does not say %q", want)
		}
	}
	if broker.TestGuessWindow != 10*time.Minute {
		t.Errorf("the window is %v", broker.TestGuessWindow)
	}
}

func TestAllAddressesTogetherStayWithinTheBudget(t *testing.T) {
	r := newRig(t, nil)
	const live = 1500
	var a, other *agent
	for range live / 2 {
		a, other = r.create(nil), r.create(nil)
	}
	// The person has seen the page before the attack begins.
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(200)
	budget := broker.TestTotalGuesses(live)
	answered := 0
	for i := range budget + 100 {
		addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}) // one guess each
		if r.b.Guess(addr, "guess") == nil {
			answered++
		}
	}
	if answered != budget {
		t.Errorf("%d guesses were answered, want %d", answered, budget)
	}
	// An address without a recent hit is refused even with a right code; the
	// person's is not.
	if r.b.Guess(netip.MustParseAddr("10.2.0.1"), "guess") == nil {
		t.Error("a new address is answered after the budget is used up")
	}
	r.send("GET", "/v1/connect/"+a.created.Code, "").want(200)
	r.send("GET", "/v1/connect/"+other.created.Code, "").want(200)
	r.person().confirm(a)
	r.clock.Advance(broker.TestGuessWindow)
	if err := r.b.Guess(netip.MustParseAddr("10.2.0.1"), "guess"); err != nil {
		t.Errorf("in the next window: %v", err)
	}
}

func TestMissesAreChargedToThePrefix(t *testing.T) {
	for name, tt := range map[string]struct {
		spent, asks string
		refused     bool
	}{
		"the same IPv4 address":       {"192.0.2.1", "192.0.2.1", true},
		"its neighbour":               {"192.0.2.1", "192.0.2.2", false},
		"IPv4 written as IPv6":        {"192.0.2.1", "::ffff:192.0.2.1", true},
		"the same /64":                {"2001:db8::1", "2001:db8::ffff:1", true},
		"the next /64":                {"2001:db8::1", "2001:db8:0:1::1", false},
		"with a zone":                 {"fe80::1%eth0", "fe80::2%eth1", true},
		"no address after no address": {"", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			parse := func(s string) netip.Addr { addr, _ := netip.ParseAddr(s); return addr }
			for i := range broker.TestGuessesPerAddress {
				if err := r.b.Guess(parse(tt.spent), fmt.Sprint("guess ", i)); err != nil {
					t.Fatal(err)
				}
			}
			if got := r.b.Guess(parse(tt.asks), "guess") != nil; got != tt.refused {
				t.Errorf("refused = %v, want %v", got, tt.refused)
			}
		})
	}
}

func TestMissesLeaveTheWindowOneByOne(t *testing.T) {
	r := newRig(t, nil)
	addr := netip.MustParseAddr("192.0.2.1")
	for range broker.TestGuessesPerAddress {
		if err := r.b.Guess(addr, "guess"); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(time.Minute)
	}
	// Ten minutes after the first miss it is forgotten, and only it.
	if err := r.b.Guess(addr, "guess"); err != nil {
		t.Error(err)
	}
	if r.b.Guess(addr, "guess") == nil {
		t.Error("two misses are forgotten at once")
	}
}

func TestAPersonIsNotChargedForTheirOwnLink(t *testing.T) {
	idp := newIDP(t)
	r := newRig(t, withIDP(idp))
	a, p := r.create(nil), r.person()
	token := p.confirm(a)
	for range 3 * broker.TestGuessesPerAddress {
		p.get("/v1/connect/" + a.created.Code).problem(404)
		r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").problem(409)
		p.complete(a, "ct_"+strings.Repeat("A", 43), "x").problem(403)
	}
	p.complete(a, token, seal(t, "{}")).want(204)
	r.clock.Advance(9 * time.Minute)
	a.fetch()
	r.clock.Advance(2 * time.Minute) // and the session is gone
	for range 3 * broker.TestGuessesPerAddress {
		p.get("/v1/connect/" + a.created.Code).problem(404)
	}
	p.get("/v1/connect/" + r.create(nil).created.Code).want(200)
}

func TestA409IsAMissForAnAddressThatNeverSawTheSession(t *testing.T) {
	// The address is that of the test, so the session is confirmed out of
	// its sight: by the store.
	var store *spy
	r := newRig(t, func(cfg *broker.Config) {
		store = newSpy(broker.NewMemory(broker.MemoryConfig{Now: cfg.Now}))
		cfg.Store = store
	})
	a := r.create(nil)
	_, err := store.Update(t.Context(), a.created.SessionID, func(s *broker.Session) error {
		s.State = broker.Confirmed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range broker.TestGuessesPerAddress {
		r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").problem(409)
	}
	r.send("POST", "/v1/connect/"+a.created.Code+"/confirm", "").problem(429)
}

func TestCodesAreRandomAndReadable(t *testing.T) {
	const n = 20_000
	seen := make(map[string]bool, n)
	count := make(map[rune]int)
	for range n {
		code := broker.TestNewCode(broker.TestMinCodeLength)
		if seen[code] {
			t.Fatalf("code %s was drawn twice", code)
		}
		seen[code] = true
		for _, c := range code {
			count[c]++
		}
		if got, err := broker.TestParseCode(broker.TestShowCode(code)); err != nil || got != code {
			t.Fatalf("parseCode(%q) = %q, %v; want %q", broker.TestShowCode(code), got, err, code)
		}
	}
	// Chi-square with 31 degrees of freedom: above 80 once in 300,000 runs.
	expected := float64(n*broker.TestMinCodeLength) / 32
	chi := 0.0
	for _, c := range broker.TestAlphabet {
		d := float64(count[c]) - expected
		chi += d * d / expected
	}
	if len(count) != 32 || chi > 80 {
		t.Errorf("%d symbols, chi-square %.1f", len(count), chi)
	}
	if strings.ContainsAny(broker.TestAlphabet, "ILOU") {
		t.Error("the alphabet has letters that look like others")
	}
}

func TestLongerCodesForABusyBroker(t *testing.T) {
	var lengths []int
	r := newRig(t, nil)
	r.b.SetNewCode(func(length int) string {
		lengths = append(lengths, length)
		return broker.TestNewCode(length)
	})
	a := r.create(nil)
	if len(a.created.Code) != 11 || lengths[0] != 10 {
		t.Errorf("code %q of %d symbols", a.created.Code, lengths[0])
	}
	if got := broker.TestShowCode("AAAAAABBBBBB"); got != "AAAAAA-BBBBBB" {
		t.Errorf("a code of 12 symbols is shown as %q", got)
	}
	var c wire.Connect
	r.b.SetNewCode(func(int) string { return "AAAAAABBBBBB" })
	r.create(nil)
	r.send("GET", "/v1/connect/aaaaaa-bbbbbb", "").want(200).into(&c)
	if c.Code != "AAAAAA-BBBBBB" {
		t.Errorf("code = %q", c.Code)
	}
}
