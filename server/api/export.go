package api

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sallyport/vault"
)

// Export writes everything that a tenant file can hold as one, the same each
// time. In place of secrets it names variables, which its first lines list: with
// them set, the file applied to the same store changes nothing.
func Export(tx *vault.Tx) ([]byte, error) {
	names := &placeholders{taken: make(map[string]bool)}
	root := &node{kind: mapping}
	for _, section := range []struct {
		name  string
		nodes func() (*node, error)
	}{
		{"connections", func() (*node, error) { return nodes(tx.Connections, names.connection) }},
		{"clients", func() (*node, error) { return nodes(tx.Clients, names.client) }},
		{"resourceServers", func() (*node, error) { return nodes(tx.ResourceServers, shapeNode(ResourceServerOf)) }},
		{"clientGrants", func() (*node, error) { return nodes(tx.ClientGrants, shapeNode(ClientGrantOf)) }},
		{"webhooks", func() (*node, error) { return nodes(tx.Webhooks, names.webhook) }},
		{"branding", func() (*node, error) { return brandingNode(tx) }},
	} {
		n, err := section.nodes()
		if err != nil {
			return nil, fmt.Errorf("export %s: %w", section.name, err)
		}
		if n != nil {
			root.entries = append(root.entries, entry{section.name, n})
		}
	}
	return names.file(root), nil
}

// ExportConnection writes one connection as a tenant file, as [Export] does.
func ExportConnection(c vault.Connection) []byte {
	names := &placeholders{taken: make(map[string]bool)}
	item := &node{kind: list, items: []*node{names.connection(c)}}
	return names.file(&node{kind: mapping, entries: []entry{{"connections", item}}})
}

// ExportClient writes a tenant file that has a client and nothing else.
func ExportClient(r vault.Client) []byte {
	names := &placeholders{taken: make(map[string]bool)}
	clients := &node{kind: list, items: []*node{names.client(r)}}
	return names.file(&node{kind: mapping, entries: []entry{{"clients", clients}}})
}

// file is a tenant file that says which variables it needs.
func (p *placeholders) file(root *node) []byte {
	var b bytes.Buffer
	if len(p.used) > 0 {
		b.WriteString("# Secrets are not exported. Before this file is applied, set\n")
		for _, name := range p.used {
			b.WriteString("#   " + name + "\n")
		}
	}
	root.write(&b, "")
	return b.Bytes()
}

// nodes is the list of all records of a kind.
func nodes[R vault.Record](rs vault.Records[R], toNode func(R) *node) (*node, error) {
	n := &node{kind: list}
	for r, err := range rs.All("") {
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, toNode(r))
	}
	return n, nil
}

func shapeNode[R, S any](shape func(R) S) func(R) *node {
	return func(r R) *node { return encode(reflect.ValueOf(shape(r))) }
}

func (p *placeholders) connection(r vault.Connection) *node {
	n := shapeNode(ConnectionOf)(r)
	if !r.ClientSecret.IsZero() {
		addSecret(n.get("options"), "client_id", "client_secret")
	}
	p.replace(n, r.Name, "")
	return n
}

func (p *placeholders) client(r vault.Client) *node {
	n := shapeNode(ClientOf)(r)
	if len(r.SecretHashes) > 0 {
		addSecret(n, "client_id", "client_secret")
	}
	p.replace(n, r.ID, "")
	return n
}

func (p *placeholders) webhook(r vault.Webhook) *node {
	n := shapeNode(WebhookOf)(r)
	addSecret(n, "url", "secret")
	p.replace(n, r.Name, "")
	return n
}

// addSecret adds the secret that a shape does not hold, behind another field.
func addSecret(n *node, behind, name string) {
	i := 1 + slices.IndexFunc(n.entries, func(e entry) bool { return e.key == behind })
	n.entries = slices.Insert(n.entries, i, entry{name, &node{kind: text}})
}

// placeholders gives each secret a variable of its own.
type placeholders struct {
	taken map[string]bool
	used  []string
}

// replace replaces what is secret in a record by placeholders.
func (p *placeholders) replace(n *node, owner, path string) {
	for _, e := range n.entries {
		full := path + "_" + e.key
		if e.value.kind == text && secretName(full) {
			*e.value = node{kind: text, text: p.next(owner + strings.TrimPrefix(full, "_options")), raw: true}
		}
		p.replace(e.value, owner, full)
	}
}

var notInNames = regexp.MustCompile(`[^A-Z0-9]+`)

// next is a reference to a variable whose name nothing else has.
func (p *placeholders) next(name string) string {
	name = notInNames.ReplaceAllString(strings.ToUpper(name), "_")
	if name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	base := name
	for i := 2; p.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	p.taken[name] = true
	p.used = append(p.used, name)
	return "${" + name + "}"
}
