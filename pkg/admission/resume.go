package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// A restarted engine learns of a preemption from the preemptor's status:
//
//	SetWorkload{Preempting} ─> pledge ── its queue is there ─> hold, as before
//	                             └─ intent for each victim ── it is found running ─> evicting,
//	                                                                       and Evict{Resumed} once more

// intent is an eviction that was decided before a restart.
type intent struct {
	preemptor string
	reason    PreemptionReason
	decidedAt int64
}

// resumption is an eviction that is to be told once more.
type resumption struct {
	preemptor, victim string
	reason            PreemptionReason
}

// pledge takes note of what the status of a workload says that is seen for the
// first time.
func (e *Engine) pledge(w *workload, p *Preempting) {
	if p == nil || e.config.Preemption == nil || w.state != pending {
		return
	}
	w.pledge = p
	if p.Deadline <= e.now {
		w.pledge = nil
		e.ended = append(e.ended, EndHold{UID: w.UID, Cause: HoldTimedOut})
		return
	}
	for _, victim := range p.Victims {
		if old, ok := e.intents[victim.UID]; ok && old.decidedAt > p.DecidedAt {
			continue
		}
		e.intents[victim.UID] = intent{preemptor: w.UID, reason: victim.Reason, decidedAt: p.DecidedAt}
		if v := e.workloads[victim.UID]; v != nil && v.home != nil {
			e.withdraw(v)
			e.meetIntent(v)
			e.present(v)
		}
	}
}

// meetIntent lets a workload that is found running be evicted if that was
// decided before the restart.
func (e *Engine) meetIntent(w *workload) {
	in, ok := e.intents[w.UID]
	if !ok {
		return
	}
	delete(e.intents, w.UID)
	if w.gone() || w.reservedAt > in.decidedAt {
		return
	}
	w.evicting = true
	e.resumed = append(e.resumed, resumption{in.preemptor, w.UID, in.reason})
}

// redeem holds again what was held for a workload before the restart, now that
// it is in its queue.
func (e *Engine) redeem(q *clusterQueue, w *workload) {
	p := w.pledge
	w.pledge = nil
	if p.Deadline <= e.now {
		e.ended = append(e.ended, EndHold{UID: w.UID, Cause: HoldTimedOut})
		return
	}
	var amounts []quota.Request
	for _, h := range p.Held {
		if h.Amount > 0 {
			amounts = addRequest(amounts, quota.Request{FR: e.forest.Number(h.Flavor, h.Resource), Amount: h.Amount})
		}
	}
	q.pending.Isolate(&w.Item)
	e.setHold(q, w, amounts)
	w.hold.preempts, w.hold.victims = true, p.Victims
	w.hold.decidedAt, w.hold.until, w.hold.setAt = p.DecidedAt, p.Deadline, e.clock
	e.deadlines.Put(&w.Item, p.Deadline)
	w.began = e.now
	e.chart(q, w, amounts)
}

// resume tells once more to evict what was to be evicted before the restart,
// preemptor by preemptor.
func (e *Engine) resume() {
	if len(e.resumed) == 0 {
		return
	}
	list := e.resumed
	e.resumed = nil
	slices.SortFunc(list, func(a, b resumption) int {
		if c := stringOrder(a.preemptor, b.preemptor); c != 0 {
			return c
		}
		return stringOrder(a.victim, b.victim)
	})
	var d *Evict
	for _, r := range list {
		w, v := e.workloads[r.preemptor], e.workloads[r.victim]
		if v == nil || !v.evicting || v.evicted || v.home == nil {
			continue // it has been evicted, or has ended
		}
		if w == nil || !w.preempting() {
			e.withdraw(v) // nobody wants its quota any more
			v.evicting = false
			e.present(v)
			continue
		}
		if d == nil || d.Preemptor != w.UID {
			if d != nil {
				e.out = append(e.out, *d)
			}
			q := w.local.target
			d = &Evict{Preemptor: w.UID, ClusterQueue: q.name, Path: q.path(), Preemption: e.preempted(w.hold), Resumed: true}
		}
		d.Victims = append(d.Victims, Victim{UID: v.UID, ClusterQueue: v.home.name, Path: v.home.path(), Reason: r.reason})
	}
	if d != nil {
		e.out = append(e.out, *d)
	}
}
