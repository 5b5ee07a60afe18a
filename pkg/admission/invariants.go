package admission

import (
	"fmt"

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
	for uid, w := range e.workloads {
		if w.state == finished {
			continue
		}
		refs[w.shape]++
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

// checkPlace checks that a workload is in one place, the one of its state.
func (e *Engine) checkPlace(uid string, w *workload) error {
	queued, charged := w.Class() != nil, w.home != nil
	wrong := w.UID != uid || charged != (w.state != pending) ||
		queued != (w.state == pending && w.obstacle == 0) ||
		queued && w.backoffUntil != 0
	if wrong {
		return fmt.Errorf("workload %s in state %d: queued %t, charged %t, obstacle %d", uid, w.state, queued, charged, w.obstacle)
	}
	return nil
}
