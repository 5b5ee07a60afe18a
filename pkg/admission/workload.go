package admission

import (
	"cmp"
	"reflect"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// state is where a workload is in its life.
type state uint8

const (
	pending state = iota
	assumed
	admitted
	finished
)

// workload is the engine's record of one Workload object. Each is in exactly
// one state:
//
//	            SetWorkload                       SetWorkload with admission
//	(unknown) ───────────────> pending ──────────────────────────────────────┐
//	                           │  ^  ^                                       │
//	       Decide emits Admit: │  │  │ SetWorkload without admission:        │
//	       quota is charged    │  │  │ someone has cleared it                v
//	                           │  │  └─────────────────────────────────── admitted
//	                           v  │ Forget: the write has failed             ^
//	                         assumed ────────────────────────────────────────┘
//	                           │ ^   SetWorkload with admission: confirmed
//	                           └─┘
//	       SetWorkload without admission is an older sight: nothing is taken back
//
//	any state ──Finish──> finished: its quota is free, and no later SetWorkload
//	                      brings it back until DeleteWorkload forgets the UID
//
// Quota is charged in assumed and admitted, and only there. An admission that
// is found differs from what was assumed? Then what was found is charged.
type workload struct {
	queue.Item // UID and place in the order; in a queue.Queue only while pending
	// hold is what is held for it while it is pending, pledge what its status
	// said was, until it is in a queue; nil if nothing.
	hold   *hold
	pledge *Preempting
	state  state
	// obstacle says why a pending workload is in no queue, 0 if it is in one.
	obstacle reasonCode
	inactive bool
	// notBefore is the earliest time at which it may be tried; backoffUntil is
	// the time with which it is in the engine's Backoff, 0 if it is not.
	notBefore, backoffUntil int64
	shape                   *shape
	local                   *localQueue
	// prev and next link the pending workloads of a LocalQueue, or the charged
	// ones of a ClusterQueue.
	prev, next *workload
	// home is the ClusterQueue that is charged, charge what it is charged (in
	// the forest's numbers), admission what was or is to be written.
	home      *clusterQueue
	charge    []quota.Request
	admission *Assignment
	// reservedAt is when it reserved quota, admittedAt when it was admitted, 0 if
	// it was not; runtime the seconds from then for which its priority class
	// keeps it from being preempted. evicted: its status says so; evicting: that
	// was decided, and nobody has written it yet; leaving: the tree ahead knows.
	// listed: it is in the roster of its home; ripe is when it may be, 0 if it
	// is not in the engine's unripe list.
	reservedAt, admittedAt int64
	runtime, ripe          int64
	// limit is for how long it may run, 0 if nobody knows; began is when it
	// started to use its quota, or a hold, as far as is known. reserved: it holds a
	// reservation.
	limit, began int64
	reserved     bool
	sight        sight
	// spared are the engine's counts of changes when it was last evicted for each
	// reason for which that happens once between two changes; sparing is the one
	// of them for which it is being evicted, if it is for one.
	spared                             [spareSlots]uint64
	sparing                            PreemptionReason
	evicted, evicting, leaving, listed bool
	// unready: it holds quota and not all its pods are ready.
	unready bool
}

// tombstone stands for every finished workload.
var tombstone = &workload{state: finished}

func (e *Engine) setWorkload(ev *Workload) {
	w := e.workloads[ev.UID]
	if w == nil {
		w = &workload{Item: queue.Item{UID: ev.UID}}
		w.Owner = w
		e.workloads[ev.UID] = w
		e.changes++
		e.describe(w, ev)
		if ev.Admission != nil {
			e.adopt(w, ev)
		} else {
			e.pledge(w, ev.Preempting)
			e.place(w)
		}
		return
	}
	if w.state == finished {
		return
	}
	repriced := w.Priority != ev.Priority
	if e.changed(w, ev) {
		e.changes++
	}
	if repriced {
		e.wakeTree(w.where())
	}
	switch {
	case w.state != pending:
		e.withdraw(w)
		e.describe(w, ev)
		switch {
		case ev.Admission != nil:
			e.adopt(w, ev)
		case w.state == admitted:
			e.discharge(w)
			e.place(w)
		default:
			e.present(w)
		}
	case ev.Admission != nil:
		e.displace(w)
		e.describe(w, ev)
		e.adopt(w, ev)
	case e.differs(w, ev):
		e.displace(w)
		e.describe(w, ev)
		e.place(w)
	}
	if repriced {
		e.wakeTree(w.where())
	}
}

// changed says whether an event tells of a workload what is not its status: a
// count of reclaimable pods and a time to wait for are.
func (e *Engine) changed(w *workload, ev *Workload) bool {
	if w.Priority != ev.Priority || w.Time != ev.QueueTime || w.inactive != ev.Inactive ||
		w.runtime != ev.MinimumRuntime || w.local.name != (localName{ev.Namespace, ev.Queue}) ||
		w.shape.misconfigured != ev.Misconfigured || len(w.shape.podSets) != len(ev.PodSets) {
		return true
	}
	for i := range ev.PodSets {
		a, b := w.shape.podSets[i], ev.PodSets[i]
		if a.Reclaimable, b.Reclaimable = 0, 0; !reflect.DeepEqual(a, b) {
			return true
		}
	}
	return false
}

// where is the ClusterQueue that the workload uses or waits for, nil if its
// LocalQueue does not exist.
func (w *workload) where() *clusterQueue {
	if w.home != nil {
		return w.home
	}
	return w.local.target
}

// describe takes over what an event says of a workload that is in no queue.
func (e *Engine) describe(w *workload, ev *Workload) {
	sh := e.shapes.intern(ev)
	e.shapes.release(w.shape)
	w.shape = sh
	local := e.local(localName{ev.Namespace, ev.Queue})
	if w.home != nil && w.local != local {
		w.local.charge(w, -1)
		local.charge(w, +1)
	}
	if w.local != local {
		local.refs++
		if w.local != nil {
			e.releaseLocal(w.local)
		}
	}
	w.local = local
	w.Priority, w.Time = ev.Priority, ev.QueueTime
	w.inactive, w.notBefore, w.runtime, w.limit = ev.Inactive, ev.NotBefore, ev.MinimumRuntime, ev.Limit
	if ev.Preempting == nil {
		w.pledge = nil
	}
}

// differs says whether an event tells anything new of a pending workload.
func (e *Engine) differs(w *workload, ev *Workload) bool {
	if w.Priority != ev.Priority || w.Time != ev.QueueTime || w.inactive != ev.Inactive ||
		w.notBefore != ev.NotBefore || w.limit != ev.Limit || w.local.name != (localName{ev.Namespace, ev.Queue}) {
		return true
	}
	sh := e.shapes.intern(ev)
	e.shapes.release(sh)
	return sh != w.shape
}

// place puts a pending workload where it belongs: into the queue of its
// ClusterQueue, into backoff, or aside with an obstacle.
func (e *Engine) place(w *workload) {
	if w.backoffUntil != 0 {
		e.backoff.Drop(&w.Item, w.backoffUntil)
		w.backoffUntil = 0
	}
	w.obstacle = e.obstacle(w)
	if w.obstacle == pendingEvaluation {
		w.backoffUntil = w.notBefore
		e.backoff.Put(&w.Item, w.notBefore)
	}
	w.local.add(w)
	if w.obstacle != 0 {
		e.untold = append(e.untold, w)
		return
	}
	e.enqueue(w.local.target, w)
}

// obstacle says why a workload cannot be in its queue, 0 if it can. One that is
// misconfigured by itself can, does not fit there, and is in the way of those
// behind it in a StrictFIFO queue.
func (e *Engine) obstacle(w *workload) reasonCode {
	q := w.local.target
	switch {
	case w.inactive:
		return deactivated
	case w.notBefore > e.now:
		return pendingEvaluation
	case q == nil || !q.door.exists:
		return misconfigured
	case stopped(w.local.spec.Stop), !q.door.open:
		return suspended
	case !q.serves(e, w.local.name.namespace):
		return misconfigured
	}
	return 0
}

// displace takes a pending workload out of where it waits.
func (e *Engine) displace(w *workload) {
	if w.backoffUntil != 0 {
		e.backoff.Drop(&w.Item, w.backoffUntil)
		w.backoffUntil = 0
	}
	w.local.drop(w)
	if w.Class() != nil {
		e.dequeue(w.local.target, w)
	}
}

// replace places a pending workload anew if its obstacle has changed.
func (e *Engine) replace(w *workload) {
	if e.obstacle(w) != w.obstacle {
		e.displace(w)
		e.place(w)
	}
}

// adopt charges an admission that was found, which is usually the one assumed.
func (e *Engine) adopt(w *workload, ev *Workload) {
	home := e.queue(ev.Admission.ClusterQueue)
	same := w.admission != nil && reflect.DeepEqual(w.admission, ev.Admission)
	charge := e.found(ev)
	reserved, began := w.reservedAt, w.admittedAt
	if w.state == pending {
		reserved, began = e.now, e.now
		w.began = cmp.Or(ev.AdmittedAt, ev.ReservedAt, e.now)
	}
	if ev.Started != 0 {
		w.began = ev.Started
	}
	if w.home != home || !equalCharges(w.charge, charge) {
		e.recharge(w, home, charge)
	}
	if w.reservedAt, w.admittedAt = reserved, began; ev.ReservedAt != 0 {
		w.reservedAt, w.admittedAt = ev.ReservedAt, ev.AdmittedAt
	}
	if w.evicted && !ev.Evicted {
		e.wakeTree(home)
	}
	if w.evicted = ev.Evicted; w.evicted {
		w.evicting = false
		delete(e.intents, w.UID)
	}
	e.meetIntent(w)
	e.lacksPods(w, !ev.PodsReady)
	if w.state != admitted {
		w.state = admitted
		home.admitted++
		w.local.admitted++
	}
	if !same {
		w.admission = ev.Admission
	}
	w.Told = 0
	e.present(w)
}

// found is what a found admission charges, in the order of its pod sets.
func (e *Engine) found(ev *Workload) []quota.Request {
	var charge []quota.Request
	for i := range ev.Admission.PodSets {
		a := &ev.Admission.PodSets[i]
		left := a.Count
		for j := range ev.PodSets {
			if ev.PodSets[j].Name == a.Name {
				left = ev.PodSets[j].size(a.Count)
			}
		}
		for _, u := range a.Usage {
			amount := max(0, u.Amount)
			if left < a.Count {
				amount = amount / int64(a.Count) * int64(left)
			}
			for _, f := range a.Flavors {
				if f.Resource == u.Resource && amount > 0 {
					charge = addRequest(charge, quota.Request{FR: e.forest.Number(f.Flavor, u.Resource), Amount: amount})
				}
			}
		}
	}
	return charge
}

func addRequest(list []quota.Request, r quota.Request) []quota.Request {
	for i := range list {
		if list[i].FR == r.FR {
			list[i].Amount = quota.AddSaturating(list[i].Amount, r.Amount)
			return list
		}
	}
	return append(list, r)
}

func equalCharges(a, b []quota.Request) bool {
	if len(a) != len(b) {
		return false
	}
	for _, r := range a {
		if requestOf(b, r.FR) != r.Amount {
			return false
		}
	}
	return true
}

func requestOf(list []quota.Request, fr int32) quota.Amount {
	for i := range list {
		if list[i].FR == fr {
			return list[i].Amount
		}
	}
	return 0
}

// recharge moves a workload's charge to another queue or changes it, so that
// only what really falls wakes anybody.
func (e *Engine) recharge(w *workload, home *clusterQueue, charge []quota.Request) {
	if w.home != nil && w.home != home {
		e.discharge(w)
	}
	if w.home == nil {
		w.home = home
		w.link()
		home.reserving++
		w.local.reserving++
		w.charge = nil
	}
	w.local.chargeUsage(w.charge, -1)
	w.local.chargeUsage(charge, +1)
	for _, r := range charge {
		if delta := r.Amount - requestOf(w.charge, r.FR); delta != 0 {
			e.charge(home, r.FR, delta)
		}
	}
	for _, r := range w.charge {
		if requestOf(charge, r.FR) == 0 {
			e.charge(home, r.FR, -r.Amount)
		}
	}
	w.charge = charge
}

// discharge gives back what a workload is charged; it is pending afterwards.
func (e *Engine) discharge(w *workload) {
	home := w.home
	e.withdraw(w)
	e.unchart(home, w)
	w.unlink()
	for _, r := range w.charge {
		e.charge(home, r.FR, -r.Amount)
	}
	w.local.charge(w, -1)
	home.reserving--
	if w.state == admitted {
		home.admitted--
	}
	w.home, w.charge, w.admission = nil, nil, nil
	w.state = pending
	w.Told = 0
	w.evicted, w.evicting, w.admittedAt = false, false, 0
	delete(e.spared, w.UID)
	e.lacksPods(w, false)
	e.dropIfUnused(home)
}

// remove takes a workload out of wherever it is.
func (e *Engine) remove(w *workload) {
	switch w.state {
	case pending:
		e.dropHold(w.local.target, w, "")
		e.displace(w)
	case assumed, admitted:
		e.discharge(w)
	}
	e.shapes.release(w.shape)
	w.shape, w.state = nil, finished
	e.releaseLocal(w.local)
}

// conclude removes a workload that is no more.
func (e *Engine) conclude(w *workload) {
	if w.state == pending || !w.gone() {
		e.changes++
	}
	e.remove(w)
}

func (e *Engine) finish(uid string) {
	if w := e.workloads[uid]; w != nil && w.state != finished {
		e.conclude(w)
	}
	e.workloads[uid] = tombstone
}

func (e *Engine) deleteWorkload(uid string) {
	if w := e.workloads[uid]; w != nil && w.state != finished {
		e.conclude(w)
	}
	delete(e.workloads, uid)
}

func (e *Engine) forget(ev Forget) {
	w := e.workloads[ev.UID]
	if w == nil || w.state != assumed {
		return
	}
	e.discharge(w)
	w.notBefore = ev.NotBefore
	e.place(w)
}
