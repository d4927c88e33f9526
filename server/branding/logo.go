package branding

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"sallyport/vault"
)

// MostLogo is how large a logo may be, as it is sent and as it is kept, in bytes.
const MostLogo = 64 << 10

const (
	mostSide = 1024 // pixels of a logo as it is sent, either way: nothing larger is drawn

	// Pixels of a logo as it is kept: what is shown of it is half as much, so that it
	// is sharp where a pixel of CSS is two of the screen.
	keptWidth, keptHeight = 560, 160
)

// format is a kind of image that is understood.
type format struct {
	size func(io.Reader) (image.Config, error)
	draw func(io.Reader) (image.Image, error)
}

// formats are those of logos, by media type. SVG is none of them: it can hold
// scripts, and links to elsewhere.
var formats = map[string]format{
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/gif":  {gif.DecodeConfig, gif.Decode}, // the first picture alone
	"image/webp": {webp.DecodeConfig, webp.Decode},
}

// Logo draws an image that was sent again, as the PNG that is kept: no larger than
// needed, and with nothing in it but its pixels. Of what Logo returned it returns
// the same. Its fault is a [vault.Invalid].
func Logo(sent []byte) ([]byte, error) {
	if len(sent) > MostLogo {
		return nil, invalidLogo("is of %d KiB, and may be of %d at most: save it smaller", (len(sent)+1023)>>10, MostLogo>>10)
	}
	f, ok := formats[http.DetectContentType(sent)]
	if !ok {
		return nil, invalidLogo("should be an image: PNG, JPEG, WebP or GIF")
	}
	size, err := f.size(bytes.NewReader(sent))
	if err != nil {
		return nil, invalidLogo("cannot be read as an image: it may be damaged")
	}
	if size.Width < 1 || size.Height < 1 || size.Width > mostSide || size.Height > mostSide {
		return nil, invalidLogo("is of %d × %d pixels, and may be of %d × %d at most: save it smaller", size.Width, size.Height, mostSide, mostSide)
	}
	picture, err := f.draw(bytes.NewReader(sent))
	if err != nil {
		return nil, invalidLogo("cannot be read as an image: it may be damaged")
	}
	for part := 1.0; ; part *= 0.8 {
		kept, err := drawn(picture, part*keptWidth, part*keptHeight)
		if err != nil || len(kept) <= MostLogo {
			return kept, err
		}
	}
}

// drawn is a picture as PNG, made to fit into so many pixels if it does not.
func drawn(picture image.Image, width, height float64) ([]byte, error) {
	from := picture.Bounds()
	scale := min(1, width/float64(from.Dx()), height/float64(from.Dy()))
	to := image.Rect(0, 0, max(1, int(float64(from.Dx())*scale)), max(1, int(float64(from.Dy())*scale)))
	canvas := image.NewNRGBA(to)
	if scale == 1 {
		draw.Copy(canvas, image.Point{}, picture, from, draw.Src, nil)
	} else {
		draw.CatmullRom.Scale(canvas, to, picture, from, draw.Src, nil)
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, canvas)
	return b.Bytes(), err
}

func invalidLogo(problem string, args ...any) error {
	return &vault.Invalid{Field: FieldLogo, Problem: fmt.Sprintf(problem, args...)}
}

// LogoInWords says what a logo is, for those who compare two.
func LogoInWords(logo []byte) string {
	size, err := png.DecodeConfig(bytes.NewReader(logo))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d × %d pixels, fingerprint %s", size.Width, size.Height, vault.NewSecret(string(logo)).Fingerprint())
}
