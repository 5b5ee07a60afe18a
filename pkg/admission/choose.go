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
		var claim []*workload
		for _, h := range held {
			if by := q.yieldsTo(h, q.firstBlocked(1<<30, &h.Item, nil)); len(by) > 0 {
				lose, claim = append(lose, h), append(claim, by...)
			}
		}
		lose = e.displaced(q, lose, claim)
		kept := slices.DeleteFunc(held, func(h *workload) bool { return slices.Contains(lose, h) })
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
	var found, others, claim []*workload // found: all in order; others: of these who hold none
	held := 0
	for k := q.nextClass(nil); k != nil && (len(others) < q.policy.Depth || held < len(q.reserved)); k = q.nextClass(k.First()) {
		w := k.First().Owner.(*workload)
		if w.reserved {
			held++
		}
		if w.isBlocked() && !before.Meets(k.Plan.Requested) {
			if found = append(found, w); !w.reserved {
				others = append(others, w)
			} else if e.mayYield(q) {
				if by := q.yieldsTo(w, others); len(by) > 0 {
					lose, claim = append(lose, w), append(claim, by...)
				}
			}
		}
		before.Join(k.Plan.Requested)
	}
	lose = e.displaced(q, lose, claim)
	most := len(list) + q.policy.Depth
	for _, keeps := range []bool{true, false} {
		for _, w := range found {
			if len(list) < most && keeps == (w.reserved && !slices.Contains(lose, w)) {
				list = append(list, w)
			}
		}
	}
	return list, lose
}

// displaced are those of the losers that have to give up their places to claimants:
// all, if there is a place for one of these then, else none.
func (e *Engine) displaced(q *clusterQueue, lose, claim []*workload) []*workload {
	if len(lose) == 0 {
		return nil
	}
	uids := make([]string, len(lose))
	for i, h := range lose {
		uids[i] = h.UID
	}
	if slices.ContainsFunc(claim, func(w *workload) bool { return q.calendar().planner.Placeable(e.planned(w), uids) }) {
		return lose
	}
	return nil
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

// yieldsTo are those, of workloads that are blocked before the holder of a
// reservation and hold none, that might preempt it if it ran.
func (q *clusterQueue) yieldsTo(h *workload, before []*workload) (list []*workload) {
	for _, w := range before {
		lower := h.Priority < w.Priority
		newer := q.spec.Preemption.WithinClusterQueue == "LowerOrNewerEqualPriority" && h.Priority == w.Priority && h.Time > w.Time
		if lower || newer {
			list = append(list, w)
		}
	}
	return list
}
