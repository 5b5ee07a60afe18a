package cache

import (
	"fmt"

	"fairlead.dev/fairlead/pkg/quota"
)

// Len is the number of flavor-resources that have a number.
func (x *Index) Len() int { return len(x.frs) }

// Check recomputes the usage of every node from what is charged and held at
// the ClusterQueues, bottom up by the formula of semantics section 2, and says
// where a tree differs.
func (f *Forest) Check() error {
	seen := map[*Tree]bool{}
	for _, list := range []map[string]*Node{f.queues, f.cohorts} {
		for _, n := range list {
			if t := n.tree; t != nil && !t.stale && !seen[t] {
				seen[t] = true
				if err := t.check(f); err != nil {
					return fmt.Errorf("tree %s: %w", t.Name(), err)
				}
			}
		}
	}
	return nil
}

func (t *Tree) check(f *Forest) error {
	want := make([]quota.Amount, int32(len(t.Nodes)))
	holds := 0
	for fr := range t.FlavorResources() {
		clear(want)
		for n := int32(len(t.Nodes)) - 1; n >= 0; n-- {
			node, g := t.Nodes[n], t.Global(fr)
			if !node.Cohort {
				want[n] = node.Used(g) + node.Held(g)
			}
			if have := t.Usage(n, fr); have != want[n] {
				return fmt.Errorf("node %s uses %d of %v instead of %d", node.Name, have, f.Name(g), want[n])
			}
			if p := t.Parent(n); p >= 0 {
				want[p] += max(0, want[n]-t.At(n, fr).Local)
			}
		}
	}
	leaving := 0
	for _, n := range t.Nodes {
		holds += len(n.held)
		leaving += len(n.leaving)
	}
	if leaving != t.leaving {
		return fmt.Errorf("%d charges that leave are counted, there are %d", t.leaving, leaving)
	}
	if err := t.checkAhead(f); err != nil {
		return err
	}
	if holds != t.holds {
		return fmt.Errorf("%d holds are counted, there are %d", t.holds, holds)
	}
	return nil
}

// checkAhead recomputes the tree ahead and the bare one.
func (t *Tree) checkAhead(f *Forest) error {
	ahead, bare := t.ahead, t.bare
	t.ahead, t.bare = nil, nil
	defer func() { t.ahead, t.bare = ahead, bare }()
	if ahead != nil {
		if err := t.same(f, ahead, t.Ahead()); err != nil {
			return fmt.Errorf("ahead: %w", err)
		}
	}
	if bare != nil {
		if err := t.same(f, bare, t.Bare()); err != nil {
			return fmt.Errorf("without holds: %w", err)
		}
	}
	return nil
}

// same says where two trees differ in usage.
func (t *Tree) same(f *Forest, have, want *quota.Tree) error {
	for n := range int32(len(t.Nodes)) {
		for fr := range t.FlavorResources() {
			if have.Usage(n, fr) != want.Usage(n, fr) {
				return fmt.Errorf("node %s uses %d of %v instead of %d",
					t.Nodes[n].Name, have.Usage(n, fr), f.Name(t.Global(fr)), want.Usage(n, fr))
			}
		}
		for r := range t.Resources() {
			if have.Borrowed(n, r) != want.Borrowed(n, r) {
				return fmt.Errorf("node %s borrows %d of resource %d instead of %d", t.Nodes[n].Name, have.Borrowed(n, r), r, want.Borrowed(n, r))
			}
		}
	}
	return nil
}
