package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// Who is to hold reservations: of each queue the first that are blocked.

// choose appends those of a queue's blocked workloads that are to hold
// reservations: those that hold one, but for whom one before them that holds
// none might preempt, then the first of the others. It also lists those who
// lose theirs to such a one.
func (e *Engine) choose(q *clusterQueue, list []*workload) (chosen, lose []*workload) {
	if q.strict {
		return e.chooseStrict(q, list)
	}
	began := len(list)
	for _, w := range q.reserved {
		if w.isBlocked() {
			list = append(list, w)
		}
	}
	held := list[began:]
	slices.SortFunc(held, compareItems)
	if e.mayYield(q) {
		kept := held[:0]
		for _, h := range held {
			if q.yields(h, q.firstBlocked(1<<30, &h.Item, nil)) {
				lose = append(lose, h)
				continue
			}
			kept = append(kept, h)
		}
		list = list[:began+len(kept)]
	}
	left := q.policy.Depth - (len(list) - began)
	if left <= 0 {
		return list[:began+q.policy.Depth], lose
	}
	return append(list, q.firstBlocked(left, nil, lose)...), lose
}

// chooseStrict is choose for a StrictFIFO queue: of those that are blocked only
// those that need not wait for one before them, whether that one is blocked or
// not.
func (e *Engine) chooseStrict(q *clusterQueue, list []*workload) (chosen, lose []*workload) {
	var before quota.Set
	var others []*workload
	held := 0
	most := len(list) + q.policy.Depth
	for k := q.nextClass(nil); k != nil && (len(others) < q.policy.Depth || held < len(q.reserved)); k = q.nextClass(k.First()) {
		w := k.First().Owner.(*workload)
		if w.reserved {
			held++
		}
		switch {
		case !w.isBlocked() || before.Meets(k.Plan.Requested):
		case w.reserved && (!e.mayYield(q) || !q.yields(w, others)):
			list = append(list, w)
		default:
			if w.reserved {
				lose = append(lose, w)
			}
			others = append(others, w)
		}
		before.Join(k.Plan.Requested)
	}
	list = list[:min(len(list), most)]
	return append(list, others[:min(len(others), most-len(list))]...), lose
}

// firstBlocked are the first n blocked workloads of the queue that hold no
// reservation, or are to lose it, in its order, of those before a given one, if
// one is given.
func (q *clusterQueue) firstBlocked(n int, before *queue.Item, lose []*workload) []*workload {
	var found []*workload
	if n == 0 {
		return nil
	}
	for _, classes := range [][]*queue.Class{q.pending.Active(), q.pending.Parked()} {
		for _, k := range classes {
			if before != nil && !k.First().Before(before) {
				break
			}
			if len(found) >= n && !k.First().Before(&found[n-1].Item) {
				break
			}
			got := 0
			k.Find(func(i *queue.Item) bool {
				w := i.Owner.(*workload)
				if w.isBlocked() && (!w.reserved || slices.Contains(lose, w)) && (before == nil || i.Before(before)) {
					found = append(found, w)
					got++
				}
				return got == n
			})
			slices.SortFunc(found, compareItems)
			found = found[:min(n, len(found))]
		}
	}
	return found
}

// mayYield says whether workloads of the queue may preempt others of it.
func (e *Engine) mayYield(q *clusterQueue) bool {
	return e.config.Preemption != nil && mayPreempt(q.spec.Preemption.WithinClusterQueue)
}

// yields says whether one of those that are blocked before the holder of a
// reservation, and hold none, might preempt it if it ran.
func (q *clusterQueue) yields(h *workload, before []*workload) bool {
	return slices.ContainsFunc(before, func(w *workload) bool {
		lower := h.Priority < w.Priority
		newer := q.spec.Preemption.WithinClusterQueue == "LowerOrNewerEqualPriority" && h.Priority == w.Priority && h.Time > w.Time
		return !w.reserved && (lower || newer)
	})
}
