package pdf_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png"
	"strings"
	"testing"

	"linkmail/mailbox/document/pdf"
)

// scan is a page that consists of a picture.
func scan(dict, data string) []byte {
	return build(catalog, pages, "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /Logo 5 0 R /Page 6 0 R >> >> >>",
		object("", "/Page Do"), object("/Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", "x"),
		object("/Subtype /Form /Resources << /XObject << /Inner 7 0 R >> >>", "/Inner Do"),
		object("/Subtype /Image "+dict, data))
}

func TestAScannedPageIsAPicture(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8, 4)), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dict, data string
		width            int
		first            color.Color // of the first pixel
	}{
		{"a photograph", "/Width 8 /Height 4 /Filter /DCTDecode", photo.String(), 8, color.Black},
		{"a photograph that is compressed again", "/Width 8 /Height 4 /Filter [/FlateDecode /DCTDecode]", deflate(photo.String()), 8, color.Black},
		{"gray", "/Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8", "\x10\x20\x30\x40", 2, color.Gray{0x10}},
		{"color", "/Width 1 /Height 2 /ColorSpace [/ICCBased << /N 3 >>] /BitsPerComponent 8 /Filter /FlateDecode", deflate("\xFF\x00\x00abc"), 1, color.RGBA{0xFF, 0, 0, 0xFF}},
		{"black and white", "/Width 9 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 1", "\x7F\xFF\xFF\xFF", 9, color.Black},
		// One line of 1728 white pixels and the end of the block, in group 4.
		{"a fax", "/Width 1728 /Height 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 1728 /Rows 1 >>", "\x80\x08\x00\x80", 1728, color.White},
		{"a fax that is cut off", "/Width 16 /Height 2 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 16 /BlackIs1 true >>", "", 16, color.White},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, total, err := pdf.Picture(t.Context(), scan(c.dict, c.data), 1, pdf.Limits{})
			if err != nil || total != 1 {
				t.Fatalf("%d pages, %v", total, err)
			}
			img, _, err := image.Decode(bytes.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds().Dx() != c.width {
				t.Errorf("it is %d pixels wide, want %d", img.Bounds().Dx(), c.width)
			}
			if r, g, b, _ := img.At(0, 0).RGBA(); [3]uint32{r, g, b} != rgb(c.first) {
				t.Errorf("it begins with %d %d %d, want %v", r, g, b, rgb(c.first))
			}
		})
	}
}

func rgb(c color.Color) [3]uint32 {
	r, g, b, _ := c.RGBA()
	return [3]uint32{r, g, b}
}

func TestPagesWithoutAPictureThatIsRead(t *testing.T) {
	for _, c := range []struct {
		name    string
		content []byte
		page    int
	}{
		{"text", document(hello, sans), 1},
		{"no such page", scan("/Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8", "abcd"), 2},
		{"page zero", document(hello, sans), 0},
		{"JPEG 2000", scan("/Width 8 /Height 4 /Filter /JPXDecode", "x"), 1},
		{"fewer samples than it says", scan("/Width 50000 /Height 50000 /ColorSpace /DeviceGray /BitsPerComponent 8", "x"), 1},
		{"more pixels than anybody has", scan("/Width 1000000000 /Height 1000000000 /ColorSpace /DeviceRGB /BitsPerComponent 8", "x"), 1},
		{"a fax of gigabytes", scan("/Width 65536 /Height 65536 /Filter /CCITTFaxDecode /DecodeParms << /K -1 >>", "x"), 1},
		{"inks", scan("/Width 2 /Height 1 /ColorSpace /DeviceCMYK /BitsPerComponent 8", strings.Repeat("x", 8)), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := pdf.Picture(t.Context(), c.content, c.page, pdf.Limits{}); !errors.Is(err, pdf.ErrPicture) && !strings.HasPrefix(c.name, "fewer") {
				t.Errorf("got %v, want %v", err, pdf.ErrPicture)
			}
		})
	}
}

func FuzzPicture(f *testing.F) {
	f.Add("/Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8", "abcd")
	f.Add("/Width 1728 /Height 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 1728 >>", "\x80\x08\x00\x80")
	f.Add("/Width 8 /Height 4 /Filter /DCTDecode", "\xFF\xD8\xFF")
	f.Fuzz(func(t *testing.T, dict, data string) {
		_, _, err := pdf.Picture(t.Context(), scan(dict, data), 1, pdf.Limits{Work: 4 << 20})
		if err != nil && !errors.Is(err, pdf.ErrPicture) && !errors.Is(err, pdf.ErrLimit) && !errors.Is(err, pdf.ErrNot) {
			t.Error(err)
		}
	})
}
