package quota

// Quota is what one node owns of one flavor-resource. Unlimited stands for "no
// limit" in both limits: it never caps borrowing and keeps nothing back.
type Quota struct {
	Nominal        Amount
	BorrowingLimit Amount
	LendingLimit   Amount
}

// None is the quota of a flavor-resource that a node does not list.
var None = Quota{BorrowingLimit: Unlimited, LendingLimit: Unlimited}

// Cell is the state of one node for one flavor-resource.
type Cell struct {
	Quota
	// Subtree is the quota of the node and of all below it, less what they
	// keep to themselves. Local is the part of it that nobody above sees.
	// Potential is the most that the node could ever use. They follow from
	// quotas alone and saturate at Unlimited.
	Subtree, Local, Potential Amount
	// Usage is what is charged at a leaf, or what has come up to a cohort
	// past its children's local quota. It includes holds.
	Usage Amount
}

// Tree is the quota arithmetic of one tree of nodes (semantics, section 2).
// Node 0 is the root; a parent's number is below its children's, and the
// nodes below n are n+1 to End(n)-1 (preorder). Nodes, flavor-resources and
// resources are dense integers; whoever builds the tree knows their names.
type Tree struct {
	parent   []int32
	end      []int32
	height   []int32
	resource []int32 // of each flavor-resource
	frs      int32
	ress     int32
	cells    []Cell   // node x flavor-resource
	borrowed []Amount // node x resource: sum over flavors of usage above Subtree
	lendable []Amount // node x resource: sum over flavors of the parent's Potential
	trail    []Step
	// huge: a subtree quota or a usage is so large that a sum may overflow.
	huge bool
}

const large Amount = 1 << 61

// Step is one change of usage: what node N used of FR before it.
type Step struct {
	N, FR  int32
	Before Amount
}

// NewTree returns a tree without quota. parent[n] is n's parent (-1 for node
// 0, the root), in preorder; resource[f] is the resource that flavor-resource
// f counts. Call SetQuota for each quota, then Seal, before anything else.
func NewTree(parent, resource []int32) *Tree {
	t := &Tree{
		parent: parent, resource: resource,
		frs: int32(len(resource)),
		end: make([]int32, len(parent)), height: make([]int32, len(parent)),
	}
	for _, r := range resource {
		t.ress = max(t.ress, r+1)
	}
	t.cells = make([]Cell, len(parent)*len(resource))
	for i := range t.cells {
		t.cells[i].Quota = None
	}
	return t
}

// SetQuota gives node n its quota of f. Negative amounts count as zero.
func (t *Tree) SetQuota(n, f int32, q Quota) {
	t.cells[n*t.frs+f].Quota = Quota{
		Nominal:        max(0, q.Nominal),
		BorrowingLimit: max(0, q.BorrowingLimit),
		LendingLimit:   max(0, q.LendingLimit),
	}
}

// Seal derives from the quotas everything that does not depend on usage.
func (t *Tree) Seal() {
	nodes := int32(len(t.parent))
	for i := range t.cells {
		t.cells[i].Subtree = t.cells[i].Nominal
	}
	for n := nodes - 1; n >= 0; n-- {
		t.end[n] = max(t.end[n], n+1)
		p := t.parent[n]
		if p >= 0 {
			t.end[p] = max(t.end[p], t.end[n])
			t.height[p] = max(t.height[p], t.height[n]+1)
		}
		for f := range t.frs {
			c := &t.cells[n*t.frs+f]
			if c.LendingLimit != Unlimited {
				c.Local = max(0, c.Subtree-c.LendingLimit)
			}
			if p >= 0 {
				up := &t.cells[p*t.frs+f]
				up.Subtree = AddSaturating(up.Subtree, c.Subtree-c.Local)
			}
			t.huge = t.huge || c.Subtree >= large
		}
	}
	t.borrowed = make([]Amount, nodes*t.ress)
	t.lendable = make([]Amount, nodes*t.ress)
	for n := range nodes {
		for f := range t.frs {
			c := &t.cells[n*t.frs+f]
			p := t.parent[n]
			if p < 0 {
				c.Potential = c.Subtree
				continue
			}
			above := t.cells[p*t.frs+f].Potential
			c.Potential = min(AddSaturating(c.Local, above), AddSaturating(c.Subtree, c.BorrowingLimit))
			l := &t.lendable[n*t.ress+t.resource[f]]
			*l = AddSaturating(*l, above)
		}
	}
}

// Grow adds flavor-resources without quota; the numbers of the old ones stay.
func (t *Tree) Grow(resource []int32) {
	old, frs := t.cells, t.frs
	grown := NewTree(t.parent, append(append([]int32(nil), t.resource...), resource...))
	for n := range int32(len(t.parent)) {
		for f := range frs {
			grown.cells[n*grown.frs+f].Quota = old[n*frs+f].Quota
		}
	}
	grown.Seal()
	for n := range int32(len(t.parent)) {
		for f := range frs {
			c := &grown.cells[n*grown.frs+f]
			c.Usage = old[n*frs+f].Usage
			grown.borrowed[n*grown.ress+t.resource[f]] += c.above()
		}
	}
	grown.trail, grown.huge = t.trail, t.huge
	*t = *grown
}

// Copy returns a tree with the same quotas and usage and an empty trail. What
// follows from quotas alone is shared.
func (t *Tree) Copy() *Tree {
	c := *t
	c.cells = append([]Cell(nil), t.cells...)
	c.borrowed = append([]Amount(nil), t.borrowed...)
	c.trail = nil
	return &c
}

// Huge says that amounts in the tree are so large that what Available allows
// may not be countable: ask Fits.
func (t *Tree) Huge() bool { return t.huge }

// Nodes is the number of nodes.
func (t *Tree) Nodes() int32 { return int32(len(t.parent)) }

// FlavorResources is the number of flavor-resources.
func (t *Tree) FlavorResources() int32 { return t.frs }

// Resources is the number of resources.
func (t *Tree) Resources() int32 { return t.ress }

// Parent returns n's parent, -1 for the root.
func (t *Tree) Parent(n int32) int32 { return t.parent[n] }

// End is the first number past n and the nodes below it.
func (t *Tree) End(n int32) int32 { return t.end[n] }

// Height is the longest path from n down to a leaf.
func (t *Tree) Height(n int32) int32 { return t.height[n] }

// Resource is the resource that f counts.
func (t *Tree) Resource(f int32) int32 { return t.resource[f] }

// At returns the state of node n for f.
func (t *Tree) At(n, f int32) Cell { return t.cells[n*t.frs+f] }

// Borrowed is the sum over flavors of what n uses of resource r above its
// subtree quota.
func (t *Tree) Borrowed(n, r int32) Amount { return t.borrowed[n*t.ress+r] }

// Lendable is the sum over flavors of what n's parent could use of resource r,
// 0 for a root.
func (t *Tree) Lendable(n, r int32) Amount { return t.lendable[n*t.ress+r] }

// above is what the cell uses beyond its subtree quota.
func (c *Cell) above() Amount { return max(0, c.Usage-c.Subtree) }

// Add changes the usage of f at node n, usually a leaf, by delta and carries
// upwards what local quota does not absorb. It must not be asked for more than
// Available unless what is charged was found admitted.
func (t *Tree) Add(n, f int32, delta Amount) {
	r := t.resource[f]
	for {
		c := &t.cells[n*t.frs+f]
		was, past := c.above(), max(0, c.Usage-c.Local)
		t.trail = append(t.trail, Step{n, f, c.Usage})
		c.Usage += delta
		if c.Usage >= large {
			t.huge = true
		}
		t.borrowed[n*t.ress+r] += c.above() - was
		delta = max(0, c.Usage-c.Local) - past
		n = t.parent[n]
		if n < 0 || delta == 0 {
			return
		}
	}
}

// Past returns what of a charge of amount at n would reach n's parent.
func (t *Tree) Past(n, f int32, amount Amount) Amount {
	c := &t.cells[n*t.frs+f]
	return max(0, AddSaturating(c.Usage-c.Local, amount)) - max(0, c.Usage-c.Local)
}

// Over says whether n, after a charge of amount at it, uses more of f than its
// subtree quota.
func (t *Tree) Over(n, f int32, amount Amount) bool {
	c := &t.cells[n*t.frs+f]
	if amount >= 0 {
		return !c.carries(amount)
	}
	return c.Usage+amount > c.Subtree
}

// Trail lists the changes of usage since it was last cut, in order.
func (t *Tree) Trail() []Step { return t.trail }

// CutTrail forgets all but the first n changes.
func (t *Tree) CutTrail(n int) { t.trail = t.trail[:n] }
