package oracle

import (
	"fmt"
	"slices"
	"sort"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

// PlanOverQuota lists where the timelines break law 1 at an instant from now on: a node that runs over its quota and
// borrowing limit, while use at that instant is more than what already runs takes by itself (which a quota cut may leave
// above it). A window is such a cut of nominal quota for as long as it lasts; one for LocalQueues is, at each instant, what it
// keeps beside what their workloads use then. Since what these are planned to use takes the place of what is kept for them,
// it could hide behind that; so the law must also hold as if there were no windows.
func (s *World) PlanOverQuota() []string {
	var wrong []string
	for _, name := range sortedNodes(s.plans) {
		p := s.plans[name]
		open, cut := *p.plan, *p.plan
		open.Windows, open.Named = nil, nil
		cut.Windows, cut.Named = s.windowsOf(p)
		wrong = append(wrong, s.overQuota(p, open, "planned")...)
		wrong = append(wrong, s.overQuota(p, cut, "planned or kept")...)
	}
	return wrong
}

// overQuota lists where the reservations of a plan, with its windows, take a node over its limit.
func (s *World) overQuota(p *planner, plan timeline.Plan, what string) []string {
	var wrong []string
	all := plan.Chart("")
	plan.Held = nil
	running := plan.Chart("")
	for _, t := range all.Instants {
		use, alone := all.At(t), running.At(t)
		for n := range use {
			for f := range use[n] {
				if use[n][f] > all.Limit(n, f) && use[n][f] > alone[n][f] {
					wrong = append(wrong, fmt.Sprintf("%v: %d of %d of %v %s at %d", p.names[n], use[n][f], all.Limit(n, f), s.frs[f], what, t))
				}
			}
		}
	}
	return wrong
}

// Promises watches reservations along a history for the law of backfill: no reservation is ever delayed by a later arrival
// that could not preempt its holder, nor stands before it in its StrictFIFO queue, as long as limits are upper bounds. The
// zero value is ready.
type Promises struct {
	start map[UID]int64
}

// Arrived says that a workload has arrived, before the Decide that sees it: nothing is promised any more to those whom it could
// preempt if they ran, as far as policy and priority go, and to those behind it in its StrictFIFO queue.
func (p *Promises) Arrived(s *World, uid UID) {
	w := s.workloads[uid]
	for held := range p.start {
		if h := s.workloads[held]; h == nil || s.mayDelay(w, h) {
			delete(p.start, held)
		}
	}
}

// yieldsToSome says whether anybody who waits or has just been admitted may delay the reservation of h.
func (s *World) yieldsToSome(h *workload) bool {
	for _, w := range s.workloads {
		if w != h && (w.state == pending || w.began == s.now) && s.trees().byName[s.nodeOf(w)] != nil && s.mayDelay(w, h) {
			return true
		}
	}
	return false
}

// mayDelay says whether an arrival may delay the reservation of a workload of its tree.
func (s *World) mayDelay(w, h *workload) bool {
	q := s.queues[s.nodeOf(w).Name]
	if w == h || q == nil {
		return w == h
	}
	if s.nodeOf(w) == s.nodeOf(h) {
		return q.Strategy == StrictFIFO && before(w, h) || s.preemption && preemptsWithin(q.Preemption.WithinClusterQueue, w, h)
	}
	return s.preemption && preemptsElsewhere(q.Preemption.ReclaimWithinCohort, w, h)
}

// preemptsElsewhere says whether a workload could preempt one of another ClusterQueue if that ran, as far as the policy goes.
func preemptsElsewhere(policy PreemptionPolicy, w, victim *workload) bool {
	return policy == AnyPriority || preemptsWithin(policy, w, victim)
}

// Look compares the reservations with those of the last Look, and lists those who still wait and are now planned later than
// they were, or not at all. It is meant to be called after each Decide.
func (p *Promises) Look(s *World) []string {
	now := map[UID]int64{}
	for _, r := range s.Reservations() {
		now[r.UID] = r.Start
	}
	var broken []string
	for _, uid := range sortedKeys(uidText(p.start)) {
		w := s.workloads[UID(uid)]
		if w == nil || w.state != pending || s.barred(w) != "" || w.preempts || s.preemption && s.yieldsToSome(w) {
			continue
		}
		start, planned := now[UID(uid)]
		switch promised := p.start[UID(uid)]; {
		case !planned:
			broken = append(broken, fmt.Sprintf("%s has lost its reservation at %d", uid, promised))
		case start > promised:
			broken = append(broken, fmt.Sprintf("%s is planned at %d instead of %d", uid, start, promised))
		}
	}
	p.start = now
	return broken
}

// Unreserved lists, by UID, the blocked workloads that should hold a reservation and do not, though there is a place for one:
// of each ClusterQueue as many as its depth, EASY the first N, Conservative all. Meant for a state at rest, after Decide.
func (s *World) Unreserved() []UID {
	var all []UID
	for _, root := range s.trees().roots {
		p := s.plannerOf(root)
		if p == nil {
			continue
		}
		for _, q := range root.leaves() {
			plan, _ := s.toPlan(p, q)
			for _, w := range plan {
				if p.held(w.seen.UID) == nil && s.hasPlace(p, q, w) {
					all = append(all, w.seen.UID)
				}
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all
}

// hasPlace says whether a workload could be given a reservation beside all others. It need not if that would borrow and the
// ClusterQueue's reservations may not borrow more.
func (s *World) hasPlace(p *planner, q *node, w *workload) bool {
	own, policy := false, p.plan.Policies[p.index[q.Node]]
	borrowing := 0
	for _, h := range p.plan.Held {
		if h.Leaf == p.index[q.Node] && h.Borrows {
			borrowing++
		}
	}
	own = policy.Borrowing >= 0 && borrowing >= policy.Borrowing
	length := add(s.length(p, q.Name, w), s.slack)
	if s.behind && w.seen.Limit == 0 && !policy.BackfillUnlimited {
		length = timeline.Forever
	}
	for _, request := range s.alternatives(q, w) {
		if _, found := p.plan.ChartFor(s.planned(p, q, w), request).EarliestStart(p.index[q.Node], request, length, p.plan.Now, own); found {
			return true
		}
	}
	return false
}

// RefusedForNothing lists, by UID, the workloads that were refused by the timeline at the last look, though in one of their complete assignments
// they would delay nobody: it fits now, or does once victims whom section 5 finds are gone, and if they started with it no reservation
// but of those who give way would be lost, and quota and windows would be kept at every instant. Meant for a state at rest, and
// for workloads of one pod set, whose flavors the search finds.
func (s *World) RefusedForNothing() []UID {
	var all []UID
	for _, uid := range sortedKeys(s.byText()) {
		w := s.workloads[UID(uid)]
		if w.state != pending || s.barred(w) != "" || w.last == nil || w.last.kind != NoFit || !w.last.refused {
			continue
		}
		n := s.trees().byName[s.nodeOf(w)]
		if v := s.verdict(n, w, s.usageWithHolds(w.seen.UID)); v.kind != NoFit || !v.refused {
			continue // a rise has made another verdict of it, and wakes nobody
		}
		for _, v := range s.alternatives(n, w) {
			if s.delaysNobody(n, w, v) {
				all = append(all, w.seen.UID)
				break
			}
		}
	}
	return all
}

// delaysNobody says whether a workload that takes so much of each flavor-resource can have it now, or with victims, and takes it from nobody.
func (s *World) delaysNobody(n *node, w *workload, amounts []int64) bool {
	p := s.plannerOf(n)
	var request []use
	short, waits := map[int]bool{}, true
	for f, amount := range amounts {
		if amount == 0 {
			continue
		}
		request = append(request, use{f, amount})
		if !n.fits(s.usageWithHolds(w.seen.UID), f, amount) {
			short[f] = true
			waits = waits && s.problem(n, w, []use{{f, amount}}, map[int]bool{f: true}).fits(nil)
		}
	}
	off, holds := []UID{w.seen.UID}, len(short) > 0
	if holds {
		for f := range short {
			if amounts[f] > n.potential[f] || !waits && !s.mayPreempt(n, s.problem(n, w, nil, nil).held(nil), f, amounts[f]) {
				return false
			}
		}
		victims, planned := s.problem(n, w, request, short).solve()
		if !s.preemption || !planned {
			return false
		}
		for _, v := range victims {
			off = append(off, v.w.seen.UID)
		}
	}
	for _, r := range request {
		off = append(off, s.giving(p, n, w, r.f, r.amount)...)
	}
	wl := s.planned(p, n, w)
	wl.Alternatives = [][]int64{amounts}
	length := int64(timeline.Forever)
	if h := p.held(w.seen.UID); wl.Limit > 0 || p.plan.Policies[wl.Leaf].BackfillUnlimited || h != nil && h.Start <= p.plan.Now {
		length = s.length(p, n.Name, w)
	}
	if holds {
		length = add(length, s.slack)
	}
	before := p.without(off)
	after := *before
	after.Running = append(slices.Clone(before.Running), timeline.Running{Workload: wl, End: add(p.plan.Now, length)})
	return keepsAll(before, &after)
}

// keepsAll says whether after a change of a plan, which adds to what runs, all reservations can be kept that could be before, and no node
// is over its limit by more than before, neither with what windows keep nor without.
func keepsAll(before, after *timeline.Plan) bool {
	for _, h := range before.Held {
		request := h.Alternatives[h.Alternative]
		can := func(p *timeline.Plan) bool {
			return p.ChartFor(h.Workload, request).Fits(h.Leaf, request, h.Start, h.End)
		}
		if can(before) && !can(after) {
			return false
		}
	}
	bare, full := *before, *after
	bare.Windows, bare.Named, full.Windows, full.Named = nil, nil, nil, nil
	for _, pair := range [][2]*timeline.Chart{{before.Chart(""), after.Chart("")}, {bare.Chart(""), full.Chart("")}} {
		for _, t := range append(slices.Clone(pair[0].Instants), pair[1].Instants...) {
			was, is := pair[0].At(t), pair[1].At(t)
			for n := range is {
				for f := range is[n] {
					if is[n][f] > pair[1].Limit(n, f) && is[n][f] > was[n][f] {
						return false
					}
				}
			}
		}
	}
	return true
}
