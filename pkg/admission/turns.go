package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// turns counts the turns in which the queue, as things stand, would only park
// something before it comes to a workload that fits, or of which more than
// that must be known: the first of class first, nil if it never does. It stops
// counting past limit.
func (e *Engine) turns(q *clusterQueue, limit int) (first *queue.Class, turns int) {
	if q.scope.calendar != nil {
		return e.plannedTurns(q)
	}
	first = q.firstOf(func(c *queue.Class) bool { return c.Plan.Volatile || e.fits(q, c) })
	if first == nil && !q.scope.nested {
		return nil, 0
	}
	e.counted = e.counted[:0]
	w := q.walk()
	for c := w.next(); c != nil && c != first && turns <= limit; c = w.next() {
		if e.assessUnfit(q, c) == noCandidates && e.counts(q, c) {
			turns++
		}
	}
	return first, turns
}

// counts says whether a class takes a turn of its own, and is not parked with one
// counted before.
func (e *Engine) counts(q *clusterQueue, c *queue.Class) bool {
	if twin := q.pending.Twin(c); twin != nil && slices.Contains(e.counted, twin) {
		return false
	}
	if q.pending.RelatedTo(c) && !parksAlone(c) && slices.ContainsFunc(e.counted, func(o *queue.Class) bool { return e.alike(c, o) }) {
		return false
	}
	e.counted = append(e.counted, c)
	return true
}

// skip lets a queue take a number of turns in which it only parks something.
func (e *Engine) skip(q *clusterQueue, turns int) {
	w := q.walk()
	for turns > 0 {
		c := w.next()
		if c == nil {
			return
		}
		k, refused := e.assess(q, c)
		if k != noFit {
			turns--
		}
		if !e.idle(q, c, k, refused) {
			last := c.First()
			e.judgeClass(q, c, &e.spare)
			e.park(q, c, &e.spare)
			w = q.walkAfter(last)
		}
	}
}

// assess is the kind of verdict that a class would get now that may not start,
// and whether it would be refused.
func (e *Engine) assess(q *clusterQueue, c *queue.Class) (k kind, refused bool) {
	if q.scope.calendar != nil {
		return e.foresee(q, c)
	}
	return e.assessUnfit(q, c), false
}

// idle parks again, without a verdict, a woken class whose verdict would be of
// a known kind, and says whether it did. It must be clear that the class may not
// start.
func (e *Engine) idle(q *clusterQueue, c *queue.Class, k kind, refused bool) bool {
	return !q.pending.RelatedTo(c) && e.idleApart(q, c, k, refused)
}

// idleApart is idle for a class that leaves those alone that would be parked with
// it.
func (e *Engine) idleApart(q *clusterQueue, c *queue.Class, k kind, refused bool) bool {
	if e.literal || !c.Parked() || !c.Plan.Simple || len(q.pending.Active()) > 0 && q.pending.Twin(c) != nil ||
		q.scope.calendar != nil && (!q.settled() && (q.scope.calendar.fresh || c.First().Owner.(*workload).overrated()) || !knows(c, refused)) {
		return false
	}
	e.parkIdle(q, c, k, refused)
	return true
}

func (e *Engine) parkIdle(q *clusterQueue, c *queue.Class, k kind, refused bool) {
	e.clock++
	q.pending.Look(c, true)
	c.ParkedAt, c.Kind, c.Wide, c.Refused = e.clock, int8(k), k == noCandidates && q.wideVerdicts, refused
	if q.scope.calendar != nil {
		q.scope.calendar.overlook(c)
	}
}

// fits says whether the verdict on a class would be Fit now.
func (e *Engine) fits(q *clusterQueue, c *queue.Class) bool {
	p := c.Plan
	if !p.Simple || q.scope.tree.Huge() {
		e.judge(q, e.shapes.list[c.Shape], p, &e.spare)
		return e.spare.kind == fits
	}
	alts := p.Items[0].Alternatives
	for i := range alts {
		if q.roomFor(&alts[i]) {
			return true
		}
	}
	return false
}

// assessUnfit is the kind of verdict that a class would get now that does not
// fit.
func (e *Engine) assessUnfit(q *clusterQueue, c *queue.Class) kind {
	p := c.Plan
	switch {
	case p.IfShort == shortPreempts:
		return noCandidates
	case p.IfShort == shortNoFit:
		return noFit
	case !p.Simple || q.scope.tree.Huge():
		e.judge(q, e.shapes.list[c.Shape], p, &e.spare)
		return e.spare.kind
	}
	alts := p.Items[0].Alternatives
	for i := range alts {
		if q.mayPreemptFor(&alts[i]) {
			return noCandidates
		}
	}
	return noFit
}

// mayPreemptFor says whether the rules let a workload look for victims for
// whatever is short of an alternative.
func (q *clusterQueue) mayPreemptFor(alt *quota.Alternative) bool {
	if alt.IfShort != shortAsks {
		return alt.IfShort == shortPreempts
	}
	t := q.scope.tree
	for _, r := range alt.Requests {
		if r.Amount > t.Available(q.at, r.FR) && (r.Amount > t.Potential(q.at, r.FR) || !q.mayPreempt(r.FR, r.Amount)) {
			return false
		}
	}
	return true
}
