package mailbox

import (
	"math"
	"strings"
)

// calculation reads the mathematical functions of CSS Values 4, section 10, as
// far as they are sums, products, calc, min, max and clamp of lengths and
// numbers. Units are not checked: what a browser would not take is rare.
type calculation struct {
	rest  string
	depth int
	// leaf reads a length or a number.
	leaf func(string) (float64, bool)
}

// calculate computes a function; ok is false if it is none, or one that is not
// known.
func calculate(value string, leaf func(string) (float64, bool)) (n float64, ok bool) {
	if !strings.HasSuffix(value, ")") {
		return 0, false
	}
	c := calculation{rest: value, leaf: leaf}
	n, ok = c.factor()
	return n, ok && strings.TrimSpace(c.rest) == "" && !math.IsNaN(n) && !math.IsInf(n, 0)
}

func (c *calculation) sum() (n float64, ok bool) {
	n, ok = c.product()
	for ok {
		switch {
		case c.takes("+ "):
			var m float64
			m, ok = c.product()
			n += m
		case c.takes("- "):
			var m float64
			m, ok = c.product()
			n -= m
		default:
			return n, true
		}
	}
	return 0, false
}

func (c *calculation) product() (n float64, ok bool) {
	n, ok = c.factor()
	for ok {
		var m float64
		switch {
		case c.takes("*"):
			m, ok = c.factor()
			n *= m
		case c.takes("/"):
			m, ok = c.factor()
			n /= m
		default:
			return n, true
		}
	}
	return 0, false
}

func (c *calculation) factor() (n float64, ok bool) {
	const deepest = 16
	if c.depth++; c.depth > deepest {
		return 0, false
	}
	defer func() { c.depth-- }()
	for _, name := range [...]string{"calc(", "(", "min(", "max(", "clamp("} {
		if !c.takes(name) {
			continue
		}
		args := []float64{}
		for {
			n, ok := c.sum()
			if !ok {
				return 0, false
			}
			args = append(args, n)
			if !c.takes(",") {
				break
			}
		}
		if !c.takes(")") {
			return 0, false
		}
		switch n = args[0]; {
		case name == "clamp(" && len(args) == 3:
			return max(args[0], min(args[1], args[2])), true
		case name == "clamp(" || len(args) > 1 && name != "min(" && name != "max(":
			return 0, false
		}
		for _, m := range args[1:] {
			if name == "min(" {
				n = min(n, m)
			} else {
				n = max(n, m)
			}
		}
		return n, true
	}
	c.rest = strings.TrimLeft(c.rest, " \t\n")
	end := strings.IndexAny(c.rest, " \t\n,)*/")
	if end <= 0 {
		return 0, false
	}
	n, ok = c.leaf(c.rest[:end])
	c.rest = c.rest[end:]
	return n, ok
}

// takes reads over what comes next, if it is that.
func (c *calculation) takes(what string) bool {
	rest, is := strings.CutPrefix(strings.TrimLeft(c.rest, " \t\n"), what)
	if is {
		c.rest = rest
	}
	return is
}
