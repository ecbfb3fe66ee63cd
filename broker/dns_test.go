package broker_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"linkmail/broker"
)

// nameServer answers on loopback as a test tells it, and makes the resolver of
// this process ask it. Tests that use it do not run beside others.
type nameServer struct {
	mu    sync.Mutex
	asked map[string]int
	// answer returns the addresses, or one other name, for the n-th question.
	answer func(name string, n int) []string
}

func serveNames(t *testing.T, answer func(name string, n int) []string) *nameServer {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{asked: make(map[string]int), answer: answer}
	var ended sync.WaitGroup
	ended.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := s.reply(buf[:n]); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	})
	old := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = old
		_ = conn.Close()
		ended.Wait()
	})
	return s
}

func (s *nameServer) reply(query []byte) []byte {
	var q dnsmessage.Message
	if q.Unpack(query) != nil || len(q.Questions) != 1 {
		return nil
	}
	question := q.Questions[0]
	name := strings.ToLower(question.Name.String())
	s.mu.Lock()
	key := name + question.Type.String()
	n := s.asked[key]
	s.asked[key]++
	s.mu.Unlock()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: q.Questions}
	header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET}
	for _, text := range s.answer(name, n) {
		ip := net.ParseIP(text)
		var body dnsmessage.ResourceBody
		switch {
		case ip == nil:
			target := dnsmessage.MustNewName(text)
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.CNAMEResource{CNAME: target}})
			header.Name = target
			continue
		case ip.To4() != nil && question.Type == dnsmessage.TypeA:
			body = &dnsmessage.AResource{A: [4]byte(ip.To4())}
		case ip.To4() == nil && question.Type == dnsmessage.TypeAAAA:
			body = &dnsmessage.AAAAResource{AAAA: [16]byte(ip.To16())}
		default:
			continue
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: body})
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

func TestF58SpellingsOfThisMachineAreNotReached(t *testing.T) {
	serveNames(t, func(string, int) []string { return nil })
	for _, host := range []string{
		"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.1", "0x7f.1", "017700000001", "localhost.", "LOCALHOST", "127.0.0.1.",
		"[::ffff:127.0.0.1]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]", "127%2e0%2e0%2e1", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1",
	} {
		u, err := broker.TestParseURL("https://" + host + "/")
		if err != nil {
			continue // no host at all
		}
		if err := broker.DialCheck(net.JoinHostPort(u.Hostname(), "443")); err == nil {
			t.Errorf("%s is reached", host)
		} else if noName, ok := errors.AsType[*net.DNSError](err); !errors.Is(err, broker.ErrBlocked) && (!ok || !noName.IsNotFound) {
			t.Errorf("%s: %v, want ErrBlocked or no such host", host, err)
		}
	}
}

func TestF59TheAddressThatIsDialledIsTheOneThatIsChecked(t *testing.T) {
	names := serveNames(t, func(_ string, n int) []string {
		if n == 0 {
			return []string{"8.8.8.8"} // for whoever only looks
		}
		return []string{"127.0.0.1"}
	})
	const name = "rebind.example."
	addrs, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", name)
	if err != nil || len(addrs) != 1 || addrs[0].String() != "8.8.8.8" {
		t.Fatalf("first look: %v, %v", addrs, err)
	}
	if err := broker.DialCheck("rebind.example.:443"); !errors.Is(err, broker.ErrBlocked) {
		t.Errorf("dial: %v, want ErrBlocked", err)
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	if names.asked[name+dnsmessage.TypeA.String()] < 2 {
		t.Error("the name was not looked up again, so nothing was tested")
	}
}

func TestF60EveryAddressOfANameIsChecked(t *testing.T) {
	serveNames(t, func(string, int) []string {
		return []string{"10.0.0.1", "::1", "127.0.0.1", "fd00::1", "169.254.169.254"}
	})
	if err := broker.DialCheck("both.example.:443"); !errors.Is(err, broker.ErrBlocked) {
		t.Errorf("dial: %v, want ErrBlocked", err)
	}
}

func TestF61AliasesOfThisMachineAreBlocked(t *testing.T) {
	serveNames(t, func(string, int) []string { return []string{"a.example.", "localhost.example.", "127.0.0.1", "::1"} })
	for _, host := range []string{"alias.example.", "127.0.0.1.nip.example."} {
		if err := broker.DialCheck(net.JoinHostPort(host, "443")); !errors.Is(err, broker.ErrBlocked) {
			t.Errorf("%s: %v, want ErrBlocked", host, err)
		}
	}
}
