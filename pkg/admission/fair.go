package admission

import (
	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/quota"
)

// Preemption with fair sharing.

// fairSearch is room for one search.
type fairSearch struct {
	nodes []contender
	// within: the preemptor stays within nominal in what is short; byRight: in all
	// that is requested, so that nobody is spared.
	within, byRight bool
	// rejected are the candidates that the first strategy has not allowed, by
	// queue.
	rejected map[int32][]*workload
}

// contender is a node as victims come from it.
type contender struct {
	alive bool // it may still have some
	sure  bool // its first candidate may be taken, as things stand
	// again are, instead of from, those that the second strategy looks at.
	second bool
	again  []*workload
	path   bool // it is on the preemptor's path
	share  fairshare.Share
	from   source
	// below is, on the preemptor's path, the child on that path.
	below int32
}

// next is the first candidate of a queue, nil if there is none.
func (c *contender) next() *workload {
	switch {
	case !c.second:
		return c.from.next
	case len(c.again) > 0:
		return c.again[0]
	}
	return nil
}

// drop goes to the next candidate.
func (c *contender) drop(p *planner) {
	c.sure = false
	if c.second {
		c.again = c.again[1:]
		return
	}
	c.from.advance(p)
}

// findFair takes victims from the child with the highest share, from the root
// down, as the strategies allow. All shares include the preemptor's request.
func (p *planner) findFair() bool {
	for _, r := range p.requests {
		if r.Amount > p.t.Countable(p.q.at, r.FR) {
			return false // shares with the request cannot be counted
		}
	}
	within := true
	for _, r := range p.requests {
		for _, f := range p.short {
			within = within && (r.FR != f || !p.t.Over(p.q.at, f, r.Amount))
		}
	}
	p.fair.within, p.fair.byRight = within, p.within()
	p.setUp()
	p.ask(+1)
	for n := range p.fair.nodes {
		if c := &p.fair.nodes[n]; c.alive || c.path {
			c.share = p.share(int32(n))
		}
	}
	strategies := p.e.strategies()
	found := p.takeFair(strategies[0])
	if !found && !p.stopped && len(strategies) > 1 {
		found = p.takeRejected()
	}
	if found {
		p.giveBack(p.enough, p.indispensable)
		found = p.keep(p.legalFair)
	}
	p.ask(-1)
	if !found {
		p.restore()
	}
	return found
}

// ask adds the preemptor's request to the tree (+1) or takes it off (-1).
func (p *planner) ask(sign quota.Amount) {
	for _, r := range p.requests {
		p.t.Add(p.q.at, r.FR, sign*r.Amount)
	}
}

// enough is fits while the request is in the tree.
func (p *planner) enough() bool {
	p.ask(-1)
	fits := p.fits()
	p.ask(+1)
	return fits
}

func (p *planner) share(n int32) fairshare.Share {
	return fairshare.Of(p.t, n, p.tree.Nodes[n].Spec.WeightMilli)
}

// setUp finds, before any removal, the queues that have candidates.
func (p *planner) setUp() {
	f := &p.fair
	if cap(f.nodes) < len(p.s.queues) {
		f.nodes = make([]contender, len(p.s.queues))
	}
	f.nodes = f.nodes[:len(p.s.queues)]
	clear(f.nodes)
	f.rejected = map[int32][]*workload{}
	below := int32(-1)
	for n := p.q.at; n >= 0; below, n = n, p.t.Parent(n) {
		f.nodes[n].path, f.nodes[n].below = true, below
	}
	reclaim, inQueue := p.reclaimBound(), p.ownBound()
	for n := range f.nodes {
		q := p.s.queues[n]
		var c source
		switch {
		case q == nil:
			continue
		case q == p.q && inQueue != nobody:
			c = p.source(q, inOwn, -1, inQueue)
		case q != p.q && reclaim != nobody && p.exceeds(int32(n)):
			c = p.source(q, inside, p.common(int32(n)), reclaim)
		}
		if c.next == nil {
			continue
		}
		f.nodes[n].from = c
		for m := int32(n); m >= 0 && !f.nodes[m].alive; m = p.t.Parent(m) {
			f.nodes[m].alive = true
		}
	}
}

// common is the lowest common ancestor of a queue and the preemptor's.
func (p *planner) common(n int32) int32 {
	for !p.fair.nodes[n].path {
		n = p.t.Parent(n)
	}
	return n
}

// side is the child of lca above or at n.
func (p *planner) side(n, lca int32) int32 {
	for p.t.Parent(n) != lca {
		n = p.t.Parent(n)
	}
	return n
}

// changed brings the shares on a queue's path up to date, and has the candidates
// looked at again that a node of it may forbid.
func (p *planner) changed(n int32) {
	top := int32(-1)
	for ; n >= 0; n = p.t.Parent(n) {
		p.fair.nodes[n].share = p.share(n)
		if !p.fair.nodes[n].path {
			top = n
		}
	}
	for m := top; m >= 0 && m < p.t.End(top); m++ {
		p.fair.nodes[m].sure = false
	}
}

// sift drops candidates of a queue that may not be taken any more, for good,
// until its first one may be, and says whether there is one.
func (p *planner) sift(n int32) bool {
	c := &p.fair.nodes[n]
	for !c.sure && c.next() != nil {
		if p.mayYield(c.next(), &c.from) {
			c.sure = true
			break
		}
		c.drop(p)
	}
	c.alive = c.next() != nil
	return c.alive
}

// pick is the queue from which the next victim comes, -1 if there is none: at
// each Cohort, the child with the highest share.
func (p *planner) pick(node int32) int32 {
	if p.s.queues[node] != nil {
		if p.fair.nodes[node].alive && p.sift(node) {
			return node
		}
		return -1
	}
	for {
		best := int32(-1)
		for n := node + 1; n < p.t.End(node); n = p.t.End(n) {
			if p.fair.nodes[n].alive && (p.s.queues[n] == nil || p.sift(n)) && (best < 0 || p.yieldsBefore(n, best)) {
				best = n
			}
		}
		if best < 0 {
			p.fair.nodes[node].alive = false
			return -1
		}
		if q := p.pick(best); q >= 0 {
			return q
		}
		p.fair.nodes[best].alive = false
	}
}

// yieldsBefore says whether victims come from node a, rather than from b, of
// one Cohort: higher share, a Cohort before a ClusterQueue, queues by their
// first candidate in the order of victims, Cohorts by name. Of siblings, b is
// the first by name.
func (p *planner) yieldsBefore(a, b int32) bool {
	x, y := &p.fair.nodes[a], &p.fair.nodes[b]
	if c := fairshare.Compare(x.share, y.share); c != 0 {
		return c > 0
	}
	qa, qb := p.s.queues[a], p.s.queues[b]
	switch {
	case (qa == nil) != (qb == nil):
		return qa == nil
	case qa == nil:
		return p.tree.Nodes[a].Name < p.tree.Nodes[b].Name
	case (qa == p.q) != (qb == p.q):
		return qa != p.q // other queues before the own
	}
	return victimBefore(x.next(), y.next())
}

// takeFair takes victims by the first strategy until the workload fits; of a
// queue, one after the other as long as they are rejected.
func (p *planner) takeFair(strategy FairSharingStrategy) bool {
	for n := p.pick(0); n >= 0; n = p.pick(0) {
		node := &p.fair.nodes[n]
		c := &node.from
		for p.sift(n) {
			if !p.count() {
				return false
			}
			v := taken{w: c.next, lca: c.lca}
			v.rule, v.reason = p.fairRule(c, strategy)
			node.drop(p)
			if !p.allowed(&v) {
				p.fair.rejected[n] = append(p.fair.rejected[n], v.w)
				continue
			}
			p.take(v)
			p.changed(n)
			if p.enough() {
				return true
			}
			break
		}
		if c.next == nil {
			node.alive = false
		}
	}
	return false
}

// mayYield says whether a candidate may be a victim at all, by whichever
// strategy.
func (p *planner) mayYield(w *workload, c *source) bool {
	rule, reason := p.fairRule(c, LessThanOrEqualToFinalShare)
	return (p.fair.byRight || !p.spares(w, reason)) && (rule == own || p.exceedInUse(w, c.lca))
}

// fairRule is by what a source's candidates may be taken.
func (p *planner) fairRule(c *source, strategy FairSharingStrategy) (rule, PreemptionReason) {
	switch {
	case c.where == inOwn:
		return own, InClusterQueue
	case p.fair.within:
		return exceeds, InCohortReclamation
	case strategy == LessThanInitialShare:
		return initial, InCohortFairSharing
	}
	return final, InCohortFairSharing
}

// takeRejected takes at most one victim a queue, of those that the first
// strategy has rejected, by LessThanInitialShare.
func (p *planner) takeRejected() bool {
	f := &p.fair
	for n := range f.nodes {
		f.nodes[n].alive = false
	}
	for n := range f.nodes {
		if len(f.rejected[int32(n)]) == 0 {
			continue
		}
		f.nodes[n].second, f.nodes[n].again, f.nodes[n].sure = true, f.rejected[int32(n)], false
		for m := int32(n); m >= 0 && !f.nodes[m].alive; m = p.t.Parent(m) {
			f.nodes[m].alive = true
			f.nodes[m].share = p.share(m)
		}
	}
	for n := p.pick(0); n >= 0; n = p.pick(0) {
		c := &f.nodes[n].from
		f.nodes[n].alive = false
		if !p.count() {
			return false
		}
		v := taken{w: f.nodes[n].next(), lca: c.lca, rule: initial, reason: InCohortFairSharing}
		if !p.allowed(&v) {
			continue
		}
		p.take(v)
		p.changed(n)
		if p.enough() {
			return true
		}
	}
	return false
}

// allowed says whether a victim's rule holds while it is present.
func (p *planner) allowed(v *taken) bool {
	if v.rule == own || v.rule == exceeds {
		return true
	}
	theirs := p.side(v.w.home.at, v.lca)
	mine, before := p.fair.nodes[p.fair.nodes[v.lca].below].share, p.fair.nodes[theirs].share
	if v.rule == initial || yieldsAnyway(mine, before) {
		return yieldsAnyway(mine, before) || fairshare.Compare(mine, before) < 0
	}
	p.charge(v.w, -1)
	after := p.share(theirs)
	p.charge(v.w, +1)
	return fairshare.Compare(mine, after) <= 0
}

// yieldsAnyway says that a node of weight 0 which borrows yields to one that has
// weight, or borrows nothing.
func yieldsAnyway(mine, before fairshare.Share) bool {
	weightless := func(s fairshare.Share) bool { return s.WeightMilli <= 0 && s.Borrows() }
	return weightless(before) && !weightless(mine)
}

// legalFair says whether a victim's taking rule holds with all other victims
// gone and itself present, and notes the shares.
func (p *planner) legalFair(v *taken) bool {
	if v.rule == own {
		return true
	}
	theirs := p.side(v.w.home.at, v.lca)
	mine, after := p.share(p.fair.nodes[v.lca].below), p.share(theirs)
	p.charge(v.w, +1)
	before := p.share(theirs)
	legal := p.exceedInUse(v.w, v.lca)
	p.charge(v.w, -1)
	v.mine, v.before, v.after = mine.Status(), before.Status(), after.Status()
	switch {
	case v.rule == exceeds || yieldsAnyway(mine, before):
		return legal
	case v.rule == final:
		return legal && fairshare.Compare(mine, after) <= 0
	}
	return legal && fairshare.Compare(mine, before) < 0
}

// indispensable says whether the rule of another victim, which holds while v is
// gone, would not hold with it back.
func (p *planner) indispensable(v *taken) bool {
	for i := range p.victims {
		o := p.victims[i]
		if o.w == v.w || o.rule == own || !p.beneath(v.w.home.at, p.fair.nodes[o.lca].below) || !p.legalFair(&o) {
			continue
		}
		p.charge(v.w, +1)
		legal := p.legalFair(&o)
		p.charge(v.w, -1)
		if !legal {
			return true
		}
	}
	return false
}

func (p *planner) beneath(n, top int32) bool { return n >= top && n < p.t.End(top) }

// strategies are the rules of fair sharing in the order in which they are tried.
func (e *Engine) strategies() []FairSharingStrategy {
	if s := e.config.Preemption.Strategies; len(s) > 0 {
		return s
	}
	return bothStrategies
}

var bothStrategies = []FairSharingStrategy{LessThanOrEqualToFinalShare, LessThanInitialShare}
