package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// wake wakes what the falls of usage since the last wake-up can help: under
// the topmost changed node, whatever consulted a fallen flavor-resource.
//
// While something is held in the tree it does so outright. Otherwise usage
// only rises in a pass, so a workload that does not fit at its begin will not,
// and the classes of a queue are only looked at (see eligible) if the fall may
// have made room for one of them.
func (e *Engine) wake(s *scope) {
	s.fallenNow.Clear()
	if s.unborn {
		// Everything is awake. Whether something fell since the tree was built
		// depends on when that was, perhaps for a Snapshot.
		s.unborn = false
		for _, n := range s.touched {
			s.fallen[n].Clear()
		}
		s.touched = s.touched[:0]
	}
	if len(s.touched) == 0 {
		return
	}
	if !s.eager {
		s.since = s.fell
	}
	if s.ranked && len(s.least) != int(s.tree.FlavorResources()) {
		// Something was found admitted in a flavor that no queue lists. Whether the
		// tree was built before that depends on when somebody asked for a Snapshot.
		e.meetFlavors(s)
	}
	if s.ranked && !s.eager && !s.tree.Huge() && len(s.fallen[0]) == 1 && len(s.touched) == 1 && s.touched[0] == 0 {
		s.fallenNow.Join(s.fallen[0]) // for sprintRanked or sprintNested
		return
	}
	e.wakeLeaves(s)
}

func (e *Engine) wakeLeaves(s *scope) {
	for _, top := range s.touched {
		for n := top; n < s.tree.End(top); n++ {
			q := s.queues[n]
			if q == nil || q.pending.Len() == 0 {
				continue
			}
			if s.eager || q.strict {
				e.wakeOutright(s, q, func(on consulting, _ bool) bool { return on.Consulted(s.fallen[top]) })
				continue
			}
			q.lookAgain()
			q.pass.fallen.Join(s.fallen[top])
			if s.nested || !q.pass.invalid && q.mayGain(s.fallen[top]) {
				s.invalidate(q)
			}
		}
		s.fallen[top].Clear()
	}
	s.touched = s.touched[:0]
	if s.wide {
		e.wakeWide(s)
	}
}

// lookAgain lets classes parked before the scope's last fall be eligible. What
// was woken by an earlier fall and not looked at would have been parked again.
func (q *clusterQueue) lookAgain() {
	if q.pass.since != q.scope.since {
		if q.pass.fallen == nil {
			q.pass.fallen = q.pass.room[:0]
		}
		q.pass.fallen.Clear()
		q.pass.since = q.scope.since
	}
}

// mayGain says whether room in the given flavor-resources may help a class of
// the queue.
func (q *clusterQueue) mayGain(fallen quota.Set) bool {
	return len(q.pending.Complex()) > 0 || !fallen.Each(func(f int32) bool {
		needs := q.pending.Needs(f)
		return len(needs) == 0 || needs[0].Amount > q.scope.tree.Available(q.at, f)
	})
}

// consulting is what remembers which flavor-resources a verdict looked at.
type consulting interface{ Consulted(s quota.Set) bool }

// wakeOutright wakes the classes of a queue whose verdict before the last fall
// depends on what fell, and has the queue store its representative anew if
// that depends on it, or one that is held back or awake already.
func (e *Engine) wakeOutright(s *scope, q *clusterQueue, depends func(on consulting, wide bool) bool) {
	woken := q.pass.item != nil && depends(&q.pass.verdict, q.pass.verdict.wide)
	for i := 0; i < len(q.pending.Parked()); {
		c := q.pending.Parked()[i]
		if c.ParkedAt <= s.fell && depends(c, c.Wide) {
			q.pending.Wake(c)
			woken = true
			continue
		}
		i++
	}
	if !woken {
		// Of the representative's class the representative has a verdict of its own.
		woken = slices.ContainsFunc(q.pending.Active(), func(c *queue.Class) bool {
			return depends(c, c.Wide) && (q.pass.item == nil || c != q.pass.item.Class() || c.ToldBesides(q.pass.item))
		})
	}
	if woken {
		s.invalidate(q)
	}
}

// wakeWide wakes the classes whose verdicts depend on everything in the tree.
// In queues whose classes are only looked at, eligible does so by itself, but
// for those that the fall was not under.
func (e *Engine) wakeWide(s *scope) {
	for _, q := range s.byName {
		if !s.eager && !q.strict {
			q.lookAgain()
			if s.nested || len(q.pending.Complex()) > 0 {
				s.invalidate(q) // at least the reason to wait may be another
			}
			continue
		}
		e.wakeOutright(s, q, func(_ consulting, wide bool) bool { return wide })
	}
}
