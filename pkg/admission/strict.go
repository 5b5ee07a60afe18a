package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
)

// findStrict finds the representative of a StrictFIFO queue: the first
// workload that is not parked and that no earlier waiting one holds back. One
// is held back if its own verdict assigns a flavor-resource that an earlier
// waiting workload requests in any flavor open to it (semantics, section 4).
//
// A workload that waits holds back all of equal shape behind it; so each class
// is looked at once, by its first workload.
func (e *Engine) findStrict(q *clusterQueue) *queue.Item {
	blocked := &q.pass.blocked
	blocked.Clear()
	v := &q.pass.verdict
	var last *queue.Item
	for {
		c := q.nextClass(last)
		if c == nil {
			return nil
		}
		last = c.First()
		if !c.Parked() {
			e.judgeItem(q, last, v)
			if last == q.pending.First() {
				e.seeHead(q, v.kind)
				c = last.Class()
			}
			switch {
			case v.kind == noFit:
				e.dropHold(q, last.Owner.(*workload), HoldUseless)
				e.park(q, c, v)
			case q.heldBack(v):
				e.note(c, v)
				q.pending.Look(c, false)
				if w := last.Owner.(*workload); w.preempting() {
					e.dropHold(q, w, HoldOvertaken)
				}
				e.tell(q, c, waitingForQuota, Say(heldBackMessage))
			default:
				return last
			}
		}
		blocked.Join(c.Plan.Requested)
	}
}

// heldBack says whether a verdict assigns what an earlier workload waits for.
func (q *clusterQueue) heldBack(v *verdict) bool {
	for _, r := range v.charges {
		if q.pass.blocked.Has(r.FR) {
			return true
		}
	}
	return false
}

// nextClass is the class, parked or not, whose first workload is the next
// after last; the first class if last is nil.
func (q *clusterQueue) nextClass(last *queue.Item) *queue.Class {
	next := func(list []*queue.Class) *queue.Class {
		if last != nil {
			list = queue.After(list, last)
		}
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	a, p := next(q.pending.Active()), next(q.pending.Parked())
	if a == nil || p != nil && p.First().Before(a.First()) {
		return p
	}
	return a
}

// seeHead notes the kind of the head's verdict; if it has changed the queue is
// examined again.
func (e *Engine) seeHead(q *clusterQueue, k kind) {
	if k > noCandidates && k < fits {
		k = noCandidates // all are Preempt
	}
	if q.pass.headKind != unseen && q.pass.headKind != k {
		q.pending.WakeAll()
	}
	q.pass.headKind = k
}

// watchHolders ends the holds of preemptors that have been overtaken by a
// workload that asks for something of what is held: they may not pass it, and it
// may not have that.
func (e *Engine) watchHolders(q *clusterQueue) {
	if len(q.holders) == 0 || q.scope == nil || q.scope.tree.Stale() {
		return
	}
	for _, w := range slices.Clone(q.holders) {
		if w.preempting() && q.overtaken(w) {
			e.dropHold(q, w, HoldOvertaken)
			if c := w.Class(); c.Parked() {
				q.pending.Wake(c)
			}
			q.scope.invalidate(q)
			e.markDirty(q.scope)
		}
	}
}

func (q *clusterQueue) overtaken(w *workload) bool {
	for _, list := range [][]*queue.Class{q.pending.Active(), q.pending.Parked()} {
		for _, c := range list {
			if !c.First().Before(&w.Item) {
				break
			}
			for _, r := range w.hold.amounts {
				if f := q.scope.tree.Local(r.FR); f >= 0 && c.Plan.Requested.Has(f) {
					return true
				}
			}
		}
	}
	return false
}

// watchHead notices that a StrictFIFO queue has another head: what was held
// for the old one is given back, and the queue is examined again.
func (e *Engine) watchHead(q *clusterQueue) {
	if q.scope == nil || q.scope.tree.Stale() {
		return // sync will watch
	}
	head := q.pending.First()
	if head == q.pass.head {
		return
	}
	q.pass.head, q.pass.headKind = head, unseen
	if h := q.headHolder(); h != nil && &h.Item != head {
		e.dropHeadHold(q, h)
	}
	q.pending.WakeAll()
	if head != nil {
		q.scope.invalidate(q)
		e.markDirty(q.scope)
	}
}
