package admission

import (
	"container/heap"
	"math"

	"github.com/google/btree"
)

// Preemption without fair sharing.

// group is where a candidate is seen from the preemptor: the order of victims.
type where int8

const (
	outside where = iota // outside X: it may be reclaimed even though the queue borrows
	inside               // in another queue inside X
	inOwn
)

// list is who uses one flavor-resource of what is short, in one queue.
type list struct {
	fr    int32
	users *btree.BTreeG[*workload]
}

// source is the candidates of one queue, in the order of victims.
type source struct {
	q     *clusterQueue
	lists []list
	where where
	lca   int32
	// bound is the highest priority a victim may have; newer: those of that
	// priority must have a later queue time than the preemptor.
	bound int64
	newer bool
	next  *workload // nil at the end
}

// sources is a heap by the order of victims.
type sources []*source

func (s sources) Len() int           { return len(s) }
func (s sources) Less(i, j int) bool { return victimBefore(s[i].next, s[j].next) }
func (s sources) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push and Pop are for container/heap.
func (s *sources) Push(x any) { *s = append(*s, x.(*source)) }

// Pop removes the last.
func (s *sources) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}

// rewind goes to the first candidate whose priority is within a bound.
func (c *source) rewind(p *planner, bound int64) {
	c.bound, c.next = bound, nil
	c.advance(p)
}

// advance goes to the next candidate: elsewhere, to one that uses something in
// which its queue still exceeds its quota.
func (c *source) advance(p *planner) {
	after := c.next
	for {
		c.next = nil
		for _, l := range c.lists {
			if c.where != inOwn && !p.exceed(c.q.at, c.lca, l.fr) {
				continue
			}
			if after == nil {
				if w, ok := l.users.Min(); ok && (c.next == nil || victimBefore(w, c.next)) {
					c.next = w
				}
				continue
			}
			l.users.AscendGreaterOrEqual(after, func(w *workload) bool {
				if w == after {
					return true
				}
				if c.next == nil || victimBefore(w, c.next) {
					c.next = w
				}
				return false
			})
		}
		switch {
		case c.next == nil:
			return
		case int64(c.next.Priority) > c.bound:
			c.next = nil
			return
		case c.newer && c.next.Priority == p.w.Priority && c.next.Time <= p.w.Time:
			if after = c.next; p.count() {
				continue
			}
			c.next = nil
		}
		return
	}
}

// source lists the candidates of a queue.
func (p *planner) source(q *clusterQueue, at where, lca int32, bound int64) source {
	c := source{q: q, where: at, lca: lca}
	r := p.e.roster(q)
	for _, f := range p.short {
		if l := r.of(p.tree.Global(f)); l != nil && l.Len() > 0 {
			c.lists = append(c.lists, list{fr: f, users: l})
		}
	}
	c.newer = at == inOwn && p.q.spec.Preemption.WithinClusterQueue == "LowerOrNewerEqualPriority"
	c.rewind(p, bound)
	return c
}

const nobody = math.MinInt64

// ownBound is the highest priority that a victim in the own queue may have.
func (p *planner) ownBound() int64 {
	switch p.q.spec.Preemption.WithinClusterQueue {
	case "LowerPriority":
		return int64(p.w.Priority) - 1
	case "LowerOrNewerEqualPriority":
		return int64(p.w.Priority)
	}
	return nobody
}

// reclaimBound is the highest priority that a victim elsewhere may have.
func (p *planner) reclaimBound() int64 {
	switch p.q.spec.Preemption.ReclaimWithinCohort {
	case "LowerPriority":
		return int64(p.w.Priority) - 1
	case "Any":
		return math.MaxInt64
	}
	return nobody
}

// borrowBound is the highest priority that a victim inside X may have for the
// preemptor to borrow.
func (p *planner) borrowBound() int64 {
	policy := &p.q.spec.Preemption
	if policy.BorrowWithinCohort != "LowerPriority" {
		return nobody
	}
	bound := min(int64(p.w.Priority)-1, p.reclaimBound())
	if t := policy.MaxPriorityThreshold; t != nil {
		bound = min(bound, int64(*t))
	}
	return bound
}

// findPlain makes plan A, which may borrow and omits victims that are only
// allowed within nominal quota, be it that they are spared, and plan B, which takes all and must end within
// nominal quota, in the order that the rules give.
func (p *planner) findPlain() bool {
	outsiders := p.gather()
	elsewhere := len(p.sources) > 0 && p.sources[0].where != inOwn
	never := p.q.spec.Preemption.BorrowWithinCohort != "LowerPriority"
	switch {
	case !elsewhere || never && !p.underNominal():
		return p.attempt(true)
	case never && !outsiders:
		return p.attempt(false) || p.attempt(true)
	}
	return p.attempt(true) || p.attempt(false)
}

// underNominal says whether the queue uses less than its nominal quota of all
// that is short.
func (p *planner) underNominal() bool {
	for _, f := range p.short {
		if p.t.Usage(p.q.at, f) >= p.t.Nominal(p.q.at, f) {
			return false
		}
	}
	return true
}

// gather lists who has candidates, the own queue last, and says whether any are
// outside X.
func (p *planner) gather() (outsiders bool) {
	p.sources = p.sources[:0]
	if bound := p.reclaimBound(); bound != nobody {
		p.room = append(p.room[:0], p.requests...)
		x := p.t.ReachAll(p.q.at, p.room)
		child := p.q.at
		for n := p.t.Parent(child); n >= 0; child, n = n, p.t.Parent(n) {
			at := inside
			if x >= child {
				at = outside
			}
			before := len(p.sources)
			p.gatherBelow(n, child, at, bound)
			outsiders = outsiders || at == outside && len(p.sources) > before
		}
	}
	if bound := p.ownBound(); bound != nobody {
		if c := p.source(p.q, inOwn, -1, bound); c.next != nil {
			p.sources = append(p.sources, c)
		}
	}
	return outsiders
}

// gatherBelow lists the queues below a node, but for one child, that exceed
// their quota, with all nodes between.
func (p *planner) gatherBelow(node, but int32, at where, bound int64) {
	for n := node + 1; n < p.t.End(node); {
		switch {
		case n == but || !p.exceeds(n):
			n = p.t.End(n)
			continue
		case p.s.queues[n] != nil:
			if c := p.source(p.s.queues[n], at, node, bound); c.next != nil {
				p.sources = append(p.sources, c)
			}
		}
		n++
	}
}

// attempt takes victims until the workload fits, by borrowing or within
// nominal quota.
func (p *planner) attempt(borrow bool) bool {
	enough := func() bool { return (borrow || p.within()) && p.fits() }
	for at := outside; at <= inOwn; at++ {
		p.heap = p.heap[:0]
		for i := range p.sources {
			c := &p.sources[i]
			if c.where != at {
				continue
			}
			c.rewind(p, p.bound(at, borrow))
			if c.next != nil {
				p.heap = append(p.heap, c)
			}
		}
		heap.Init(&p.heap)
		for len(p.heap) > 0 {
			c := p.heap[0]
			if !p.count() {
				p.restore()
				return false
			}
			v := p.victim(c)
			if (!borrow || !p.spares(v.w, v.reason)) && (v.rule == own || p.exceedInUse(v.w, v.lca)) {
				p.take(v)
				if enough() {
					p.giveBack(enough, nil)
					return p.keep(p.legalPlain)
				}
			}
			if c.advance(p); c.next == nil {
				heap.Pop(&p.heap)
			} else {
				heap.Fix(&p.heap, 0)
			}
		}
	}
	p.restore()
	return false
}

func (p *planner) bound(at where, borrow bool) int64 {
	switch {
	case at == inOwn:
		return p.ownBound()
	case at == inside && borrow:
		return p.borrowBound()
	}
	return p.reclaimBound()
}

// victim is a source's next candidate as a victim.
func (p *planner) victim(c *source) taken {
	v := taken{w: c.next, lca: c.lca, rule: exceeds, reason: InCohortReclamation}
	switch {
	case c.where == inOwn:
		v.rule, v.reason = own, InClusterQueue
	case c.where == inside && int64(c.next.Priority) <= p.borrowBound():
		v.reason = InCohortReclaimWhileBorrowing
	}
	return v
}

// legalPlain says whether a victim's taking rule holds with all other victims
// gone and itself present.
func (p *planner) legalPlain(v *taken) bool {
	if v.rule == own {
		return true
	}
	p.charge(v.w, +1)
	legal := p.exceedInUse(v.w, v.lca)
	p.charge(v.w, -1)
	return legal
}
