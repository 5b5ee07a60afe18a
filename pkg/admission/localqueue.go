package admission

import (
	"maps"
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/quota"
)

// localName names a LocalQueue.
type localName struct{ namespace, name string }

func (a localName) compare(b localName) int {
	if c := strings.Compare(a.namespace, b.namespace); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

// localQueue is a LocalQueue, or the name of one that workloads ask for
// although it does not exist.
//
// Invariant: waiting counts the listed pending workloads by obstacle, 0 for
// those in their ClusterQueue's queue.
type localQueue struct {
	name   localName
	spec   LocalQueue
	exists bool
	target *clusterQueue // nil if the LocalQueue does not exist
	refs   int           // workloads that are not finished
	first  *workload     // of the pending ones
	// reserving workloads hold quota, admitted ones are confirmed besides.
	waiting             [reasonCodes]int32
	reserving, admitted int32
	usage               []quota.Request // in the forest's numbers
}

// local is the LocalQueue of that name, made if need be.
func (e *Engine) local(name localName) *localQueue {
	l := e.locals.byName[name]
	if l == nil {
		l = &localQueue{name: name}
		e.locals.put(name, l)
	}
	return l
}

// releaseLocal notes that a workload no longer asks for a LocalQueue.
func (e *Engine) releaseLocal(l *localQueue) {
	l.refs--
	e.dropLocalIfUnused(l)
}

func (e *Engine) dropLocalIfUnused(l *localQueue) {
	if l.refs == 0 && !l.exists {
		e.locals.remove(l.name)
	}
}

// add lists a pending workload.
func (l *localQueue) add(w *workload) {
	l.waiting[w.obstacle]++
	w.prev, w.next = nil, l.first
	if l.first != nil {
		l.first.prev = w
	}
	l.first = w
}

// drop takes a pending workload off the list.
func (l *localQueue) drop(w *workload) {
	l.waiting[w.obstacle]--
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// pending lists the pending workloads in the order of their UIDs, so that what
// is done to each does not depend on how they came.
func (l *localQueue) pending() []*workload {
	var all []*workload
	for w := l.first; w != nil; w = w.next {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b *workload) int { return strings.Compare(a.UID, b.UID) })
	return all
}

// charge adds or, with sign -1, takes off a workload that holds quota.
func (l *localQueue) charge(w *workload, sign int32) {
	l.reserving += sign
	if w.state == admitted {
		l.admitted += sign
	}
	l.chargeUsage(w.charge, quota.Amount(sign))
}

func (l *localQueue) chargeUsage(charge []quota.Request, sign quota.Amount) {
	for _, r := range charge {
		at := slices.IndexFunc(l.usage, func(u quota.Request) bool { return u.FR == r.FR })
		if at < 0 {
			l.usage = append(l.usage, quota.Request{FR: r.FR})
			at = len(l.usage) - 1
		}
		l.usage[at].Amount += sign * r.Amount
	}
}

func stopped(p StopPolicy) bool { return p == StopHold || p == StopHoldAndDrain }

func (e *Engine) setLocalQueue(spec LocalQueue) {
	l := e.local(localName{spec.Namespace, spec.Name})
	if l.exists && l.spec == spec {
		return
	}
	e.retarget(l, spec, true)
}

func (e *Engine) deleteLocalQueue(name localName) {
	if l := e.locals.byName[name]; l != nil && l.exists {
		e.retarget(l, LocalQueue{Namespace: name.namespace, Name: name.name}, false)
		e.dropLocalIfUnused(l)
	}
}

// retarget changes what a LocalQueue says, wakes the trees it leads to and
// places its workloads anew.
func (e *Engine) retarget(l *localQueue, spec LocalQueue, exists bool) {
	e.changes++
	waiting := l.pending()
	for _, w := range waiting {
		e.displace(w)
	}
	if old := l.target; old != nil {
		old.locals.remove(l.name)
		e.wakeTree(old)
		l.target = nil
		e.dropIfUnused(old)
	}
	l.spec, l.exists = spec, exists
	if exists {
		l.target = e.queue(spec.ClusterQueue)
		l.target.locals.put(l.name, l)
		e.wakeTree(l.target)
	}
	for _, w := range waiting {
		e.place(w)
	}
}

// setNamespace tells the labels of a namespace. If they have changed, the
// workloads in it are tried again; those whose ClusterQueue now serves it, or
// no longer does, move.
func (e *Engine) setNamespace(name string, labels map[string]string) {
	if maps.Equal(e.namespaces[name], labels) {
		return
	}
	e.changes++
	e.namespaces[name] = labels
	if len(labels) == 0 {
		delete(e.namespaces, name)
	}
	e.locals.each(func(l *localQueue) {
		if l.name.namespace != name || l.target == nil {
			return
		}
		for _, w := range l.pending() {
			e.retry(w)
		}
	})
}

// retry places a pending workload anew and wakes it if it stays in its queue.
func (e *Engine) retry(w *workload) {
	c, q := w.Class(), w.local.target
	switch {
	case e.obstacle(w) != w.obstacle:
		e.displace(w)
		e.place(w)
	case c != nil && c.Parked() && !c.Alone() && !q.strict:
		seen := w.Seen()
		e.displace(w)
		e.place(w)
		w.See(seen)
	case c != nil && c.Parked() && c.First() == &w.Item && q.scope != nil && !q.scope.tree.Stale():
		q.pending.Wake(c)
		q.scope.invalidate(q)
		e.markDirty(q.scope)
	}
}
