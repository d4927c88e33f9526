package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Options are a connection's: those that every strategy has, and the
// strategy's own, beside them in the file. Of the strategy's, one that is a
// mapping is kept as one option for each of its entries: "profile.id".
type Options struct {
	ClientID       *string                  `yaml:"client_id"`
	ClientSecret   *Secret                  `yaml:"client_secret"`
	Scope          Scopes                   `yaml:"scope"`
	UpstreamParams map[string]UpstreamParam `yaml:"upstream_params"`
	Strategy       map[string]string        `yaml:",inline"` // text as it is; numbers, true and false as written
}

// authParams is what Auth0's custom social connections call those upstream
// parameters that have a fixed value. They are read as such, and shown as
// upstream_params.
const authParams = "authParams."

// common is the part of Options that JSON can do by itself.
type common struct {
	ClientID       *string                  `json:"client_id,omitzero"`
	ClientSecret   *Secret                  `json:"client_secret,omitzero"`
	Scope          Scopes                   `json:"scope,omitzero"`
	UpstreamParams map[string]UpstreamParam `json:"upstream_params,omitzero"`
}

// MarshalJSON writes the strategy's options beside the common ones.
func (o Options) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(o.Strategy)+4)
	for name, value := range o.Strategy {
		in := out
		if group, member, ok := strings.Cut(name, "."); ok {
			nested, ok := out[group].(map[string]any)
			if !ok {
				nested = map[string]any{}
				out[group] = nested
			}
			in, name = nested, member
		}
		in[name] = value
	}
	b, err := json.Marshal(common{o.ClientID, o.ClientSecret, o.Scope, o.UpstreamParams})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// UnmarshalJSON takes what is not a common option for one of the strategy's.
func (o *Options) UnmarshalJSON(b []byte) error {
	var c common
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	*o = Options{ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scope: c.Scope, UpstreamParams: c.UpstreamParams}
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return err
	}
	for _, name := range []string{"client_id", "client_secret", "scope", "upstream_params"} {
		delete(all, name)
	}
	return o.add("", all)
}

// add takes values for options of the strategy. A null says nothing, as
// Terraform sends it for what is not set.
func (o *Options) add(prefix string, values map[string]any) error {
	for name, value := range values {
		name = prefix + name
		switch value := value.(type) {
		case nil:
			continue
		case map[string]any:
			if err := o.add(name+".", value); err != nil {
				return err
			}
			continue
		case string, bool, json.Number:
		default:
			return fmt.Errorf("options.%s should be a string, a number, true or false", name)
		}
		if o.Strategy == nil {
			o.Strategy = make(map[string]string, len(values))
		}
		o.Strategy[name] = fmt.Sprint(value)
	}
	return nil
}
