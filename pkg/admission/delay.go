package admission

import (
	"time"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// tellRefused tells those of a class that have been told nothing, and its first
// in any case, which reservation they would delay. Whoever has been told that
// he waits for quota is not told again: a class may be long, and turn from one
// to the other at every pass.
func (e *Engine) tellRefused(q *clusterQueue, c *queue.Class) {
	if c.Told() == waitingForQuota {
		e.tell(q, c, waitingForQuota, Explanation{})
		if c.TellFirst(delaysOthers) {
			e.out = append(e.out, Wait{UID: c.First().UID, Reason: WaitingForQuota, Why: e.why(q, c, delaysOthers)})
		}
		return
	}
	e.tell(q, c, delaysOthers, Explanation{})
}

// explainDelay tells whose start the first of a class would delay if it started
// now.
func (e *Engine) explainDelay(q *clusterQueue, c *queue.Class) string {
	w := c.First().Owner.(*workload)
	p := q.scope.calendar.planner
	for i, whole := range e.planned(w).Alternatives {
		fitsNow := true
		for _, r := range whole {
			fitsNow = fitsNow && q.scope.tree.Fits(q.at, r.FR, r.Amount)
		}
		if !fitsNow {
			continue
		}
		r, refused := p.Refused(e.planned(w), i)
		if !refused {
			continue
		}
		return e.wordDelay(q, w, &r)
	}
	return "to start it now, or to take quota back for it, would delay a reservation"
}

func (e *Engine) wordDelay(q *clusterQueue, w *workload, r *plan.Refusal) string {
	s := q.scope
	name := e.forest.Name(s.tree.Global(r.FR))
	b := append(e.text[:0], "it fits now, but "...)
	if w.limit > 0 {
		b = append(append(b, "runs for up to "...), time.Duration(w.limit).String()...)
	} else {
		b = append(b, "has no run-time limit (maximumExecutionTimeSeconds)"...)
	}
	b = append(b, ": it would "...)
	if held, ok := s.calendar.planner.Reservation(r.Reservation); ok {
		b = append(append(append(b, "delay workload "...), held.UID...), " of ClusterQueue "...)
		b = append(append(b, s.queues[held.Leaf].name...), ", planned for "...)
		b = append(append(b, clock(held.Start)...), "; "...)
	} else {
		b = append(b, "run into what is planned; "...)
	}
	b = appendAmount(b, name.Resource, r.Missing)
	b = append(append(append(append(b, ' '), name.Resource...), " of flavor "...), name.Flavor...)
	b = append(append(b, " would be missing at "...), clock(r.At)...)
	e.text = b
	return string(b)
}

// clock is a time as people read it.
func clock(at int64) string { return time.Unix(0, at).UTC().Format(time.RFC3339) }
