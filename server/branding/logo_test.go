package branding

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

func picture(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), 0x80, uint8(255 - x/2)})
		}
	}
	return m
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t *testing.T, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

// aWebP is a picture of 1 × 1 pixels.
var aWebP, _ = base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")

func TestLogosAreDrawnAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent          []byte
		width, height int
	}{
		"PNG":   {asPNG(t, picture(120, 40)), 120, 40},
		"JPEG":  {encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(120, 40), nil) }), 120, 40},
		"GIF":   {encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture(120, 40), nil) }), 120, 40},
		"WebP":  {aWebP, 1, 1},
		"large": {asPNG(t, image.NewNRGBA(image.Rect(0, 0, 1024, 1024))), 160, 160},
		"wide":  {asPNG(t, image.NewNRGBA(image.Rect(0, 0, 1000, 10))), 560, 5},
		"thin":  {asPNG(t, image.NewNRGBA(image.Rect(0, 0, 1024, 1))), 560, 1},
	} {
		kept, err := Logo(test.sent)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		size, err := png.DecodeConfig(bytes.NewReader(kept))
		if err != nil || size.Width != test.width || size.Height != test.height {
			t.Errorf("%s: %d × %d, %v", name, size.Width, size.Height, err)
		}
		if again, err := Logo(kept); err != nil || !bytes.Equal(again, kept) {
			t.Errorf("%s: drawn again, it is another: %v", name, err)
		}
	}
}

// TestLogoHasNothingButItsPixels in it, whatever else the file had.
func TestLogoHasNothingButItsPixels(t *testing.T) {
	t.Parallel()
	sent := asPNG(t, picture(40, 40))
	sent = append(sent, "<script>alert(1)</script>"...)
	text := []byte("Comment\x00<?php system($_GET[1]) ?>")
	sent = bytes.Join([][]byte{sent[:33], chunk("tEXt", text), sent[33:]}, nil) // after the signature and IHDR
	kept, err := Logo(sent)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(kept, []byte("php")) || bytes.Contains(kept, []byte("script")) || bytes.Contains(kept, []byte("tEXt")) {
		t.Errorf("%q", kept)
	}
	if want, _ := png.Decode(bytes.NewReader(sent)); want.At(7, 5) != must(png.Decode(bytes.NewReader(kept))).At(7, 5) {
		t.Error("the pixels are others")
	}
}

func must(m image.Image, err error) image.Image {
	if err != nil {
		panic(err)
	}
	return m
}

// chunk is one of a PNG.
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// bomb is a small file that says it is a picture of so many pixels.
func bomb(t *testing.T, width, height uint32) []byte {
	sent := asPNG(t, picture(1, 1))
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	header = append(header, sent[24:29]...)
	return bytes.Join([][]byte{sent[:8], chunk("IHDR", header), sent[33:]}, nil)
}

func TestWhatIsNoLogo(t *testing.T) {
	t.Parallel()
	ok := asPNG(t, picture(64, 64))
	for name, test := range map[string]struct {
		sent []byte
		says string
	}{
		"nothing":             {nil, "should be an image"},
		"SVG":                 {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "should be an image"},
		"SVG of XML":          {[]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), "should be an image"},
		"a page":              {[]byte("<!doctype html><script>alert(1)</script>"), "should be an image"},
		"words":               {[]byte("logo"), "should be an image"},
		"BMP":                 {[]byte("BM" + strings.Repeat("\x00", 60)), "should be an image"},
		"half a PNG":          {ok[:len(ok)/2], "may be damaged"},
		"its beginning":       {ok[:20], "may be damaged"},
		"half a GIF":          {[]byte("GIF89a\x01\x00\x01\x00"), "may be damaged"},
		"a bomb":              {bomb(t, 60_000, 60_000), "60000 × 60000 pixels"},
		"a flat one":          {bomb(t, 1<<30, 1), "1073741824 × 1 pixels"},
		"a pixel too wide":    {asPNG(t, image.NewGray(image.Rect(0, 0, 1025, 1))), "1025 × 1 pixels"},
		"a file too large":    {append(bytes.Clone(ok), make([]byte, MostLogo)...), "KiB"},
		"WebP of two sizes":   {webpOfTwoSizes(), "may be damaged"},
		"JPEG without an end": {[]byte("\xff\xd8\xff\xe0\x00\x10JFIF"), "may be damaged"},
	} {
		if kept, err := Logo(test.sent); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %d bytes, %v, want %q", name, len(kept), err, test.says)
		}
	}
}

// webpOfTwoSizes says 1 × 1 pixels outside, and 16,384 × 16,384 inside.
func webpOfTwoSizes() []byte {
	inside := []byte{0x2f, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0}
	part := func(kind string, data []byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data))), data...)
	}
	body := append([]byte("WEBP"), part("VP8X", make([]byte, 10))...)
	return part("RIFF", append(body, part("VP8L", inside)...))
}

func TestLogoIsKeptSmall(t *testing.T) {
	t.Parallel()
	noise := image.NewNRGBA(image.Rect(0, 0, 560, 160))
	random := rand.NewChaCha8([32]byte{})
	random.Read(noise.Pix)
	sent := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, noise, &jpeg.Options{Quality: 40}) })
	kept, err := Logo(sent)
	if err != nil || len(kept) > MostLogo {
		t.Fatalf("%d bytes of %d, %v", len(kept), len(sent), err)
	}
	if again, err := Logo(kept); err != nil || !bytes.Equal(again, kept) {
		t.Errorf("drawn again, it is another: %v", err)
	}
}

func FuzzLogo(f *testing.F) {
	f.Add(aWebP)
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	f.Add(webpOfTwoSizes())
	f.Fuzz(func(t *testing.T, sent []byte) {
		kept, err := Logo(sent)
		if err != nil {
			return
		}
		if _, err := png.Decode(bytes.NewReader(kept)); err != nil || len(kept) > MostLogo {
			t.Errorf("%d bytes: %v", len(kept), err)
		}
	})
}
