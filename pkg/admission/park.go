package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
)

// park parks a class by a verdict, with whatever else of equal shape comes
// after its first workload in a BestEffortFIFO queue, and tells them why they
// wait. (Unless that one was tried first because quota is held for it, all that
// is active, or woken, comes after it.)
func (e *Engine) park(q *clusterQueue, c *queue.Class, v *verdict) {
	first := c.First()
	c = e.parkClass(q, c, v)
	if q.scope.calendar != nil {
		defer e.planParked(q)
	}
	if q.strict || !q.pending.RelatedTo(c) {
		return
	}
	for i := 0; i < len(q.pending.Active()); {
		o := q.pending.Active()[i]
		if !e.alike(c, o) || parksAlone(o) {
			i++
			continue
		}
		if o.First().Before(first) {
			e.parkLater(q, o, first, v)
			i++
			continue
		}
		e.parkClass(q, o, v)
	}
	if !q.woken() {
		return
	}
	for _, o := range slices.Clone(q.pending.Parked()) { // to rejoin changes the list, and may leave an empty class in the copy
		if o != c && o.Len() > 0 && q.eligible(o) && e.alike(c, o) && !parksAlone(o) {
			e.note(o, v)
			o.ParkedAt = e.clock
			switch {
			case v.refused && v.reason == waitingForQuota:
				e.tellRefused(q, o)
			case o.Plan.Volatile:
				e.tell(q, o, v.reason, Explanation{})
			}
			e.rejoin(q, o, v)
		}
	}
}

// parksAlone says that a class is one workload that is parked by its own verdict
// only: quota is held for it, or it holds a reservation.
func parksAlone(c *queue.Class) bool { return c.Alone() && c.First().Owner.(*workload).holds() }

// alike says whether two classes of a queue are of equal shape and priority:
// they may differ in names, and in selectors that open the same flavors.
func (e *Engine) alike(c, o *queue.Class) bool {
	return c.Priority == o.Priority && c.Limit == o.Limit && c.Plan.Form == o.Plan.Form && c.Plan.Opens(o.Plan) &&
		e.shapes.list[c.Shape].alike(e.shapes.list[o.Shape])
}

func (e *Engine) parkClass(q *clusterQueue, c *queue.Class, v *verdict) *queue.Class {
	if t := q.pending.Twin(c); t != nil && !c.Parked() && c.Plan.Wavers && !got(t, v) {
		return e.parkApart(q, c, v)
	}
	e.clock++
	e.note(c, v)
	c.First().Owner.(*workload).sight = sightNone
	epoch := q.pending.Epoch()
	switch {
	case !c.Parked():
		q.look(c, v)
		c = q.pending.Park(c, e.clock)
	case q.pending.Twin(c) != nil:
		c = q.pending.Wake(c)
		q.look(c, v)
		c = q.pending.Park(c, e.clock)
		e.note(c, v)
	default:
		q.look(c, v)
		c.ParkedAt = e.clock
	}
	if q.pending.Epoch() != epoch {
		q.scope.changed(q)
	}
	if v.again != 0 {
		if v.stopped {
			c.Tries++
		}
		e.alarm(q, v.again)
	}
	reason := v.reason
	if c.Alone() && c.First().Owner.(*workload).preempting() {
		reason = waitingForPreempted
	}
	if v.refused && reason == waitingForQuota {
		e.tellRefused(q, c)
		return c
	}
	if reason == waitingForQuota && c.Told() == delaysOthers {
		c.Tell(delaysOthers, func(i *queue.Item) {
			e.out = append(e.out, Wait{UID: i.UID, Reason: WaitingForQuota, Why: e.why(q, c, waitingForQuota)})
		})
		return c
	}
	e.tell(q, c, reason, Explanation{})
	if reason == v.reason {
		c = e.rejoin(q, c, v)
	}
	return c
}

// look notes that a class is parked by a verdict. In a StrictFIFO queue those who
// do not fit at all wait in their own right; of those who might preempt the first
// does, and holds the others back.
func (q *clusterQueue) look(c *queue.Class, v *verdict) {
	all := !q.strict || v.kind == noFit
	q.pending.Look(c, all)
	if !all {
		c.First().See(true)
	}
}

// rejoin lets a workload that was parked apart stand with its like again if
// they have got the same verdict by now.
func (e *Engine) rejoin(q *clusterQueue, c *queue.Class, v *verdict) *queue.Class {
	o := q.pending.Fellows(c)
	if o == nil || c.First().Owner.(*workload).holds() || !c.Plan.Wavers || !got(o, v) || q.woken() && q.eligible(o) {
		return c
	}
	return q.pending.Rejoin(c, e.clock)
}

// got says whether the last verdict on a parked class was such a one.
func got(c *queue.Class, v *verdict) bool {
	return c.Told() == v.reason && c.Notes(v.consulted, v.wide, int8(v.kind))
}

// parkApart parks the workloads of a class each alone, because those of their
// shape that are parked already got another verdict: other falls wake them.
func (e *Engine) parkApart(q *clusterQueue, c *queue.Class, v *verdict) *queue.Class {
	var items []*queue.Item
	c.Each(func(i *queue.Item) { items = append(items, i) })
	for _, i := range items {
		c = e.parkClass(q, q.pending.Isolate(i), v)
	}
	return c
}

// parkAlone parks a workload that has found victims. Those of equal shape behind
// it may preempt too.
func (e *Engine) parkAlone(q *clusterQueue, i *queue.Item, v *verdict, reason reasonCode) {
	c := q.pending.Isolate(i)
	q.scope.changed(q)
	v.reason = reason
	e.parkClass(q, c, v)
}

// parkLater parks those of a class that come after a workload.
func (e *Engine) parkLater(q *clusterQueue, c *queue.Class, i *queue.Item, v *verdict) {
	e.clock++
	if t := q.pending.Twin(c); t != nil && c.Plan.Wavers && !got(t, v) {
		var later []*queue.Item
		c.Each(func(o *queue.Item) {
			if i.Before(o) {
				later = append(later, o)
			}
		})
		for _, o := range later {
			e.parkClass(q, q.pending.Isolate(o), v)
		}
		return
	}
	if parked := q.pending.ParkAfter(c, i, e.clock); parked != nil {
		e.note(parked, v)
		parked.First().Owner.(*workload).sight = sightNone
		q.scope.changed(q)
		e.tell(q, parked, v.reason, Explanation{})
	}
}

// note keeps of a verdict on a class what tells whether a fall may change it.
func (e *Engine) note(c *queue.Class, v *verdict) {
	c.Consult(v.consulted)
	c.Wide, c.Kind, c.Refused = v.wide, int8(v.kind), v.refused
	c.Again = v.again
	if !v.stopped {
		c.Tries = 0
	}
}

// tell gives each workload of a class the reason why it waits, if it has not
// been told that reason.
func (e *Engine) tell(q *clusterQueue, c *queue.Class, reason reasonCode, why Explanation) {
	if c.Silent(reason) {
		return
	}
	c.Tell(reason, func(i *queue.Item) {
		if why == (Explanation{}) {
			why = e.why(q, c, reason)
		}
		e.out = append(e.out, Wait{UID: i.UID, Reason: reasonNames[reason], Why: why, Limit: limitNames[reason]})
	})
}
