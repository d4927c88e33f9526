package templates

import (
	"html/template"
	"strings"
)

// Settings is the page "admin/settings".
type Settings struct {
	Console
	BrandingForm
	Draft   *BrandingDraft // that is not published yet; may be nil
	Started []Started
}

// BrandingForm is where a branding is changed, with samples of what users see.
type BrandingForm struct {
	Client   string // whose sign-in the samples show
	Look     Brand
	Colours  []Fact   // of the look, in words
	Choices  []Choice // that the samples offer
	Branding []Input
	Logo     LogoInput
}

// BrandingDraft is what publishing changes.
type BrandingDraft struct {
	By          string
	Differences []Difference
	Effects     []string // that the part "differences" asks for: there are none
	Seen        string   // stands for the draft that was looked at
}

// LogoInput is where a logo is chosen.
type LogoInput struct {
	There  string // in words, what there is; may be empty
	Fault  string
	Remove bool
	Again  bool // one was chosen that a form cannot keep
}

// Faults are the fields that something is wrong with.
func (s BrandingForm) Faults() (list []Input) {
	if s.Logo.Fault != "" {
		list = append(list, Input{Name: "logo", Label: "Logo", Fault: s.Logo.Fault})
	}
	for _, i := range s.Branding {
		if i.Fault != "" {
			list = append(list, i)
		}
	}
	return list
}

// Started is a setting that the gateway was started with, and by which flag.
type Started struct{ Title, Value, Flag string }

// Sample is what a page looks like to users, in one theme.
type Sample struct {
	Title string
	HTML  template.HTML
}

// Samples are the page on which users sign in and one that tells of a problem, in
// both themes: the real pages, in the look.
func (s BrandingForm) Samples() (samples []Sample, err error) {
	for _, page := range []struct {
		name, title string
		data        any
	}{
		{"choose", "Signing in", Choose{Client: s.Client, Connections: s.Choices}},
		{"problem", "A problem", Problem{Words: "problem.expired", Back: "#", CorrelationID: "6V2QK4ZDXJ5MWTBA"}},
	} {
		read, err := English.page(page.name)
		if err != nil {
			return nil, err
		}
		for _, theme := range []struct {
			title string
			dark  bool
		}{{"light", false}, {"dark", true}} {
			var b strings.Builder
			err := execute(&b, read, "sample", struct {
				branded
				Dark bool
			}{branded{s.Look, page.data}, theme.dark})
			if err != nil {
				return nil, err
			}
			samples = append(samples, Sample{page.title + ", " + theme.title, template.HTML(b.String())})
		}
	}
	return samples, nil
}
