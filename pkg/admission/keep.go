package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// keepTo gives a preemptor the verdict for which it holds its request if that
// fits; or if it does once the evicted are gone, unless it fits in another way
// now (ADR 0006, A8). A search that began anew might prefer other flavors to
// those held, which others would take then, or a size that only borrowing
// allows; so whoever has evicted is admitted, in whatever order its victims
// leave, and as what it has evicted for.
//
// After a restart only the amounts held are known: then the search decides.
func (e *Engine) keepTo(q *clusterQueue, w *workload, v *verdict) {
	kept := w.hold.assignment
	if kept == nil {
		return
	}
	p := v.seek
	plan := w.Class().Plan
	if w.hold.reduced > 0 {
		plan = q.plan(w.shape, w.hold.reduced, e.config.IgnoreUndeclared)
	}
	choice, charges, ok := q.choiceOf(plan, kept)
	if !ok || !q.same(charges, w.hold.amounts) {
		return // edits have made it something else
	}
	for _, r := range charges {
		v.consulted.Put(r.FR) // also where the search decides
	}
	kind, level := fits, int32(0)
	short := quota.Set{}
	for _, r := range charges {
		if !p.tree.Fits(q.at, r.FR, r.Amount) {
			kind = reclaims
			short.Put(r.FR)
			if v.kind == fits || !p.t.Fits(q.at, r.FR, r.Amount) {
				return
			}
		}
		level = max(level, p.tree.Level(q.at, r.FR, r.Amount))
	}
	v.grade, v.reason, v.plan, v.reduced = grade{kind: kind, level: level}, 0, plan, w.hold.reduced
	if kind == fits {
		v.refused = false // it is not even asked
	} else {
		v.reason = waitingForQuota
	}
	v.choice, v.charges, v.short, v.victims = choice, charges, short, v.victims[:0]
	v.stopped, v.over, v.again = false, false, 0
	v.wide = kind != fits && q.wideVerdicts
}

// choiceOf finds the alternatives of a plan that give an assignment, and what
// they charge; false if a flavor of it is not open any more.
func (q *clusterQueue) choiceOf(p *quota.Plan, a *Assignment) (choice []int16, charges []quota.Request, ok bool) {
	for i := range p.Items {
		it := &p.Items[i]
		at := slices.IndexFunc(it.Alternatives, func(alt quota.Alternative) bool {
			return q.gives(it, &alt, &a.PodSets[it.PodSet])
		})
		if at < 0 {
			return nil, nil, false
		}
		choice = append(choice, int16(at))
		for _, r := range it.Alternatives[at].Requests {
			charges = addRequest(charges, r)
		}
	}
	return choice, charges, true
}

// same says whether charges are what is held, which is in the forest's numbers.
func (q *clusterQueue) same(charges, held []quota.Request) bool {
	for _, r := range charges {
		if requestOf(held, q.scope.tree.Global(r.FR)) != r.Amount {
			return false
		}
	}
	return len(charges) == len(held)
}

// gives says whether an alternative is the flavor that a pod set is assigned for
// the resources of the item.
func (q *clusterQueue) gives(it *quota.Item, alt *quota.Alternative, a *PodSetAssignment) bool {
	return !alt.Overflow && slices.ContainsFunc(a.Flavors, func(f ResourceFlavorName) bool {
		c, covered := q.cover[f.Resource]
		return covered && c.group == it.Group && f.Flavor == q.groups[it.Group].flavors[alt.Flavor].spec.Name
	})
}
