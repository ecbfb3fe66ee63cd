package standin

import "hash/fnv"

// dice are pseudo-random numbers that come out the same in every world. What
// a message holds depends on its own seed alone, so that messages can be
// written in any order.
type dice uint64

// seed returns dice for one purpose.
func seed(purpose string, n uint64) dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose)) // a hash never fails
	return dice(h.Sum64() ^ n*0x9e3779b97f4a7c15)
}

// next is SplitMix64.
func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (d *dice) below(n int) int {
	return int(d.next() >> 1 % uint64(n)) //nolint:gosec // the result is below n, an int
}

// pick returns one of the choices.
func pick[T any](d *dice, choices []T) T { return choices[d.below(len(choices))] }

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// text returns n characters of what looks like base64.
func (d *dice) text(n int) string {
	b := make([]byte, n)
	var bits uint64
	for i := range b {
		if i%10 == 0 {
			bits = d.next()
		}
		b[i] = base64URL[bits&63]
		bits >>= 6
	}
	return string(b)
}

// hex returns n hexadecimal digits.
func (d *dice) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[d.next()&15]
	}
	return string(b)
}
