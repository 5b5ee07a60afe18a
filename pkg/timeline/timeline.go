package timeline

import (
	"math"

	"fairlead.dev/fairlead/pkg/quota"
)

// Forever is the end of what never ends.
const Forever int64 = math.MaxInt64

// Charge is a use of amounts at a node in [Start, End): by a workload at a
// leaf, or at any node by a window in which that much of the node's quota is
// not to be had. (To charge a node is, up to its quota, the same as to cut its
// nominal quota for that time.) Requests must not change while it is charged;
// FR is the tree's number.
type Charge struct {
	Node       int32
	Requests   []quota.Request
	Start, End int64
}

// Handle names a charge.
type Handle int32

// Timeline is the use of one quota tree from now on.
//
// Invariant: the value of each profile, at any time from now on, is what is
// charged at its node and, of each child, what of the child's value is above the
// child's local quota.
type Timeline struct {
	parent, end []int32
	frs         int32
	cells       []cell // node x flavor-resource
	now         int64
	charges     []Charge // by Handle; Node -1: not in use
	spare       []Handle
	runs        [][]run    // room for carry, by depth
	asked       constraint // room for eachLimit
}

// cell is one node for one flavor-resource.
type cell struct {
	profile
	nominal, local, subtree quota.Amount
	// borrowing is the borrowing limit, 0 at a root.
	borrowing quota.Amount
	// limit is the most that the node may use, subtree + borrowing, or can
	// count.
	limit quota.Amount
}

// New returns a timeline on which nothing is charged. It reads the quotas of
// the tree, which must be sealed, and keeps nothing of it.
func New(tree *quota.Tree, now int64) *Timeline {
	t := &Timeline{now: now}
	t.read(tree)
	return t
}

func (t *Timeline) read(tree *quota.Tree) {
	nodes := tree.Nodes()
	t.frs = tree.FlavorResources()
	t.parent, t.end = make([]int32, nodes), make([]int32, nodes)
	old := t.cells
	t.cells = make([]cell, nodes*t.frs)
	for n := range nodes {
		t.parent[n], t.end[n] = tree.Parent(n), tree.End(n)
		for f := range t.frs {
			from, c := tree.At(n, f), t.at(n, f)
			if i := int(n*t.frs + f); i < len(old) {
				c.profile = old[i].profile // for its memory
				c.reset()
			}
			c.nominal, c.local, c.subtree, c.borrowing = from.Nominal, from.Local, from.Subtree, from.BorrowingLimit
			if t.parent[n] < 0 {
				c.borrowing = 0
			}
			c.limit = quota.AddSaturating(c.subtree, c.borrowing)
		}
	}
}

// Requota replaces all quotas. The tree must have the same nodes and at least
// the flavor-resources of before, under the same numbers; everything stays
// charged, whether it is over quota now or not. It costs what charging
// everything again does. If the nodes have changed, make a new Timeline.
func (t *Timeline) Requota(tree *quota.Tree) {
	t.read(tree)
	for _, c := range t.charges {
		if c.Node >= 0 {
			t.change(&c, +1)
		}
	}
}

// Clone returns a copy that shares nothing that changes.
func (t *Timeline) Clone() *Timeline {
	c := *t
	c.cells = append([]cell(nil), t.cells...)
	for i := range c.cells {
		c.cells[i].profile = t.cells[i].clone()
	}
	c.charges = append([]Charge(nil), t.charges...)
	c.spare = append([]Handle(nil), t.spare...)
	c.runs, c.asked = nil, constraint{}
	return &c
}

// Now is the present.
func (t *Timeline) Now() int64 { return t.now }

// Advance moves the present; it never goes back. What has ended by itself is
// no longer used, but its handle stays until Remove.
func (t *Timeline) Advance(now int64) { t.now = max(t.now, now) }

// Parent is the parent of a node, -1 for a root; End is the first number past
// a node and the nodes below it.
func (t *Timeline) Parent(n int32) int32 { return t.parent[n] }

// End is the first number past n and the nodes below it.
func (t *Timeline) End(n int32) int32 { return t.end[n] }

// FlavorResources is the number of flavor-resources.
func (t *Timeline) FlavorResources() int32 { return t.frs }

// Nominal is a node's own quota of f.
func (t *Timeline) Nominal(n, f int32) quota.Amount { return t.at(n, f).nominal }

// Limit is the most of f that a node may use: its quota and borrowing limit.
func (t *Timeline) Limit(n, f int32) quota.Amount { return t.at(n, f).limit }

func (t *Timeline) at(n, f int32) *cell { return &t.cells[n*t.frs+f] }

// Add charges an interval, over quota if need be, and returns its handle.
// It returns false and charges nothing if the use of some node on the path
// could become too large to count.
func (t *Timeline) Add(c Charge) (Handle, bool) {
	for i, r := range c.Requests {
		sum := r.Amount
		for _, s := range c.Requests[:i] {
			if s.FR == r.FR {
				sum = quota.AddSaturating(sum, s.Amount)
			}
		}
		if !t.countable(&c, r.FR, sum) {
			return 0, false
		}
	}
	h := Handle(len(t.charges))
	if last := len(t.spare) - 1; last >= 0 {
		h, t.spare = t.spare[last], t.spare[:last]
		t.charges[h] = c
	} else {
		t.charges = append(t.charges, c)
	}
	t.change(&c, +1)
	return h, true
}

func (t *Timeline) countable(c *Charge, f int32, amount quota.Amount) bool {
	for n := c.Node; n >= 0; n = t.parent[n] {
		p := &t.at(n, f).profile
		if p.peak() <= quota.Unlimited-amount {
			continue
		}
		from := max(c.Start, t.now)
		if from >= c.End {
			return true
		}
		if _, most := p.bounds(from, c.End); most > quota.Unlimited-amount {
			return false
		}
	}
	return true
}

// Remove takes back a charge, whatever of it lies ahead.
func (t *Timeline) Remove(h Handle) {
	c := t.charges[h]
	t.change(&c, -1)
	t.charges[h] = Charge{Node: -1}
	t.spare = append(t.spare, h)
}

// Charged is what a handle stands for.
func (t *Timeline) Charged(h Handle) Charge { return t.charges[h] }

// change adds or takes away a charge.
func (t *Timeline) change(c *Charge, sign quota.Amount) {
	from := max(c.Start, t.now)
	if from >= c.End {
		return
	}
	for _, r := range c.Requests {
		t.carry(c.Node, r.FR, run{from, c.End, sign * r.Amount}, 0)
	}
}

// carry changes the use of f at n and carries upwards what local quota does not
// absorb.
func (t *Timeline) carry(n, f int32, r run, depth int) {
	for n >= 0 {
		c := t.at(n, f)
		if c.local == 0 {
			c.add(t.now, r.from, r.to, r.by)
			n = t.parent[n]
			continue
		}
		if depth == len(t.runs) {
			t.runs = append(t.runs, nil)
		}
		runs := c.carried(t.runs[depth][:0], r.from, r.to, r.by, c.local)
		t.runs[depth] = runs
		c.add(t.now, r.from, r.to, r.by)
		n = t.parent[n]
		if len(runs) != 1 {
			for i := range runs {
				t.carry(n, f, runs[i], depth+1)
			}
			return
		}
		r = runs[0]
	}
}

// Outage is a window in which nothing of what n and the nodes below it own is
// to be had: their nominal quotas, charged to each. What others lend they can
// still borrow. Unlimited quota cannot be taken and is left out.
func (t *Timeline) Outage(n int32, start, end int64) []Charge {
	var out []Charge
	for m := n; m < t.end[n]; m++ {
		var requests []quota.Request
		for f := range t.frs {
			if own := t.at(m, f).nominal; own > 0 && own != quota.Unlimited {
				requests = append(requests, quota.Request{FR: f, Amount: own})
			}
		}
		if requests != nil {
			out = append(out, Charge{Node: m, Requests: requests, Start: start, End: end})
		}
	}
	return out
}

// Use is what n uses of f at an instant, which must not be before now.
func (t *Timeline) Use(n, f int32, at int64) quota.Amount { return t.at(n, f).value(at) }

// MaxUse is the most that n uses of f in [from, to); nothing before now counts.
func (t *Timeline) MaxUse(n, f int32, from, to int64) quota.Amount {
	from = max(from, t.now)
	_, most := t.at(n, f).bounds(from, max(to, from+1))
	return most
}

// Breakpoints is how many changes of use lie in the profiles of all nodes; some
// of them may be past.
func (t *Timeline) Breakpoints() int {
	n := 0
	for i := range t.cells {
		p := &t.cells[i].profile
		n += max(0, len(p.nodes)-1)
		for s := p.spare; s != 0; s = p.nodes[s].left {
			n--
		}
	}
	return n
}
