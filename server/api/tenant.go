package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sallyport/vault"
)

// Tenant is a tenant file that was read: what should be.
type Tenant struct {
	file     string
	sections sections
	at       map[string]pos    // where everything stands, by path
	ids      map[string]string // of what may have to be made, by path
	hide     []hidden
}

// sections are the shape of the whole file.
type sections struct {
	Connections     []Connection     `yaml:"connections"`
	Clients         []Client         `yaml:"clients"`
	ResourceServers []ResourceServer `yaml:"resourceServers"`
	ClientGrants    []ClientGrant    `yaml:"clientGrants"`
	Webhooks        []Webhook        `yaml:"webhooks"`
	Branding        *Branding        `yaml:"branding"`
}

// hidden is a value that no error may show, and what to show instead.
type hidden struct{ value, shown string }

// Parse reads a tenant file. The name is for errors, which are of type
// [*Error]; env looks a variable of the environment up, as [os.LookupEnv] does.
// It checks all that can be checked without knowing what is stored.
func Parse(name string, src []byte, env func(string) (string, bool)) (*Tenant, error) {
	t := &Tenant{file: name, at: make(map[string]pos), ids: make(map[string]string)}
	if err := t.parse(src, env); err != nil {
		return nil, t.fault(err)
	}
	return t, nil
}

func (t *Tenant) parse(src []byte, env func(string) (string, bool)) error {
	e := &environment{lookup: env, filled: make(map[string]string)}
	root, err := parse(src, e)
	for _, name := range slices.Sorted(maps.Keys(e.filled)) {
		t.conceal(e.filled[name], "${"+name+"}")
	}
	if err != nil {
		return err
	}
	if root == nil || root.kind == null || root.kind == mapping && len(root.entries) == 0 {
		return fault(pos{}, "", "is empty: write at least `clients: []`; the sections are "+
			strings.Join(knownFields(reflect.TypeFor[sections]()), ", "))
	}
	d := &decoder{at: t.at}
	if err := d.decode(root, reflect.ValueOf(&t.sections).Elem(), ""); err != nil {
		return err
	}
	t.concealSecrets()
	return t.checkKeys()
}

// checkKeys finds what has no key or stands in the file twice, and chooses an
// ID for each record, here since a transaction may run more than once.
func (t *Tenant) checkKeys() error {
	seen := make(map[string]pos)
	check := func(path string, names, keys []string) error {
		t.ids[path] = rand.Text()[:16]
		for i, key := range keys {
			if key == "" {
				return fault(t.at[path], path+"."+names[i], "is missing")
			}
		}
		section, _, _ := strings.Cut(path, "[")
		id := section + "\x00" + strings.Join(keys, "\x00")
		here := t.locate(path + "." + names[len(names)-1])
		if first, ok := seen[id]; ok {
			return fault(here, path+"."+strings.Join(names, " and "), fmt.Sprintf("is the same as in line %d: remove one of the two", first.line))
		}
		seen[id] = here
		return nil
	}
	var errs []error
	for i, c := range t.sections.Connections {
		errs = append(errs, check(at("connections", i), []string{"name"}, []string{c.Name}))
	}
	for i, c := range t.sections.Clients {
		errs = append(errs, check(at("clients", i), []string{"client_id"}, []string{c.ClientID}))
	}
	for i, s := range t.sections.ResourceServers {
		errs = append(errs, check(at("resourceServers", i), []string{"identifier"}, []string{s.Identifier}))
		t.ids[at("resourceServers", i)] = hexID()
	}
	for i, g := range t.sections.ClientGrants {
		errs = append(errs, check(at("clientGrants", i), []string{"client_id", "audience"}, []string{g.ClientID, g.Audience}))
	}
	for i, w := range t.sections.Webhooks {
		errs = append(errs, check(at("webhooks", i), []string{"name"}, []string{w.Name}))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func hexID() string {
	b := make([]byte, 12)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// conceal keeps a value out of errors. Short ones are no secrets, and would
// tear holes into every sentence.
func (t *Tenant) conceal(value, shown string) {
	if len(value) < 8 || slices.ContainsFunc(t.hide, func(h hidden) bool { return h.value == value }) {
		return
	}
	// The longest first, lest a part of one is taken for another.
	i, _ := slices.BinarySearchFunc(t.hide, len(value), func(h hidden, n int) int { return n - len(h.value) })
	t.hide = slices.Insert(t.hide, i, hidden{value, shown})
}

func (t *Tenant) concealSecrets() {
	for _, c := range t.sections.Clients {
		if c.ClientSecret != nil {
			t.conceal(c.ClientSecret.Reveal(), secretSet)
		}
	}
	for _, w := range t.sections.Webhooks {
		if w.Secret != nil {
			t.conceal(w.Secret.Reveal(), secretSet)
		}
	}
	for _, c := range t.sections.Connections {
		if c.Options == nil {
			continue
		}
		if c.Options.ClientSecret != nil {
			t.conceal(c.Options.ClientSecret.Reveal(), secretSet)
		}
		for name, value := range c.Options.Strategy {
			if secretName(name) {
				t.conceal(value, secretSet)
			}
		}
	}
}

// fault makes an error fit to be shown.
func (t *Tenant) fault(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	e.File = t.file
	for _, h := range t.hide {
		e.Key = strings.ReplaceAll(e.Key, h.value, h.shown)
		e.Problem = strings.ReplaceAll(e.Problem, h.value, h.shown)
	}
	return e
}

// invalid is the fault that a check found in the record at a path, which
// includes all that a check may say of it.
func (t *Tenant) invalid(path string, err error) error {
	key, problem := path, err.Error()
	var invalid *vault.Invalid
	if errors.As(err, &invalid) {
		key, problem = path+"."+invalid.Field, invalid.Problem
	}
	return t.fault(fault(t.locate(key), key, problem))
}

// locate is where a path stands, or else the nearest thing around it.
func (t *Tenant) locate(path string) pos {
	for {
		if p, ok := t.at[path]; ok {
			return p
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return t.at[""]
		}
		path = path[:cut]
	}
}
