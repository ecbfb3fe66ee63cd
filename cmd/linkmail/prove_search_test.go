//go:build interop

package main

import (
	"bytes"
	"encoding/base64"
	bits "encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf16"
)

// anchor is how many bytes of a spelling are compared before the rest is.
const anchor = 8

// pieceSize is how much of a secret counts as finding it.
const pieceSize = 12

// search finds secrets in any of their spellings, however many secrets there
// are, in one pass.
type search struct {
	starts  [1 << 16]bool // by the first two bytes
	needles map[[anchor]byte][]needle
}

type needle struct {
	owner    string
	spelling string
	text     []byte
}

// hits counts what was found, by owner and spelling.
type hits map[string]map[string]int

func (h hits) add(owner, spelling string) {
	if h[owner] == nil {
		h[owner] = map[string]int{}
	}
	h[owner][spelling]++
}

func (h hits) of(owner string) int {
	n := 0
	for _, found := range h[owner] {
		n += found
	}
	return n
}

func (h hits) merge(other hits) {
	for owner, found := range other {
		for spelling, n := range found {
			for range n {
				h.add(owner, spelling)
			}
		}
	}
}

// look adds a secret.
func (s *search) look(owner, secret string) {
	if s.needles == nil {
		s.needles = map[[anchor]byte][]needle{}
	}
	for spelling, texts := range spellings(secret) {
		for _, text := range texts {
			if len(text) < anchor {
				panic("too short to look for: " + spelling)
			}
			key := [anchor]byte(text)
			s.starts[bits.LittleEndian.Uint16(text)] = true
			s.needles[key] = append(s.needles[key], needle{owner, spelling, text})
		}
	}
}

// in returns what is found in data. It is given as a whole: something that
// begins in one piece of data and ends in another is not found.
func (s *search) in(data []byte) hits {
	found := hits{}
	for i := 0; i+anchor <= len(data); i++ {
		if !s.starts[bits.LittleEndian.Uint16(data[i:])] {
			continue
		}
		for _, n := range s.needles[[anchor]byte(data[i:])] {
			if bytes.HasPrefix(data[i:], n.text) {
				found.add(n.owner, n.spelling)
			}
		}
	}
	return found
}

// spellings are the forms in which a secret could have been left behind.
func spellings(secret string) map[string][][]byte {
	raw := []byte(secret)
	backwards := slices.Clone(raw)
	slices.Reverse(backwards)
	var wide, wideBig []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		wide = bits.LittleEndian.AppendUint16(wide, unit)
		wideBig = bits.BigEndian.AppendUint16(wideBig, unit)
	}
	percent := ""
	for _, b := range raw {
		percent += fmt.Sprintf("%%%02X", b)
	}
	m := map[string][][]byte{
		"raw":        {raw},
		"base64":     aligned(base64.StdEncoding, raw),
		"base64url":  aligned(base64.URLEncoding, raw),
		"hex":        {[]byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw)))},
		"URL":        {[]byte(percent), []byte(strings.ToLower(percent))},
		"UTF-16":     {wide, wideBig},
		"backwards":  {backwards},
		"in pieces":  nil,
		"URL escape": nil,
	}
	if escaped := url.QueryEscape(secret); escaped != secret {
		m["URL escape"] = [][]byte{[]byte(escaped)}
	}
	// A secret that is there as a whole is found in pieces as well.
	for at := 0; at+pieceSize <= len(raw); at += pieceSize {
		m["in pieces"] = append(m["in pieces"], raw[at:at+pieceSize])
	}
	return m
}

// aligned are the parts of an encoded text that are the same whatever stands
// before and after the secret, for each of the three places it can begin at.
func aligned(enc *base64.Encoding, raw []byte) [][]byte {
	var texts [][]byte
	for before := range 3 {
		text := enc.EncodeToString(append(make([]byte, before), raw...))
		first := (before*8 + 5) / 6 // whole characters of the secret alone
		last := (before + len(raw)) * 8 / 6
		texts = append(texts, []byte(text[first:last]))
	}
	return texts
}

func TestProveTheSearchFindsEverySpelling(t *testing.T) {
	const secret = "%+0123456789ABCDEFGHIJKL"
	var s search
	s.look("it", secret)
	for name, text := range map[string]string{
		"raw":         "x" + secret + "x",
		"base64":      base64.StdEncoding.EncodeToString([]byte("a" + secret + "bcd")),
		"in JSON":     base64.StdEncoding.EncodeToString([]byte(`{"api_key":"` + secret + `"}`)),
		"base64url":   base64.RawURLEncoding.EncodeToString([]byte("ab" + secret)),
		"hex":         hex.EncodeToString([]byte(secret)),
		"URL escape":  "key=" + url.QueryEscape(secret) + "&",
		"UTF-16":      string(spellings(secret)["UTF-16"][0]),
		"backwards":   "LKJIHGFEDCBA9876543210+%",
		"a piece":     "...456789ABCDEFGHIJKL...",
		"at the edge": secret,
	} {
		if s.in([]byte(text)).of("it") == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	if n := s.in([]byte("%+0123456x89ABCDEFGHxIJKL")).of("it"); n != 0 {
		t.Errorf("another text: %d hits, want none", n)
	}
}

// inFiles searches every file below dir.
func (s *search) inFiles(t *testing.T, dir string) (hits, int) {
	t.Helper()
	found, size := hits{}, 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		size += len(data)
		found.merge(s.in(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, size
}

// inMemory searches the memory of a process, which stands still meanwhile.
func (s *search) inMemory(t *testing.T, pid int) (hits, int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	maps, err := os.ReadFile(filepath.Join(proc, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(filepath.Join(proc, "mem"))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found, size := hits{}, 0
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "[v") { // vvar and vsyscall are the kernel's
			continue
		}
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if mode[0] != 'r' {
			continue
		}
		region := make([]byte, to-from)
		n, err := mem.ReadAt(region, from)
		if err != nil && n == 0 {
			t.Fatalf("%q: %v", line, err)
		}
		size += n
		found.merge(s.in(region[:n]))
	}
	return found, size
}

// tap is a TCP proxy that keeps all that passes, each direction of each
// connection for itself.
type tap struct {
	ln net.Listener
	mu sync.Mutex
	// streams are pointers, because they grow while others are added.
	streams []*stream
}

type stream struct {
	mu   sync.Mutex
	data []byte
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data, p...)
	return len(p), nil
}

// tapInto starts a tap in front of target.
func tapInto(t *testing.T) (*tap, func(target string) string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tp := &tap{ln: ln}
	t.Cleanup(func() { ln.Close() })
	return tp, func(target string) string {
		go tp.serve(target)
		return ln.Addr().String()
	}
}

func (tp *tap) serve(target string) {
	for {
		client, err := tp.ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", target)
		if err != nil {
			client.Close()
			continue
		}
		go tp.pass(server, client)
		go tp.pass(client, server)
	}
}

func (tp *tap) pass(to, from net.Conn) {
	s := &stream{}
	tp.mu.Lock()
	tp.streams = append(tp.streams, s)
	tp.mu.Unlock()
	_, _ = io.Copy(to, io.TeeReader(from, s))
	to.Close()
}

// in searches what has passed.
func (tp *tap) in(s *search) (hits, int) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	found, size := hits{}, 0
	for _, st := range tp.streams {
		st.mu.Lock()
		size += len(st.data)
		found.merge(s.in(st.data))
		st.mu.Unlock()
	}
	return found, size
}
