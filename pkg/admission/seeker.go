package admission

import "fairlead.dev/fairlead/pkg/queue"

// findSeeker finds the representative of a BestEffortFIFO queue where victims
// are sought: its first workload that is not parked and does not get NoFit,
// those for which quota is held before all others.
func (e *Engine) findSeeker(s *scope, q *clusterQueue) *queue.Item {
	v := &q.pass.verdict
	for again := true; again; {
		again = false
		var w seekers
		for i := w.next(q); i != nil; i = w.next(q) {
			e.judgeItem(q, i, v)
			if v.kind != noFit {
				return i
			}
			held := i.Owner.(*workload).hold != nil
			e.dropHold(q, i.Owner.(*workload), HoldUseless)
			e.park(q, i.Class(), v)
			if held {
				e.settleScope(s)
				e.wake(s)
				again = true
			}
		}
	}
	return nil
}

// seekers goes through what is not parked in a queue, those that hold first.
type seekers struct {
	holder *workload   // the last one
	last   *queue.Item // the last one of the others
}

func (w *seekers) next(q *clusterQueue) *queue.Item {
	if w.last == nil {
		for _, h := range q.holders {
			if !h.Class().Parked() && (w.holder == nil || w.holder.Before(&h.Item)) {
				w.holder = h
				return &h.Item
			}
		}
	}
	active := q.pending.Active()
	if w.last != nil {
		active = queue.After(active, w.last)
	}
	for _, c := range active {
		if i := c.First(); !i.Owner.(*workload).preempting() {
			w.last = i
			return i
		}
	}
	return nil
}
