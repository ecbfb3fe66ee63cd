package document

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"linkmail/mailbox/document/pdf"
)

const (
	// maxSide is the longest side of a picture in pixels, and maxPicture its
	// size in bytes: what models look at without scaling it down themselves,
	// and what they accept in one piece.
	maxSide    = 1568
	maxPicture = 3 << 20
	// maxPixels bounds what a picture takes in memory when it is decoded, in
	// bytes.
	maxPixels = 100 << 20
)

// Picture is an image of a size that a model takes.
type Picture struct {
	Content []byte
	// Type is its media type.
	Type string
	// Width and Height are in pixels; those of the file are FileWidth and
	// FileHeight, which are larger if it was scaled down.
	Width, Height         int
	FileWidth, FileHeight int
}

// codecs decode pictures, the first one of an animation.
var codecs = map[Kind]struct {
	size   func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	PNG:  {png.DecodeConfig, png.Decode},
	JPEG: {jpeg.DecodeConfig, jpeg.Decode},
	GIF:  {gif.DecodeConfig, gif.Decode},
	WebP: {webp.DecodeConfig, webp.Decode},
}

// Shrink returns a picture as it is if it is small enough, and scaled down
// otherwise. One that would take too much memory for that is refused with
// [ErrLimit]; its size is in the returned Picture, as it says it is.
func Shrink(kind Kind, content []byte) (Picture, error) {
	codec, ok := codecs[kind]
	if !ok {
		return Picture{}, ErrKind
	}
	// The size is read from the header before any memory is taken for it.
	head, err := codec.size(bytes.NewReader(content))
	if err != nil || head.Width <= 0 || head.Height <= 0 {
		return Picture{}, ErrDamaged
	}
	p := Picture{
		Content: content, Type: "image/" + string(kind),
		Width: head.Width, Height: head.Height, FileWidth: head.Width, FileHeight: head.Height,
	}
	if max(head.Width, head.Height) <= maxSide && len(content) <= maxPicture {
		return p, nil
	}
	if int64(head.Width)*int64(head.Height) > maxPixels/depth(kind, head.ColorModel) {
		return p, ErrLimit
	}
	full, err := codec.decode(bytes.NewReader(content))
	if err != nil {
		return p, ErrDamaged
	}
	p.Width, p.Height = scaled(head.Width, head.Height)
	small := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	// JPEG has no transparency; what shows through is paper.
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(small, small.Bounds(), full, full.Bounds(), draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: 85}); err != nil {
		return p, ErrDamaged
	}
	p.Content, p.Type = out.Bytes(), "image/jpeg"
	return p, nil
}

// depth is how many bytes a decoded pixel takes at most.
func depth(kind Kind, model color.Model) int64 {
	switch {
	case kind == GIF:
		return 1
	case kind == JPEG && model != color.CMYKModel:
		return 3
	case kind == PNG && (model == color.RGBA64Model || model == color.NRGBA64Model):
		return 8
	}
	return 4
}

// scaled keeps the proportions.
func scaled(width, height int) (int, int) {
	if longest := max(width, height); longest > maxSide {
		return max(width*maxSide/longest, 1), max(height*maxSide/longest, 1)
	}
	return width, height
}

// Scan returns the picture that a page of a scanned PDF consists of, as a file
// for [Shrink], and how many pages there are. Pages count from 1. A page without
// a picture, or with one in a format that is not read, is [ErrKind].
func Scan(ctx context.Context, content []byte, page int) (kind Kind, picture []byte, total int, err error) {
	picture, total, err = pdf.Picture(ctx, content, page, pdf.Limits{})
	if err != nil {
		return "", nil, total, pdfError(err)
	}
	return KindOf(picture, "", ""), picture, total, nil
}
