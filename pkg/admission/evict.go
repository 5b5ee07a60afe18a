package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// The life of an eviction, seen from the victim, which is admitted or assumed:
//
//	           Evict decided                  SetWorkload{Evicted}
//	running ───────────────────> evicting ───────────────────────> evicted
//	   ^  ^    (assumed: gone in     │                                │
//	   │  │     planning, still      │                                │
//	   │  │     uses quota)          │                                │
//	   │  └── ForgetEviction ────────┘                                │
//	   └───── SetWorkload without Evicted: somebody took it back ─────┤
//	                                                                  v
//	           SetWorkload without admission, Finish, Delete: its quota is free
//
// While evicting, a SetWorkload without Evicted is an older sight of the object
// and takes nothing back.

// gone says that planning counts the workload as gone.
func (w *workload) gone() bool { return w.evicted || w.evicting }

// leave tells the tree ahead whether the workload's charge is leaving.
func (e *Engine) leave(w *workload, leaving bool) {
	if w.leaving == leaving {
		return
	}
	w.leaving = leaving
	sign := quota.Amount(-1)
	if leaving {
		sign = 1
	}
	for _, r := range w.charge {
		e.forest.Leave(w.home.node, r.FR, sign*r.Amount)
	}
	if s := w.home.scope; s != nil {
		s.version++ // verdicts with victims may be others
	}
}

// withdraw takes a charged workload out of everything that depends on what it
// is charged, where, and in what order; present puts it back.
func (e *Engine) withdraw(w *workload) {
	e.delist(w)
	e.leave(w, false)
}

func (e *Engine) present(w *workload) {
	if w.gone() {
		e.unchart(w.home, w)
		e.leave(w, true)
		return
	}
	e.chart(w.home, w, w.charge)
	e.enlist(w)
}

// preempt lets a representative that has found victims, or for which those on
// their way out suffice, hold its request and evict them. It returns false if
// a limit forbids that.
func (e *Engine) preempt(q *clusterQueue, w *workload, v *verdict) bool {
	h := w.hold
	if at, ok := e.mayCause(q, len(v.victims)); !ok {
		v.reason, v.again = rateLimited, at
		return false
	}
	e.giveWay(q, w, v)
	amounts := make([]quota.Request, len(v.charges))
	for i, r := range v.charges {
		amounts[i] = quota.Request{FR: q.scope.tree.Global(r.FR), Amount: r.Amount}
	}
	held := w.preempting()
	renews := !held || q.released(h)
	tells := len(v.victims) > 0 || !held || !equalCharges(h.amounts, amounts)
	e.setHold(q, w, amounts)
	h = w.hold
	if renews {
		if held {
			e.deadlines.Drop(&w.Item, h.until)
		}
		tells = tells || h.until != e.now+e.holdTimeout()
		h.until, h.setAt = e.now+e.holdTimeout(), e.clock
		e.deadlines.Put(&w.Item, h.until)
	}
	h.preempts, h.lapsed = true, false
	h.assignment, h.reduced = e.assignment(q, w.shape, v), v.reduced
	if !held {
		w.began = e.now
	}
	e.chart(q, w, amounts)
	if len(v.victims) > 0 || !held {
		// Who has come back since it was evicted is not to be evicted again by
		// whoever reads this after a restart.
		h.victims = slices.DeleteFunc(slices.Clone(h.victims), func(v PreemptingVictim) bool {
			w := e.workloads[v.UID]
			return w == nil || !w.gone()
		})
		h.decidedAt = e.now
	}
	d := Evict{Preemptor: w.UID, ClusterQueue: q.name, Path: q.path()}
	for i := range v.victims {
		d.Victims = append(d.Victims, e.evict(&v.victims[i]))
		h.victims = append(slices.Clip(h.victims), PreemptingVictim{UID: v.victims[i].w.UID, Reason: v.victims[i].reason})
		q.caused = append(q.caused, e.now)
	}
	e.noteSpared(q, v)
	d.Preemption = e.preempted(h)
	if tells {
		e.tellEnded()
		e.out = append(e.out, d)
	}
	return true
}

// preempted is what a preemptor's status is to say.
func (e *Engine) preempted(h *hold) Preempting {
	p := Preempting{Victims: h.victims, DecidedAt: h.decidedAt, Deadline: h.until}
	for _, r := range h.amounts {
		name := e.forest.Name(r.FR)
		p.Held = append(p.Held, HeldAmount{Flavor: name.Flavor, Resource: name.Resource, Amount: r.Amount})
	}
	return p
}

// evict counts a victim as gone from now on.
func (e *Engine) evict(victim *taken) Victim {
	w := victim.w
	e.withdraw(w)
	w.evicting = true
	e.present(w)
	return Victim{
		UID: w.UID, ClusterQueue: w.home.name, Path: w.home.path(), Reason: victim.reason,
		PreemptorShare: victim.mine, ShareBefore: victim.before, ShareAfter: victim.after,
	}
}

// noteSpared takes note of whom a decision has evicted otherwise than by right: by
// fair sharing, or in the own queue or by borrowWithinCohort while the
// preemptor's queue ends beyond its nominal quota. Nobody is evicted so again for
// the same reason until something changes, or those who borrow by turns would
// evict each other for ever (decision record 0006, A3 and A11).
func (e *Engine) noteSpared(q *clusterQueue, v *verdict) {
	t := q.scope.tree // what is held for the preemptor is used there; Ahead would be a copy
	beyond := slices.ContainsFunc(v.charges, func(r quota.Request) bool {
		return t.Over(q.at, r.FR, -q.node.Leaving(t.Global(r.FR)))
	})
	for i := range v.victims {
		w, reason := v.victims[i].w, v.victims[i].reason
		w.sparing = ""
		if reason == InCohortFairSharing || beyond && reason != InCohortReclamation {
			w.sparing, w.spared[reason.slot()] = reason, e.changes
		}
	}
}

// path names the nodes from the root of its tree down to the queue.
func (q *clusterQueue) path() []string {
	var names []string
	for n := q.at; n >= 0; n = q.scope.tree.Parent(n) {
		names = append(names, q.scope.tree.Nodes[n].Name)
	}
	slices.Reverse(names)
	return names
}

func (e *Engine) holdTimeout() int64 {
	if t := e.config.Preemption.HoldTimeout; t > 0 {
		return t
	}
	return DefaultHoldTimeout
}

const minute int64 = 60_000_000_000

// mayCause says whether workloads of the queue may cause n more evictions now
// and, if not, when they may.
func (e *Engine) mayCause(q *clusterQueue, n int) (at int64, ok bool) {
	most := e.config.Preemption.EvictionsPerMinute
	if n == 0 || most <= 0 {
		q.caused = q.caused[:0]
		return 0, true
	}
	first := 0
	for first < len(q.caused) && q.caused[first] <= e.now-minute {
		first++
	}
	q.caused = slices.Delete(q.caused, 0, first)
	if over := len(q.caused) + n - most; over > 0 && len(q.caused) > 0 {
		return q.caused[min(over, len(q.caused))-1] + minute, false
	}
	return 0, true
}

// forgetEviction takes back what a failed write was to begin.
func (e *Engine) forgetEviction(ev ForgetEviction) {
	w := e.workloads[ev.UID]
	switch {
	case w == nil:
	case w.state == pending && w.preempting():
		q := w.local.target
		e.dropHold(q, w, "")
		if c := w.Class(); c.Parked() && q.scope != nil && !q.scope.tree.Stale() {
			q.pending.Wake(c)
			q.scope.invalidate(q)
			e.markDirty(q.scope)
		}
	case w.evicting && !w.evicted:
		e.withdraw(w)
		w.evicting = false
		if w.sparing != "" {
			w.spared[w.sparing.slot()] = 0
		}
		if ev.NotBefore > e.now {
			e.spared[w.UID] = ev.NotBefore
		}
		e.present(w)
		e.wakeTree(w.home)
	}
}

// alarm lets a queue look again, at the time at, at what it has parked.
func (e *Engine) alarm(q *clusterQueue, at int64) {
	if q.alarmAt != 0 && q.alarmAt <= at {
		return
	}
	if q.alarmAt != 0 {
		e.alarms.Drop(&q.clock, q.alarmAt)
	}
	q.clock = queue.Item{UID: q.name, Owner: q}
	q.alarmAt = at
	e.alarms.Put(&q.clock, at)
}

// ring wakes, in queues whose alarm is due, what was to be tried again by now.
func (e *Engine) ring() {
	for i := e.alarms.Pop(e.now); i != nil; i = e.alarms.Pop(e.now) {
		q := i.Owner.(*clusterQueue)
		q.alarmAt = 0
		if !q.exists || q.scope == nil {
			continue
		}
		next := int64(0)
		for i := 0; i < len(q.pending.Parked()); {
			c := q.pending.Parked()[i]
			if c.Again != 0 && c.Again <= e.now {
				c.Again = 0
				q.pending.Wake(c)
				q.scope.invalidate(q)
				e.markDirty(q.scope)
				continue
			}
			if c.Again != 0 && (next == 0 || c.Again < next) {
				next = c.Again
			}
			i++
		}
		if next != 0 {
			e.alarm(q, next)
		}
	}
}
