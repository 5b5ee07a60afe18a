package simulation

import (
	"math"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

// Entitlements says what each ClusterQueue is due of one resource, given what
// everybody wants: first everybody gets what he wants up to his own quota; what
// is left idle is lent, at every cohort, so that what its members borrow,
// divided by their weights, is equal as far as wants and limits allow (the
// fixed point that fair sharing moves to; semantics, section 4). Flavors of the
// resource are taken together.
//
// It is a yardstick computed apart from the engine: jobs are not divisible and
// do not end when it would be fair.
type Entitlements struct {
	nodes []node
	roots []int32
	// queues are the nodes of the ClusterQueues, by their place.
	queues []int32
	due    []float64 // room for the answer
}

// node is a ClusterQueue or a Cohort. Amounts are of the one resource.
type node struct {
	parent, queue    int32 // -1 if none
	children         []int32
	nominal          float64
	borrow, lend     float64 // limits; infinite if there is none
	weight           float64
	total, want, got float64
	visible          float64 // what others may use of total, wanted or not
}

// NewEntitlements reads the quota tree from events. Names are those of the
// ClusterQueues in the order of Due's arguments.
func NewEntitlements(objects []admission.Event, resource string, names []string) *Entitlements {
	e := &Entitlements{queues: make([]int32, len(names)), due: make([]float64, len(names))}
	cohorts, places := map[string]int32{}, map[string]int32{}
	for i, name := range names {
		places[name] = int32(i)
	}
	add := func() int32 {
		e.nodes = append(e.nodes, node{parent: -1, queue: -1, borrow: math.Inf(1), lend: math.Inf(1), weight: 1})
		return int32(len(e.nodes) - 1)
	}
	cohort := func(name string) int32 {
		if name == "" {
			return -1
		}
		at, known := cohorts[name]
		if !known {
			at = add()
			cohorts[name] = at
		}
		return at
	}
	for _, event := range objects {
		switch ev := event.(type) {
		case admission.SetCohort:
			at, parent := cohort(ev.Name), cohort(ev.Parent)
			e.nodes[at].parent = parent
			e.nodes[at].read(ev.Groups, ev.WeightMilli, resource)
		case admission.SetClusterQueue:
			at, parent := add(), cohort(ev.Cohort)
			n := &e.nodes[at]
			n.parent, n.queue = parent, places[ev.Name]
			n.read(ev.Groups, ev.WeightMilli, resource)
			e.queues[n.queue] = at
		}
	}
	e.link()
	return e
}

// read takes over what is said of the resource.
func (n *node) read(groups []admission.ResourceGroup, weightMilli int64, resource string) {
	n.weight = float64(weightMilli) / 1000
	borrow, lend, limitedBorrow, limitedLend := 0.0, 0.0, true, true
	found := false
	for _, g := range groups {
		for _, f := range g.Flavors {
			for _, q := range f.Quotas {
				if q.Resource != resource {
					continue
				}
				found = true
				n.nominal += float64(q.Nominal)
				limitedBorrow = addLimit(&borrow, q.BorrowingLimit) && limitedBorrow
				limitedLend = addLimit(&lend, q.LendingLimit) && limitedLend
			}
		}
	}
	if found && limitedBorrow {
		n.borrow = borrow
	}
	if found && limitedLend {
		n.lend = lend
	}
}

// addLimit adds a limit up and says whether there was one.
func addLimit(sum *float64, limit *quota.Amount) bool {
	if limit == nil {
		return false
	}
	*sum += float64(*limit)
	return true
}

// link finds children and what each subtree owns. Nodes in a cycle have no
// root: they are due nothing.
func (e *Entitlements) link() {
	for i := range e.nodes {
		if p := e.nodes[i].parent; p >= 0 {
			e.nodes[p].children = append(e.nodes[p].children, int32(i))
		} else {
			e.roots = append(e.roots, int32(i))
		}
	}
	for _, r := range e.roots {
		e.add(r)
	}
}

// add finds what a subtree owns and what of it others may see.
func (e *Entitlements) add(at int32) {
	n := &e.nodes[at]
	n.total = n.nominal
	for _, c := range n.children {
		e.add(c)
		n.total += e.nodes[c].visible
	}
	n.visible = min(n.total, n.lend)
}

// Capacity is the quota of all trees together.
func (e *Entitlements) Capacity() float64 {
	sum := 0.0
	for _, r := range e.roots {
		sum += e.reserved(r)
	}
	return sum
}

// reserved is what a subtree owns, with what its members keep from lending.
func (e *Entitlements) reserved(at int32) float64 {
	sum := e.nodes[at].nominal
	for _, c := range e.nodes[at].children {
		sum += e.reserved(c)
	}
	return sum
}

// Most is the most that a ClusterQueue could ever use.
func (e *Entitlements) Most(queue int) float64 { return e.potential(e.queues[queue]) }

func (e *Entitlements) potential(at int32) float64 {
	n := &e.nodes[at]
	if n.parent < 0 {
		return n.total
	}
	return min(n.total-n.visible+e.potential(n.parent), n.total+n.borrow)
}

// Due returns what each ClusterQueue is due. wants are in the unit of the
// quotas. The slice is overwritten by the next call.
func (e *Entitlements) Due(wants []float64) []float64 {
	clear(e.due)
	for _, r := range e.roots {
		e.gather(r, wants)
		n := &e.nodes[r]
		e.share(r, min(n.want, e.guaranteed(r)))
	}
	return e.due
}

// gather sums wants up, each bounded by what the node may have.
func (e *Entitlements) gather(at int32, wants []float64) {
	n := &e.nodes[at]
	if n.queue >= 0 {
		n.want = min(wants[n.queue], n.total+n.borrow)
		return
	}
	n.want = 0
	for _, c := range n.children {
		e.gather(c, wants)
		n.want += e.nodes[c].want
	}
	n.want = min(n.want, e.reserved(at)+n.borrow)
}

// guaranteed is what a node can have of its own subtree: what its members take
// of what they own, and what they may lend each other.
func (e *Entitlements) guaranteed(at int32) float64 {
	n := &e.nodes[at]
	if n.queue >= 0 {
		return min(n.want, n.total)
	}
	lent, own, excess := n.nominal, 0.0, 0.0
	for _, c := range n.children {
		child := &e.nodes[c]
		g := e.guaranteed(c)
		own += g
		excess += child.want - g
		lent += min(child.lend, max(0, e.reserved(c)-g))
	}
	return own + min(excess, lent)
}

// share divides an amount between a node's children: each gets what is
// guaranteed to it, the rest fills up what is borrowed per weight.
func (e *Entitlements) share(at int32, amount float64) {
	n := &e.nodes[at]
	if n.queue >= 0 {
		e.due[n.queue] = amount
		return
	}
	rest := amount
	for _, c := range n.children {
		e.nodes[c].got = min(e.guaranteed(c), e.nodes[c].want)
		rest -= e.nodes[c].got
	}
	// Those of weight 0 come when all others have what they want.
	rest = e.fill(n.children, rest, func(c *node) float64 { return c.weight })
	e.fill(n.children, rest, func(c *node) float64 {
		if c.weight > 0 {
			return 0
		}
		return 1
	})
	for _, c := range n.children {
		e.share(c, e.nodes[c].got)
	}
}

// fill gives rest to the children by weight until they have what they want; it
// returns what is left.
func (e *Entitlements) fill(children []int32, rest float64, weight func(*node) float64) float64 {
	const crumb = 1e-6
	for rest > crumb {
		sum := 0.0
		for _, i := range children {
			if c := &e.nodes[i]; c.want-c.got > crumb {
				sum += weight(c)
			}
		}
		if sum <= 0 {
			break
		}
		given := 0.0
		for _, i := range children {
			c := &e.nodes[i]
			if w := weight(c); w > 0 && c.want-c.got > crumb {
				part := min(c.want-c.got, rest*w/sum)
				c.got += part
				given += part
			}
		}
		rest -= given
	}
	return max(0, rest)
}
