package branding

import (
	"encoding/hex"
	"fmt"
	"math"

	"sallyport/vault"
)

// theme are the colours of package static that an accent has to be read on: what
// is text in its colour here, on buttons is text of the card's colour on it.
type theme struct {
	paper, card, ink colour
	cure             string
}

var (
	light = theme{colour{0xf4, 0xf2, 0xed}, colour{0xff, 0xfe, 0xfc}, colour{0x23, 0x21, 0x1c}, "choose a darker one"}
	dark  = theme{colour{0x16, 0x15, 0x13}, colour{0x1f, 0x1e, 0x1b}, colour{0xee, 0xeb, 0xe4}, "choose a lighter one"}
)

// leastContrast is what text of any size needs (WCAG 2.2, success criterion 1.4.3).
const leastContrast = 4.5

// colour is one of sRGB.
type colour struct{ r, g, b uint8 }

// parseColour reads a colour such as "#8a4f00", and no other form of CSS.
func parseColour(s string) (c colour, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	b, err := hex.DecodeString(s[1:])
	if err != nil {
		return c, false
	}
	return colour{b[0], b[1], b[2]}, true
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// luminance is the relative luminance (WCAG 2.2).
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is the contrast ratio of two colours, from 1 to 21 (WCAG 2.2).
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// on is the least contrast that a colour has in a theme.
func (c colour) on(t theme) float64 { return min(contrast(c, t.paper), contrast(c, t.card)) }

// mix is a colour with so much of another in it, from 0 to 1.
func (c colour) mix(other colour, part float64) colour {
	between := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part)) }
	return colour{between(c.r, other.r), between(c.g, other.g), between(c.b, other.b)}
}

// faultOfColour says why a colour cannot be the accent of a theme.
func faultOfColour(s string, t theme) string {
	if s == "" {
		return ""
	}
	c, ok := parseColour(s)
	if !ok {
		return "should be a colour of six hexadecimal digits, such as #1a5fb4"
	}
	if ratio := c.on(t); ratio < leastContrast {
		return fmt.Sprintf("has a contrast of %.1f to the page, and links and buttons are read from %.1f on: %s", math.Floor(ratio*10)/10, leastContrast, t.cure)
	}
	return ""
}

// darkAccent is the accent where it is dark: the one that was chosen, or else the
// light one with as little white in it as makes it readable.
func darkAccent(b vault.Appearance) (c colour, ok bool) {
	if b.AccentDark != "" {
		return parseColour(b.AccentDark)
	}
	accent, ok := parseColour(b.Accent)
	for part := 0.0; ok && part <= 1; part += 0.05 {
		if c = accent.mix(colour{255, 255, 255}, part); c.on(dark) >= leastContrast {
			return c, true
		}
	}
	return c, ok
}

// Accents are the accents of an appearance, light and dark, and the least contrast
// that each has; "" where it has none.
func Accents(b vault.Appearance) (inLight, inDark string) {
	say := func(c colour, t theme) string { return fmt.Sprintf("%v, contrast %.1f", c, math.Floor(c.on(t)*10)/10) }
	if c, ok := parseColour(b.Accent); ok {
		inLight = say(c, light)
	}
	if c, ok := darkAccent(b); ok {
		inDark = say(c, dark)
	}
	return inLight, inDark
}

// stylesheet sets the accent, in the place of what app.css and dark.css of package
// static have.
func (c colour) stylesheet(t theme) []byte {
	return fmt.Appendf(nil, ":root, :host { --accent: %v; --lamp: %v; --primary: %v; --primary-hover: %v; --on-primary: %v; }\n",
		c, c, c, c.mix(t.ink, 0.2), t.card)
}
