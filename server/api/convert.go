package api

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// converter makes nodes of the parser's: it resolves aliases, fills in the
// environment, and refuses what a tenant file has no use for.
type converter struct {
	env     *environment
	anchors map[string]ast.Node
	nodes   int
}

func (c *converter) node(n ast.Node, at pos, path string, depth int) (*node, error) {
	if c.nodes++; c.nodes > maxNodes || depth > maxDepth {
		return nil, fault(at, path, "its aliases (*) repeat too much")
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return &node{kind: null, pos: at}, nil
	case *ast.StringNode:
		return c.env.fill(n.Value, n.Token.Type == token.StringType, at, path)
	case *ast.LiteralNode:
		return c.env.fill(n.Value.Value, false, at, path)
	case *ast.BoolNode:
		return &node{kind: boolean, text: fmt.Sprint(n.Value), pos: at}, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: number, text: n.GetToken().Value, pos: at}, nil
	case *ast.SequenceNode:
		return c.list(n, at, path, depth)
	case *ast.MappingNode:
		return c.mapping(n.Values, at, path, depth)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, at, path, depth)
	case *ast.AnchorNode:
		v, err := c.node(n.Value, at, path, depth)
		// Only now, so that it cannot hold itself.
		c.anchors[n.Name.GetToken().Value] = n.Value
		return v, err
	case *ast.AliasNode:
		target, ok := c.anchors[n.Value.GetToken().Value]
		if !ok {
			return nil, fault(at, path, "its alias (*) names no anchor (&) before it; put text that begins with * in quotes")
		}
		return c.node(target, at, path, depth+1)
	case *ast.TagNode:
		return nil, fault(at, path, "its tag (!) is not supported: remove it; put text that begins with ! in quotes")
	}
	return nil, fault(at, path, "is nothing that a tenant file can hold")
}

func (c *converter) list(n *ast.SequenceNode, at pos, path string, depth int) (*node, error) {
	out := &node{kind: list, pos: at}
	for i, item := range n.Values {
		p := at
		if item != nil {
			p = position(item)
		}
		v, err := c.node(item, p, fmt.Sprintf("%s[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

func (c *converter) mapping(values []*ast.MappingValueNode, at pos, path string, depth int) (*node, error) {
	out := &node{kind: mapping, pos: at}
	seen := make(map[string]pos, len(values))
	var merged []*node
	for _, value := range values {
		p := position(value.Key)
		if _, ok := value.Key.(*ast.MergeKeyNode); ok {
			m, err := c.node(value.Value, p, path, depth+1)
			if err != nil {
				return nil, err
			}
			if m.kind != mapping {
				return nil, fault(p, path+".<<", "should be the alias (*) of a mapping, or a mapping")
			}
			merged = append(merged, m)
			continue
		}
		key, ok := keyText(value.Key)
		if !ok {
			return nil, fault(p, path, "has a key that is not text")
		}
		full := child(path, key)
		if first, ok := seen[key]; ok {
			return nil, fault(p, full, fmt.Sprintf("is there already, in line %d: remove one of the two", first.line))
		}
		seen[key] = p
		v, err := c.node(value.Value, p, full, depth+1)
		if err != nil {
			return nil, err
		}
		out.entries = append(out.entries, entry{key, v})
	}
	for _, m := range merged { // what the mapping says itself goes first
		for _, e := range m.entries {
			if _, ok := seen[e.key]; !ok {
				seen[e.key] = e.value.pos
				out.entries = append(out.entries, e)
			}
		}
	}
	return out, nil
}

// keyText is a key. Variables are not filled into keys.
func keyText(n ast.MapKeyNode) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return unmarker.Replace(n.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}
