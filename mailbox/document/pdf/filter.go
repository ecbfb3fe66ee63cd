package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"io"

	"golang.org/x/image/tiff/lzw"
)

// maxFilters bounds how many filters a stream passes through.
const maxFilters = 4

// decode returns what a stream holds. Data that is damaged ends at the damage;
// a picture in a format of its own decodes to nothing.
func (f *file) decode(s stream) []byte {
	data, format, _ := f.unfilter(s)
	if format != "" {
		return nil
	}
	return data
}

// unfilter undoes the filters of a stream, up to one of pictures, of which it
// returns the name and the parameters.
func (f *file) unfilter(s stream) (data []byte, format name, param dict) {
	data = s.raw
	if f.cipher != nil {
		data = f.cipher.open(data, s)
	}
	names, params := f.list(s.dict["Filter"]), f.list(s.dict["DecodeParms"])
	for i, one := range names[:min(len(names), maxFilters)] {
		param = nil
		if i < len(params) {
			param = f.dict(params[i])
		}
		filter, _ := f.resolve(one).(name)
		r := f.filter(filter, data)
		if r == nil {
			return data, filter, param
		}
		if f.failed != nil {
			return nil, "", nil
		}
		// An error is that of damaged data; what came before it counts.
		data, _ = io.ReadAll(io.LimitReader(r, int64(f.limits.Stream)+1))
		f.charge(len(data))
		if len(data) > f.limits.Stream {
			f.failed = ErrLimit
			return nil, "", nil
		}
		if p := int(f.number(param["Predictor"])); p > 1 {
			data = unpredict(data, p, f.row(param))
		}
	}
	return data, "", nil
}

// list makes a list of what may be one or several.
func (f *file) list(x any) array {
	switch v := f.resolve(x).(type) {
	case nil:
		return nil
	case array:
		return v
	default:
		return array{v}
	}
}

// filter returns what a filter makes of data; nil for one of pictures.
func (f *file) filter(filter name, data []byte) io.Reader {
	switch filter {
	case "FlateDecode", "Fl":
		r, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return bytes.NewReader(nil)
		}
		return r
	case "LZWDecode", "LZW":
		// The same form as in TIFF: codes become longer one code early.
		return lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
	case "ASCII85Decode", "A85":
		data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("<~"))
		if i := bytes.IndexByte(data, '~'); i >= 0 {
			data = data[:i]
		}
		return ascii85.NewDecoder(bytes.NewReader(data))
	case "ASCIIHexDecode", "AHx":
		if i := bytes.IndexByte(data, '>'); i >= 0 {
			data = data[:i]
		}
		return bytes.NewReader(unhexed(data))
	case "RunLengthDecode", "RL":
		return bytes.NewReader(unrun(data, f.limits.Stream))
	case "Crypt":
		return bytes.NewReader(data)
	}
	return nil
}

// unrun undoes run-length encoding, up to limit bytes and one more run.
func unrun(data []byte, limit int) []byte {
	var out []byte
	for len(data) > 1 && len(out) <= limit {
		switch n := int(data[0]); {
		case n == 128:
			return out
		case n < 128:
			end := min(n+2, len(data))
			out = append(out, data[1:end]...)
			data = data[end:]
		default:
			out = append(out, bytes.Repeat(data[1:2], 257-n)...)
			data = data[2:]
		}
	}
	return out
}

// row describes the rows of which a predictor makes its predictions, in bytes.
type row struct{ pixel, length int }

func (f *file) row(param dict) row {
	or := func(key name, def int) int {
		if n := f.number(param[key]); n >= 1 && n <= 1<<20 {
			return int(n)
		}
		return def
	}
	bits := or("Colors", 1) * or("BitsPerComponent", 8)
	return row{pixel: max(bits/8, 1), length: (bits*or("Columns", 1) + 7) / 8}
}

// unpredict undoes the predictors of PNG, and that of TIFF for whole bytes.
func unpredict(data []byte, predictor int, r row) []byte {
	if predictor == 2 {
		for start := 0; start < len(data); start += r.length {
			line := data[start:min(start+r.length, len(data))]
			for i := r.pixel; i < len(line); i++ {
				line[i] += line[i-r.pixel]
			}
		}
		return data
	}
	out := make([]byte, 0, len(data))
	before := make([]byte, min(r.length, len(data)))
	for len(data) > 1 {
		kind := data[0]
		line := data[1:min(1+r.length, len(data))]
		data = data[1+len(line):]
		for i := range line {
			var left, corner byte
			if i >= r.pixel {
				left, corner = line[i-r.pixel], before[i-r.pixel]
			}
			switch kind {
			case 1:
				line[i] += left
			case 2:
				line[i] += before[i]
			case 3:
				line[i] += byte((int(left) + int(before[i])) / 2 & 0xFF)
			case 4:
				line[i] += paeth(left, before[i], corner)
			}
		}
		out = append(out, line...)
		copy(before, line)
	}
	return out
}

// paeth is the predictor of that name in PNG (RFC 2083, 6.6).
func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	da, db, dc := distance(p, a), distance(p, b), distance(p, c)
	switch {
	case da <= db && da <= dc:
		return a
	case db <= dc:
		return b
	}
	return c
}

func distance(p int, x byte) int {
	if d := p - int(x); d > 0 {
		return d
	}
	return int(x) - p
}
