package oracle

import (
	"fmt"
	"sort"
)

// Ledger watches the preemptions along a history for law 5: no pair of workloads preempts each other twice without a new
// arrival or edit in between. The zero value is ready.
type Ledger struct {
	last  map[[2]UID]UID // by pair: who preempted the other last
	turns map[[2]UID]int // by pair: how often it was the other's turn
	fair  map[UID]bool   // who was preempted by fair sharing
}

// Changed says that a workload arrived, or that somebody edited something: what was before does not count any more.
func (l *Ledger) Changed() { *l = Ledger{} }

// Evict notes a preemption and lists the pairs that have now preempted each other twice: one the other, the other the
// one, and again; and those whom fair sharing has now evicted again.
func (l *Ledger) Evict(e Evict) []string {
	if l.last == nil {
		l.last, l.turns, l.fair = map[[2]UID]UID{}, map[[2]UID]int{}, map[UID]bool{}
	}
	var wrong []string
	for _, v := range e.Victims {
		pair := [2]UID{min(e.Preemptor, v.UID), max(e.Preemptor, v.UID)}
		if before, known := l.last[pair]; known && before != e.Preemptor {
			if l.turns[pair]++; l.turns[pair] >= 2 {
				wrong = append(wrong, fmt.Sprintf("%s and %s preempt each other without end", pair[0], pair[1]))
			}
		}
		l.last[pair] = e.Preemptor
		if v.Reason == InCohortFairSharing {
			if l.fair[v.UID] {
				wrong = append(wrong, fmt.Sprintf("%s is evicted by fair sharing again", v.UID))
			}
			l.fair[v.UID] = true
		}
	}
	return wrong
}

// Evicting lists, by UID, the workloads that are evicted, or whose eviction is decided, but that still use quota.
func (s *World) Evicting() []UID {
	var all []UID
	for _, uid := range sortedKeys(s.byText()) {
		if s.workloads[UID(uid)].gone() {
			all = append(all, UID(uid))
		}
	}
	return all
}

// Protected says whether the workload holds quota and is within its minimum runtime.
func (s *World) Protected(uid UID) bool {
	w := s.workloads[uid]
	return w != nil && s.protectedUntil(w) > s.now
}

// Rest is what happened until the World came to rest.
type Rest struct {
	Passes   int
	Outcomes []Outcome // of every pass
	Ends     []End     // of holds, between passes too
	Broken   []string  // laws that were broken
}

// BringToRest lets the World go on without arrivals and edits: passes are run and, whenever one decides nothing, one
// evicted workload gives up its quota and waits again, which pick chooses among so many. It stops when nobody is
// evicted any more and a pass decides nothing, or after most passes. Broken lists: no rest after most passes; pairs that
// preempt each other twice; workloads evicted by fair sharing twice; preemptors that evicted somebody and were neither
// overtaken nor admitted in the end; and preemptors that still hold in the end.
func (s *World) BringToRest(pick func(n int) int, most int) Rest {
	var rest Rest
	var ledger Ledger
	waiting := map[UID]bool{} // those who have evicted somebody
	overtaken := func(ends []End) {
		rest.Ends = append(rest.Ends, ends...)
		for _, e := range ends {
			if e.Cause == EndOvertaken {
				delete(waiting, e.UID)
			}
		}
	}
	for rest.Passes < most {
		out := s.Apply(Decide{})
		rest.Passes++
		rest.Outcomes = append(rest.Outcomes, out)
		for _, e := range out.Evicts {
			waiting[e.Preemptor] = true
			rest.Broken = append(rest.Broken, ledger.Evict(e)...)
		}
		for _, a := range out.Admits { // also those who evicted in the same pass, before others gave up what they held
			delete(waiting, a.UID)
			s.Apply(Confirm{a.UID})
		}
		overtaken(out.Ends)
		if len(out.Admits)+len(out.Evicts) > 0 {
			continue
		}
		leaving := s.Evicting()
		if len(leaving) == 0 {
			for _, w := range s.preemptors() {
				rest.Broken = append(rest.Broken, fmt.Sprintf("%s holds in the end", w.seen.UID))
			}
			for _, uid := range sortedKeys(byText(waiting)) {
				rest.Broken = append(rest.Broken, fmt.Sprintf("%s evicted others and is not admitted", uid))
			}
			sort.Strings(rest.Broken)
			return rest
		}
		overtaken(s.release(leaving[pick(len(leaving))]))
	}
	rest.Broken = append(rest.Broken, fmt.Sprintf("no rest after %d passes", most))
	return rest
}

// Unclaimed lists, sorted, the pending workloads that could preempt now, or wait for those in flight, but hold nothing:
// by brute force, whatever is parked. Meant for a state at rest. It need not be empty, since admissions wake nobody: whoever
// is admitted later may be a victim for one that sleeps until something falls. Those held back and those whose
// clock has run out are left out.
func (s *World) Unclaimed() []UID {
	var all []UID
	for _, uid := range sortedKeys(s.byText()) {
		w := s.workloads[UID(uid)]
		if w.state != pending || w.preempts || s.barred(w) != "" || w.clock.runs && !w.clock.released && s.now >= w.clock.deadline {
			continue
		}
		n := s.trees().byName[s.nodeOf(w)]
		v := s.verdict(n, w, s.usageWithHolds(w.seen.UID))
		if v.planned && (n.queue.Strategy != StrictFIFO || s.mayPass(n, w, v)) {
			all = append(all, UID(uid))
		}
	}
	return all
}

// release takes an evicted workload's admission away; it waits again, Evicted still True.
func (s *World) release(uid UID) []End {
	w := s.workloads[uid]
	if w.state == assumed {
		w.state = admitted
	}
	seen := w.seen
	seen.Admission, seen.Evicted = nil, true
	return s.Apply(SetWorkload{seen}).Ends
}

func byText(set map[UID]bool) map[string]bool {
	all := map[string]bool{}
	for uid := range set {
		all[string(uid)] = true
	}
	return all
}

// WithinNominal lists the victims of other queues that may not be reclaimed from, since a node on the victim's path, below
// the ancestor in common with the preemptor, uses no more than its quota of anything, with all other victims and the
// evicted gone and this one present: a node within nominal is never reclaimed from. On the state before e.
func (s *World) WithinNominal(e Evict) []string {
	var wrong []string
	p := s.Problem(e.Preemptor, e.Hold)
	if p == nil {
		return nil
	}
	var victims []*victim
	for _, h := range p.p.holders {
		for _, v := range e.Victims {
			if v.UID == h.w.seen.UID {
				victims = append(victims, h)
			}
		}
	}
	for _, v := range victims {
		u := p.p.bare(except(victims, v))
		for _, n := range p.p.below(v) {
			if !n.borrows(u) {
				wrong = append(wrong, fmt.Sprintf("%s is reclaimed from %s, which is within its quota", v.w.seen.UID, n.Name))
			}
		}
	}
	return wrong
}

// WeightZeroFirst checks, under fair sharing, that nodes of weight 0 yield first: if a victim comes from a child of a node
// on the preemptor's path, which does not lead to the preemptor and has a positive weight, then the candidates below its
// siblings of weight 0, taken by themselves in the order of victims, are not enough. It lists the victims against which it
// speaks. On the state before e. (A set in another order may be: in 0.1 % of preemptions smaller victims, taken first, end the
// excess of a queue of weight 0 whose larger one alone would have been enough. See ExcessUsedUp.)
func (s *World) WeightZeroFirst(e Evict) []string {
	p := s.Problem(e.Preemptor, e.Hold)
	if !s.fairSharing || p == nil {
		return nil
	}
	top := func(v *victim) *node { path := p.p.below(v); return path[len(path)-1] }
	var wrong []string
	for _, c := range p.candidates {
		taken := false
		for _, v := range e.Victims {
			taken = taken || v.UID == c.w.seen.UID
		}
		if !taken || c.q == p.p.q || top(c).weight == 0 {
			continue
		}
		var weightless []*victim
		for _, z := range p.candidates {
			if z.q != p.p.q && top(z).weight == 0 && top(z).parent == top(c).parent {
				weightless = append(weightless, z)
			}
		}
		if enough, done := p.p.takeFairFrom(weightless, p.within); done {
			if plan, legal := p.p.settle(enough, p.p.fits, p.p.fairRule); legal {
				wrong = append(wrong, fmt.Sprintf("%s of ClusterQueue %s is taken, but %s and others of weight 0 would do",
					c.w.seen.UID, c.q.Name, plan[0].w.seen.UID))
			}
		}
	}
	return wrong
}
