package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// What a calendar's planner is told of those that run, or for whom quota is held.

// charted is what the planner was told of a workload. (In ends: planned is
// until when it was planned in the end.)
type charted struct {
	queue    *clusterQueue
	local    localName
	requests []quota.Request
	end      int64
	limit    int64
	planned  int64
}

// same says whether what is charted of a workload need not be charted again.
func (was *charted) same(now *charted) bool {
	return was.queue == now.queue && was.local == now.local && was.end == now.end && was.limit == now.limit && equalCharges(was.requests, now.requests)
}

// span is for how long a workload is planned in the queue.
func (q *clusterQueue) span(w *workload) int64 {
	if w.limit > 0 {
		return w.limit
	}
	return q.policy.Default
}

// plannedEnd is until when a workload uses quota of the queue, as far as is
// known. The head of a StrictFIFO queue that plans nothing holds its own without
// end.
func (w *workload) plannedEnd(q *clusterQueue) int64 {
	if w.hold != nil && !w.hold.preempts {
		return timeline.Forever
	}
	end := timeline.After(w.began, q.span(w))
	if w.hold != nil {
		end = timeline.After(end, q.scope.calendar.slack) // it starts later
	}
	return end
}

// chart tells the planner what a workload uses, or what is held for it, and
// until when; it costs nothing if the planner knows. While there is no planner yet
// it only sees to it that no end is kept by which the workload was planned before
// this change.
func (e *Engine) chart(q *clusterQueue, w *workload, requests []quota.Request) {
	c := q.future()
	if c == nil {
		return
	}
	if usesNothing(requests) {
		e.giveUp(q, w)
		e.unchart(q, w)
		return
	}
	now := charted{queue: q, local: w.local.name, requests: requests, end: w.plannedEnd(q), limit: w.limit}
	if !c.filled() {
		if was, known := c.ends[w]; known && !was.same(&now) {
			delete(c.ends, w)
		}
		return
	}
	was, known := c.charted[w]
	if known && was.queue == q && was.local == now.local && was.end == now.end && was.limit == now.limit && sameSlice(was.requests, requests) {
		return
	}
	c.charted[w] = now
	if known && was.same(&now) {
		return
	}
	c.planner.Advance(e.decidedAt)
	c.planner.Run(plan.Workload{UID: w.UID, Leaf: q.at, Alternatives: [][]quota.Request{c.local(q.scope, requests)}, Limit: w.limit, Group: c.group(w, q)}, 0, now.end)
	c.held = c.held || w.preempting()
	q.unreserve(w)
	q.scope.version++
	e.markDirty(q.scope)
}

// usesNothing says of whom the planner is not told: when he ends, nothing is taken
// off the timeline.
func usesNothing(requests []quota.Request) bool {
	return !slices.ContainsFunc(requests, func(r quota.Request) bool { return r.Amount > 0 })
}

func sameSlice(a, b []quota.Request) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// local is what requests are in the timeline's numbers. What no quota of the
// tree lists nobody can ask for, and it is left out.
func (c *calendar) local(s *scope, requests []quota.Request) []quota.Request {
	list := make([]quota.Request, 0, len(requests))
	for _, r := range requests {
		if f := s.tree.Local(r.FR); f >= 0 && f < c.planner.Timeline().FlavorResources() && r.Amount > 0 {
			list = append(list, quota.Request{FR: f, Amount: r.Amount})
		}
	}
	return list
}

// unchart says that a workload uses nothing any more.
func (e *Engine) unchart(q *clusterQueue, w *workload) {
	c := q.future()
	if c == nil {
		return
	}
	delete(c.ends, w)
	if _, known := c.charted[w]; known {
		delete(c.charted, w)
		c.planner.Finish(w.UID)
		q.scope.version++
		e.markDirty(q.scope)
	}
}

// giveUp takes a workload's reservation away because it leaves its queue.
func (e *Engine) giveUp(q *clusterQueue, w *workload) {
	if !w.reserved {
		return
	}
	q.unreserve(w)
	if c := q.calendar(); c != nil {
		c.planner.Release(w.UID)
		q.scope.version++
		e.markDirty(q.scope)
	}
}

// setReserved notes that a workload holds a reservation.
func (w *workload) setReserved() {
	q := w.local.target
	w.reserved = true
	q.reserved = append(q.reserved, w)
	q.pending.SetApart(&w.Item)
}

func (q *clusterQueue) unreserve(w *workload) {
	w.reserved = false
	if at := slices.Index(q.reserved, w); at >= 0 {
		q.reserved = slices.Delete(q.reserved, at, at+1)
	}
}
