package admission

import (
	"fmt"

	"fairlead.dev/fairlead/pkg/quota"
)

// Excess is what a node of the tree uses of a flavor-resource beyond what it
// may: a node below another beyond its quota and borrowing limit, a root beyond
// all quota there is, so that its members use more than was lent to them. The
// engine never admits anything to that end; quota that was cut, jobs found
// running and admissions written by others lead there.
type Excess struct {
	// Cohort is the node's name, empty for the ClusterQueue itself.
	Cohort           string
	Flavor, Resource string
	Amount           int64
}

// excessOf is how much more of f node n uses than it may.
func excessOf(t *quota.Tree, n, f int32) quota.Amount {
	c := t.At(n, f)
	limit := c.Subtree
	if t.Parent(n) >= 0 {
		limit = quota.AddSaturating(c.Subtree, c.BorrowingLimit)
	}
	if limit == quota.Unlimited {
		return 0
	}
	return max(0, c.Usage-limit)
}

// excesses lists what the nodes of a tree use beyond what they may, by node.
// For a ClusterQueue those of Cohorts above are listed too, if it borrows.
func (e *Engine) excesses(s *scope) map[int32][]Excess {
	var all map[int32][]Excess
	add := func(n int32, x Excess) {
		if all == nil {
			all = map[int32][]Excess{}
		}
		all[n] = append(all[n], x)
	}
	for f := range s.tree.FlavorResources() {
		name := e.forest.Name(s.tree.Global(f))
		for n := range int32(len(s.tree.Nodes)) {
			amount := excessOf(s.tree.Tree, n, f)
			if amount == 0 {
				continue
			}
			x := Excess{Flavor: name.Flavor, Resource: name.Resource, Amount: amount}
			if s.queues[n] != nil {
				add(n, x)
				continue
			}
			x.Cohort = s.tree.Nodes[n].Name
			add(n, x)
			for m := n + 1; m < s.tree.End(n); m++ {
				if c := s.tree.At(m, f); s.queues[m] != nil && c.Usage > c.Subtree {
					add(m, x)
				}
			}
		}
	}
	return all
}

// String says it in words.
func (x *Excess) String() string {
	amount := string(appendAmount(nil, x.Resource, x.Amount))
	if x.Cohort == "" {
		return fmt.Sprintf("it uses %s %s of flavor %s more than its quota and borrowing limit allow", amount, x.Resource, x.Flavor)
	}
	return fmt.Sprintf("the members of Cohort %s use %s %s of flavor %s more than there is or they may borrow", x.Cohort, amount, x.Resource, x.Flavor)
}
