package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// hold is quota that is held for a pending workload.
//
//	victims found, or those leaving suffice ──> held ──> Admit
//	                                            │ ^ │
//	            a release renews the deadline:  └─┘ ├─ deadline ─> lapsed ── a release ──> may hold again
//	                                                └─ NoFit, change, deletion ─> gone
//
// A hold counts as usage at its holder's queue for everybody else (semantics,
// section 5).
type hold struct {
	amounts []quota.Request // in the forest's numbers
	// preempts: it began with a preemption and has a deadline; else it is that
	// of the head of a StrictFIFO queue (semantics, section 4).
	preempts         bool
	decidedAt, until int64
	// setAt is the engine's clock when until was set.
	setAt uint64
	// lapsed: a deadline has passed; what is held is held for a head.
	lapsed  bool
	victims []PreemptingVictim
	// assignment, with reduced pods fewer, is what the amounts are for; nil if
	// that is not known.
	assignment *Assignment
	reduced    int32
}

// held is what is held for the workload.
func (w *workload) held() []quota.Request {
	if w.hold == nil {
		return nil
	}
	return w.hold.amounts
}

// preempting says whether quota is held for the workload because of a
// preemption.
func (w *workload) preempting() bool {
	return w.hold != nil && w.hold.preempts
}

// headHolder is the workload for which the queue holds quota because it is the
// head of StrictFIFO, nil if there is none.
func (q *clusterQueue) headHolder() *workload {
	for _, w := range q.holders {
		if !w.hold.preempts {
			return w
		}
	}
	return nil
}

// setHold replaces what is held for a workload; only what really falls wakes
// anybody. Whoever calls it charts that, when it is known for how long.
func (e *Engine) setHold(q *clusterQueue, w *workload, amounts []quota.Request) {
	old := w.held()
	if w.hold == nil {
		w.hold = &hold{}
	}
	if !slices.Contains(q.holders, w) {
		at, _ := slices.BinarySearchFunc(q.holders, w, compareItems)
		q.holders = slices.Insert(q.holders, at, w)
		e.holders++
	}
	w.hold.amounts = amounts
	e.shiftHold(q, old, amounts)
}

func (e *Engine) shiftHold(q *clusterQueue, old, amounts []quota.Request) {
	for _, r := range amounts {
		e.changeHold(q, r.FR, r.Amount-requestOf(old, r.FR))
	}
	for _, r := range old {
		if requestOf(amounts, r.FR) == 0 {
			e.changeHold(q, r.FR, -r.Amount)
		}
	}
}

func compareItems(a, b *workload) int {
	switch {
	case a == b:
		return 0
	case a.Before(&b.Item):
		return -1
	}
	return 1
}

// dropHold gives back what is held for a workload. cause is why, "" if the
// shell need not be told.
func (e *Engine) dropHold(q *clusterQueue, w *workload, cause HoldEnd) {
	if w.hold != nil {
		e.unchart(q, w)
		e.useHold(q, w, cause)
	}
}

// useHold is dropHold but for the calendar, where what is held may be what is about
// to be used.
func (e *Engine) useHold(q *clusterQueue, w *workload, cause HoldEnd) {
	h := w.hold
	if h == nil {
		return
	}
	w.hold = nil
	if h.preempts {
		e.deadlines.Drop(&w.Item, h.until)
		if cause != "" {
			e.ended = append(e.ended, EndHold{UID: w.UID, Cause: cause})
		}
	}
	e.letGo(q, w, h)
}

// letGo ends a hold as far as quota of now goes.
func (e *Engine) letGo(q *clusterQueue, w *workload, h *hold) {
	if at := slices.Index(q.holders, w); at >= 0 {
		q.holders = slices.Delete(q.holders, at, at+1)
		e.holders--
	}
	amounts := h.amounts
	h.amounts = nil
	e.shiftHold(q, amounts, nil)
}

// dropHeadHold gives back what is held for a workload as the head of a
// StrictFIFO queue.
func (e *Engine) dropHeadHold(q *clusterQueue, w *workload) {
	if w.hold.lapsed {
		e.unchart(q, w)
		e.letGo(q, w, w.hold) // it remembers that its deadline has passed
		return
	}
	e.dropHold(q, w, "")
}

// tellEnded tells of holds that are no more.
func (e *Engine) tellEnded() {
	for _, d := range e.ended {
		e.out = append(e.out, d)
	}
	e.ended = e.ended[:0]
}

func (e *Engine) changeHold(q *clusterQueue, fr int32, delta quota.Amount) {
	if delta == 0 {
		return
	}
	if t := e.forest.Hold(q.node, fr, delta); t != nil {
		if delta < 0 {
			q.scope.eager = true
		}
		e.moved(q, t)
		q.scope.tournament.Rekey(q.at)
	}
}

// lift takes a workload's hold off (-1) or puts it back (+1) while it is
// judged. Nobody sees it.
func (e *Engine) lift(q *clusterQueue, w *workload, sign quota.Amount) {
	trail := len(q.scope.tree.Trail())
	for _, r := range w.held() {
		e.forest.Hold(q.node, r.FR, sign*r.Amount)
	}
	q.scope.tree.CutTrail(trail)
}

// expire ends the holds whose deadline has passed, which wakes their holders
// too: they hold nothing again, and evict nobody, before quota is released.
func (e *Engine) expire() {
	for i := e.deadlines.Pop(e.now); i != nil; i = e.deadlines.Pop(e.now) {
		w := i.Owner.(*workload)
		q, h := w.local.target, w.hold
		h.lapsed, h.preempts = true, false
		e.unchart(q, w)
		e.letGo(q, w, h)
		e.ended = append(e.ended, EndHold{UID: w.UID, Cause: HoldTimedOut})
		if c := w.Class(); c.Parked() {
			q.pending.Wake(c)
		}
		q.scope.invalidate(q)
		e.markDirty(q.scope)
	}
}

// released says whether quota was given back in the queue's tree since the
// deadline of a hold was set.
func (q *clusterQueue) released(h *hold) bool {
	return max(q.releasedAt, q.scope.releasedAt) > h.setAt
}

// holdFor holds quota for the head of a StrictFIFO queue that does not fit and
// has nobody to preempt, so that nobody takes what it waits for (semantics,
// section 4), but no more than is available to it (ADR 0006, A7). The hold of a
// preemption stays as it is.
func (e *Engine) holdFor(q *clusterQueue, w *workload, v *verdict) {
	if w.preempting() {
		return
	}
	t := q.scope.tree
	e.lift(q, w, -1)
	var amounts []quota.Request
	for _, r := range v.charges {
		room := quota.AddSaturating(t.Nominal(q.at, r.FR), -t.Usage(q.at, r.FR))
		if v.level > 0 {
			if q.spec.Preemption.ReclaimWithinCohort == "Any" {
				continue
			}
			room = quota.AddSaturating(room, t.At(q.at, r.FR).BorrowingLimit)
		}
		room = min(room, t.Ahead().Available(q.at, r.FR))
		if c := q.calendar(); c != nil && room > 0 {
			room = c.planner.Ever(w.UID, q.at, r.FR, min(room, r.Amount))
		}
		if amount := min(r.Amount, room, t.Countable(q.at, r.FR)); amount > 0 {
			amounts = append(amounts, quota.Request{FR: t.Global(r.FR), Amount: amount})
		}
	}
	e.lift(q, w, +1)
	e.setHold(q, w, amounts)
	if !w.hold.preempts {
		e.chart(q, w, amounts)
	}
}
