package oracle

import "sort"

// Node names a node of the quota tree: a Cohort or a ClusterQueue.
type Node struct {
	Cohort bool
	Name   string
}

// CohortNode is the Node of a Cohort.
func CohortNode(name string) Node { return Node{Cohort: true, Name: name} }

// QueueNode is the Node of a ClusterQueue.
func QueueNode(name string) Node { return Node{Name: name} }

// less orders nodes by name, of equal names the Cohort first (reading 2).
func (n Node) less(m Node) bool {
	if n.Name != m.Name {
		return n.Name < m.Name
	}
	return n.Cohort && !m.Cohort
}

// node is a Node with everything that follows from the quota objects alone. Slices are indexed by
// flavor-resource.
type node struct {
	Node
	index    int   // row in a usage table
	parent   *node // nil: a root
	children []*node
	broken   bool // its path to a root runs into a cycle; the amounts below are then meaningless
	height   int  // longest path down to a leaf
	weight   int64
	queue    *ClusterQueue // nil in a Cohort
	quota    []Quota
	backfill Backfill

	subtree, local, potential []int64
}

// forest is all quota trees.
type forest struct {
	nodes  []*node // by name
	byName map[Node]*node
	roots  []*node // by name, without broken ones
}

// newForest builds the trees from the objects, with room for the given flavor-resources.
func newForest(queues map[string]*ClusterQueue, cohorts map[string]*Cohort, frs []FlavorResource) *forest {
	f := &forest{byName: map[Node]*node{}}
	for name, cq := range queues {
		n := f.node(QueueNode(name))
		n.queue, n.quota, n.weight, n.backfill = cq, quotas(cq.Groups, frs), weight(cq.WeightMilli), cq.Backfill
		if cq.Cohort != "" {
			n.parent = f.node(CohortNode(cq.Cohort))
		}
	}
	for name, c := range cohorts {
		n := f.node(CohortNode(name))
		n.quota, n.weight, n.backfill = quotas(c.Groups, frs), weight(c.WeightMilli), c.Backfill
		if c.Parent != "" {
			n.parent = f.node(CohortNode(c.Parent))
		}
	}
	for _, n := range f.byName {
		if n.quota == nil { // named, but not created
			n.quota, n.weight = make([]Quota, len(frs)), defaultWeightMilli
		}
		f.nodes = append(f.nodes, n)
	}
	sort.Slice(f.nodes, func(i, j int) bool { return f.nodes[i].less(f.nodes[j].Node) })
	for i, n := range f.nodes {
		n.index = i
		n.broken = n.top().parent != nil
		if n.parent != nil {
			n.parent.children = append(n.parent.children, n)
		}
	}
	for _, n := range f.nodes {
		n.subtree, n.local, n.potential = make([]int64, len(frs)), make([]int64, len(frs)), make([]int64, len(frs))
	}
	for _, n := range f.nodes {
		if n.parent == nil {
			f.roots = append(f.roots, n)
			n.computeUp()
			n.computeDown()
		}
	}
	return f
}

// node returns the node of that name, made if needed.
func (f *forest) node(name Node) *node {
	n, ok := f.byName[name]
	if !ok {
		n = &node{Node: name}
		f.byName[name] = n
	}
	return n
}

func quotas(groups []ResourceGroup, frs []FlavorResource) []Quota {
	q := make([]Quota, len(frs))
	for _, g := range groups {
		for _, fl := range g.Flavors {
			for r, quota := range fl.Resources {
				for i, fr := range frs {
					if fr.Flavor == fl.Name && fr.Resource == r {
						q[i] = quota
					}
				}
			}
		}
	}
	return q
}

func weight(milli *int64) int64 {
	if milli == nil {
		return defaultWeightMilli
	}
	return *milli
}

// top is the root above n; in a cycle it is the member whose name is least, which has a parent.
func (n *node) top() *node {
	var seen []*node
	for m := n; ; m = m.parent {
		for i, s := range seen {
			if s == m {
				least := m
				for _, c := range seen[i:] {
					if c.less(least.Node) {
						least = c
					}
				}
				return least
			}
		}
		if m.parent == nil {
			return m
		}
		seen = append(seen, m)
	}
}

// computeUp computes subtree, local and height of n and of all below it:
//
//	subtree(n) = nominal(n) + sum over children c of (subtree(c) - local(c))
//	local(n)   = max(0, subtree(n) - lendingLimit(n)) if a lending limit is set, else 0
func (n *node) computeUp() {
	for _, c := range n.children {
		c.computeUp()
		n.height = max(n.height, c.height+1)
	}
	for f, q := range n.quota {
		n.subtree[f] = q.Nominal
		for _, c := range n.children {
			n.subtree[f] = add(n.subtree[f], c.subtree[f]-c.local[f])
		}
		if q.LendingLimit != nil {
			n.local[f] = max(0, n.subtree[f]-*q.LendingLimit)
		}
	}
}

// computeDown computes potential of n and of all below it:
//
//	potential(root) = subtree; otherwise local(n) + potential(parent), capped at subtree(n) + borrowingLimit(n)
func (n *node) computeDown() {
	for f, q := range n.quota {
		if n.parent == nil {
			n.potential[f] = n.subtree[f]
			continue
		}
		n.potential[f] = add(n.local[f], n.parent.potential[f])
		if q.BorrowingLimit != nil {
			n.potential[f] = min(n.potential[f], add(n.subtree[f], *q.BorrowingLimit))
		}
	}
	for _, c := range n.children {
		c.computeDown()
	}
}

// table is usage by node and flavor-resource.
type table [][]int64

// usage computes the usage of every node of every tree from what the leaves use:
//
//	usage(cohort) = sum over children c of max(0, usage(c) - local(c))
func (f *forest) usage(leaves map[string][]int64, width int) table {
	u := make(table, len(f.nodes))
	cells := make([]int64, len(f.nodes)*width)
	for i := range u {
		u[i] = cells[i*width : (i+1)*width]
	}
	for _, n := range f.nodes {
		if n.queue != nil {
			copy(u[n.index], leaves[n.Name])
		}
	}
	for _, root := range f.roots {
		root.sum(u)
	}
	return u
}

func (n *node) sum(u table) {
	for _, c := range n.children {
		c.sum(u)
		for f := range u[n.index] {
			u[n.index][f] = add(u[n.index][f], max(0, u[c.index][f]-c.local[f]))
		}
	}
}

// available is what n may still use, negative after a quota cut:
//
//	available(root) = subtree - usage
//	available(n)    = max(0, local(n) - usage(n)) + p, where p = available(parent), capped, if n has a borrowing limit,
//	                  at (subtree(n) - local(n)) - max(0, usage(n) - local(n)) + borrowingLimit(n)
func (n *node) available(u table, f int) int64 {
	use := u[n.index][f]
	if n.parent == nil {
		return n.subtree[f] - use
	}
	p := n.parent.available(u, f)
	if limit := n.quota[f].BorrowingLimit; limit != nil {
		p = min(p, add((n.subtree[f]-n.local[f])-max(0, use-n.local[f]), *limit))
	}
	return add(p, max(0, n.local[f]-use))
}

// fits says whether one more request fits the leaf n: request <= max(0, available), and no usage on the
// path exceeds an int64.
func (n *node) fits(u table, f int, request int64) bool {
	if request > max(0, n.available(u, f)) {
		return false
	}
	for m, more := n, request; m != nil; m = m.parent {
		use := u[m.index][f]
		if overflows(use, more) {
			return false
		}
		more = max(0, use+more-m.local[f]) - max(0, use-m.local[f])
	}
	return true
}

// lowestHolding is the lowest node on the path of leaf n, itself included, whose subtree quota holds, in every
// flavor-resource of the request, its usage plus the part of the request that local quota below does not cover; nil
// if none does. It is "X" of semantics section 5.
func (n *node) lowestHolding(u table, request ...use) *node {
	rest := append([]use(nil), request...)
	for m := n; m != nil; m = m.parent {
		holds := true
		for i, r := range rest {
			used := u[m.index][r.f]
			holds = holds && !overflows(used, r.amount) && used+r.amount <= m.subtree[r.f]
			rest[i].amount = max(0, r.amount-max(0, m.local[r.f]-used))
		}
		if holds {
			return m
		}
	}
	return nil
}

// level is the borrowing level of a request at leaf n: 0 if within nominal or without cohort, else the height
// of the lowest ancestor that holds it, or of the root.
func (n *node) level(u table, f int, request int64) int {
	used := u[n.index][f]
	if n.parent == nil || !overflows(used, request) && used+request <= n.quota[f].Nominal {
		return 0
	}
	if x := n.lowestHolding(u, use{f, request}); x != nil {
		return x.height
	}
	return n.top().height
}
