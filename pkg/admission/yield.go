package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// Whoever might preempt the holder of a reservation if that ran need not wait for
// it: the reservation gives way, and is planned anew (ADR 0005).
//
//	verdict: room now, or victims ──> room for all of its limit? ── yes ──> may start, or hold
//	                                     │ no                        ^
//	                                     v                           │
//	          whose reservations are in the way? ──> whom of them might it preempt?
//
//	act: these are released ──> it starts, or holds ──> plan

// ask is a workload's question to the calendar: whether it may start now with an
// amount of one flavor-resource, delaying nobody whom it could not preempt.
type ask struct {
	w  *workload
	fr int32
	// amount of fr.
	amount quota.Amount
	// holds: it is to hold that until others are gone, with the victims found; so
	// it starts later.
	holds   bool
	victims []taken
	// seek is a search for victims that is at rest; nil if nobody gives way.
	seek *planner
}

// mayStart answers it, and says which reservations must give way.
func (q *clusterQueue) mayStart(a *ask) (yielding []string, ok bool) {
	s := q.scope
	if a.w.preempting() && requestOf(a.w.hold.amounts, s.tree.Global(a.fr)) >= a.amount {
		return nil, true // it was asked when it preempted
	}
	c := s.calendar
	c.one[0] = quota.Request{FR: a.fr, Amount: a.amount}
	asked := plan.Ask{Workload: &plan.Workload{UID: a.w.UID, Leaf: q.at, Limit: a.w.limit, Group: c.group(a.w, q)}, Request: c.one[:]}
	if a.holds {
		asked.Late = c.slack
	}
	for i := range a.victims {
		asked.Gone = append(asked.Gone, a.victims[i].w.UID)
	}
	if c.planner.Allows(&asked) {
		return nil, true
	}
	if a.seek == nil {
		return nil, false
	}
	var giving []*workload
	for _, uid := range c.planner.InTheWay(&asked) {
		if h := a.seek.e.workloads[uid]; a.seek.mightTake(a, h, c.planner.Requests(uid)) {
			giving = append(giving, h)
		}
	}
	slices.SortFunc(giving, func(a, b *workload) int { return compareItems(b, a) })
	list := make([]string, len(giving))
	for i, h := range giving {
		list[i] = h.UID
	}
	return c.planner.Yield(&asked, list)
}

// giveWay releases the reservations that are in the way of what the queue's
// representative is about to use or to hold.
func (e *Engine) giveWay(q *clusterQueue, w *workload, v *verdict) {
	c := q.scope.calendar
	if c == nil || !q.scope.preempting {
		return
	}
	e.lift(q, w, -1)
	defer e.lift(q, w, +1)
	for _, r := range v.charges {
		a := ask{w: w, fr: r.FR, amount: r.Amount, holds: v.kind != fits, victims: v.victims, seek: e.planner.begin(e, q, w)}
		yielding, _ := q.mayStart(&a)
		for _, uid := range yielding {
			h := e.workloads[uid]
			c.planner.Release(uid)
			h.local.target.unreserve(h)
			if h.sight == sightFit {
				h.sight = sightShort // or one behind it would have its place
			}
		}
	}
}

// mightTake says whether who asks, being short of it, might take the holder of a
// reservation for its victim if that ran now with what is reserved for it.
func (p *planner) mightTake(a *ask, h *workload, reserved []quota.Request) bool {
	p.one[0], p.oneF[0] = quota.Request{FR: a.fr, Amount: a.amount}, a.fr
	p.requests, p.short = p.one[:], p.oneF[:]
	home := h.local.target
	run := func(sign quota.Amount) {
		for _, r := range reserved {
			p.t.Add(home.at, r.FR, sign*r.Amount)
			if p.bare != p.t {
				p.bare.Add(home.at, r.FR, sign*r.Amount)
			}
		}
	}
	run(+1)
	defer func() {
		run(-1)
		p.t.CutTrail(p.mark)
		p.bare.CutTrail(p.bareMark)
	}()
	if home == p.q {
		newer := p.q.spec.Preemption.WithinClusterQueue == "LowerOrNewerEqualPriority" && h.Priority == p.w.Priority
		if p.ownBound() == nobody || int64(h.Priority) > p.ownBound() || newer && h.Time <= p.w.Time {
			return false
		}
		return !p.spares(h, InClusterQueue) || p.endsWithin(run)
	}
	lca, child := p.meets(home.at)
	if p.reclaimBound() == nobody || int64(h.Priority) > p.reclaimBound() || !p.exceed(home.at, lca, a.fr) {
		return false
	}
	if p.s.fair {
		return p.within() || !p.spares(h, InCohortFairSharing) && p.outshares(home.at, lca, child, run)
	}
	p.room = append(p.room[:0], p.requests...)
	if p.t.ReachAll(p.q.at, p.room) >= child || int64(h.Priority) <= p.borrowBound() && !p.spares(h, InCohortReclaimWhileBorrowing) {
		return true
	}
	return p.endsWithin(run)
}

// endsWithin says whether the preemptor's queue stays within nominal quota once
// one does not run: see mightTake. Fair sharing asks while it does.
func (p *planner) endsWithin(run func(sign quota.Amount)) bool {
	if p.s.fair {
		return p.within()
	}
	run(-1)
	defer run(+1)
	return p.within()
}

// meets is the lowest common ancestor of another queue and the preemptor's, and
// the child of it that the preemptor's is below, or is.
func (p *planner) meets(n int32) (lca, child int32) {
	for child, lca = p.q.at, p.t.Parent(p.q.at); n < lca || n >= p.t.End(lca); {
		child, lca = lca, p.t.Parent(lca)
	}
	return lca, child
}

// outshares says whether fair sharing allows to take one of a queue that runs, by
// any of the strategies. Run takes it off the tree and puts it back.
func (p *planner) outshares(n, lca, child int32, run func(sign quota.Amount)) bool {
	if p.one[0].Amount > p.t.Countable(p.q.at, p.one[0].FR) {
		return false
	}
	theirs := p.side(n, lca)
	p.ask(+1)
	mine, before := p.share(child), p.share(theirs)
	run(-1)
	after := p.share(theirs)
	run(+1)
	p.ask(-1)
	return yieldsAnyway(mine, before) || slices.ContainsFunc(p.e.strategies(), func(s FairSharingStrategy) bool {
		if s == LessThanInitialShare {
			return fairshare.Compare(mine, before) < 0
		}
		return fairshare.Compare(mine, after) <= 0
	})
}
