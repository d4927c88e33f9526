package api

import (
	"slices"
	"time"

	"sallyport/vault"
)

// Webhook is an endpoint that is told what happens. Of a nil field it says
// nothing.
type Webhook struct {
	Name        string   `yaml:"name" json:"name,omitzero"`
	URL         *string  `yaml:"url" json:"url,omitzero"`
	Description *string  `yaml:"description" json:"description,omitzero"`
	Types       []string `yaml:"types" json:"types,omitzero"` // that it wants; none means all
	Secret      *Secret  `yaml:"secret" json:"secret,omitzero"`
	Enabled     *bool    `yaml:"enabled" json:"enabled,omitzero"`
}

// webhookOverlap is how long the secret before signs beside a new one.
const webhookOverlap = 24 * time.Hour

// Record is the stored webhook as it would become at a time: what w does not
// mention stays as in old, or gets its default if old has no name.
func (w Webhook) Record(old vault.Webhook, now time.Time) (vault.Webhook, error) {
	r := old
	if old.Name == "" {
		r = vault.Webhook{Name: w.Name, Enabled: true, Created: now}
	}
	set(&r.URL, w.URL)
	set(&r.Description, w.Description)
	if w.Types != nil {
		r.Types = nil
	}
	for _, t := range w.Types {
		if !slices.Contains(r.Types, vault.MessageType(t)) {
			r.Types = append(r.Types, vault.MessageType(t))
		}
	}
	switch {
	case w.Secret == nil:
	case r.Secret.IsZero():
		r.Secret = w.Secret.Secret
	case r.Secret != w.Secret.Secret:
		r = r.Rotate(w.Secret.Secret, now, webhookOverlap)
	}
	if w.Enabled != nil && *w.Enabled != r.Enabled {
		r = r.Switch(*w.Enabled)
	}
	if err := checkEndpoint("url", r.URL); err != nil {
		return r, err
	}
	return r, r.Validate()
}

// WebhookOf is the shape of a stored webhook. It holds no secret.
func WebhookOf(r vault.Webhook) Webhook {
	var types []string
	for _, t := range r.Types {
		types = append(types, string(t))
	}
	return Webhook{Name: r.Name, URL: given(r.URL), Description: given(r.Description), Types: types, Enabled: &r.Enabled}
}
