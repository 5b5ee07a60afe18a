package oracle

import (
	"slices"
	"sort"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

// mayStart says whether a workload that fits now, or does once its victims are gone, delays no reservation but those whose holders
// it might preempt if they ran, and runs into no window, if it starts now with so much of one flavor-resource. It lists the
// reservations that it makes give way. One that is to hold its request until others are gone starts later, so that the slack
// is added.
func (s *World) mayStart(n *node, w *workload, f int, request int64, holds bool, victims []*victim) (release []UID, ok bool) {
	p := s.plannerOf(n)
	if p == nil {
		return nil, true
	}
	for _, u := range w.hold {
		if w.preempts && w.holdQueue == n.Name && u.f == f && request <= u.amount {
			return nil, true // it was asked when it preempted
		}
	}
	length := int64(timeline.Forever)
	h := p.held(w.seen.UID)
	if w.seen.Limit > 0 || p.plan.Policies[p.index[n.Node]].BackfillUnlimited || h != nil && h.Start <= p.plan.Now {
		length = s.length(p, n.Name, w)
	}
	if holds {
		length = add(length, s.slack)
	}
	v := s.vector([]use{{f, request}})
	within := func(c *timeline.Chart) bool {
		return c.Fits(p.index[n.Node], v, p.plan.Now, add(p.plan.Now, length))
	}
	plain := len(victims) == 0 && len(p.plan.Named) == 0
	if plain && within(p.chart(w.seen.UID)) {
		return nil, true
	}
	fits := func(off []UID) bool {
		bare := p.without(off)
		return within(bare.ChartFor(s.planned(p, n, w), v))
	}
	var off []UID
	for _, x := range victims {
		off = append(off, x.w.seen.UID)
	}
	if !plain && fits(off) {
		return nil, true
	}
	giving := s.giving(p, n, w, f, request)
	for i := range giving {
		if !fits(append(slices.Clone(off), giving[:i+1]...)) {
			continue
		}
		release = giving[:i+1]
		for _, uid := range slices.Backward(slices.Clone(release)) { // give back whatever need not give way
			rest := slices.DeleteFunc(slices.Clone(release), func(o UID) bool { return o == uid })
			if fits(append(slices.Clone(off), rest...)) {
				release = rest
			}
		}
		return release, true
	}
	return nil, false
}

// giving lists those whose reservations give way to a workload that asks for so much of a flavor-resource: whom it might preempt
// if they ran. The last in the order of planning first.
func (s *World) giving(p *planner, n *node, w *workload, f int, request int64) []UID {
	if !s.preemption {
		return nil
	}
	var all []*workload
	for _, h := range p.plan.Held {
		if holder := s.workloads[UID(h.UID)]; holder != w && h.Alternatives[h.Alternative][f] > 0 && s.mightPreempt(p, n, w, f, request, h) {
			all = append(all, holder)
		}
	}
	sort.Slice(all, func(i, j int) bool { return before(all[j], all[i]) })
	var uids []UID
	for _, h := range all {
		uids = append(uids, h.seen.UID)
	}
	return uids
}

// mightPreempt says whether a workload that asks for so much of a flavor-resource, and is short of it, might take the holder of a
// reservation for its victim, if that ran now with what is reserved for it.
func (s *World) mightPreempt(pl *planner, n *node, w *workload, f int, request int64, h timeline.Held) bool {
	p := s.problem(n, w, []use{{f, request}}, map[int]bool{f: true})
	ran := &victim{w: s.workloads[UID(h.UID)], q: s.trees().byName[pl.names[h.Leaf]]}
	for i, amount := range h.Alternatives[h.Alternative] {
		if amount > 0 {
			ran.charge = append(ran.charge, use{i, amount})
		}
	}
	p.holders = append(p.holders, ran)
	if s.fairSharing {
		within := p.staysWithin()
		if !contains(p.fairCandidates(within), ran) {
			return false
		}
		problem := &Problem{p: p, within: within}
		return ran.q == n || problem.allowed(ran, nil) >= 0
	}
	return contains(p.candidates(), ran) && (!ran.nominal || p.within([]*victim{ran}))
}

// without is the plan but for some reservations and running workloads.
func (p *planner) without(uids []UID) *timeline.Plan {
	bare := *p.plan
	off := func(uid string) bool { return slices.Contains(uids, UID(uid)) }
	bare.Held = slices.DeleteFunc(slices.Clone(bare.Held), func(h timeline.Held) bool { return off(h.UID) })
	bare.Running = slices.DeleteFunc(slices.Clone(bare.Running), func(r timeline.Running) bool { return off(r.UID) })
	return &bare
}

// giveWay takes the reservations away that must give way to what the workload is about to use or hold, asked for one flavor-resource
// after another in the order in which they were charged, with those gone already who gave way to it before.
func (s *World) giveWay(n *node, w *workload, v *verdict) {
	amounts := s.vector(v.request)
	for i, f := range v.charged {
		if amounts[f] == 0 || slices.Contains(v.charged[:i], f) {
			continue
		}
		release, _ := s.mayStart(n, w, f, amounts[f], v.kind != Fit, v.victims)
		for _, uid := range release {
			s.plannerOf(n).plan.Release(string(uid))
			s.workloads[uid].gave = true
			s.plannerOf(n).forget()
		}
	}
}
