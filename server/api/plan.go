package api

import (
	"fmt"
	"io"
	"strings"

	"sallyport/vault"
)

// Plan is what a tenant file changes, in the order in which it is done. It
// tells no secret.
type Plan struct {
	Changes []Change `json:"changes"`
}

// Change is one record to be made or changed.
type Change struct {
	Kind   string        `json:"kind"` // "client", "connection", "resource_server", "client_grant", "webhook" or "branding"
	Name   string        `json:"name"`
	Action string        `json:"action"` // "create" or "update"
	Fields []FieldChange `json:"fields"`
}

// FieldChange is a field with its values before and after, in one line of YAML;
// "" where there is none. A secret has no Old.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

const (
	create = "create"
	update = "update"

	secretSet     = "(secret)"
	secretChanged = "(secret, changed)"
)

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// String is the plan for people, in lines.
func (p Plan) String() string {
	var b strings.Builder
	p.Write(&b)
	return b.String()
}

// Write writes the plan for people, in lines.
func (p Plan) Write(w io.Writer) error {
	var b strings.Builder
	if p.Empty() {
		b.WriteString("no changes\n")
	}
	counts := make(map[string]int)
	for _, c := range p.Changes {
		counts[c.Action]++
		c.write(&b)
	}
	if !p.Empty() {
		fmt.Fprintf(&b, "%d to create, %d to update\n", counts[create], counts[update])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c Change) write(b *strings.Builder) {
	sign := "~"
	if c.Action == create {
		sign = "+"
	}
	fmt.Fprintf(b, "%s %s %s\n", sign, strings.ReplaceAll(c.Kind, "_", " "), c.Name)
	for _, f := range c.Fields {
		switch {
		case f.New == "":
			fmt.Fprintf(b, "    %s: %s → (none)\n", f.Field, f.Old)
		case c.Action == update && f.Old == "" && f.New != secretChanged:
			fmt.Fprintf(b, "    %s: (none) → %s\n", f.Field, f.New)
		case f.Old == "":
			fmt.Fprintf(b, "    %s: %s\n", f.Field, f.New)
		default:
			fmt.Fprintf(b, "    %s: %s → %s\n", f.Field, f.Old, f.New)
		}
	}
}

// Plan finds what the file would change, and changes nothing. Its errors are
// those of [Tenant.Apply].
func (t *Tenant) Plan(tx *vault.Tx, check Check) (Plan, error) {
	p, _, err := t.plan(tx, check)
	return p, err
}

// Apply makes the stored records what the file says they should be, and
// returns what it changed. All or nothing: the caller's transaction should end
// with its error. Run again, it does the same again. An error about the file is
// an [*Error]; nil for check checks no strategy.
func (t *Tenant) Apply(tx *vault.Tx, check Check) (Plan, error) {
	p, puts, err := t.plan(tx, check)
	if err != nil {
		return Plan{}, err
	}
	for _, put := range puts {
		if err := put(); err != nil {
			return Plan{}, fmt.Errorf("apply %s: %w", t.file, err)
		}
	}
	return p, nil
}

// diff is how a record's fields change.
func diff(before, after []leaf) []FieldChange {
	old := make(map[string]string, len(before))
	for _, l := range before {
		old[l.path] = l.value
	}
	var changes []FieldChange
	kept := make(map[string]bool, len(after))
	for _, l := range after {
		kept[l.path] = true
		if was, ok := old[l.path]; !ok || was != l.value {
			changes = append(changes, fieldChange(l.path, was, l.value))
		}
	}
	for _, l := range before {
		if !kept[l.path] {
			changes = append(changes, fieldChange(l.path, l.value, ""))
		}
	}
	return changes
}

func fieldChange(field, before, after string) FieldChange {
	switch {
	case !secretName(field):
		return FieldChange{field, before, after}
	case before == "":
		return FieldChange{field, "", secretSet}
	case after == "":
		return FieldChange{field, secretSet, ""}
	}
	return FieldChange{field, "", secretChanged}
}
