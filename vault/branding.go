package vault

// Appearance is what users see of somebody on the pages where they sign in.
// Whether it can be shown is for whoever shows it to say.
type Appearance struct {
	Name       string // of the product or company
	Logo       []byte // PNG
	Accent     string // colour where it is light, "#rrggbb"
	AccentDark string // where it is dark; "" is one that follows from Accent
	Support    string // URL of https or mailto, for those whom a page cannot help
}

// Branding is the appearance of whoever runs the gateway: what it says nothing of
// is the gateway's own. There is one that is published, if any, and perhaps a
// draft of the next.
type Branding struct {
	forever
	Appearance
	Draft bool
	By    string // who saved the draft
}

// The keys of the two.
const (
	PublishedBranding = "published"
	DraftBranding     = "draft"
)

func (b Branding) Key() string {
	if b.Draft {
		return DraftBranding
	}
	return PublishedBranding
}
