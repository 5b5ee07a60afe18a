package oracle

import (
	"slices"
	"sort"
)

// tooManyTurns is a number of turns in one pass that no pass of a sane size needs.
const tooManyTurns = 20_000

// decide runs a pass in every tree, in order of root name.
func (s *World) decide() Outcome {
	var out Outcome
	for _, root := range s.trees().roots {
		s.pass(root, &out)
	}
	for uid, w := range s.workloads {
		if w.state == pending {
			out.Waits = append(out.Waits, s.wait(uid, w))
		}
	}
	sort.Slice(out.Waits, func(i, j int) bool { return out.Waits[i].UID < out.Waits[j].UID })
	return out
}

// wait says why a pending workload waits.
func (s *World) wait(uid UID, w *workload) Wait {
	out := Wait{UID: uid, Verdict: Untried, Parked: w.parked, HeldBack: w.heldBack}
	if r := s.barred(w); r != "" {
		out.Reason = r
		return out
	}
	if w.last == nil {
		out.Reason = PendingEvaluation
		return out
	}
	out.Verdict, out.Level, out.Reason = w.last.kind, w.last.level, w.last.reason
	switch {
	case w.preempts:
		out.Reason = WaitingForPreemptedWorkloads
	case w.heldBack:
		out.Reason = WaitingForQuota
	}
	return out
}

// pass is the procedure "A pass" of semantics section 4 in one tree.
func (s *World) pass(root *node, out *Outcome) {
	turns := 0
	s.beginPlan(root)
	for {
		acted := map[*node]bool{}
		for {
			s.storeInvalid(root, out)
			c := s.winner(root, acted)
			if c == nil {
				break
			}
			if turns++; turns > tooManyTurns {
				panic("oracle: the pass over the tree of " + root.Name + " does not end")
			}
			q, old := c.q, *c.stored
			s.store(q, out)
			now := s.stored[q.Name]
			if now.w != old.w || !now.v.same(old.v) {
				continue // decided on live state: compete again with the new key
			}
			s.act(q, now.w, now.v, out)
			acted[q] = true
			s.store(q, out)
		}
		if len(acted) == 0 {
			return
		}
	}
}

// storeInvalid looks again at the queues of the tree whose stored representative is not valid.
func (s *World) storeInvalid(root *node, out *Outcome) {
	for again := true; again; {
		again = false
		for _, q := range root.leaves() {
			if st := s.stored[q.Name]; st == nil || !st.valid {
				s.store(q, out)
				again = true
			}
		}
	}
}

// store finds the queue's representative: the first workload in its order that is not parked and may act.
func (s *World) store(q *node, out *Outcome) {
	st := &stored{valid: true}
	s.stored[q.Name] = st
	head := s.head(q.Name)
	for _, w := range s.members(q.Name) {
		if w.parked {
			continue
		}
		v := s.verdict(q, w, s.usageWithHolds(w.seen.UID))
		if w == head && w.last != nil && w.last.kind != v.kind {
			s.examineAgain(q.Name, w)
			st.valid = true
		}
		w.last, w.heldBack, w.gave = v, false, false
		if v.kind == NoFit {
			s.noteEnd(w, EndNoFit, out)
			s.setHold(w, "", nil, false)
			w.clock = holdClock{}
			s.park(q, w, v)
			continue
		}
		if q.queue.Strategy == StrictFIFO && !s.mayPass(q, w, v) {
			if w.preempts {
				s.noteEnd(w, EndOvertaken, out)
				s.setHold(w, "", nil, false)
				w.clock = holdClock{}
				s.replanStale(q)
			}
			w.heldBack = true
			continue
		}
		st.w, st.v = w, v
		return
	}
}

// act lets the representative have its turn.
func (s *World) act(q *node, w *workload, v *verdict, out *Outcome) {
	if s.firstBlind == BlindHolders && len(w.hold) == 0 {
		defer func() {
			if len(w.hold) > 0 { // now it does not see what is held for those after it
				s.wake(w)
			}
		}()
	}
	switch {
	case v.kind == Fit:
		out.Admits = append(out.Admits, s.admit(q, w, v))
	case v.planned:
		if !s.mayHold(w) {
			s.park(q, w, v)
			break
		}
		held := w.preempts && slices.Equal(w.hold, v.request)
		s.preempt(q, w, v, out)
		if held {
			s.park(q, w, v)
		} else {
			s.putAside(q, w, v)
			s.planPreempted(q)
		}
	default:
		if !w.preempts && s.mayHeadHold(q.Name, w) {
			s.setHold(w, q.Name, s.headHold(q, w, v), false)
		}
		s.park(q, w, v)
	}
}

// admit drops the workload's hold, charges it and takes it out of its queue, in one change.
func (s *World) admit(q *node, w *workload, v *verdict) Admit {
	wasHead := w == s.head(q.Name)
	s.giveWay(q, w, v)
	a := &Admission{ClusterQueue: q.Name, PodSets: v.podSets}
	s.violations = append(s.violations, s.CheckAdmit(w.seen.UID, *a)...)
	before := s.usageWithHolds("")
	w.admit(a, s.now)
	s.memoUsage, s.memoMembers = nil, nil
	s.wakeFalls(before, s.usageWithHolds(""), map[UID]bool{w.seen.UID: true})
	if wasHead {
		s.examineAgain(q.Name, nil)
	}
	s.planners()
	s.replanStale(q)
	return Admit{UID: w.seen.UID, Admission: *a}
}

// preempt holds the request and evicts the victims of the plan, of which there are none if those in flight suffice.
func (s *World) preempt(q *node, w *workload, v *verdict, out *Outcome) {
	e := Evict{Preemptor: w.seen.UID, Queue: q.Name, Hold: map[FlavorResource]int64{}, AfterAdmits: len(out.Admits)}
	for _, r := range v.request {
		e.Hold[s.frs[r.f]] = r.amount
	}
	if s.holdersKeep {
		e.PodSets = v.podSets
	}
	for _, victim := range v.victims {
		e.Victims = append(e.Victims, Victim{victim.w.seen.UID, victim.q.Name, victim.reason})
	}
	if len(e.Victims) > 0 {
		if s.judge != nil {
			s.illegal = append(s.illegal, s.judge(s, e)...)
		}
		out.Evicts = append(out.Evicts, e)
	}
	s.giveWay(q, w, v)
	s.evict(e)
	s.setHold(w, q.Name, v.request, true)
	w.keeps = v.podSets
}

// headHold is what a StrictFIFO head without victims holds: per flavor-resource
// max(0, min(request, nominal - usage)); if its assignment borrows, max(0, min(request, nominal + borrowingLimit -
// usage)), but nothing where reclaimWithinCohort is Any. See also Options.HeadsLeaveHolds.
func (s *World) headHold(q *node, w *workload, v *verdict) []use {
	usage, left := s.usageWithHolds(w.seen.UID)[q.index], s.problem(q, w, nil, nil).held(nil)
	if v.level > 0 && q.queue.Preemption.ReclaimWithinCohort == AnyPriority {
		return nil
	}
	var hold []use
	for _, r := range v.request {
		limit := q.quota[r.f].Nominal
		if v.level > 0 {
			if bl := q.quota[r.f].BorrowingLimit; bl != nil {
				limit = add(limit, *bl)
			} else {
				limit = add(r.amount, usage[r.f])
			}
		}
		if s.headsLeaveHolds {
			limit = min(limit, add(usage[r.f], q.available(left, r.f)))
		}
		limit = min(limit, add(usage[r.f], s.everAvailable(q, w, r.f)))
		if amount := min(r.amount, limit-usage[r.f]); amount > 0 {
			hold = append(hold, use{r.f, amount})
		}
	}
	return hold
}

// setHold replaces what is held for w.
func (s *World) setHold(w *workload, queue string, hold []use, preempts bool) {
	if !preempts || !w.preempts {
		w.began = s.now
	}
	w.preempts, w.keeps = preempts, nil
	if len(w.hold) == 0 && len(hold) == 0 {
		return
	}
	before := s.usageWithHolds("")
	w.hold, w.holdQueue = hold, queue
	s.memoUsage, s.memoMembers = nil, nil
	s.wakeFalls(before, s.usageWithHolds(""), map[UID]bool{w.seen.UID: true})
	s.planners()
}

// park puts w aside and plans anew, if need be.
func (s *World) park(q *node, w *workload, v *verdict) {
	s.putAside(q, w, v)
	s.planParked(q)
}

// putAside parks w until something wakes it. In a BestEffortFIFO queue, unless a plan was found, the later workloads
// of equal shape go with it.
func (s *World) putAside(q *node, w *workload, v *verdict) {
	w.parked = true
	if q.queue.Strategy == StrictFIFO || v.planned {
		return
	}
	shape := s.shape(q, w)
	for _, o := range s.members(q.Name) {
		if before(w, o) && !o.parked && len(o.hold) == 0 && !s.holdsReservation(q, o) && s.shape(q, o) == shape {
			o.parked, o.last, o.heldBack, o.gave = true, v, false, false
		}
	}
}
