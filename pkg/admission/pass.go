package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// passState is what a pass knows of a queue. Between passes no queue stores a
// representative.
type passState struct {
	// item is the stored representative, nil if none; verdict is its verdict,
	// judged when the tree's version was version.
	item    *queue.Item
	version uint64
	// invalid: the representative is to be stored anew before the next choice.
	invalid, acted bool
	// hopefulAt is the version of the tree as of which the queue is hopeful;
	// hope, turns and first are its outlook.
	hope      bool
	turns     int32
	hopefulAt uint64
	first     *queue.Class
	// fallen are flavor-resources whose fall wakes parked classes of the
	// queue, if since is the scope's. Such a class is woken without being
	// touched: see eligible.
	since   uint64
	fallen  quota.Set
	room    [1]uint64 // for fallen
	verdict verdict
	last    verdict // the verdict before it
	// head is the first workload of a StrictFIFO queue when it was last
	// looked at.
	head     *queue.Item
	headKind kind      // of the head's last verdict
	blocked  quota.Set // room for findStrict
}

// pass admits everything in one tree that can be admitted now (semantics,
// section 4, "A pass").
//
//	wake ──> sprint ──> leap ──> store each invalid queue ──> winner on stored keys ──> store again
//	                     ^             ^                            │ none                │ the same?
//	                     │             │                            v                     v
//	                     └─────────────┴── next round, if    end of the round      act: admit, or park
//	                                       anybody acted
//
// The procedure is the page's. What it leaves out nobody could tell: see
// sprint, leap and goOn, and ranking and contest, which let a sprint look only at
// what has changed.
func (e *Engine) pass(s *scope) {
	s.preempting = e.preempting(s)
	s.eager, s.since = s.preempting || s.tree.Holds() || e.config.BlockAdmission || e.literal, 0
	born := !s.unborn
	s.begunAt = e.clock
	e.wake(s)
	if s.calendar != nil {
		e.beginPlan(s)
		defer e.schedule(s)
	}
	s.literal = s.calendar != nil && !born // reasons to wait may change
	ran, goOn := false, true
	if !s.fallenNow.Empty() {
		s.sortInvalid()
		if s.contests != nil {
			ran, goOn = e.sprintNested(s)
		} else {
			ran, goOn = e.sprintRanked(s)
		}
		if !ran {
			e.wakeLeaves(s)
		}
	}
	if !ran {
		s.sortInvalid()
		s.play = append(s.play[:0], s.invalid...)
		s.hopes = append(s.hopes[:0], s.invalid...)
		if s.calendar != nil {
			s.allPlay()
		}
		s.literal = s.literal || s.eager || slices.ContainsFunc(s.play, func(q *clusterQueue) bool { return q.strict || q.wavers() })
		ran, goOn = e.sprint(s)
	}
	if !goOn || !ran && !e.leap(s) {
		return
	}
	began := s.version
	if ran {
		began-- // it is another now
	}
	for {
		e.storeInvalid(s)
		leaf := s.tournament.Winner()
		if leaf < 0 {
			if len(s.acted) == 0 {
				return
			}
			s.nextRound()
			if began == s.version && !e.leap(s) {
				return
			}
			began = s.version
			continue
		}
		q := s.queues[leaf]
		if !e.recheck(s, q) {
			continue
		}
		if e.config.BlockAdmission && q.pass.verdict.kind == fits {
			s.ahead = q
			return
		}
		if e.act(q) && !e.goOn(s) {
			return
		}
		q.pass.acted = true
		s.acted = append(s.acted, q)
		e.store(s, q)
	}
}

// nextRound lets those take part again that have acted.
func (s *scope) nextRound() {
	acted := s.acted
	s.acted = s.acted[:0]
	for _, q := range acted {
		q.pass.acted = false
		if q.pass.item != nil {
			s.tournament.Enter(q.at)
		}
	}
}

// sortInvalid puts the queues to be stored into the order of the tree, however
// they have come.
func (s *scope) sortInvalid() {
	slices.SortFunc(s.invalid, func(a, b *clusterQueue) int { return int(a.at) - int(b.at) })
}

// storeInvalid stores the representatives that are not valid, in the order of
// the tree, until all are.
func (e *Engine) storeInvalid(s *scope) {
	for {
		if s.eager {
			e.settleScope(s)
			e.wake(s)
		} else {
			s.tree.CutTrail(0) // nothing fell
		}
		if len(s.invalid) == 0 {
			return
		}
		s.sortInvalid()
		list := s.invalid
		s.invalid = s.spare
		for _, q := range list {
			if q.pass.invalid {
				e.store(s, q)
			}
		}
		s.spare = list[:0]
	}
}

// recheck judges the winner on live usage and says whether it may act: whether
// it is still the same workload with the same verdict.
func (e *Engine) recheck(s *scope, q *clusterQueue) bool {
	if q.pass.version == s.version {
		return true
	}
	was := q.pass.item
	q.pass.verdict, q.pass.last = q.pass.last, q.pass.verdict
	e.store(s, q)
	return q.pass.item == was && q.pass.verdict.same(&q.pass.last)
}

// act lets a queue's representative do what its verdict says, and says whether
// that was to be admitted.
func (e *Engine) act(q *clusterQueue) bool {
	item, v := q.pass.item, &q.pass.verdict
	w := item.Owner.(*workload)
	switch {
	case v.kind == fits:
		e.giveWay(q, w, v)
		e.useHold(q, w, "")
		e.admit(q, w, v)
		e.planActed(q)
		return true
	case v.found() && w.hold != nil && w.hold.lapsed && !q.released(w.hold):
		e.parkAlone(q, item, v, holdTimedOut)
		e.planParked(q)
		return false
	case v.found() && e.preempt(q, w, v):
		e.parkAlone(q, item, v, waitingForPreempted)
		e.planParked(q)
		return false
	}
	if q.strict && q.pending.First() == item && q.policy.Depth == 0 {
		e.holdFor(q, w, v)
	}
	e.park(q, item.Class(), v)
	return false
}

// preempting says whether quota may be taken back in this pass, or whether some
// is on its way back.
func (e *Engine) preempting(s *scope) bool {
	if e.config.Preemption == nil {
		return false
	}
	return s.policies || s.tree.Leaving() || s.tree.Holds() && slices.ContainsFunc(s.byName, func(q *clusterQueue) bool {
		return slices.ContainsFunc(q.holders, (*workload).preempting)
	})
}

// store finds the queue's representative: its first workload that is not
// parked and may act.
func (e *Engine) store(s *scope, q *clusterQueue) {
	q.pass.invalid = false
	switch {
	case q.strict:
		q.pass.item = e.findStrict(q)
	case s.preempting:
		q.pass.item = e.findSeeker(s, q)
	default:
		q.pass.item = e.findBestEffort(s, q)
	}
	q.pass.version = s.version
	if s.calendar != nil && q.pass.item != nil {
		e.see(q, q.pass.item.Owner.(*workload), &q.pass.verdict)
	}
	switch {
	case q.pass.item != nil && !q.pass.acted:
		s.tournament.Enter(q.at)
	case s.tournament.Entered(q.at):
		s.tournament.Leave(q.at)
	}
}
