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

// remakeRoster lets go of a roster whose order or members are to change.
func (e *Engine) remakeRoster(q *clusterQueue) {
	if !q.roster.made {
		return
	}
	for w := q.charged; w != nil; w = w.next {
		e.delist(w)
	}
	q.roster = roster{}
	e.roster(q)
}

// ripe is when a workload that holds quota may be evicted at the earliest.
func (e *Engine) ripe(w *workload) int64 {
	return max(w.reservedAt+1_000_000_000*max(w.runtime, w.home.spec.MinimumRuntime), e.spared[w.UID])
}

// enlist puts a workload into the roster of its home, if there is one and it is
// a candidate.
func (e *Engine) enlist(w *workload) {
	r := &w.home.roster
	if !r.made || w.gone() || w.listed {
		return
	}
	if at := e.ripe(w); at > e.now {
		w.ripe = at
		e.unripe.Put(&w.Item, at)
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

// ripen lists those whose minimum runtime is over, and wakes whoever may want
// their quota.
func (e *Engine) ripen() {
	for i := e.unripe.Pop(e.now); i != nil; i = e.unripe.Pop(e.now) {
		w := i.Owner.(*workload)
		w.ripe = 0
		e.enlist(w)
		if w.ripe != 0 {
			continue
		}
		delete(e.spared, w.UID)
		if s := w.home.scope; s != nil && !s.tree.Stale() {
			e.wakePreemptors(s, w.charge)
		}
	}
}
