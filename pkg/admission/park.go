package admission

import "fairlead.dev/fairlead/pkg/queue"

// park parks a class by a verdict, with whatever else of equal shape is in a
// BestEffortFIFO queue, and tells its workloads why they wait. (All that is
// active, or woken, comes after the class's first workload.)
func (e *Engine) park(q *clusterQueue, c *queue.Class, v *verdict) {
	c = e.parkClass(q, c, v)
	if q.strict || !q.pending.Related() {
		return
	}
	for i := 0; i < len(q.pending.Active()); {
		if o := q.pending.Active()[i]; e.alike(c, o) {
			e.parkClass(q, o, v)
			continue
		}
		i++
	}
	if !q.woken() {
		return
	}
	for _, o := range q.pending.Parked() {
		if o != c && q.eligible(o) && e.alike(c, o) {
			e.note(o, v)
			o.ParkedAt = e.clock
		}
	}
}

// alike says whether two classes of a queue are of equal shape and priority:
// they may differ in names, and in selectors that open the same flavors.
func (e *Engine) alike(c, o *queue.Class) bool {
	return c.Priority == o.Priority && c.Plan.Form == o.Plan.Form && c.Plan.Opens(o.Plan) &&
		e.shapes.list[c.Shape].alike(e.shapes.list[o.Shape])
}

func (e *Engine) parkClass(q *clusterQueue, c *queue.Class, v *verdict) *queue.Class {
	e.clock++
	e.note(c, v)
	epoch := q.pending.Epoch()
	switch {
	case !c.Parked():
		c = q.pending.Park(c, e.clock)
	case q.pending.Twin(c) != nil:
		c = q.pending.Park(q.pending.Wake(c), e.clock)
		e.note(c, v)
	default:
		c.ParkedAt = e.clock
	}
	if q.pending.Epoch() != epoch {
		q.scope.changed(q)
	}
	e.tell(q, c, v.reason, "")
	return c
}

// note keeps of a verdict on a class what tells whether a fall may change it.
func (e *Engine) note(c *queue.Class, v *verdict) {
	c.Consult(v.consulted)
	c.Wide, c.Kind = v.wide, int8(v.kind)
}

// tell gives each workload of a class the reason why it waits, if it has not
// been told that reason.
func (e *Engine) tell(q *clusterQueue, c *queue.Class, reason reasonCode, message string) {
	if c.Silent(reason) {
		return
	}
	c.Tell(reason, func(i *queue.Item) {
		if message == "" {
			message = e.explain(q, c, reason)
		}
		e.out = append(e.out, Wait{UID: i.UID, Reason: reasonNames[reason], Message: message})
	})
}
