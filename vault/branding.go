package vault

// Branding is what users see of whoever runs the gateway, on the pages where they
// sign in. There is one that is published, if any, and perhaps a draft of the
// next. Whether it can be shown is for whoever shows it to say.
type Branding struct {
	forever
	Draft      bool
	Name       string // of the product or company; "" is the gateway's own
	Logo       []byte // PNG; none is the gateway's own mark
	Accent     string // colour where it is light, "#rrggbb"; "" is the gateway's own
	AccentDark string // where it is dark; "" is one that follows from Accent
	Support    string // URL of https or mailto, for those whom a page cannot help; may be empty
	By         string // who saved the draft
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
