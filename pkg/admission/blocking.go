package admission

import (
	"cmp"
	"fmt"
)

// Under Config.BlockAdmission one workload is admitted at a time in all trees
// together: the next when nothing that holds quota lacks pods. (Kueue's
// waitForPodsReady.blockAdmission; semantics, section 4.)
//
//	passes: pass over each dirty tree ──> stops where a workload would be admitted
//	             ^                             │ of the trees' winners the first by
//	             │ that tree again             v priority, queue time, UID
//	             └──────────────────── admit it, if nobody lacks pods; else they wait
//
// A pass may stop there since nothing it has done so far depends on what comes:
// it has parked what does not fit and taken quota back. What is left stands down
// and is stored anew.

// passes runs a pass over each tree that has something to do, in the order of
// their roots' names.
func (e *Engine) passes() {
	for {
		sortScopes(e.dirty)
		for _, s := range e.dirty {
			if s.tree.Cycle == "" {
				e.pass(s)
			}
			s.dirty = false
			if s.ahead != nil && !s.blocked {
				s.blocked = true
				e.blocked = append(e.blocked, s)
			}
		}
		e.dirty = e.dirty[:0]
		e.settle()
		if len(e.blocked) == 0 || !e.admitFirst() {
			break
		}
	}
	e.standDown()
}

// admitFirst admits the first of the trees' winners, and says whether it did.
func (e *Engine) admitFirst() bool {
	var first *scope
	for _, s := range e.blocked {
		if s.ahead != nil && !s.tree.Stale() && (first == nil || before(s.ahead, first.ahead)) {
			first = s
		}
	}
	if first == nil || e.unready > 0 {
		return false
	}
	e.act(first.ahead)
	first.standDown()
	e.markDirty(first)
	return true
}

// before says whether a queue's representative goes before that of a queue in
// another tree.
func before(a, b *clusterQueue) bool {
	x, y := a.pass.item, b.pass.item
	if x.Priority != y.Priority {
		return x.Priority > y.Priority
	}
	if c := cmp.Compare(x.Time, y.Time); c != 0 {
		return c < 0
	}
	return x.UID < y.UID
}

// standDown tells the winners that were not admitted why, and leaves no
// representative stored.
func (e *Engine) standDown() {
	sortScopes(e.blocked)
	kept := e.blocked[:0]
	for _, s := range e.blocked {
		if s.tree.Stale() {
			continue
		}
		if s.ahead != nil {
			i := s.ahead.pass.item
			if i.Class().TellAlone(i, waitingForPodsReady) {
				e.out = append(e.out, Wait{UID: i.UID, Reason: WaitingForPodsReady, Why: Say(fmt.Sprintf(
					"it fits, but workloads are admitted one at a time, and the pods of %d are not ready yet", e.unready))})
			}
			s.standDown()
		}
		kept = append(kept, s)
	}
	clear(e.blocked[len(kept):])
	e.blocked = kept
}

func (s *scope) standDown() {
	s.ahead = nil
	s.tournament.Clear()
	s.acted = s.acted[:0]
	for _, q := range s.byName {
		if q.pass.item != nil {
			q.pass.item = nil
			s.invalidate(q)
		}
		q.pass.acted = false
	}
}

// lacksPods notes whether a workload that holds quota has not all its pods
// ready. When the last has, whoever waited for that is tried again.
func (e *Engine) lacksPods(w *workload, lacks bool) {
	if !e.config.BlockAdmission || w.unready == lacks {
		return
	}
	w.unready = lacks
	if lacks {
		e.unready++
		return
	}
	if e.unready--; e.unready > 0 {
		return
	}
	for _, s := range e.blocked {
		s.blocked = false
		if !s.tree.Stale() {
			e.markDirty(s)
		}
	}
	e.blocked = e.blocked[:0]
}
