package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// findBestEffort finds the representative of a BestEffortFIFO queue: its first
// workload that is not parked and does not get NoFit.
func (e *Engine) findBestEffort(s *scope, q *clusterQueue) *queue.Item {
	if !s.eager && !s.nested && !e.hopeful(q) && !q.wavers() {
		e.retire(q)
		return nil
	}
	w := q.walk()
	for c := w.next(); c != nil; c = w.next() {
		if c.Parked() && e.passesOver(q, c) {
			continue
		}
		last, v := c.First(), &q.pass.verdict
		v.starter = q.starter(last.Owner.(*workload))
		e.judge(q, e.shapes.list[c.Shape], c.Plan, v)
		v.starter = nil
		if v.kind != noFit {
			if c.Parked() && q.pending.Twin(c) != nil {
				c = q.pending.Wake(c)
			}
			return c.First()
		}
		e.park(q, c, v)
		w = q.walkAfter(last)
	}
	return nil
}

// passesOver parks again a class that has been woken and gets NoFit, if that can
// be seen without a verdict, and says whether it did.
func (e *Engine) passesOver(q *clusterQueue, c *queue.Class) bool {
	if q.scope.calendar != nil {
		k, refused := e.foresee(q, c)
		return k == noFit && e.idle(q, c, k, refused)
	}
	return c.Plan.IfShort == shortNoFit && !e.fits(q, c) && e.idle(q, c, noFit, false)
}

// fell says whether a fall of usage may have woken parked classes of the queue
// that were only looked at.
func (q *clusterQueue) fell() bool { return q.scope.since != 0 && q.pass.since == q.scope.since }

// woken says whether parked classes that were only looked at may have been
// woken, by a fall of usage or because something was taken off the timeline.
func (q *clusterQueue) woken() bool { return q.fell() || q.scope.easedAt != 0 }

// eligible says whether a parked class has been woken so. It then counts as
// active, although it stays where it is.
func (q *clusterQueue) eligible(c *queue.Class) bool {
	s := q.scope
	return c.ParkedAt <= s.since && q.fell() && (c.Wide || c.Consulted(q.pass.fallen)) || c.Refused && c.ParkedAt <= s.easedAt
}

// walk goes through the classes of a queue that are not parked or have been
// woken, in the queue's order. The queue must not be changed meanwhile.
type walk struct {
	q              *clusterQueue
	active, parked []*queue.Class
}

func (q *clusterQueue) walk() walk {
	w := walk{q: q, active: q.pending.Active()}
	if q.woken() {
		w.parked = q.pending.Parked()
	}
	return w
}

// walkAfter goes on behind last: whoever has been woken before it, by what was
// parked meanwhile, is looked at when the queue is next.
func (q *clusterQueue) walkAfter(last *queue.Item) walk {
	w := q.walk()
	w.active, w.parked = queue.After(w.active, last), queue.After(w.parked, last)
	return w
}

func (w *walk) next() *queue.Class {
	for len(w.parked) > 0 {
		c := w.parked[0]
		if len(w.active) > 0 && w.active[0].First().Before(c.First()) {
			break
		}
		w.parked = w.parked[1:]
		if w.q.eligible(c) {
			return c
		}
	}
	if len(w.active) == 0 {
		return nil
	}
	c := w.active[0]
	w.active = w.active[1:]
	return c
}

// hopeful is false only if no workload of the queue that is not parked fits,
// nor will until some usage falls: then all that is left for the queue to do
// is to park them, turn by turn. A StrictFIFO queue has to take its turn,
// because its head may hold quota by it.
func (e *Engine) hopeful(q *clusterQueue) bool {
	if q.strict {
		return q.pass.item != nil || q.pass.invalid
	}
	if q.pass.hopefulAt == q.scope.version {
		return true
	}
	if q.scope.calendar != nil {
		return e.plannedHope(q)
	}
	might := func(c *queue.Class) bool { return q.mightFit(c.Plan) }
	if q.firstOf(might) == nil {
		return false
	}
	q.pass.hopefulAt = q.scope.version
	return true
}

// wavers says whether the queue has a class that is not parked, or has been
// woken, of which it matters when it is judged, although it does not fit: what
// it will be woken by depends on usage.
func (q *clusterQueue) wavers() bool {
	return slices.ContainsFunc(q.pending.Complex(), func(t *queue.Twins) bool {
		return t.Active != nil && t.Active.Plan.Wavers ||
			t.Parked != nil && t.Parked.Plan.Wavers && q.woken() && q.eligible(t.Parked)
	})
}

// firstOf is the first class in the queue's order, of those that are not
// parked or have been woken, that satisfies a condition which no class does
// that does not fit. A parked class can only fit through what fell since: so
// only those are looked at whose need of that there is room for.
func (q *clusterQueue) firstOf(fit func(*queue.Class) bool) *queue.Class {
	var first *queue.Class
	for _, c := range q.pending.Active() {
		if fit(c) {
			first = c
			break
		}
	}
	if !q.woken() {
		return first
	}
	try := func(c *queue.Class) {
		if c != nil && q.eligible(c) && (first == nil || c.First().Before(first.First())) && fit(c) {
			first = c
		}
	}
	q.pass.fallen.Each(func(f int32) bool {
		needs := q.pending.Needs(f)
		if len(needs) == 0 {
			return true
		}
		t := q.scope.tree
		room := t.Available(q.at, f)
		other, otherRoom := int32(-1), quota.Amount(0)
		for i := range needs {
			n := &needs[i]
			if n.Amount > room {
				break
			}
			if n.Other > 0 && n.OtherFR != other {
				other, otherRoom = n.OtherFR, t.Available(q.at, n.OtherFR)
			}
			if n.Other == 0 || n.Other <= otherRoom {
				try(n.Parked)
			}
		}
		return true
	})
	for _, t := range q.pending.Complex() {
		try(t.Parked)
	}
	return first
}

// retire parks all that is left of a queue without hope.
func (e *Engine) retire(q *clusterQueue) {
	if q.scope.calendar != nil {
		e.retirePlanned(q)
		return
	}
	q.pass.since = 0
	v := &q.pass.verdict
	for active := q.pending.Active(); len(active) > 0; active = q.pending.Active() {
		c := active[0]
		if !e.recall(q, c, v) {
			e.judge(q, e.shapes.list[c.Shape], c.Plan, v)
		}
		e.park(q, c, v)
	}
}

// recall says what the verdict on a class that does not fit would be, as far as
// parking it needs that, from the last one on its parked twin; it returns false
// if that does not tell.
func (e *Engine) recall(q *clusterQueue, c *queue.Class, v *verdict) bool {
	twin := q.pending.Twin(c)
	if twin == nil || !c.Plan.Simple || c.Plan.Volatile || twin.Told() == 0 || twin.Told() == delaysOthers || q.scope.tree.Huge() {
		return false
	}
	v.kind, v.reason = e.assessUnfit(q, c), twin.Told()
	v.wide = v.kind == noCandidates && q.wideVerdicts
	v.consulted = append(v.consulted[:0], c.Plan.Requested...)
	return true
}
