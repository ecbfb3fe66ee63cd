package pdf

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"slices"

	"golang.org/x/image/ccitt"
)

const (
	// maxSamples bounds the samples of a picture, in bytes: a page of A4 in
	// color with 300 dots an inch has 26 MB.
	maxSamples = 64 << 20
	// maxPictures bounds the pictures of a page that are compared.
	maxPictures = 2000
	// maxEdge bounds a side of a picture, in pixels.
	maxEdge = 1 << 16
)

// Picture returns the largest picture on a page, as which a scanned page is
// stored, as JPEG or PNG, and how many pages the file has. Pages count from 1.
func Picture(ctx context.Context, content []byte, number int, limits Limits) (picture []byte, total int, err error) {
	limits = limits.withDefaults()
	limits.Stream = maxSamples
	f, err := open(ctx, content, limits)
	if err != nil {
		return nil, 0, err
	}
	pages, err := f.pages()
	if err != nil {
		return nil, 0, err
	}
	if number < 1 || number > len(pages) {
		return nil, len(pages), fmt.Errorf("%w: there is no such page", ErrPicture)
	}
	s, ok := f.largest(pages[number-1].resources)
	if !ok {
		return nil, len(pages), ErrPicture
	}
	picture, err = f.encode(s)
	if f.failed != nil {
		return nil, len(pages), f.failed
	}
	return picture, len(pages), err
}

// largest finds the largest picture among resources, and in the drawings there.
func (f *file) largest(resources any) (found stream, ok bool) {
	area, left := 0.0, maxPictures
	var look func(resources any, depth int)
	look = func(resources any, depth int) {
		objects := f.dict(f.dict(resources)["XObject"])
		for _, n := range slices.Sorted(maps.Keys(objects)) {
			if left--; left < 0 || f.failed != nil {
				return
			}
			s, isStream := f.resolve(objects[n]).(stream)
			switch {
			case !isStream:
			case s.dict["Subtype"] == name("Image"):
				if a := f.number(s.dict["Width"]) * f.number(s.dict["Height"]); a > area {
					area, found, ok = a, s, true
				}
			case s.dict["Subtype"] == name("Form") && depth < 4:
				look(s.dict["Resources"], depth+1)
			}
		}
	}
	look(resources, 0)
	return found, ok
}

// encode makes a file of a picture.
func (f *file) encode(s stream) ([]byte, error) {
	width, height := int(f.number(s.dict["Width"])), int(f.number(s.dict["Height"]))
	if width < 1 || height < 1 || width > maxEdge || height > maxEdge {
		return nil, ErrPicture
	}
	data, format, param := f.unfilter(s)
	var img image.Image
	switch format {
	case "DCTDecode", "DCT":
		return data, nil // it is a file already
	case "CCITTFaxDecode", "CCF":
		img = f.fax(data, param, width, height)
	case "":
		img = f.samples(s, data, width, height)
	}
	if img == nil {
		return nil, ErrPicture
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, ErrPicture
	}
	return out.Bytes(), nil
}

// fax decodes a picture in black and white, as fax machines and scanners make
// it (ISO 32000-1, 7.4.6). Where it is damaged it stays white.
func (f *file) fax(data []byte, param dict, width, height int) image.Image {
	format := ccitt.Group3
	if f.number(param["K"]) < 0 {
		format = ccitt.Group4
	}
	if n := int(f.number(param["Columns"])); n > 0 && n <= maxEdge {
		width = n
	}
	if width*height > maxSamples {
		return nil
	}
	// Which bit stands for black is left out of account: whatever the file does
	// with it afterwards, it shows black on white.
	r := ccitt.NewReader(bytes.NewReader(data), ccitt.MSB, format, width, height, &ccitt.Options{Align: param["EncodedByteAlign"] == true})
	bits := bytes.Repeat([]byte{0xFF}, (width+7)/8*height)
	n, _ := io.ReadFull(r, bits)
	f.charge(n)
	return bitmap(bits, width, height)
}

// bitmap is a picture of one bit a pixel, which is white if it is set.
func bitmap(bits []byte, width, height int) image.Image {
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
	row := (width + 7) / 8
	for y := range height {
		for x := range width {
			img.Pix[y*img.Stride+x] = bits[y*row+x/8] >> (7 - x%8) & 1
		}
	}
	return img
}

// samples makes a picture of samples in gray or color; nil for the forms that
// scanners do not use.
func (f *file) samples(s stream, data []byte, width, height int) image.Image {
	bits := int(f.number(s.dict["BitsPerComponent"]))
	if s.dict["ImageMask"] == true {
		bits = 1
	}
	channels := f.channels(s.dict["ColorSpace"])
	if channels == 0 || width*height > maxSamples/channels {
		return nil
	}
	if row := (width*bits*channels + 7) / 8; len(data) < row*height || bits != 8 && bits != 1 {
		return nil
	}
	bounds := image.Rect(0, 0, width, height)
	switch {
	case bits == 1 && channels == 1:
		return bitmap(data, width, height)
	case bits == 1:
		return nil
	case channels == 1:
		return &image.Gray{Pix: data, Stride: width, Rect: bounds}
	}
	img := image.NewRGBA(bounds)
	for i := range width * height {
		copy(img.Pix[4*i:4*i+3], data[3*i:3*i+3])
		img.Pix[4*i+3] = 0xFF
	}
	return img
}

// channels is how many samples a pixel has in a color space: one for gray,
// three for color, none for spaces that are not read.
func (f *file) channels(space any) int {
	space = f.resolve(space)
	if a, ok := space.(array); ok && len(a) > 0 {
		space = f.resolve(a[0])
		if space == name("ICCBased") && len(a) > 1 {
			if n := int(f.number(f.dict(a[1])["N"])); n == 1 || n == 3 {
				return n
			}
			return 0
		}
	}
	switch space {
	case nil, name("DeviceGray"), name("CalGray"), name("G"):
		return 1
	case name("DeviceRGB"), name("CalRGB"), name("RGB"):
		return 3
	}
	return 0
}
