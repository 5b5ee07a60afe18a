package admission

import (
	"slices"
	"sort"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// kind is how well something fits, the worst first.
type kind int8

const (
	unseen kind = iota - 1
	noFit
	noCandidates // preemption is allowed, but there is nobody to preempt
	preempts     // some victims are in the queue itself
	reclaims     // all victims are in other queues
	fits
)

// grade is the verdict on one flavor, or on one resource of it.
type grade struct {
	kind  kind
	level int32 // borrowing level
	// highest is the highest borrowing level of any resource.
	highest int32
	// exceeds: more than the queue could ever use.
	exceeds bool
	// short says which requests of a flavor do not fit, by their place.
	short uint64
}

// verdict is the outcome of the flavor search for one shape in one queue.
type verdict struct {
	grade
	// reason says why it does not fit, 0 if it does.
	reason reasonCode
	// plan is the plan that was judged last: the one that fits, or else the
	// one of full size. reduced is by how many pods it is smaller.
	plan    *quota.Plan
	reduced int32
	// choice is the chosen alternative of each item, -1 where there is none.
	choice []int16
	// charges are the chosen requests, each flavor-resource once.
	charges []quota.Request
	// consulted are the flavor-resources that were looked at.
	consulted quota.Set
	// wide: the verdict depends on everything in the tree.
	wide bool
	// starter is who would start, in a planned tree; nil where nobody asks
	// whether he may. refused: in a flavor in which there is room, or would be
	// without the victims found, he may not.
	starter *workload
	refused bool
	// seek searches for victims while the verdict is given; nil finds none.
	seek *planner
	// short is what is short of charges; victims are those found for it.
	short   quota.Set
	victims []taken
	// stopped: the search for victims ended at its budget; over: a plan evicts
	// too much for what is requested. again is when to try again, 0 if it need
	// not be.
	stopped, over bool
	again         int64
}

// better says whether a flavor of grade g wins over one of grade o where
// nothing stopped the search (semantics, section 3).
func (g grade) better(o grade, p FungibilityPreference) bool {
	if (g.kind <= noCandidates) != (o.kind <= noCandidates) {
		return o.kind <= noCandidates
	}
	if p == PreemptionOverBorrowing && g.kind > noCandidates && g.level != o.level {
		return g.level < o.level
	}
	if g.kind != o.kind {
		return g.kind > o.kind
	}
	return g.level < o.level
}

// stops says whether the search ends at a flavor of that grade.
func (f *Fungibility) stops(g grade) bool {
	switch {
	case g.kind <= noCandidates:
		return false
	case g.kind != fits && f.WhenCanPreempt != MayStopSearch:
		return false
	case g.level > 0 && f.WhenCanBorrow == TryNextFlavor:
		return false
	}
	return true
}

// Consulted says whether the verdict looked at a member of s.
func (v *verdict) Consulted(s quota.Set) bool { return v.consulted.Meets(s) }

// same says whether two verdicts are the same in all that keys and decisions
// depend on.
func (v *verdict) same(o *verdict) bool {
	return v.kind == o.kind && v.level == o.level && v.reduced == o.reduced && slices.Equal(v.charges, o.charges)
}

// judge finds the flavors for a shape in a queue: at full size or, if that
// neither fits nor finds victims, at the largest size that does. A hold of the
// workload's own must have been lifted.
func (e *Engine) judge(q *clusterQueue, sh *shape, full *quota.Plan, v *verdict) {
	v.consulted.Clear()
	v.wide, v.reduced, v.again, v.refused = false, 0, 0, false
	v.stopped, v.over, v.victims = false, false, v.victims[:0]
	if sh.misconfigured != "" {
		v.grade, v.reason, v.plan = grade{kind: noFit}, misconfigured, full
		v.choice, v.charges = v.choice[:0], v.charges[:0]
		return
	}
	q.search(full, v)
	if sh.partial < 0 || v.kind > noCandidates {
		return
	}
	ps := &sh.podSets[sh.partial]
	most := int(ps.Count - ps.MinCount)
	reduce := sort.Search(most+1, func(i int) bool {
		if i == 0 {
			return false
		}
		q.search(q.plan(sh, int32(i), e.config.IgnoreUndeclared), v)
		return v.kind > noCandidates
	})
	if reduce > most {
		q.search(full, v)
		return
	}
	q.search(q.plan(sh, int32(reduce), e.config.IgnoreUndeclared), v)
	v.reduced = int32(reduce)
}

// judgeItem finds the verdict on one workload, without its own hold; where
// anything can be preempted, with victims.
func (e *Engine) judgeItem(q *clusterQueue, i *queue.Item, v *verdict) {
	w := i.Owner.(*workload)
	v.starter = q.starter(w)
	lifted := len(w.held()) > 0
	if lifted {
		e.lift(q, w, -1)
	}
	if q.scope.preempting {
		v.seek = e.planner.begin(e, q, w)
	}
	e.judge(q, w.shape, i.Class().Plan, v)
	if v.seek != nil && w.preempting() {
		e.keepTo(q, w, v)
	}
	v.seek, v.starter = nil, nil
	if lifted {
		e.lift(q, w, +1)
	}
	switch {
	case v.kind != noCandidates:
	case v.stopped:
		v.reason, v.again = searchStopped, max(1, e.now)
	case v.over:
		v.reason = ratioCapped
	}
}

// starter is who asks the calendar whether he may start: nobody where there is
// none.
func (q *clusterQueue) starter(w *workload) *workload {
	if q.scope.calendar == nil {
		return nil
	}
	return w
}

// found says whether a workload that does not fit has found victims, or needs
// none but those on their way out.
func (v *verdict) found() bool { return v.kind > noCandidates && v.kind < fits }

// search runs the flavor search for one plan. It adds to v.consulted and
// overwrites the rest.
func (q *clusterQueue) search(p *quota.Plan, v *verdict) {
	v.grade, v.reason, v.plan = grade{kind: fits}, 0, p
	v.choice, v.charges = v.choice[:0], v.charges[:0]
	v.short.Clear()
	v.wide = false
	for i := range p.Items {
		it := &p.Items[i]
		best, at, reason := q.choose(it, v)
		v.choice = append(v.choice, int16(at))
		if best.kind < v.kind {
			v.kind = best.kind
		}
		v.level = max(v.level, best.highest)
		v.reason = gravest(v.reason, reason)
		if at >= 0 {
			for j, r := range it.Alternatives[at].Requests {
				v.charge(r)
				if best.short&(1<<min(j, 63)) != 0 {
					v.short.Put(r.FR)
				}
			}
		}
	}
	if v.kind == fits && !v.short.Empty() {
		v.kind = noCandidates // the worst resource of a flavor was one that fits
	}
	if v.kind == noFit || v.kind == fits {
		return
	}
	if v.seek != nil {
		v.seek.together(v)
	}
	v.wide = v.kind != noFit && q.wideVerdicts
}

// charge notes what a chosen alternative uses.
func (v *verdict) charge(r quota.Request) {
	for i := range v.charges {
		if v.charges[i].FR == r.FR {
			v.charges[i].Amount = quota.AddSaturating(v.charges[i].Amount, r.Amount)
			return
		}
	}
	v.charges = append(v.charges, r)
}

// choose tries the alternatives of one item in order. It returns the grade and
// position of the chosen one, -1 and grade noFit if none will do, and why the
// item does not fit, 0 if it does.
func (q *clusterQueue) choose(it *quota.Item, v *verdict) (best grade, at int, reason reasonCode) {
	at = -1
	if len(it.Alternatives) == 0 {
		return best, at, noMatchingFlavor
	}
	exceeds := true
	for a := range it.Alternatives {
		g := q.gradeFlavor(&it.Alternatives[a], v)
		exceeds = exceeds && g.exceeds
		if g.kind == noFit {
			continue
		}
		stop := q.spec.Fungibility.stops(g)
		if at < 0 || stop || g.better(best, q.spec.Fungibility.Preference) {
			best, at = g, a
		}
		if stop {
			break
		}
	}
	switch {
	case best.kind == fits && at >= 0 && best.short == 0:
		return best, at, 0
	case exceeds:
		return best, at, exceedsMaxQuota
	}
	return best, at, waitingForQuota
}

// gradeFlavor is the grade of the worst resource of a flavor. What earlier pod
// sets were given counts as requested too.
func (q *clusterQueue) gradeFlavor(alt *quota.Alternative, v *verdict) grade {
	worst := grade{kind: fits}
	exceeds, highest, short := false, int32(0), uint64(0)
	for j, r := range alt.Requests {
		v.consulted.Put(r.FR)
		amount, exact := r.Amount, true
		for i := range v.charges {
			if v.charges[i].FR == r.FR {
				amount, exact = quota.Sum(amount, v.charges[i].Amount)
			}
		}
		g := grade{kind: noFit, exceeds: true}
		if exact && !alt.Overflow {
			g = q.gradeAmount(r.FR, amount, v)
		}
		if g.kind != fits {
			short |= 1 << min(j, 63)
		}
		exceeds = exceeds || g.exceeds
		highest = max(highest, g.level)
		if worst.better(g, q.spec.Fungibility.Preference) {
			worst = g
		}
	}
	worst.exceeds, worst.highest, worst.short = exceeds, highest, short
	return worst
}

// gradeAmount judges one resource alone.
func (q *clusterQueue) gradeAmount(fr int32, amount quota.Amount, v *verdict) (g grade) {
	t := q.scope.tree
	a := ask{w: v.starter, fr: fr, amount: amount, seek: v.seek}
	switch {
	case amount > t.Potential(q.at, fr):
		return grade{kind: noFit, exceeds: true}
	case t.Fits(q.at, fr, amount):
		g = grade{kind: fits, level: t.Level(q.at, fr, amount)}
	case v.seek != nil:
		g, a.victims = v.seek.grade(fr, amount)
		a.holds = true
	case q.mayPreempt(fr, amount):
		g = grade{kind: noCandidates, level: t.Level(q.at, fr, amount)}
	}
	if g.kind > noCandidates && a.w != nil {
		if _, may := q.mayStart(&a); !may {
			g, v.refused = grade{kind: noFit}, true
		}
	}
	return g
}

// mayPreempt says whether the rules let a workload of the queue look for
// victims for one resource (semantics, section 3).
func (q *clusterQueue) mayPreempt(fr int32, amount quota.Amount) bool {
	t := q.scope.tree
	return t.Nominal(q.at, fr) >= amount || q.preemptsAnyway || t.Reach(q.at, fr, amount) > 0
}

// borrows says whether the queue uses more than its nominal quota of a
// flavor-resource after the charges.
func (q *clusterQueue) borrows(charges []quota.Request) bool {
	for _, c := range charges {
		if q.scope.tree.Over(q.at, c.FR, c.Amount) {
			return true
		}
	}
	return false
}
