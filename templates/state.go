package templates

import "html/template"

// State is how something is, in a word, with a colour and an icon, and what that
// means in a sentence.
type State struct{ Word, Class, Icon, Meaning string }

// Glyph is its icon.
func (s State) Glyph() template.HTML { return glyph(s.Icon) }

// Healths are how connected accounts are, by [vault.Health]; "" is one of which
// no tokens are kept.
var Healths = map[string]State{
	"healthy":       {"Healthy", "good", "circle-check", "Applications get its tokens. An access token that has expired is replaced when somebody asks for it."},
	"expiring":      {"Expiring", "warn", "clock", "There is an access token, and no refresh token to get another with. When it expires, the user has to connect again."},
	"refreshing":    {"Refreshing", "good", "refresh-cw", "A refresh is under way."},
	"ambiguous":     {"Ambiguous", "warn", "circle-help", "A refresh had no answer, so its refresh token may be used up. Before it is shown again, the identity provider is asked whether it is still good."},
	"reauthorize":   {"Reauthorization needed", "bad", "circle-x", "The identity provider accepts the refresh token no longer. The user has to connect again."},
	"quarantined":   {"Quarantined", "bad", "ban", "The identity provider answered for somebody else, so none of the account’s tokens is used. The user has to connect again."},
	"not_renewable": {"Not renewable", "bad", "circle-x", "The access token has expired, and there is no refresh token. The user has to connect again."},
	"revoked":       {"Revoked", "off", "unplug", "It was disconnected. What is left of it is being revoked at the identity provider."},
	"disabled":      {"Disabled", "off", "pause", "The connection is switched off, or keeps no tokens. An administrator can change that."},
	"":              {"No tokens", "off", "circle-dashed", "The user signs in with it, and no tokens of it are kept."},
}
