package pdf

import (
	"bytes"
	"context"
	"fmt"
)

const (
	// maxObjects is how many objects a file may have.
	maxObjects = 400_000
	// maxNumber is the highest number of an object.
	maxNumber = 1<<24 - 1
	// maxHops bounds a chain of references to references.
	maxHops = 16
	// maxKept bounds what each cache keeps, in bytes, roughly.
	maxKept = 16 << 20
)

// file is a file while it is read.
type file struct {
	ctx     context.Context //nolint:containedctx // a file lives within one call of Read
	data    []byte
	limits  Limits
	work    int // what is left of Limits.Work
	checked int // work when the context was last looked at
	// failed is set once the limits are used up, or the context has ended.
	// Whatever is read afterwards is worth nothing.
	failed error

	at       map[uint32]place
	packed   []uint32 // object streams, in the order of the file
	trailer  dict
	cipher   *decrypter // nil if the file is not encrypted
	unpacked kept[[]byte]
	parsed   kept[any]
	fonts    kept[*font]
}

// place is where an object is.
type place struct {
	start     int32 // behind "obj", or in the object stream
	body, end int32 // what a stream holds; zero for other objects
	within    uint32
	gen       uint16
}

// kept is a cache that is emptied when it is full.
type kept[V any] struct {
	values map[uint32]V
	size   int
}

func (k *kept[V]) put(num uint32, v V, size int) {
	if k.values == nil || k.size+size > maxKept {
		k.values, k.size = map[uint32]V{}, 0
	}
	k.values[num] = v
	k.size += size
}

// open finds the objects of a file.
func open(ctx context.Context, data []byte, limits Limits) (*file, error) {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return nil, fmt.Errorf("%w: it does not begin like one", ErrNot)
	}
	f := &file{
		ctx: ctx, data: data, limits: limits, work: limits.Work, checked: limits.Work,
		at: map[uint32]place{}, trailer: dict{},
	}
	f.scan()
	f.trailers()
	if encrypt := f.dict(f.trailer["Encrypt"]); encrypt != nil && f.failed == nil {
		if f.cipher, f.failed = unlock(encrypt, f.id()); f.failed != nil {
			return nil, f.failed
		}
		f.parsed = kept[any]{}
	}
	for _, num := range f.packed {
		f.unpack(num)
	}
	return f, f.failed
}

// charge takes n from what the reading may still cost, and reports whether to
// go on.
func (f *file) charge(n int) bool {
	f.work -= n + 1
	if f.checked-f.work > 1<<16 && f.failed == nil {
		f.checked = f.work
		if err := f.ctx.Err(); err != nil {
			f.failed = err
		}
	}
	if f.work < 0 && f.failed == nil {
		f.failed = ErrLimit
	}
	return f.failed == nil
}

// scan finds every object by looking for "1 0 obj" from the first byte to the
// last. Of several with one number the last counts, which is how changes are
// written. What lies in a stream is no object.
func (f *file) scan() {
	ends := finder{data: f.data, what: []byte("endstream")}
	for pos := 0; f.failed == nil; {
		i := bytes.Index(f.data[pos:], []byte("obj"))
		if i < 0 {
			return
		}
		f.charge(i)
		behind := pos + i + len("obj")
		num, gen, ok := numbersBefore(f.data[:pos+i])
		pos = behind
		if !ok {
			continue
		}
		if len(f.at) >= maxObjects {
			f.failed = ErrLimit
			return
		}
		lx := lexer{data: f.data, pos: behind, refs: true}
		d, isDict := lx.object().(dict)
		f.charge(lx.pos - behind)
		p := place{start: int32(behind), gen: gen} //nolint:gosec // files are far smaller than 2 GB
		if isDict && lx.keyword("stream") {
			body, end := extent(f.data, lx.pos, d["Length"], &ends)
			p.body, p.end = int32(body), int32(end) //nolint:gosec // as above
			pos = end
			switch d["Type"] {
			case name("ObjStm"):
				f.packed = append(f.packed, num)
			case name("XRef"):
				f.remember(d)
			}
		} else if lx.pos < len(f.data) {
			pos = lx.pos
		}
		f.at[num] = p
	}
}

// numbersBefore reads the two numbers at the end of b.
func numbersBefore(b []byte) (num uint32, gen uint16, ok bool) {
	second, rest, ok2 := integerBefore(b)
	first, rest, ok1 := integerBefore(rest)
	if !ok1 || !ok2 || first > maxNumber || second > 65535 || len(rest) > 0 && isRegular(rest[len(rest)-1]) {
		return 0, 0, false
	}
	return uint32(first), uint16(second), true //nolint:gosec // both were just compared
}

func integerBefore(b []byte) (n int, rest []byte, ok bool) {
	end := len(b)
	for end > 0 && isSpace(b[end-1]) {
		end--
	}
	start := end
	for start > 0 && end-start < 9 && isDigit(b[start-1]) {
		start--
	}
	for _, c := range b[start:end] {
		n = n*10 + int(c-'0')
	}
	return n, b[:start], start < end && end < len(b)
}

// finder looks for the next occurrence of a text again and again, from
// positions that only grow, without looking twice at any byte.
type finder struct {
	data, what []byte
	next       int
}

// after returns the first occurrence from pos on; len(data) if there is none.
func (f *finder) after(pos int) int {
	if pos > f.next || f.next == 0 {
		f.next = len(f.data)
		if i := bytes.Index(f.data[pos:], f.what); i >= 0 {
			f.next = pos + i
		}
	}
	return f.next
}

// extent returns where the content of a stream begins and ends. Its length is
// believed if the end is where it says.
func extent(data []byte, pos int, length any, ends *finder) (body, end int) {
	if pos < len(data) && data[pos] == '\r' {
		pos++
	}
	if pos < len(data) && data[pos] == '\n' {
		pos++
	}
	if n, ok := length.(float64); ok && n >= 0 && n <= float64(len(data)-pos) {
		lx := lexer{data: data, pos: pos + int(n)}
		if lx.keyword("endstream") {
			return pos, pos + int(n)
		}
	}
	end = ends.after(pos)
	if end > pos && end < len(data) && data[end-1] == '\n' {
		end--
	}
	if end > pos && end < len(data) && data[end-1] == '\r' {
		end--
	}
	return pos, end
}

// maxTrailers is how often a file may have been changed.
const maxTrailers = 1000

// trailers reads the trailers of the older form; XRef streams are the newer.
func (f *file) trailers() {
	for pos, n := 0, 0; n < maxTrailers && f.failed == nil; n++ {
		i := bytes.Index(f.data[pos:], []byte("trailer"))
		if i < 0 {
			return
		}
		f.charge(i)
		lx := lexer{data: f.data, pos: pos + i + len("trailer"), refs: true}
		if d, ok := lx.object().(dict); ok {
			f.remember(d)
		}
		f.charge(lx.pos - pos - i)
		pos += i + len("trailer")
	}
}

func (f *file) remember(trailer dict) {
	for _, key := range []name{"Root", "Encrypt", "ID"} {
		if v := trailer[key]; v != nil {
			f.trailer[key] = v
		}
	}
}

// id is the first half of the file's identifier, which keys are made of.
func (f *file) id() text {
	if a, ok := f.resolve(f.trailer["ID"]).(array); ok && len(a) > 0 {
		id, _ := f.resolve(a[0]).(text)
		return id
	}
	return ""
}

// unpack notes the objects of an object stream.
func (f *file) unpack(num uint32) {
	s, ok := f.load(num).(stream)
	if !ok || f.failed != nil {
		return
	}
	content := f.content(num)
	first := int(f.number(s.dict["First"]))
	if first <= 0 || first > len(content) {
		return
	}
	lx := lexer{data: content[:first]}
	for f.charge(16) {
		lx.tokens = 0
		n, ok1 := lx.token().(float64)
		offset, ok2 := lx.token().(float64)
		if !ok1 || !ok2 {
			return
		}
		if n < 0 || n > maxNumber || offset < 0 || offset > float64(len(content)-first) {
			continue
		}
		one := uint32(n)
		if p, ok := f.at[one]; ok && p.within == 0 && p.start > f.at[num].start {
			continue // changed afterwards
		}
		if len(f.at) >= maxObjects {
			f.failed = ErrLimit
			return
		}
		f.at[one] = place{start: int32(first + int(offset)), within: num} //nolint:gosec // within the content
	}
}

// content returns what an object stream decodes to.
func (f *file) content(num uint32) []byte {
	if b, ok := f.unpacked.values[num]; ok {
		return b
	}
	s, ok := f.load(num).(stream)
	if !ok {
		return nil
	}
	b := f.decode(s)
	f.unpacked.put(num, b, len(b))
	return b
}

// resolve follows references until there is an object.
func (f *file) resolve(x any) any {
	for range maxHops {
		r, ok := x.(ref)
		if !ok {
			return x
		}
		x = f.load(r.num)
	}
	return nil
}

// load reads an object from its place. A word is none.
func (f *file) load(num uint32) any {
	if x, ok := f.parsed.values[num]; ok {
		return x
	}
	p, ok := f.at[num]
	if !ok || f.failed != nil {
		return nil
	}
	data := f.data
	if p.within != 0 {
		if q, ok := f.at[p.within]; !ok || q.within != 0 {
			return nil // an object stream cannot be inside of another
		}
		data = f.content(p.within)
	}
	if int(p.start) > len(data) {
		return nil
	}
	lx := lexer{data: data, pos: int(p.start), refs: true}
	x := lx.object()
	f.charge(lx.pos - int(p.start))
	switch v := x.(type) {
	case word:
		x = nil
	case dict:
		if p.end > 0 {
			x = stream{dict: v, raw: f.data[p.body:p.end], num: num, gen: p.gen}
		}
	}
	f.parsed.put(num, x, 64+12*(lx.pos-int(p.start)))
	return x
}

// dict resolves x to a dictionary, that of a stream too; nil if it is none.
func (f *file) dict(x any) dict {
	switch v := f.resolve(x).(type) {
	case dict:
		return v
	case stream:
		return v.dict
	}
	return nil
}

func (f *file) number(x any) float64 {
	n, _ := f.resolve(x).(float64)
	return n
}
