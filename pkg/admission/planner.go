package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/cache"
	"fairlead.dev/fairlead/pkg/quota"
)

// planner searches for victims (semantics, section 5):
//
//	search for a flavor ──> grade: for one resource alone
//	                    └─> together: for all that is short
//	                          │
//	         fits once the evicted are gone? ── yes: no victims
//	                          │ no
//	      rosters ──> candidates ──> take until it fits ──> give back ──> check each ──> victims
//	                  (plain.go, fair.go)
//
// It works on the tree ahead, from which it takes the charges of victims and
// to which it gives them back: nothing is different afterwards.
type planner struct {
	e    *Engine
	q    *clusterQueue // the preemptor's
	s    *scope
	tree *cache.Tree
	t    *quota.Tree // ahead
	bare *quota.Tree // the same without holds, perhaps t itself
	w    *workload   // the preemptor
	// Lengths of their trails before the search.
	mark, bareMark int

	requests []quota.Request // what the search is for, each flavor-resource once
	short    []int32         // what is short of it
	victims  []taken
	looked   int // candidates
	budget   int
	// stopped: a search ended at its budget. over: a plan was dropped because
	// it evicts too much for what is requested.
	stopped, over bool

	one     [1]quota.Request
	oneF    [1]int32
	room    []quota.Request
	sources []source
	heap    sources
	fair    fairSearch
}

// rule is by what a victim may be taken.
type rule int8

const (
	own rule = iota // withinClusterQueue: no other condition
	// exceeds: its queue and the nodes below the common ancestor exceed their
	// quota in one short thing that it uses. So they do for those that follow.
	exceeds
	final   // fair sharing, LessThanOrEqualToFinalShare
	initial // fair sharing, LessThanInitialShare
)

// taken is a victim in a plan.
type taken struct {
	w      *workload
	reason PreemptionReason
	rule   rule
	lca    int32 // lowest common ancestor with the preemptor
	// Shares as a status shows them: see Victim.
	mine, before, after int64
}

// begin prepares the planner for a workload of a queue.
func (p *planner) begin(e *Engine, q *clusterQueue, w *workload) *planner {
	p.e, p.q, p.s, p.w = e, q, q.scope, w
	p.tree = q.scope.tree
	p.t = p.tree.Ahead()
	p.bare = p.tree.Bare()
	p.mark, p.bareMark = len(p.t.Trail()), len(p.bare.Trail())
	p.budget = DefaultSearchBudget
	if b := e.config.Preemption.SearchBudget; b > 0 {
		p.budget = b
	}
	if c := w.Class(); c != nil {
		p.budget <<= min(c.Tries, 24)
	}
	p.stopped, p.over = false, false
	return p
}

// grade judges one resource alone that does not fit now, and says who would be
// its victims; that list is good until the next search.
func (p *planner) grade(fr int32, amount quota.Amount) (g grade, victims []taken) {
	fits := p.t.Fits(p.q.at, fr, amount)
	if !fits && p.t.Nominal(p.q.at, fr) < amount && !p.q.preemptsAnyway && p.t.Reach(p.q.at, fr, amount) <= 0 {
		return grade{kind: noFit}, nil
	}
	p.one[0], p.oneF[0] = quota.Request{FR: fr, Amount: amount}, fr
	p.requests, p.short, p.victims = p.one[:], p.oneF[:], p.victims[:0]
	g = grade{kind: noCandidates}
	if fits || p.find() {
		g.kind = p.kind()
	}
	g.level = p.t.Level(p.q.at, fr, amount)
	victims = p.victims
	p.restore()
	return g, victims
}

// together seeks victims for all that is short of a verdict.
func (p *planner) together(v *verdict) {
	p.requests, p.short = v.charges, p.short[:0]
	if cap(p.short) <= len(p.oneF) {
		p.short = make([]int32, 0, 8)
	}
	v.short.Each(func(f int32) bool { p.short = append(p.short, f); return true })
	v.kind, v.victims = noCandidates, v.victims[:0]
	v.level = 0 // in the order between queues all who still use quota count
	for _, r := range v.charges {
		v.level = max(v.level, p.tree.Level(p.q.at, r.FR, r.Amount))
	}
	if p.find() {
		v.kind, v.victims = p.kind(), append(v.victims, p.victims...)
	}
	p.restore()
	v.stopped, v.over = p.stopped && v.kind == noCandidates, p.over && v.kind == noCandidates
	if v.starter == nil || v.kind == noCandidates {
		return
	}
	for _, r := range v.charges {
		a := ask{w: v.starter, fr: r.FR, amount: r.Amount, holds: true, victims: v.victims, seek: p}
		if _, may := p.q.mayStart(&a); !may {
			v.grade, v.reason, v.refused = grade{kind: noFit}, waitingForQuota, true
			return
		}
	}
}

// kind is reclaims if all victims are in other queues, else preempts.
func (p *planner) kind() kind {
	for i := range p.victims {
		if p.victims[i].rule == own {
			return preempts
		}
	}
	return reclaims
}

// find leaves the victims of a plan removed, and says whether there is one;
// none are needed if those on their way out suffice.
func (p *planner) find() bool {
	p.victims, p.looked = p.victims[:0], 0
	switch {
	case p.fits():
		return true
	case p.s.fair:
		return p.findFair()
	}
	return p.findPlain()
}

// fits says whether all that is requested fits.
func (p *planner) fits() bool {
	for _, r := range p.requests {
		if !p.t.Fits(p.q.at, r.FR, r.Amount) {
			return false
		}
	}
	return true
}

// within says whether the preemptor's queue stays within nominal quota in all
// that is requested.
func (p *planner) within() bool {
	for _, r := range p.requests {
		if p.t.Over(p.q.at, r.FR, r.Amount) {
			return false
		}
	}
	return true
}

// charge puts back (+1) or removes (-1) what a workload is charged.
func (p *planner) charge(w *workload, sign quota.Amount) {
	for _, r := range w.charge {
		local := p.tree.Local(r.FR)
		p.t.Add(w.home.at, local, sign*r.Amount)
		if p.bare != p.t {
			p.bare.Add(w.home.at, local, sign*r.Amount)
		}
	}
}

func (p *planner) take(v taken) {
	p.charge(v.w, -1)
	p.victims = append(p.victims, v)
}

// restore puts all victims back.
func (p *planner) restore() {
	for i := len(p.victims) - 1; i >= 0; i-- {
		p.charge(p.victims[i].w, +1)
	}
	p.victims = p.victims[:0]
	p.t.CutTrail(p.mark)
	p.bare.CutTrail(p.bareMark)
}

// giveBack puts back victims that are needed neither to fit nor for the rule of
// another, in reverse order, again and again until nobody more is.
func (p *planner) giveBack(enough func() bool, indispensable func(*taken) bool) {
	for again := true; again; {
		again = false
		for i := len(p.victims) - 1; i >= 0; i-- {
			v := p.victims[i]
			p.charge(v.w, +1)
			fits := enough()
			if fits && indispensable != nil {
				p.charge(v.w, -1)
				fits = !indispensable(&v)
				p.charge(v.w, +1)
			}
			if fits {
				p.victims = slices.Delete(p.victims, i, i+1)
				again = indispensable != nil
				continue
			}
			p.charge(v.w, -1)
		}
	}
}

// keep checks every remaining victim by its rule and restores all if one is
// illegal, or if the plan evicts too much.
func (p *planner) keep(legal func(*taken) bool) bool {
	for i := range p.victims {
		if !legal(&p.victims[i]) {
			p.restore()
			return false
		}
	}
	if p.excessive() {
		p.over = true
		p.restore()
		return false
	}
	return true
}

// excessive says whether the victims use too much of something that is short
// for what is requested of it.
func (p *planner) excessive() bool {
	most := p.e.config.Preemption.EvictedToRequestedMilli
	if most <= 0 {
		return false
	}
	for _, f := range p.short {
		evicted, requested := quota.Amount(0), quota.Amount(0)
		for i := range p.victims {
			evicted = quota.AddSaturating(evicted, requestOf(p.victims[i].w.charge, p.tree.Global(f)))
		}
		for _, r := range p.requests {
			if r.FR == f {
				requested = r.Amount
			}
		}
		if allowed, exact := quota.Times(requested, most); exact && evicted > allowed/1000 {
			return true
		}
	}
	return false
}

// count counts a candidate that is looked at; false if that is one too many.
func (p *planner) count() bool {
	p.looked++
	if p.looked > p.budget {
		p.stopped = true
		return false
	}
	return true
}

// exceeds says whether a node uses more than its quota of something that is
// short. What is held does not count.
func (p *planner) exceeds(n int32) bool {
	for _, f := range p.short {
		if p.bare.Over(n, f, 0) {
			return true
		}
	}
	return false
}

// exceed says whether a queue and every node above it below lca exceed their
// quota of a flavor-resource.
func (p *planner) exceed(n, lca, fr int32) bool {
	for ; n != lca; n = p.t.Parent(n) {
		if !p.bare.Over(n, fr, 0) {
			return false
		}
	}
	return true
}

// exceedInUse says whether they do in something short that a workload uses.
func (p *planner) exceedInUse(w *workload, lca int32) bool {
	for _, f := range p.short {
		if requestOf(w.charge, p.tree.Global(f)) != 0 && p.exceed(w.home.at, lca, f) {
			return true
		}
	}
	return false
}

// spares says whether a workload is not evicted for a reason again, unless the
// preemptor ends within nominal quota, until something changes.
func (p *planner) spares(w *workload, reason PreemptionReason) bool {
	return w.spared[reason.slot()] == p.e.changes
}
