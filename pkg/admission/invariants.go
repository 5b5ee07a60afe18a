package admission

import (
	"errors"
	"fmt"
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// CheckInvariants recomputes from the list of workloads what the engine keeps
// up to date step by step, and says what differs; nil if nothing does. It
// costs the whole state and is meant for tests and for debugging.
func (e *Engine) CheckInvariants() error {
	e.sync()
	type cell struct {
		q  *clusterQueue
		fr int32
	}
	type counts struct{ reserving, admitted, pending int32 }
	used := map[cell]quota.Amount{}
	byQueue, byLocal := map[*clusterQueue]counts{}, map[*localQueue]counts{}
	refs := map[*shape]int32{}
	unready := 0
	for uid, w := range e.workloads {
		if w.state == finished {
			continue
		}
		refs[w.shape]++
		if w.unready {
			unready++
		}
		if w.unready && w.state == pending {
			return fmt.Errorf("workload %s is waited for, but holds nothing", uid)
		}
		if err := e.checkPlace(uid, w); err != nil {
			return err
		}
		l := byLocal[w.local]
		if w.state == pending {
			l.pending++
			byLocal[w.local] = l
			continue
		}
		q := byQueue[w.home]
		q.reserving++
		l.reserving++
		if w.state == admitted {
			q.admitted++
			l.admitted++
		}
		byQueue[w.home], byLocal[w.local] = q, l
		for _, r := range w.charge {
			used[cell{w.home, r.FR}] += r.Amount
		}
	}
	if unready != e.unready {
		return fmt.Errorf("%d workloads lack pods, not %d", unready, e.unready)
	}
	for _, sh := range e.shapes.list {
		if sh != nil && sh.refs != refs[sh] {
			return fmt.Errorf("shape %d has %d users, not %d", sh.number, refs[sh], sh.refs)
		}
	}
	for _, name := range e.queues.names {
		q := e.queues.byName[name]
		if c := byQueue[q]; c.reserving != q.reserving || c.admitted != q.admitted {
			return fmt.Errorf("ClusterQueue %s counts %d reserving, %d admitted; there are %d, %d", name, q.reserving, q.admitted, c.reserving, c.admitted)
		}
		for fr := range int32(e.forest.Len()) {
			if have, want := q.node.Used(fr), used[cell{q, fr}]; have != want {
				return fmt.Errorf("ClusterQueue %s uses %d of %v, the workloads %d", name, have, e.forest.Name(fr), want)
			}
		}
		if err := q.pending.Check(); err != nil {
			return fmt.Errorf("ClusterQueue %s: %w", name, err)
		}
		if err := errors.Join(e.checkPreemption(q), e.checkReserved(q)); err != nil {
			return fmt.Errorf("ClusterQueue %s: %w", name, err)
		}
	}
	for _, name := range e.locals.names {
		l := e.locals.byName[name]
		c, waiting := byLocal[l], int32(0)
		for _, n := range l.waiting {
			waiting += n
		}
		if c.reserving != l.reserving || c.admitted != l.admitted || c.pending != waiting {
			return fmt.Errorf("LocalQueue %v counts %d reserving, %d admitted, %d pending; there are %d, %d, %d",
				name, l.reserving, l.admitted, waiting, c.reserving, c.admitted, c.pending)
		}
	}
	return e.forest.Check()
}

// checkPreemption checks what is kept for preemption in a queue: who is charged
// there and in which order they would be evicted, and for whom quota is held.
func (e *Engine) checkPreemption(q *clusterQueue) error {
	held, leaving := map[int32]quota.Amount{}, map[int32]quota.Amount{}
	charged := int32(0)
	for w := q.charged; w != nil; w = w.next {
		charged++
		if w.home != q || w.leaving != w.gone() {
			return fmt.Errorf("workload %s is in the wrong list, or leaves: %t", w.UID, w.leaving)
		}
		if q.roster.made && w.listed == (w.gone() || w.ripe != 0) {
			return fmt.Errorf("workload %s is a candidate: %t, although gone: %t, ripe at %d", w.UID, w.listed, w.gone(), w.ripe)
		}
		for _, r := range w.charge {
			if w.leaving {
				leaving[r.FR] += r.Amount
			}
			if l := q.roster.of(r.FR); w.listed && (l == nil || !l.Has(w)) {
				return fmt.Errorf("workload %s is not in its place in the order of victims", w.UID)
			}
		}
	}
	if charged != q.reserving {
		return fmt.Errorf("%d workloads are listed as charged, %d are", charged, q.reserving)
	}
	for i, w := range q.holders {
		if w.state != pending || w.Class() == nil || w.hold == nil || w.hold.lapsed && w.hold.preempts || i > 0 && !q.holders[i-1].Before(&w.Item) {
			return fmt.Errorf("workload %s holds quota out of place", w.UID)
		}
		if w.hold.preempts && !w.Class().Alone() {
			return fmt.Errorf("workload %s holds quota and does not stand alone", w.UID)
		}
		for _, r := range w.hold.amounts {
			held[r.FR] += r.Amount
		}
	}
	for fr := range int32(e.forest.Len()) {
		if have, want := q.node.Held(fr), held[fr]; have != want {
			return fmt.Errorf("%d of %v is held, its holders hold %d", have, e.forest.Name(fr), want)
		}
		if have, want := q.node.Leaving(fr), leaving[fr]; have != want {
			return fmt.Errorf("%d of %v is leaving, the workloads that do use %d", have, e.forest.Name(fr), want)
		}
	}
	return nil
}

// checkReserved checks who is noted to hold reservations in a queue.
func (e *Engine) checkReserved(q *clusterQueue) error {
	c := q.calendar()
	for _, w := range q.reserved {
		held := c == nil // the calendar of a new tree knows nothing yet
		if c != nil {
			_, held = c.planner.Reservation(w.UID)
		}
		if !held || !w.reserved {
			return fmt.Errorf("workload %s is noted to hold a reservation: %t; it does: %t", w.UID, w.reserved, held)
		}
	}
	return nil
}

// checkPlace checks that a workload is in one place, the one of its state.
func (e *Engine) checkPlace(uid string, w *workload) error {
	queued, charged := w.Class() != nil, w.home != nil
	wrong := w.UID != uid || charged != (w.state != pending) ||
		queued != (w.state == pending && w.obstacle == 0) ||
		queued && w.backoffUntil != 0
	if wrong {
		return fmt.Errorf("workload %s in state %d: queued %t, charged %t, obstacle %d", uid, w.state, queued, charged, w.obstacle)
	}
	if w.reserved && (w.state != pending || w.local.target == nil || !slices.Contains(w.local.target.reserved, w)) {
		return fmt.Errorf("workload %s is noted to hold a reservation where it does not wait", uid)
	}
	return nil
}
