package templates

import "io"

// Brand is what users see of whoever runs the gateway, around each page of the
// sign-in side. Its zero value is the gateway's own look.
type Brand struct {
	Name          string // "" is the gateway's own
	Logo          string // URL of an image; without it, the gateway's mark
	Width, Height int    // of the logo, in pixels
	Light, Dark   string // URLs of stylesheets with its colours; may be empty
	Support       string // URL, for those whom a page cannot help; may be empty
}

// Title is what stands above each page.
func (b Brand) Title() string {
	if b.Name == "" {
		return "Sallyport"
	}
	return b.Name
}

// Own reports whether the gateway shows itself as what it is, with its wall.
func (b Brand) Own() bool { return b.Name == "" }

// Wide reports whether the logo has room for a name in it, so that none stands
// beside it.
func (b Brand) Wide() bool { return b.Width > 2*b.Height }

// branded is a page with the look that is around it.
type branded struct {
	Brand Brand
	Data  any
}

// Render is [Render] of a page of the sign-in side in a look and a language.
func (b Brand) Render(w io.Writer, l *Language, name string, data any) error {
	page, err := l.page(name)
	if err != nil {
		return err
	}
	return execute(w, page, "layout", branded{b, data})
}
