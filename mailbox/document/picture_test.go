package document_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"linkmail/mailbox/document"
)

// picture is an image of a size in a format.
func picture(t testing.TB, kind document.Kind, width, height int) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Transparent, color.RGBA{0x2b, 0x6c, 0xb0, 0xff}})
	for i := range img.Pix {
		img.Pix[i] = byte(i / 7 % 2)
	}
	var b bytes.Buffer
	var err error
	switch kind {
	case document.PNG:
		err = png.Encode(&b, img)
	case document.GIF:
		err = gif.Encode(&b, img, nil)
	default:
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesAreHandedOnOrScaledDown(t *testing.T) {
	for _, c := range []struct {
		name                  string
		kind                  document.Kind
		width, height         int
		wantWidth, wantHeight int
		wantType              string
		untouched             bool
	}{
		{"a small one", document.PNG, 40, 30, 40, 30, "image/png", true},
		{"the largest", document.JPEG, 1568, 1000, 1568, 1000, "image/jpeg", true},
		{"a photograph", document.JPEG, 4000, 3000, 1568, 1176, "image/jpeg", false},
		{"a screenshot", document.PNG, 3136, 100, 1568, 50, "image/jpeg", false},
		{"an animation", document.GIF, 2000, 1000, 1568, 784, "image/jpeg", false},
		{"a line", document.PNG, 1, 5000, 1, 1568, "image/jpeg", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := picture(t, c.kind, c.width, c.height)
			got, err := document.Shrink(c.kind, content)
			if err != nil {
				t.Fatal(err)
			}
			if got.Width != c.wantWidth || got.Height != c.wantHeight || got.Type != c.wantType || got.FileWidth != c.width || got.FileHeight != c.height {
				t.Errorf("got %d x %d of %d x %d, %s", got.Width, got.Height, got.FileWidth, got.FileHeight, got.Type)
			}
			if c.untouched != bytes.Equal(got.Content, content) {
				t.Errorf("untouched is %v, want %v", !c.untouched, c.untouched)
			}
			config, _, err := image.DecodeConfig(bytes.NewReader(got.Content))
			if err != nil || config.Width != c.wantWidth || config.Height != c.wantHeight {
				t.Errorf("it is %d x %d, %v", config.Width, config.Height, err)
			}
		})
	}
}

// webpDot is a picture of one pixel, from the format's own specification of the
// smallest one.
const webpDot = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

func TestPicturesThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    document.Kind
		content []byte
		want    error
	}{
		{"a picture of a hundred thousand pixels squared", document.PNG, pngHeader(100_000, 100_000), document.ErrLimit},
		{"one that only looks so", document.PNG, append(pngHeader(2000, 2000), "junk"...), document.ErrDamaged},
		{"one without size", document.PNG, pngHeader(0, 1), document.ErrDamaged},
		{"one that is cut off", document.JPEG, picture(t, document.JPEG, 3000, 3000)[:500], document.ErrDamaged},
		{"text", document.GIF, []byte("GIF89a"), document.ErrDamaged},
		{"svg", document.SVG, []byte("<svg/>"), document.ErrKind},
		{"webp", document.WebP, []byte(webpDot), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := document.Shrink(c.kind, c.content); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// pngHeader begins a picture of that size, and has hardly anything of it.
func pngHeader(width, height uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		b = append(append(b, kind...), data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	}
	head := binary.BigEndian.AppendUint32(nil, width)
	head = binary.BigEndian.AppendUint32(head, height)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write([]byte{0})
	_ = w.Close()
	chunk("IDAT", z.Bytes())
	return b
}
