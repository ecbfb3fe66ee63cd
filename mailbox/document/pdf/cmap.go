package pdf

import (
	"sort"
	"unicode/utf16"
)

// maxMappings bounds the entries of a CMap.
const maxMappings = 100_000

// cmap says which characters the codes of a font stand for (ISO 32000-1,
// 9.10.3), or how long the codes are.
type cmap struct {
	// lengths tells for each first byte how many bytes the code has; 0 is
	// unknown.
	lengths [256]uint8
	single  map[uint32]string
	ranges  []codeRange // by their first code
}

type codeRange struct {
	low, high uint32
	to        string // of low; later ones count up in the last unit
	list      array  // or one for each code
}

// cmap reads a CMap.
func (f *file) cmap(x any) *cmap {
	s, ok := x.(stream)
	if !ok {
		return nil
	}
	m := &cmap{single: map[uint32]string{}}
	lx := lexer{data: f.decode(s)}
	var operands []any
	for f.charge(16) {
		x := lx.object()
		w, isWord := x.(word)
		if !isWord {
			if len(operands) < maxMappings {
				operands = append(operands, x)
			}
			continue
		}
		switch w {
		case eof:
			sort.SliceStable(m.ranges, func(i, j int) bool { return m.ranges[i].low < m.ranges[j].low })
			return m
		case "endcodespacerange":
			each(operands, 2, m.space)
		case "endbfchar":
			each(operands, 2, func(o []any) {
				if code, ok := o[0].(text); ok && len(m.single) < maxMappings {
					m.single[number32(code)] = utf16Text(o[1])
				}
			})
		case "endbfrange":
			each(operands, 3, m.rangeOf)
		}
		operands = operands[:0]
	}
	return m
}

// each calls f for each n of the operands.
func each(operands []any, n int, f func([]any)) {
	for ; len(operands) >= n; operands = operands[n:] {
		f(operands[:n])
	}
}

// space notes the length of the codes between two.
func (m *cmap) space(o []any) {
	low, ok1 := o[0].(text)
	high, ok2 := o[1].(text)
	if !ok1 || !ok2 || len(low) == 0 || len(low) > 4 || len(low) != len(high) {
		return
	}
	for c := int(low[0]); c <= int(high[0]); c++ {
		m.lengths[c] = uint8(len(low)) //nolint:gosec // at most four
	}
}

func (m *cmap) rangeOf(o []any) {
	low, ok1 := o[0].(text)
	high, ok2 := o[1].(text)
	if !ok1 || !ok2 || len(m.ranges) >= maxMappings {
		return
	}
	r := codeRange{low: number32(low), high: number32(high)}
	if r.list, _ = o[2].(array); r.list == nil {
		r.to = utf16Text(o[2])
	}
	m.ranges = append(m.ranges, r)
}

// lookup returns the characters of a code; empty if it has none.
func (m *cmap) lookup(code uint32) string {
	if s, ok := m.single[code]; ok {
		return s
	}
	// Ranges do not overlap, or else the last to begin before the code counts.
	i := sort.Search(len(m.ranges), func(i int) bool { return m.ranges[i].low > code })
	if i == 0 || code > m.ranges[i-1].high {
		return ""
	}
	r := m.ranges[i-1]
	n := code - r.low
	if r.list != nil {
		if uint64(n) >= uint64(len(r.list)) {
			return ""
		}
		return utf16Text(r.list[n])
	}
	runes := []rune(r.to)
	if len(runes) > 0 {
		runes[len(runes)-1] += rune(n) //nolint:gosec // what is no character becomes U+FFFD
	}
	return string(runes)
}

// cost is about what it takes, in bytes.
func (m *cmap) cost() int {
	if m == nil {
		return 0
	}
	return 64 * (len(m.single) + len(m.ranges))
}

func number32(code text) uint32 {
	n := uint32(0)
	for i := range min(len(code), 4) {
		n = n<<8 | uint32(code[i])
	}
	return n
}

// maxExpansion bounds the characters that one code stands for.
const maxExpansion = 32

// utf16Text reads big-endian UTF-16.
func utf16Text(x any) string {
	t, _ := x.(text)
	if len(t) == 1 { // wrong, and meant
		return string(rune(t[0]))
	}
	units := make([]uint16, 0, maxExpansion)
	for i := 0; i+1 < len(t) && len(units) < maxExpansion; i += 2 {
		units = append(units, uint16(t[i])<<8|uint16(t[i+1]))
	}
	return string(utf16.Decode(units))
}
