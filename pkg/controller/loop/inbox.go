package loop

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

// Inbox collects what happened until the loop takes it. Of several sights of
// one object that arrive in between only the newest is kept, in the place of
// the first.
type Inbox struct {
	mu     sync.Mutex
	items  []item
	places map[string]int
	bell   chan struct{}
}

// item is one thing that happened: an event, or a Workload to be translated
// by the loop (which knows its shape already, most of the time).
type item struct {
	event    admission.Event
	workload *v1beta1.Workload
	queue    bool // about a queue, cohort, flavor or namespace
	// reshape is the namespace whose workloads may ask for something else
	// now, everywhere for that of all.
	reshape string
	// class is a WorkloadPriorityClass of which the engine is to be told anew.
	class string
	// limits says that the maximum execution times of workloads that wait may be
	// others now.
	limits bool
}

// everywhere stands for all namespaces. No namespace is called so.
const everywhere = "*"

// stage says when an item is taken among those that have come with it: queues
// first, since what a workload holds may have to be found through them; then
// what changes the shapes of workloads known before; then workloads.
func (it *item) stage() int {
	switch {
	case it.queue:
		return 0
	case it.reshape != "", it.class != "", it.limits:
		return 1
	}
	return 2
}

// NewInbox returns an empty Inbox.
func NewInbox() *Inbox {
	return &Inbox{places: map[string]int{}, bell: make(chan struct{}, 1)}
}

// Object files the newest sight of a queue, cohort, flavor or namespace, or
// its deletion. name tells objects apart, for example "ClusterQueue/osg".
func (b *Inbox) Object(name string, event admission.Event) {
	b.put(name, item{event: event, queue: true})
}

// Reshape files that what the cluster adds to pods, or demands of them, has
// changed in a namespace; in all of them if it is empty.
func (b *Inbox) Reshape(namespace string) {
	if namespace == "" {
		namespace = everywhere
	}
	b.put("Reshape/"+namespace, item{reshape: namespace})
}

// Workload files the newest sight of a Workload.
func (b *Inbox) Workload(wl *v1beta1.Workload) { b.put(string(wl.UID), item{workload: wl}) }

// WorkloadGone files the deletion of a Workload.
func (b *Inbox) WorkloadGone(uid types.UID) {
	b.put(string(uid), item{event: admission.DeleteWorkload{UID: string(uid)}})
}

// Finished files that a workload's job has ended.
func (b *Inbox) Finished(uid types.UID) {
	b.put("", item{event: admission.Finish{UID: string(uid)}})
}

// Forget files that the write of an admission has definitely failed. Unix
// nanoseconds notBefore is the earliest time of the next try.
func (b *Inbox) Forget(uid types.UID, notBefore int64) {
	b.put("", item{event: admission.Forget{UID: string(uid), NotBefore: notBefore}})
}

// ForgetEviction files that a write of a preemption has definitely failed, for
// the preemptor or a victim. Unix nanoseconds notBefore is the earliest time at
// which the victim may be chosen again.
func (b *Inbox) ForgetEviction(uid types.UID, notBefore int64) {
	b.put("", item{event: admission.ForgetEviction{UID: string(uid), NotBefore: notBefore}})
}

// ClassChanged files that a WorkloadPriorityClass promises its workloads
// another minimum runtime.
func (b *Inbox) ClassChanged(name string) { b.put("Class/"+name, item{class: name}) }

// LimitsChanged files that a ClusterQueue gives its workloads other maximum
// execution times, or that a LocalQueue leads elsewhere.
func (b *Inbox) LimitsChanged() { b.put("Limits", item{limits: true}) }

// put appends an item, or replaces the one of the same place; items without
// place are all kept.
func (b *Inbox) put(place string, it item) {
	b.mu.Lock()
	if at, waiting := b.places[place]; waiting && place != "" {
		b.items[at] = it
	} else {
		if place != "" {
			b.places[place] = len(b.items)
		}
		b.items = append(b.items, it)
	}
	b.mu.Unlock()
	b.Ring()
}

// Ring wakes the loop.
func (b *Inbox) Ring() {
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *Inbox) take() []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items = nil
	clear(b.places)
	return items
}
