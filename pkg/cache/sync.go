package cache

import (
	"fmt"
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/quota"
)

// Sync replaces stale trees and returns the new ones, by name of their
// roots, a Cohort's before a ClusterQueue's; nil only if no tree is stale, which costs nothing. Else it costs the
// size of what it builds.
func (f *Forest) Sync() []*Tree {
	if !f.Stale() {
		return nil
	}
	nodes := f.gather()
	for _, n := range nodes {
		n.children = n.children[:0]
	}
	for _, n := range nodes {
		if n.Spec.Parent != "" {
			p := f.cohorts[n.Spec.Parent]
			p.children = append(p.children, n)
		}
	}
	trees := []*Tree{}
	for _, n := range nodes {
		if n.Cohort && !n.Exists && len(n.children) == 0 {
			delete(f.cohorts, n.Name)
			n.tree, n.mark = nil, f.round
			continue
		}
		if n.Spec.Parent == "" {
			trees = append(trees, f.build(flatten(n), true))
		}
	}
	for _, n := range nodes {
		if n.mark != f.round {
			trees = append(trees, f.buildCycle(nodes, n))
		}
	}
	f.stale, f.loose = f.stale[:0], f.loose[:0]
	return trees
}

// gather collects the nodes of all trees that are stale or become so because
// a node comes into them, sorted.
func (f *Forest) gather() []*Node {
	f.round++
	var nodes []*Node
	collect := func(n *Node) {
		if n.mark >= 0 && n.mark != f.round {
			n.mark = f.round
			nodes = append(nodes, n)
		}
	}
	for _, t := range f.stale {
		for _, n := range t.Nodes {
			collect(n)
		}
	}
	for _, n := range f.loose {
		collect(n)
	}
	f.loose = nil
	for i := 0; i < len(nodes); i++ {
		if nodes[i].Spec.Parent == "" {
			continue
		}
		p := f.node(f.cohorts, nodes[i].Spec.Parent, true)
		if p.tree != nil && !p.tree.stale {
			f.Touch(p)
			for _, n := range p.tree.Nodes {
				collect(n)
			}
		}
		collect(p)
	}
	slices.SortFunc(nodes, compareNodes)
	f.round++
	return nodes
}

// flatten lists a node and all below it in preorder.
func flatten(root *Node) []*Node {
	nodes := []*Node{root}
	for _, c := range root.children {
		nodes = append(nodes, flatten(c)...)
	}
	return nodes
}

// buildCycle builds the tree of the cycle to which n leads.
func (f *Forest) buildCycle(nodes []*Node, n *Node) *Tree {
	on := map[*Node]bool{}
	for !on[n] {
		on[n] = true
		n = f.cohorts[n.Spec.Parent]
	}
	clear(on)
	var names []string
	for !on[n] {
		on[n] = true
		names = append(names, n.Name)
		n = f.cohorts[n.Spec.Parent]
	}
	leads := func(m *Node) bool {
		for seen := 0; m != nil && seen <= len(nodes); seen++ {
			if on[m] {
				return true
			}
			m = f.cohorts[m.Spec.Parent]
		}
		return false
	}
	var all []*Node
	for _, m := range nodes {
		if m.mark != f.round && leads(m) {
			all = append(all, m)
		}
	}
	t := f.build(all, false)
	slices.Sort(names)
	t.Cycle = fmt.Sprintf("Cohorts %s name each other as parents", strings.Join(names, ", "))
	return t
}

// build makes the tree of nodes that are in preorder; unless they are joined,
// each stands alone.
func (f *Forest) build(nodes []*Node, joined bool) *Tree {
	t := &Tree{Nodes: nodes}
	parent := make([]int32, len(nodes))
	for i, n := range nodes {
		n.mark, n.tree, n.at, parent[i] = f.round, t, int32(i), -1
		if joined && i > 0 {
			parent[i] = f.cohorts[n.Spec.Parent].at
		}
		for _, q := range n.Spec.Quotas {
			t.learn(q.FR)
		}
	}
	t.listed = int32(len(t.global))
	for _, n := range nodes {
		for _, u := range n.usage {
			t.learn(u.FR)
		}
		for _, h := range n.held {
			t.learn(h.FR)
		}
	}
	resource := make([]int32, len(t.global))
	known := map[int32]int32{}
	for i, g := range t.global {
		r, ok := known[f.resource[g]]
		if !ok {
			r = int32(len(known))
			known[f.resource[g]] = r
		}
		resource[i] = r
	}
	t.Tree = quota.NewTree(parent, resource)
	for i, n := range nodes {
		for _, q := range n.Spec.Quotas {
			t.SetQuota(int32(i), t.local[q.FR], q.Quota)
		}
	}
	t.Seal()
	defer t.CutTrail(0)
	for i, n := range nodes {
		for _, u := range n.usage {
			t.Add(int32(i), t.local[u.FR], u.Amount)
		}
		for _, h := range n.held {
			t.Add(int32(i), t.local[h.FR], h.Amount)
			t.holds++
		}
		t.leaving += len(n.leaving)
	}
	return t
}
