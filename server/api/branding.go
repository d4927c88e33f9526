package api

import (
	"encoding/base64"
	"errors"
	"strings"

	"sallyport/server/branding"
	"sallyport/vault"
)

// Branding is what users see of whoever runs the gateway, or of an application. Of
// a nil field it says nothing; "" is the gateway's own.
//
// The names are those of Auth0's branding, and of its tenant settings. But the
// gateway's pages load nothing from elsewhere, so that the image of logo_url is in
// it, as a data URL (RFC 2397).
type Branding struct {
	FriendlyName *string         `yaml:"friendly_name" json:"friendly_name,omitzero"`
	LogoURL      *string         `yaml:"logo_url" json:"logo_url,omitzero"`
	Colors       *BrandingColors `yaml:"colors" json:"colors,omitzero"`
	SupportURL   *string         `yaml:"support_url" json:"support_url,omitzero"`
}

// BrandingColors are the accent where it is light, and where it is dark.
type BrandingColors struct {
	Primary     *string `yaml:"primary" json:"primary,omitzero"`
	PrimaryDark *string `yaml:"primary_dark" json:"primary_dark,omitzero"`
}

// Record is the stored appearance as it would become: what b does not mention
// stays as in old.
func (b Branding) Record(old vault.Appearance) (vault.Appearance, error) {
	r := old
	set(&r.Name, b.FriendlyName)
	set(&r.Support, b.SupportURL)
	if b.Colors != nil {
		set(&r.Accent, b.Colors.Primary)
		set(&r.AccentDark, b.Colors.PrimaryDark)
	}
	r.Accent, r.AccentDark = strings.ToLower(r.Accent), strings.ToLower(r.AccentDark)
	if b.LogoURL != nil {
		logo, err := logoIn(*b.LogoURL)
		if err != nil {
			return r, err
		}
		r.Logo = logo
	}
	if faults := branding.Faults(r); len(faults) > 0 {
		return r, faults[0]
	}
	return r, nil
}

// logoIn is the logo in a data URL, as it is to be kept.
func logoIn(url string) ([]byte, error) {
	if url == "" {
		return nil, nil
	}
	head, data, ok := strings.Cut(url, ",")
	if !ok || !strings.HasPrefix(head, "data:image/") || !strings.HasSuffix(head, ";base64") {
		return nil, &vault.Invalid{Field: branding.FieldLogo, Problem: "should hold the image itself, since pages load nothing from elsewhere: data:image/png;base64, and the image in base64"}
	}
	sent, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), ""))
	if err != nil {
		return nil, &vault.Invalid{Field: branding.FieldLogo, Problem: "is damaged: what follows base64, is no base64"}
	}
	return branding.Logo(sent)
}

// record is [Branding.Record] of a client.
func (b *Branding) record(r *vault.Client) (err error) {
	if b == nil {
		return nil
	}
	r.Appearance, err = b.Record(r.Appearance)
	var fault *vault.Invalid
	if errors.As(err, &fault) {
		return &vault.Invalid{Field: "branding." + fault.Field, Problem: fault.Problem}
	}
	return err
}

// BrandingOf is the shape of a stored appearance.
func BrandingOf(r vault.Appearance) Branding {
	b := Branding{FriendlyName: given(r.Name), SupportURL: given(r.Support)}
	if len(r.Logo) > 0 {
		b.LogoURL = given("data:image/png;base64," + base64.StdEncoding.EncodeToString(r.Logo))
	}
	if r.Accent != "" || r.AccentDark != "" {
		b.Colors = &BrandingColors{given(r.Accent), given(r.AccentDark)}
	}
	return b
}

// brandingOfClient is the shape of a client's, or nil if it has none of its own.
func brandingOfClient(r vault.Client) *Branding {
	b := BrandingOf(r.Appearance)
	if b == (Branding{}) {
		return nil
	}
	return &b
}

// plannedBranding is [BrandingOf] for people: of the logo, what it is.
func plannedBranding(r vault.Branding) Branding {
	b := BrandingOf(r.Appearance)
	b.LogoURL = given(branding.LogoInWords(r.Logo))
	return b
}

// plannedClient is [ClientOf] for people: of the logo, what it is.
func plannedClient(r vault.Client) Client {
	c := ClientOf(r)
	if c.Branding != nil {
		c.Branding.LogoURL = given(branding.LogoInWords(r.Appearance.Logo))
	}
	return c
}

func (p *planner) branding() error {
	if p.sections.Branding == nil {
		return nil
	}
	old, found, err := stored(p.tx.Branding, vault.PublishedBranding, vault.Branding{})
	if err != nil {
		return err
	}
	r := old
	if r.Appearance, err = p.sections.Branding.Record(old.Appearance); err != nil {
		return p.invalid("branding", err)
	}
	put(p, p.tx.Branding, plannedBranding, old, r, found, Change{Kind: "branding", Name: "of users' pages"})
	return nil
}

// brandingNode is the branding that is published, or nil.
func brandingNode(tx *vault.Tx) (*node, error) {
	r, err := tx.Branding.Get(vault.PublishedBranding)
	if found, err := vault.Exists(err); !found {
		return nil, err
	}
	return shapeNode(BrandingOf)(r.Appearance), nil
}
