package admission

import (
	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/quota"
)

// Preemption with fair sharing.

// fairSearch is room for one search.
type fairSearch struct {
	nodes []contender
	// rejected are the candidates that the first strategy has not allowed, by
	// queue.
	rejected map[int32][]*workload
}

// contender is a node as victims come from it.
type contender struct {
	alive bool // it may still have some
	path  bool // it is on the preemptor's path
	share fairshare.Share
	from  source
	// below is, on the preemptor's path, the child on that path.
	below int32
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
	p.setUp()
	p.ask(+1)
	for n := range p.fair.nodes {
		if c := &p.fair.nodes[n]; c.alive || c.path {
			c.share = p.share(int32(n))
		}
	}
	for n := range p.fair.nodes {
		p.prune(int32(n))
	}
	strategies := p.e.strategies()
	found := p.takeFair(within, strategies[0])
	if !found && !p.stopped && len(strategies) > 1 {
		found = p.takeRejected()
	}
	if found {
		p.ask(-1)
		p.giveBack(p.fits)
		p.ask(+1)
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

// prune skips a node that borrows nothing, unless it is on the preemptor's path.
func (p *planner) prune(n int32) {
	c := &p.fair.nodes[n]
	if c.alive && !c.path && !c.share.Borrows() {
		c.alive = false
	}
}

// changed brings the shares on a queue's path up to date.
func (p *planner) changed(n int32) {
	for ; n >= 0; n = p.t.Parent(n) {
		p.fair.nodes[n].share = p.share(n)
		p.prune(n)
	}
}

// pick is the queue from which the next victim comes, -1 if there is none: at
// each Cohort, the child with the highest share.
func (p *planner) pick(node int32) int32 {
	if p.s.queues[node] != nil {
		if p.fair.nodes[node].alive {
			return node
		}
		return -1
	}
	for {
		best := int32(-1)
		for n := node + 1; n < p.t.End(node); n = p.t.End(n) {
			if p.fair.nodes[n].alive && (best < 0 || p.yieldsBefore(n, best)) {
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
	return victimBefore(x.from.next, y.from.next)
}

// takeFair takes victims by the first strategy until the workload fits; of a
// queue, one after the other as long as they are rejected.
func (p *planner) takeFair(within bool, strategy FairSharingStrategy) bool {
	for n := p.pick(0); n >= 0; n = p.pick(0) {
		node := &p.fair.nodes[n]
		c := &node.from
		for c.next != nil {
			if !p.count() {
				return false
			}
			v := taken{w: c.next, lca: c.lca, rule: own, reason: InClusterQueue}
			if c.where != inOwn {
				v.rule, v.reason = ruleOf(within, strategy)
			}
			c.advance(p)
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

func ruleOf(within bool, strategy FairSharingStrategy) (rule, PreemptionReason) {
	switch {
	case within:
		return borrows, InCohortReclamation
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
		f.nodes[n].from.next = f.rejected[int32(n)][0]
		for m := int32(n); m >= 0 && !f.nodes[m].alive; m = p.t.Parent(m) {
			f.nodes[m].alive = true
			f.nodes[m].share = p.share(m)
		}
	}
	for n := range f.nodes {
		p.prune(int32(n))
	}
	for n := p.pick(0); n >= 0; n = p.pick(0) {
		c := &f.nodes[n].from
		f.nodes[n].alive = false
		if !p.count() {
			return false
		}
		v := taken{w: c.next, lca: c.lca, rule: initial, reason: InCohortFairSharing}
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
	if v.rule == own || v.rule == borrows {
		return true
	}
	theirs := p.side(v.w.home.at, v.lca)
	mine := p.fair.nodes[p.fair.nodes[v.lca].below].share
	if v.rule == initial {
		return fairshare.Compare(mine, p.fair.nodes[theirs].share) < 0
	}
	p.charge(v.w, -1)
	after := p.share(theirs)
	p.charge(v.w, +1)
	return fairshare.Compare(mine, after) <= 0
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
	legal := true
	for n := v.w.home.at; n != v.lca; n = p.t.Parent(n) {
		legal = legal && p.share(n).Borrows()
	}
	p.charge(v.w, -1)
	v.mine, v.before, v.after = mine.Status(), before.Status(), after.Status()
	switch v.rule {
	case final:
		return legal && fairshare.Compare(mine, after) <= 0
	case initial:
		return legal && fairshare.Compare(mine, before) < 0
	}
	return legal
}

// strategies are the rules of fair sharing in the order in which they are tried.
func (e *Engine) strategies() []FairSharingStrategy {
	if s := e.config.Preemption.Strategies; len(s) > 0 {
		return s
	}
	return bothStrategies
}

var bothStrategies = []FairSharingStrategy{LessThanOrEqualToFinalShare, LessThanInitialShare}
