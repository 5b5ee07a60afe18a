package oracle

import (
	"fmt"
	"maps"
	"slices"
	"sort"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

// blocked says whether a pending workload may hold a reservation: at the last look at it it waited for quota or was refused, or,
// if it holds one already, or held one that has given way since, fitted, and it has not had its turn. In a StrictFIFO queue it must
// also be one that need not wait for another before it, unless it fitted.
func (s *World) blocked(p *planner, q *node, w *workload) bool {
	switch {
	case w.last == nil || w.heldBack || w.preempts:
		return false
	case w.last.kind == Fit:
		return p.held(w.seen.UID) != nil || w.gave
	case w.last.reason != WaitingForQuota:
		return false
	}
	return q.queue.Strategy != StrictFIFO || s.mayPass(q, w, &verdict{request: s.anyOf(q, w)})
}

// anyOf is what a workload requests, in all flavors open to it.
func (s *World) anyOf(q *node, w *workload) []use {
	var all []use
	for f := range s.wants(q, w) {
		all = append(all, use{f: f})
	}
	return all
}

// toPlan lists those of a queue's blocked workloads that are to hold reservations: those who hold one already, but for those who
// give theirs up; and then, in order, the first of the others, up to the queue's depth. It also lists those who lose theirs.
func (s *World) toPlan(p *planner, q *node) (plan, lose []*workload) {
	var blocked []*workload
	for _, w := range s.members(q.Name) {
		if s.blocked(p, q, w) {
			blocked = append(blocked, w)
		}
	}
	sort.Slice(blocked, func(i, j int) bool { return before(blocked[i], blocked[j]) })
	depth := p.plan.Policies[p.index[q.Node]].Depth
	if depth < 0 {
		depth = len(blocked)
	}
	lose = s.giveUp(p, q, blocked)
	var keep, rest []*workload
	for _, w := range blocked {
		if p.held(w.seen.UID) == nil || slices.Contains(lose, w) {
			rest = append(rest, w)
		} else {
			keep = append(keep, w)
		}
	}
	keep = keep[:min(len(keep), depth)]
	return append(keep, rest[:min(len(rest), depth-len(keep))]...), lose
}

// giveUp lists those of a queue's blocked workloads, given in order, who give up their reservations: before whom one stands who holds
// none and could preempt them; but nobody does if none of these could have a place beside the reservations of all
// others (reading 81).
func (s *World) giveUp(p *planner, q *node, blocked []*workload) []*workload {
	var lose, claim []*workload
	var uids []string
	for i, w := range blocked {
		if !s.preemption || p.held(w.seen.UID) == nil {
			continue
		}
		n := len(claim)
		for _, first := range blocked[:i] {
			if p.held(first.seen.UID) == nil && preemptsWithin(q.queue.Preemption.WithinClusterQueue, first, w) {
				claim = append(claim, first)
			}
		}
		if len(claim) > n {
			lose, uids = append(lose, w), append(uids, string(w.seen.UID))
		}
	}
	if slices.ContainsFunc(claim, func(w *workload) bool { return p.plan.HasPlace(s.planned(p, q, w), uids) }) {
		return lose
	}
	return nil
}

// preemptsWithin says whether a workload could preempt another of its ClusterQueue if that ran.
func preemptsWithin(policy PreemptionPolicy, w, victim *workload) bool {
	lower := victim.seen.Priority < w.seen.Priority
	newer := victim.seen.Priority == w.seen.Priority && victim.seen.QueueTime > w.seen.QueueTime
	return policy == LowerPriority && lower || policy == LowerOrNewerEqualPriority && (lower || newer)
}

// replan plans the blocked workloads of the tree: once, and once more if somebody has lost his reservation by that, who stands among
// the others then (reading 80). Whoever's reservation is due that was made or moved by it, compared
// with before both, is woken.
func (s *World) replan(root *node) {
	p := s.plannerOf(root)
	if p == nil {
		return
	}
	eased, were := p.plan.Eased, p.reservations()
	if s.planOnce(root, p) {
		s.planOnce(root, p)
	}
	are := p.reservations()
	if !eased && maps.Equal(were, are) {
		p.plan.Eased = false // whoever gave way has got the same again
	}
	for uid := range p.due() {
		if are[string(uid)] != were[string(uid)] {
			s.wake(s.workloads[uid])
		}
	}
	s.wakeRefused(root)
}

// planOnce plans those chosen of all queues, merged by priority, queue time and UID. It says whether any of them held a reservation
// and has none now.
func (s *World) planOnce(root *node, p *planner) (lost bool) {
	var all, release []*workload
	for _, q := range root.leaves() {
		plan, lose := s.toPlan(p, q)
		all, release = append(all, plan...), append(release, lose...)
	}
	for _, w := range release {
		p.plan.Release(string(w.seen.UID))
	}
	sort.Slice(all, func(i, j int) bool { return before(all[i], all[j]) })
	var list []timeline.Workload
	for _, w := range all {
		list = append(list, s.planned(p, s.trees().byName[s.nodeOf(w)], w))
	}
	held := p.reservations()
	p.plan.Plan(list)
	p.forget()
	return slices.ContainsFunc(all, func(w *workload) bool { return held[string(w.seen.UID)] != "" && p.held(w.seen.UID) == nil })
}

// reservations are the reservations held, by holder, as text.
func (p *planner) reservations() map[string]string {
	all := map[string]string{}
	for _, h := range p.plan.Held {
		all[h.UID] = fmt.Sprint(h.Alternative, h.Start, h.End)
	}
	return all
}

// trimmed are vectors without the flavor-resources at their ends that nobody knew when they were shorter.
func trimmed(vectors [][]int64) [][]int64 {
	var out [][]int64
	for _, v := range vectors {
		for len(v) > 0 && v[len(v)-1] == 0 {
			v = v[:len(v)-1]
		}
		out = append(out, v)
	}
	return out
}

// everAvailable is what the ClusterQueue may use of a flavor-resource at every instant from now on, as the workload sees it, windows
// apart where nothing is reserved: a head of a queue without reservations holds no more, so that it delays nobody's.
func (s *World) everAvailable(q *node, w *workload, f int) int64 {
	p := s.plannerOf(q)
	if p == nil {
		return Unlimited
	}
	bare := *p.plan
	bare.Windows, bare.Named = nil, nil
	least := bare.Chart(string(w.seen.UID)).Least(p.index[q.Node], f, p.plan.Now, timeline.Forever)
	for _, h := range p.plan.Held {
		least = min(least, p.chart(w.seen.UID).Least(p.index[q.Node], f, h.Start, h.End))
	}
	return least
}

// holdsReservation says whether a workload of the ClusterQueue holds a reservation.
func (s *World) holdsReservation(q *node, w *workload) bool {
	p := s.plannerOf(q)
	return p != nil && p.held(w.seen.UID) != nil
}

// planned is the workload as the planner is told of it.
func (s *World) planned(p *planner, q *node, w *workload) timeline.Workload {
	t := timeline.Workload{UID: string(w.seen.UID), Group: group(w.seen.Namespace, w.seen.LocalQueue), Leaf: p.index[q.Node],
		Alternatives: s.alternatives(q, w), Limit: w.seen.Limit}
	t.Class = fmt.Sprint(t.Leaf, t.Limit, trimmed(t.Alternatives))
	t.Class += p.windowGroup(q, w)
	return t
}

// due lists those whose reservations have come due.
func (p *planner) due() map[UID]bool {
	due := map[UID]bool{}
	for _, h := range p.plan.Held {
		if h.Start <= p.plan.Now {
			due[UID(h.UID)] = true
		}
	}
	return due
}

// beginPlan is the planner's part of the beginning of a pass: time passes, the blocked are planned, and the holders of
// reservations that are due are woken.
func (s *World) beginPlan(root *node) {
	p := s.plannerOf(root)
	if p == nil {
		return
	}
	p.plan.Advance(s.now)
	p.forget()
	s.replan(root)
	for uid := range p.due() {
		s.wake(s.workloads[uid])
	}
}

// planParked plans anew if, now that a workload of a queue has been parked, the plan is stale, somebody who holds a reservation is not
// blocked any more, or one of that queue is to hold a reservation and has none.
func (s *World) planParked(q *node) {
	if p := s.plannerOf(q); p != nil && (p.plan.Stale() || s.outlived(p) || s.lacks(p, q)) {
		s.replan(q.top())
	}
}

// planPreempted plans anew, once, after the turn of one who has come to hold, or to hold something else, even if he has nobody evicted:
// as planParked, and also if in another queue of the tree one is to hold a reservation and has none.
func (s *World) planPreempted(q *node) {
	if p := s.plannerOf(q); p != nil && (p.plan.Stale() || s.outlived(p) || s.lacks(p, q.top().leaves()...)) {
		s.replan(q.top())
	}
}

// lacks says whether of some queue one is to hold a reservation and has none.
func (s *World) lacks(p *planner, queues ...*node) bool {
	return slices.ContainsFunc(queues, func(q *node) bool {
		plan, _ := s.toPlan(p, q)
		return slices.ContainsFunc(plan, func(w *workload) bool { return p.held(w.seen.UID) == nil })
	})
}

// replanStale plans the tree of a queue anew if the plan is stale.
func (s *World) replanStale(q *node) {
	if p := s.plannerOf(q); p != nil && p.plan.Stale() {
		s.replan(q.top())
	}
}

// outlived says whether somebody holds a reservation who is not blocked any more.
func (s *World) outlived(p *planner) bool {
	return slices.ContainsFunc(p.plan.Held, func(h timeline.Held) bool {
		w := s.workloads[UID(h.UID)]
		return !s.blocked(p, s.trees().byName[s.nodeOf(w)], w)
	})
}

// wakeRefused wakes whoever was refused, if anything was taken off the timeline since this was last asked.
func (s *World) wakeRefused(root *node) {
	p := s.plannerOf(root)
	if p == nil {
		return
	}
	if !p.plan.Eased {
		return
	}
	p.plan.Eased = false
	s.wakeWhere(root, nil, func(_ *node, v *verdict) bool { return v.refused })
}

// wakeAllRefused is wakeRefused in all trees.
func (s *World) wakeAllRefused() {
	for _, root := range s.trees().roots {
		s.wakeRefused(root)
	}
}

func sortedNodes[T any](m map[Node]T) []Node {
	var names []Node
	for n := range m {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool { return names[i].less(names[j]) })
	return names
}

// NextWake is the next instant at which time alone may change what a pass decides by the timeline: a planned start, or the
// beginning or end of a window. False if there is none.
func (s *World) NextWake() (int64, bool) {
	next, found := int64(0), false
	at := func(t int64) {
		if t > s.now && (!found || t < next) {
			next, found = t, true
		}
	}
	for _, name := range sortedKeys(s.windows) {
		if n := s.trees().byName[s.windows[name].Node]; n != nil && s.plannerOf(n) != nil {
			at(s.windows[name].Start)
			at(s.windows[name].end())
		}
	}
	for _, name := range sortedNodes(s.plans) {
		p := s.plans[name]
		for _, h := range p.plan.Held {
			at(h.Start)
		}
	}
	return next, found
}
