package admission

import (
	"strings"

	"github.com/google/btree"
)

// roster lists the workloads of a ClusterQueue that may be evicted now, for
// each flavor-resource that they use, in the order of victims. It is made when
// a search for victims first asks for it, and kept up to date from then on:
// queues of which nobody ever wants anything back have none.
//
// Those that are being evicted are not in it, nor those whose minimum runtime
// is not over: the engine's unripe list has them.
type roster struct {
	made  bool
	lists []rosterList
}

type rosterList struct {
	fr    int32 // in the forest's numbers
	order *btree.BTreeG[*workload]
}

// victimBefore is the order of victims in one queue: lower priority, later
// QuotaReserved, UID (semantics, section 5).
func victimBefore(a, b *workload) bool {
	if a.Priority != b.Priority {
		return a.Priority < b.Priority
	}
	if a.reservedAt != b.reservedAt {
		return a.reservedAt > b.reservedAt
	}
	return strings.Compare(a.UID, b.UID) < 0
}

// of is the list of those who use a flavor-resource, nil if there is none.
func (r *roster) of(fr int32) *btree.BTreeG[*workload] {
	for i := range r.lists {
		if r.lists[i].fr == fr {
			return r.lists[i].order
		}
	}
	return nil
}

// link adds a workload to those that are charged to its home.
func (w *workload) link() {
	w.prev, w.next = nil, w.home.charged
	if w.next != nil {
		w.next.prev = w
	}
	w.home.charged = w
}

// unlink undoes link.
func (w *workload) unlink() {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		w.home.charged = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// roster is the queue's roster, made if need be.
func (e *Engine) roster(q *clusterQueue) *roster {
	if !q.roster.made {
		q.roster.made = true
		for w := q.charged; w != nil; w = w.next {
			e.enlist(w)
		}
	}
	return &q.roster
}

// mayGoAt is when a workload that holds quota may be evicted at the earliest.
// The minimum runtime counts from when it was admitted: until then, nothing
// runs.
func (e *Engine) mayGoAt(w *workload) int64 {
	at := e.spared[w.UID]
	if least := max(w.runtime, w.home.spec.MinimumRuntime); least > 0 && w.admittedAt > 0 {
		at = max(at, w.admittedAt+1_000_000_000*least)
	}
	return at
}

// enlist puts a workload that is not gone into the roster of its home, if there
// is one, or lets it ripen first.
func (e *Engine) enlist(w *workload) {
	if w.gone() || w.listed || w.ripe != 0 || e.config.Preemption == nil {
		return
	}
	if at := e.mayGoAt(w); at > e.now {
		w.ripe = at
		e.unripe.Put(&w.Item, at)
		return
	}
	r := &w.home.roster
	if !r.made {
		return
	}
	w.listed = true
	for _, u := range w.charge {
		order := r.of(u.FR)
		if order == nil {
			order = btree.NewG(32, victimBefore)
			r.lists = append(r.lists, rosterList{fr: u.FR, order: order})
		}
		order.ReplaceOrInsert(w)
	}
}

// delist takes a workload out, before anything changes on which its place
// depends.
func (e *Engine) delist(w *workload) {
	if w.ripe != 0 {
		e.unripe.Drop(&w.Item, w.ripe)
		w.ripe = 0
	}
	if !w.listed {
		return
	}
	w.listed = false
	for _, u := range w.charge {
		w.home.roster.of(u.FR).Delete(w)
	}
}

// ripen lists those whose minimum runtime is over, and wakes their trees.
func (e *Engine) ripen() {
	var last *scope
	for i := e.unripe.Pop(e.now); i != nil; i = e.unripe.Pop(e.now) {
		w := i.Owner.(*workload)
		w.ripe = 0
		delete(e.spared, w.UID)
		e.enlist(w)
		if w.ripe == 0 && (w.home.scope != last || last == nil) {
			e.wakeTree(w.home)
			last = w.home.scope
		}
	}
}
